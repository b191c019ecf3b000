package restore

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/dump/load"
	"recoverbot/runbook/fleet"
)

// held is a loaded scratch schema. It lasts until somebody commits or rolls back.
type held struct {
	r      *restore
	plan   runbook.Plan
	e      effect
	h      fleet.Host
	d      fleet.Database
	job    runbook.Job
	report load.Report
}

var heldColumns = []string{"table", "rows", "newest created_at"}

// Before is what is live now.
func (k *held) Before() runbook.Table {
	t := runbook.Table{Name: k.e.Schema, Columns: heldColumns, Words: true}
	for _, x := range k.report.Tables {
		if x.LiveRows >= 0 {
			t.Rows = append(t.Rows, []string{x.Name, strconv.FormatInt(x.LiveRows, 10), x.LiveNewest})
		} else {
			t.Rows = append(t.Rows, []string{x.Name, "-", ""})
		}
		t.Marks = append(t.Marks, mark(x))
	}
	extra := slices.Sorted(slices.Values(k.report.Extra))
	for _, x := range extra {
		t.Rows = append(t.Rows, []string{x, "stays", ""})
		t.Marks = append(t.Marks, "")
	}
	t.Count = len(t.Rows)
	return t
}

func mark(x load.TableReport) string {
	if x.LiveRows != x.Rows || x.LiveNewest != x.Newest {
		return "changed"
	}
	return ""
}

// After is what was loaded, and what people should know of it.
func (k *held) After() runbook.Table {
	t := runbook.Table{Name: k.e.Name, Columns: heldColumns, Words: true}
	add := func(mark string, cells ...string) {
		t.Rows = append(t.Rows, cells)
		t.Marks = append(t.Marks, mark)
	}
	for _, x := range k.report.Tables {
		add(mark(x), x.Name, strconv.FormatInt(x.Rows, 10), x.Newest)
	}
	for _, o := range k.report.Summary.Objects {
		add("", o.Kind+" "+o.Name, "", "")
	}
	for _, o := range k.report.Definers {
		add("bad", o.Kind+" "+o.Name, "no account "+o.Definer, "")
	}
	for _, l := range k.report.Summary.Left {
		add("", "left out: "+l, "", "")
	}
	t.Count = len(t.Rows)
	return t
}

// Notes says what was lost, as far as the black box knows.
func (k *held) Notes() []runbook.Msg {
	if b, ok := k.r.boxed(k.d.Name); ok {
		return b.lost(k.e, k.report)
	}
	return nil
}

// Deadline is 0: the hold is durable.
func (k *held) Deadline() float64 { return 0 }

// Lost never delivers: a schema does not go away by itself, and Commit looks.
func (k *held) Lost() <-chan error { return nil }

// Rollback drops the scratch schema. The live schema has never changed.
func (k *held) Rollback(ctx context.Context) error {
	at, _, err := k.r.settle(ctx, k.h, k.d, k.e, k.job)
	if err != nil {
		return err
	}
	if at == stageSwapped {
		return runbook.Errorf(runbook.Conflicting, "restore.already_swapped", "database", k.e.Schema)
	}
	if err := k.r.dropScratch(ctx, k.h, k.d, k.e); err != nil {
		return err
	}
	if c, err := k.r.env.Connect(ctx, k.h, k.plan.Effect.Identity); err == nil {
		remove(ctx, c, k.r.streamedFile(k.h, k.job))
	}
	return nil
}

// Commit swaps the loaded tables in.
func (k *held) Commit(ctx context.Context) (runbook.Result, error) {
	s, err := k.r.swap(ctx, k)
	if err != nil {
		return runbook.Result{}, err
	}
	if !s.failed.IsZero() {
		return runbook.Result{Outcome: runbook.OutcomeFailed, Text: s.failed, Open: openObjects(s.notMade)}, nil
	}
	var rows int64
	newest := ""
	for _, t := range k.report.Tables {
		rows += t.Rows
		newest = max(newest, t.Newest)
	}
	res := runbook.Result{Outcome: runbook.OutcomeDone, Values: map[string]string{
		"bytes": strconv.FormatInt(k.e.Bytes, 10), "load_seconds": seconds(k.report.Seconds), "load_host": k.h.Name, "database": k.e.Database,
		"dump": k.e.Name, "dump_host": k.e.Source, "dump_sha256": k.e.SHA256, "rows": strconv.FormatInt(rows, 10), "old_schema": s.old, "tables": strconv.Itoa(len(k.report.Tables)),
	}}
	if !k.e.Start.IsZero() {
		res.Values["dump_time"] = k.e.Start.Format(time.RFC3339)
		if loss, known := k.r.loss(k.e.Start); known {
			res.Values["loss_seconds"] = strconv.FormatFloat(loss, 'f', 0, 64)
		}
	}
	res.Text = runbook.T("restore.done", "database", k.e.Schema, "host", k.h.Name, "seconds", k.report.Seconds,
		"tables", len(k.report.Tables), "rows", rows, "newest", newest, "old", s.old)
	if s.old != "" {
		res.Open = append(res.Open, runbook.OpenItem{Text: openOld(k.e, s.old, k.h.Name)})
	}
	for _, m := range k.Notes() {
		res.Open = append(res.Open, runbook.OpenItem{Text: m})
	}
	res.Open = append(res.Open, openObjects(s.notMade)...)
	for _, o := range k.report.Definers {
		res.Open = append(res.Open, runbook.OpenItem{Text: runbook.T("restore.open_definer", "kind", o.Kind, "name", o.Name, "definer", o.Definer)})
	}
	for _, o := range k.report.Summary.Objects {
		if o.Kind == "event" {
			res.Open = append(res.Open, runbook.OpenItem{Text: runbook.T("restore.open_event", "name", o.Name)})
		}
	}
	if len(k.report.Extra) > 0 {
		res.Open = append(res.Open, runbook.OpenItem{Text: runbook.T("restore.open_stay", "tables", join(slices.Sorted(slices.Values(k.report.Extra))))})
	}
	return res, nil
}

// oldName names the n-th choice of a schema for the data that was live.
func oldName(schema, why string, now time.Time, n int) string {
	name := clip(schema) + "_" + why + "_" + now.UTC().Format("01021504")
	if n > 0 {
		name += "_" + strconv.Itoa(n+1)
	}
	return strings.ToLower(name)
}
