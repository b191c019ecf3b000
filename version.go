package main

import (
	_ "embed"
	"fmt"

	"github.com/spf13/cobra"
)

// version is set by the linker.
var version = "dev"

// notices go wherever the binary goes: the licences of what is linked in ask for that.
//
//go:embed THIRD_PARTY_NOTICES
var notices string

func versionCommand() *cobra.Command {
	var licences bool
	cmd := &cobra.Command{
		Use: "version", Short: "Print the version", Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			text := "recoverbot " + version + "\n"
			if licences {
				text = notices
			}
			_, err := fmt.Fprint(cmd.OutOrStdout(), text)
			return err
		},
	}
	cmd.Flags().BoolVar(&licences, "licences", false, "print the licences of what is linked in")
	return cmd
}
