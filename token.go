package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/spf13/cobra"

	"recoverbot/locale"
)

func tokenCommand() *cobra.Command {
	return &cobra.Command{
		Use: "token NAME", Short: "Make a console token for a person of fleet.yaml", Args: arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			set, err := loadSettings(cmd)
			if err != nil {
				return err
			}
			bundle, err := locale.Load()
			if err != nil {
				return err
			}
			say := bundle.Printer(set.Language, set.zone)
			if f, err := set.openFleet(); err == nil { // the token is as good without a fleet.yaml
				if _, ok := f.Config().Person(args[0]); !ok {
					fmt.Fprintln(cmd.ErrOrStderr(), say.T("cli.warning", "text", say.T("cli.token_stranger", "name", args[0])))
				}
				_ = f.Close() // it has connected to nothing
			}
			token := newToken()
			sum := sha256.Sum256([]byte(token))
			fmt.Fprintln(cmd.OutOrStdout(), say.T("cli.token",
				"name", args[0], "token", token, "hash", "sha256:"+hex.EncodeToString(sum[:])))
			return nil
		},
	}
}
