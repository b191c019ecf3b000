package main

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"recoverbot/locale"
	"recoverbot/runbook"
)

// arguments takes from least to most arguments; most < 0 is any number.
func arguments(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case most >= 0 && len(args) > most:
			return misused(cmd, "cli.arguments", "use", use(cmd), "extra", strings.Join(args[most:], " "))
		case len(args) < least:
			return misused(cmd, "cli.arguments", "use", use(cmd))
		}
		return nil
	}
}

// use is how a command is written: those above it, its own name, its arguments.
func use(cmd *cobra.Command) string {
	name, rest, _ := strings.Cut(cmd.Use, " ")
	return strings.TrimSpace(strings.TrimSuffix(cmd.CommandPath(), name) + name + " " + rest)
}

// group makes a command that only has others below it: alone it shows what they are.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		var known []string
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				known = append(known, c.Name())
			}
		}
		slices.Sort(known)
		return misused(cmd, "cli.unknown_command", "name", args[0], "near", runbook.Nearest(args[0], known), "known", strings.Join(known, ", "))
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	return cmd
}

// badOption says in the settings' language what is wrong with an option.
func badOption(cmd *cobra.Command, err error) error {
	var none *pflag.NotExistError
	var empty *pflag.ValueRequiredError
	var bad *pflag.InvalidValueError
	var syntax *pflag.InvalidSyntaxError
	dashed := func(name, short string) string {
		if short != "" {
			return "-" + name
		}
		return "--" + name
	}
	switch path := cmd.CommandPath(); {
	case errors.As(err, &none):
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		return misused(cmd, "cli.unknown_option", "name", dashed(none.GetSpecifiedName(), none.GetSpecifiedShortnames()),
			"near", runbook.Nearest(none.GetSpecifiedName(), known), "command", path)
	case errors.As(err, &empty):
		return misused(cmd, "cli.option_value", "name", dashed(empty.GetSpecifiedName(), empty.GetSpecifiedShortnames()), "command", path)
	case errors.As(err, &bad):
		return misused(cmd, "cli.option_bad", "name", bad.GetFlag().Name, "value", bad.GetValue(), "command", path)
	case errors.As(err, &syntax):
		return misused(cmd, "cli.option_syntax", "text", syntax.GetSpecifiedFlag(), "command", path)
	}
	return err
}

// misused says something in the settings' language; in English where they cannot be read.
func misused(cmd *cobra.Command, id string, pairs ...any) error {
	set, err := loadSettings(cmd)
	if err != nil {
		set.Language, set.zone = "en", time.Local
	}
	bundle, err := locale.Load()
	if err != nil {
		return err
	}
	return usageError{set.localised(bundle, runbook.Errorf(runbook.Invalid, id, pairs...))}
}
