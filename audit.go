package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"recoverbot/locale"
	"recoverbot/runbook"
	"recoverbot/runbook/journal"
)

// The exit statuses of audit verify besides 0 (whole) and 2 (misused).
const (
	auditBroken     = 1 // something was changed
	auditImpossible = 3 // nothing can be said: no journal, not readable, damaged
)

func auditCommand() *cobra.Command {
	audit := group(&cobra.Command{Use: "audit", Short: "Check or export the journal's chain of events"})
	audit.AddCommand(auditVerifyCommand(), auditExportCommand())
	return audit
}

func auditVerifyCommand() *cobra.Command {
	var head string
	verify := &cobra.Command{
		Use: "verify", Short: "Find any edit, removal, cut or reordering of what the journal holds", Args: arguments(0, 0),
		Long: "Find any edit, removal, cut or reordering of the journal's events, and of the runs, steps, decisions and alerts that they tell of. " +
			"The exit status is 0 where the journal is whole, 1 where it was changed, 2 where the command is wrong, 3 where nothing can be said (no journal, damaged, not readable).",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return auditing(cmd, func(ctx context.Context, j *journal.Journal, say *locale.Printer, _ settings) error {
				if cmd.Flags().Changed("head") && head == "" {
					return runbook.Errorf(runbook.Invalid, "audit.head_form")
				}
				chain, err := j.Verify(ctx, head)
				if err != nil {
					return err
				}
				out := cmd.OutOrStdout()
				if chain.Events == 0 {
					return runbook.Errorf(runbook.NotFound, "audit.empty")
				}
				fmt.Fprintln(out, say.T("audit.ok", "events", chain.Events))
				fmt.Fprintln(out, say.T("audit.span", "first", chain.First, "last", chain.Last))
				fmt.Fprintln(out, say.T("audit.head", "head", chain.Head))
				if chain.At > 0 {
					fmt.Fprintln(out, say.T("audit.at", "event", chain.At, "events", chain.Events))
				} else {
					fmt.Fprintln(out, say.T("audit.no_head"))
				}
				return nil
			})
		},
	}
	verify.Flags().StringVar(&head, "head", "", "the hash of a closing message, or at least its first 16 digits: the journal must still contain it")
	return verify
}

func auditExportCommand() *cobra.Command {
	var what journal.Selection
	var since string
	export := &cobra.Command{
		Use: "export", Short: "Write the journal's events as JSON lines that anybody can verify", Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return auditing(cmd, func(ctx context.Context, j *journal.Journal, _ *locale.Printer, set settings) error {
				var err error
				if what.Since, err = instantOf(since, set.zone); err != nil {
					return err
				}
				return j.Export(ctx, cmd.OutOrStdout(), what)
			})
		},
	}
	export.Flags().StringVar(&what.Run, "run", "", "only the events of this run")
	export.Flags().StringVar(&since, "since", "", "only events from this day or time on: 2026-11-23, 2026-11-23T03:12:00Z")
	export.Flags().Int64Var(&what.From, "from", 0, "only events from this number on")
	return export
}

// instantOf reads a time, or a day, which begins in zone.
func instantOf(text string, zone *time.Location) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	at, err := time.ParseInLocation(time.DateOnly, text, zone)
	if err != nil {
		return time.Time{}, runbook.Errorf(runbook.Invalid, "audit.bad_since", "text", text)
	}
	return at, nil
}

// auditing is withJournal with the exit statuses of audit, and with the cause of what cannot be read: whoever audits is
// at the machine.
func auditing(cmd *cobra.Command, use func(context.Context, *journal.Journal, *locale.Printer, settings) error) error {
	set, err := loadSettings(cmd)
	if err != nil {
		return err
	}
	bundle, err := locale.Load()
	if err != nil {
		return err
	}
	err = readJournal(cmd.Context(), set, bundle, func(ctx context.Context, j *journal.Journal, say *locale.Printer) error {
		return use(ctx, j, say, set)
	})
	if err == nil {
		return nil
	}
	text := set.localised(bundle, err).Error()
	var e *runbook.Error
	if errors.As(err, &e) && e.Msg.ID == "journal.unavailable" && e.Err != nil {
		text = bundle.Printer(set.Language, set.zone).T("audit.unreadable", "path", set.DatabaseURL, "why", e.Err.Error())
	}
	switch runbook.CodeOf(err) {
	case runbook.Conflicting:
		return statusError{errors.New(text), auditBroken}
	case runbook.Invalid:
		if e.Msg.ID != "audit.no_journal" {
			return usageError{errors.New(text)}
		}
	}
	return statusError{errors.New(text), auditImpossible}
}
