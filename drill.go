package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"recoverbot/drill"
	"recoverbot/locale"
)

func drillCommand() *cobra.Command {
	var o drill.Options
	var people []string
	cmd := &cobra.Command{
		Use: "drill [SCENARIO…]", Short: "Build a miniature company of real servers on loopback, break it, recover it",
		Long: "With scenarios (" + strings.Join(drill.Scenarios(), ", ") + ") the company is broken and recovered, one after the other,\n" +
			"and the exit status is 0 only when service is really back. Without one everything keeps running until Ctrl-C, to play with.",
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			set, err := loadSettings(cmd)
			if err != nil {
				return err
			}
			bundle, err := locale.Load()
			if err != nil {
				return err
			}
			if err := drillPeople(set, people, &o); err != nil {
				return set.localised(bundle, err)
			}
			o.Scenarios = args
			tty := term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd()))
			o.Auto = o.Auto || !tty
			o.Language, o.Printer = set.Language, bundle.Printer(set.Language, set.zone)
			o.Stdin, o.Stdout = os.Stdin, os.Stdout
			return drill.Run(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.Dir, "dir", "", "where to build the company (default: a temporary directory)")
	cmd.Flags().StringVar(&o.HTTP, "http", "", "address of the console (default: 127.0.0.1:8080 or the next free port)")
	cmd.Flags().BoolVar(&o.Auto, "auto", false, "approve everything as the drill's operator, also at a terminal")
	cmd.Flags().BoolVar(&o.Lost, "lost", false, "leave no complete dump anywhere: with total, which must say so and change nothing")
	cmd.Flags().IntVar(&o.Chain, "chain", 1, "play the scenarios so many times in the same company")
	cmd.Flags().StringVar(&o.How, "how", "kill", "how machines break: kill, freeze or partial")
	cmd.Flags().StringArrayVar(&people, "person", nil, "NAME=slack:ID or NAME=telegram:ID: NAME (operator, colleague or a new one) takes part from that chat, by the settings' keys of it")
	cmd.AddCommand(drillCallCommand("break"), drillCallCommand("heal"))
	return cmd
}

// drillCallCommand breaks or heals a host of a drill that runs elsewhere.
func drillCallCommand(verb string) *cobra.Command {
	var dir, how string
	short := map[string]string{"break": "Break a host of a running drill", "heal": "Heal a host of a running drill"}
	cmd := &cobra.Command{
		Use: verb + " HOST", Short: short[verb], Args: arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if dir == "" {
				return misused(cmd, "cli.option_missing", "name", "dir", "command", cmd.CommandPath())
			}
			words := []string{verb, args[0]}
			if verb == "break" {
				words = append(words, "--how", how)
			}
			return drill.Send(dir, words, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "directory of the drill")
	if verb == "break" {
		cmd.Flags().StringVar(&how, "how", "kill", "kill, freeze or partial")
	}
	return cmd
}
