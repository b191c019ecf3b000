package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"recoverbot/handlers"
	"recoverbot/locale"
	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/action/builtin"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/probe"
	"recoverbot/runbook/scenario"
)

func checkCommand() *cobra.Command {
	var connect bool
	cmd := &cobra.Command{
		Use: "check", Short: "Validate settings, fleet.yaml and scenarios, and ask Slack and Telegram where they are used; with --connect also reach every machine", Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			set, err := loadSettings(cmd)
			if err != nil {
				return err
			}
			return runCheck(cmd, set, connect)
		},
	}
	cmd.Flags().BoolVar(&connect, "connect", false, "log in to every machine and ask it how it is (changes nothing)")
	return cmd
}

func runCheck(cmd *cobra.Command, set settings, connect bool) error {
	out := cmd.OutOrStdout()
	bundle, err := locale.Load()
	if err != nil {
		return err
	}
	say := bundle.Printer(set.Language, set.zone)
	f, err := set.openFleet()
	if err != nil {
		return set.localised(bundle, err)
	}
	defer f.Close()
	box, err := set.openBlackBox(f)
	if err != nil {
		return set.localised(bundle, err)
	}
	actions, err := action.NewBuilder(f, builtin.Kinds(), box, time.Now)
	if err != nil {
		return err
	}
	library, err := scenario.Read(set.RunbookDir, actions)
	if err != nil {
		return set.localised(bundle, err)
	}
	scenarios := library.Set
	boxWarnings, boxState := blackBoxWarnings(f, box)
	for _, w := range slices.Concat(set.warnings(f.Config(), scenarios), boxWarnings, scenarioWarnings(f.Config(), library)) {
		fmt.Fprintln(out, say.T("cli.warning", "text", checked(w)))
	}
	for _, r := range library.Replaced {
		fmt.Fprintln(out, say.T("cli.replaces", "file", r.File, "name", r.Name))
	}
	fmt.Fprintln(out, say.T("cli.check_ok", "fleet", set.FleetFile, "hosts", len(f.Config().Hosts), "scenarios", len(scenarios)))
	there := "cli.journal"
	if info, err := os.Stat(journalPath(set.DatabaseURL)); err != nil || info.Size() == 0 {
		there = "cli.journal_none"
	}
	fmt.Fprintln(out, say.T(there, "path", journalPath(set.DatabaseURL)))
	if two := dangerousSteps(f.Config(), scenarios); !two.IsZero() {
		fmt.Fprintln(out, say.Say(two))
	}
	if boxState.ID != "" {
		fmt.Fprintln(out, say.Say(boxState))
	}
	bad := 0
	if !set.checkSlack(cmd.Context(), f.Config(), bundle, out) {
		bad++
	}
	if !set.checkTelegram(cmd.Context(), f.Config(), bundle, out, connect) {
		bad++
	}
	if connect {
		bad += checkHosts(cmd.Context(), f, say, out)
	}
	if bad > 0 {
		return quietError(1)
	}
	return nil
}

// checkHosts asks every machine how it is, and counts what is wrong.
func checkHosts(ctx context.Context, f *fleet.Fleet, say *locale.Printer, out io.Writer) int {
	bad := 0
	for _, r := range probe.Diagnose(ctx, f) {
		fmt.Fprintln(out, say.T("cli.host", "host", r.Host.Name, "level", runbook.T("level."+string(r.Level))))
		for _, x := range r.Findings {
			if !x.Up || r.Level == probe.Returned {
				bad++
				fmt.Fprintln(out, "  "+say.Say(x.Text))
			}
		}
	}
	return bad
}

// warnings are what is allowed but probably not meant.
func (s settings) warnings(cfg *fleet.Config, scenarios scenario.Set) []runbook.Msg {
	out := append(cfg.Warnings(), s.unread(cfg)...)
	out = append(out, s.slackWarnings(cfg)...)
	out = append(out, s.telegramWarnings(cfg)...)
	out = append(out, watchWarnings(cfg, scenarios)...)
	out = append(out, dnsViaWarnings(cfg, scenarios)...)
	out = append(out, policyWarnings(cfg, scenarios)...)
	out = append(out, handlers.AlertWarnings(cfg, scenarios)...)
	switch token, rules := s.AlertToken.Reveal() != "", len(cfg.Alerts.Rules) > 0; {
	case token && !rules:
		out = append(out, runbook.T("alert.no_rules"))
	case rules && !token:
		out = append(out, runbook.T("alert.no_token"))
	}
	return out
}

// localised renders an error that has a message for people in the settings' language; others pass as they are.
func (s settings) localised(b *locale.Bundle, err error) error {
	say := b.Printer(s.Language, s.zone)
	var many *fleet.ConfigError
	if errors.As(err, &many) {
		lines := make([]string, 0, len(many.Problems))
		for _, p := range many.Problems {
			lines = append(lines, say.Say(p.Text()))
		}
		return errors.New(strings.Join(lines, "\n"))
	}
	var scenarios *scenario.Problems
	if errors.As(err, &scenarios) {
		lines := make([]string, 0, len(scenarios.List))
		for _, p := range scenarios.List {
			lines = append(lines, say.Say(p.Text()))
		}
		return errors.New(strings.Join(lines, "\n"))
	}
	var one *runbook.Error
	if errors.As(err, &one) {
		return errors.New(say.Say(one.Msg))
	}
	return err
}
