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
		Use: "token NAME", Short: "Make a console token for a person of fleet.yaml", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			set, err := loadSettings(cmd)
			if err != nil {
				return err
			}
			bundle, err := locale.Load()
			if err != nil {
				return err
			}
			token := newToken()
			sum := sha256.Sum256([]byte(token))
			fmt.Fprintln(cmd.OutOrStdout(), bundle.Printer(set.Language, set.zone).T("cli.token",
				"name", args[0], "token", token, "hash", "sha256:"+hex.EncodeToString(sum[:])))
			return nil
		},
	}
}
