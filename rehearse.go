package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/journal"
)

// pastRuns is how many of the newest runs are looked through for what was measured.
const pastRuns = 60

func rehearseCommand() *cobra.Command {
	cmd := group(&cobra.Command{Use: "rehearse", Short: "Try out what a recovery would need, on the standby and beside all that is live"})
	var as, database string
	restore := &cobra.Command{
		Use: "restore", Short: "Load the newest dump for a try: can it be restored, and how long does that take", Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			set, err := loadSettings(cmd)
			if err != nil {
				return err
			}
			words := []string{"rehearse-restore"}
			if database != "" {
				words = append(words, "database="+database)
			}
			return runRecover(cmd, set, as, words)
		},
	}
	restore.Flags().StringVar(&as, "as", "", "who you are: a name under people in fleet.yaml (default: your user name, where it is one)")
	restore.Flags().StringVar(&database, "database", "", "a name under databases in fleet.yaml (default speed)")
	cmd.AddCommand(restore)
	return cmd
}

// past looks through a journal for loads of a database and for rehearsals that failed, the newest first.
func past(j *journal.Journal, log *slog.Logger) action.Past {
	return func(ctx context.Context, database string) ([]action.Measured, bool) {
		runs, err := j.Runs(ctx, pastRuns)
		if err != nil {
			log.Warn("look for earlier restores", "error", err)
			return nil, false
		}
		var out []action.Measured
		for _, x := range runs {
			if x.DryRun {
				continue
			}
			r, err := j.Run(ctx, x.ID)
			if err != nil {
				continue
			}
			for _, s := range slices.Backward(r.Steps) {
				if m, ok := loadOf(r, s, database); ok {
					out = append(out, m)
				}
			}
		}
		return out, true
	}
}

// loadOf is what a step of a run measured.
func loadOf(r runbook.Run, s runbook.StepRun, database string) (action.Measured, bool) {
	if s.Result == nil {
		return action.Measured{}, false
	}
	v := s.Result.Values
	m := action.Measured{At: s.ChangedAt, Rehearsal: v["rehearsed"] != "", Host: v["load_host"], File: v["dump"]}
	if v["rehearsed"] != database && v["database"] != database {
		return m, false
	}
	if m.Rehearsal && s.Result.Outcome == runbook.OutcomeFailed {
		m.Failed = s.Result.Text
		if text, err := json.Marshal(m.Failed.Args["why"]); err == nil { // a map, once it was in the journal
			var why runbook.Msg
			if json.Unmarshal(text, &why) == nil && why.ID != "" {
				m.Failed = why
			}
		}
		return m, true
	}
	m.Bytes, _ = strconv.ParseInt(v["bytes"], 10, 64)
	m.Seconds, _ = strconv.ParseFloat(v["load_seconds"], 64)
	return m, m.Bytes > 0 && m.Seconds > 0
}
