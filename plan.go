package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"recoverbot/handlers"
	"recoverbot/locale"
	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/action/builtin"
	"recoverbot/runbook/blackbox"
	"recoverbot/runbook/engine"
	"recoverbot/runbook/journal"
	"recoverbot/runbook/scenario"
)

func planCommand() *cobra.Command {
	var asShell bool
	cmd := &cobra.Command{
		Use: "plan SCENARIO [name=value …]", Short: "Print what every step of a scenario would do now; changes nothing",
		Args: arguments(0, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			set, err := loadSettings(cmd)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return listScenarios(cmd, set)
			}
			return runPlan(cmd, set, args[0], args[1:], asShell)
		},
	}
	cmd.Flags().BoolVar(&asShell, "as-shell", false, "print it as commands to paste into a shell, for when the bot itself is dead")
	return cmd
}

// listScenarios says what there is to plan.
func listScenarios(cmd *cobra.Command, set settings) error {
	bundle, err := locale.Load()
	if err != nil {
		return err
	}
	actions, err := action.NewBuilder(nil, builtin.Kinds(), (*blackbox.Store)(nil), time.Now)
	if err != nil {
		return err
	}
	scenarios, err := scenario.Load(set.RunbookDir, actions)
	if err != nil {
		return set.localised(bundle, err)
	}
	say := bundle.Printer(set.Language, set.zone)
	fmt.Fprintln(cmd.OutOrStdout(), say.T("cli.plan_which"))
	for _, name := range scenarios.Names() {
		words := []string{name}
		for _, p := range scenarios[name].Params {
			if p.Required {
				words = append(words, p.Name+"=…")
			}
		}
		fmt.Fprintf(cmd.OutOrStdout(), "  %-20s %s\n", strings.Join(words, " "), say.Text(scenarios[name].Title))
	}
	return nil
}

// runPlan runs a dry run over a journal of its own, so that it works beside a bot that is serving.
func runPlan(cmd *cobra.Command, set settings, name string, args []string, asShell bool) error {
	dir, err := os.MkdirTemp("", "recoverbot-plan-")
	if err != nil {
		return fmt.Errorf("make temporary directory: %w", err)
	}
	defer os.RemoveAll(dir)
	a, err := newApp(cmd.Context(), set, "sqlite://"+filepath.Join(dir, "journal.db"))
	if err != nil {
		return err
	}
	defer a.close()
	a.actions.SetPast(nil) // its own journal knows of nothing that was
	if before, err := journal.OpenReader(cmd.Context(), set.DatabaseURL, time.Now); err == nil {
		defer before.Close()
		a.actions.SetPast(past(before, a.log))
	}
	s, ok := a.scenarios[name]
	if !ok {
		return set.localised(a.bundle, runbook.Errorf(runbook.NotFound, "cli.no_scenario", "name", name,
			"near", runbook.Nearest(name, a.scenarios.Names()), "known", strings.Join(a.scenarios.Names(), ", ")))
	}
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- a.run(ctx) }()
	r, err := a.handlers.DryRun(ctx, s, args)
	if err == nil {
		r, err = a.ended(ctx, r.ID)
	}
	text := ""
	switch {
	case err != nil:
	case asShell:
		text = a.handlers.Paper(ctx, handlers.PaperRequest{Actions: a.actions, Run: r, Language: set.Language, Version: version})
		err = ctx.Err()
	default:
		text = a.handlers.Report(context.WithoutCancel(ctx), set.Language, r)
	}
	cancel()
	if stopped := <-done; err == nil {
		err = stopped
	}
	if err != nil {
		return set.localised(a.bundle, err)
	}
	fmt.Fprintln(cmd.OutOrStdout(), text)
	return nil
}

// ended waits until a run is no longer open.
func (a *app) ended(ctx context.Context, id string) (runbook.Run, error) {
	newest, stop := a.journal.Subscribe()
	defer stop()
	for {
		r, err := a.journal.Run(ctx, id)
		if err != nil || r.State != runbook.Open {
			return r, err
		}
		select {
		case <-ctx.Done():
			return r, ctx.Err()
		case <-newest:
		case <-time.After(time.Second):
		}
	}
}

var _ handlers.Engine = (*engine.Engine)(nil)
