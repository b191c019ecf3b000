package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"recoverbot/handlers"
	"recoverbot/locale"
	"recoverbot/runbook/journal"
)

// withJournal reads the journal, also beside a bot that is serving.
func withJournal(cmd *cobra.Command, use func(ctx context.Context, j *journal.Journal, say *locale.Printer) error) error {
	set, err := loadSettings(cmd)
	if err != nil {
		return err
	}
	bundle, err := locale.Load()
	if err != nil {
		return err
	}
	if err := readJournal(cmd.Context(), set, bundle, use); err != nil {
		return set.localised(bundle, err)
	}
	return nil
}

func readJournal(ctx context.Context, set settings, bundle *locale.Bundle, use func(context.Context, *journal.Journal, *locale.Printer) error) error {
	j, err := journal.OpenReader(ctx, set.DatabaseURL, time.Now)
	if err != nil {
		return err
	}
	defer j.Close()
	return use(ctx, j, bundle.Printer(set.Language, set.zone))
}

func runsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "runs", Short: "List the newest runs", Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withJournal(cmd, func(ctx context.Context, j *journal.Journal, say *locale.Printer) error {
				runs, err := j.Runs(ctx, 50)
				if err != nil {
					return err
				}
				if len(runs) == 0 {
					fmt.Fprintln(cmd.OutOrStdout(), say.T("cmd.no_history"))
				}
				for _, r := range runs {
					fmt.Fprintln(cmd.OutOrStdout(), handlers.HistoryLine(say, r))
				}
				return nil
			})
		},
	}
}

func reportCommand() *cobra.Command {
	return &cobra.Command{
		Use: "report RUN", Short: "Print a run: every step, what it did, who decided", Args: arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withJournal(cmd, func(ctx context.Context, j *journal.Journal, say *locale.Printer) error {
				r, err := j.Run(ctx, args[0])
				if err != nil {
					return err
				}
				head, err := j.Head(ctx, r.ID)
				if err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), handlers.PlainRun(say, r, time.Now(), head))
				return nil
			})
		},
	}
}
