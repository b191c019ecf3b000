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
	j, err := journal.OpenReader(cmd.Context(), set.DatabaseURL, time.Now)
	if err != nil {
		return set.localised(bundle, err)
	}
	defer j.Close()
	if err := use(cmd.Context(), j, bundle.Printer(set.Language, set.zone)); err != nil {
		return set.localised(bundle, err)
	}
	return nil
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
				head, err := j.Head(ctx)
				if err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), handlers.PlainRun(say, r, time.Now(), head))
				return nil
			})
		},
	}
}

func auditCommand() *cobra.Command {
	audit := group(&cobra.Command{Use: "audit", Short: "Check the journal's chain of hashes"})
	var head string
	verify := &cobra.Command{
		Use: "verify", Short: "Find any edit, removal, cut or reordering of the journal's events", Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withJournal(cmd, func(ctx context.Context, j *journal.Journal, say *locale.Printer) error {
				n, err := j.Verify(ctx, head)
				if err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), say.T("cli.audit_ok", "events", n))
				return nil
			})
		},
	}
	verify.Flags().StringVar(&head, "head", "", "the head hash that a closing message carried: the journal must still contain it")
	audit.AddCommand(verify)
	return audit
}
