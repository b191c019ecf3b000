package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"recoverbot/locale"
	"recoverbot/runbook"
	"recoverbot/runbook/blackbox"
	"recoverbot/runbook/fleet"
)

func blackBoxCommand() *cobra.Command {
	box := &cobra.Command{
		Use: "blackbox", Short: "Look into the daily copies of configuration and table definitions, or take one now",
		Long: "Once a day the bot copies, read-only, the small things that die with a machine: configuration of services, nginx files,\n" +
			"the backup script, crontabs, definitions and row counts of tables, the domain list. They are encrypted beside the journal.",
	}
	var at string
	show := &cobra.Command{
		Use: "show HOST", Short: "Show what is held of a machine: files with sizes, tables with rows", Args: arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withBlackBox(cmd, func(x boxCall) error { return showBox(x, args[0], at) })
		},
	}
	get := &cobra.Command{
		Use: "get HOST PATH", Short: "Write a held file to standard output; PATH crontab is the crontab, DATABASE.TABLE a definition", Args: arguments(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withBlackBox(cmd, func(x boxCall) error { return getFromBox(x, args[0], args[1], at) })
		},
	}
	for _, c := range []*cobra.Command{show, get} {
		c.Flags().StringVar(&at, "at", "", `as it was then: "2026-11-23", "2026-11-23 04:30" (default: the newest)`)
	}
	box.AddCommand(
		&cobra.Command{
			Use: "take", Short: "Copy everything now (also during a run), and say what could not be read", Args: arguments(0, 0),
			RunE: func(cmd *cobra.Command, _ []string) error { return withBlackBox(cmd, takeBox) },
		},
		&cobra.Command{
			Use: "list", Short: "List the copies: when, how large, of which machines, with which problems", Args: arguments(0, 0),
			RunE: func(cmd *cobra.Command, _ []string) error { return withBlackBox(cmd, listBoxes) },
		},
		show, get,
	)
	return group(box)
}

// boxCall is what a subcommand works with.
type boxCall struct {
	ctx   context.Context
	set   settings
	fleet *fleet.Fleet
	box   *blackbox.Store
	say   *locale.Printer
	out   io.Writer
}

func withBlackBox(cmd *cobra.Command, use func(boxCall) error) error {
	set, err := loadSettings(cmd)
	if err != nil {
		return err
	}
	bundle, err := locale.Load()
	if err != nil {
		return err
	}
	f, err := set.openFleet()
	if err != nil {
		return set.localised(bundle, err)
	}
	defer f.Close()
	box, err := set.openBlackBox(f)
	if err == nil {
		err = use(boxCall{cmd.Context(), set, f, box, bundle.Printer(set.Language, set.zone), cmd.OutOrStdout()})
	}
	if err != nil {
		return set.localised(bundle, err)
	}
	return nil
}

func takeBox(x boxCall) error {
	if err := os.MkdirAll(filepath.Dir(journalPath(x.set.DatabaseURL)), 0o700); err != nil {
		return fmt.Errorf("make directory of the journal: %w", err)
	}
	k := x.set.keeper(x.fleet, x.box)
	k.Log = slog.New(slog.DiscardHandler) // what it says is printed below
	s, err := k.Take(x.ctx)
	for _, p := range s.AllProblems() {
		fmt.Fprintln(x.out, x.say.T("cli.warning", "text", p))
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(x.out, x.say.T("blackbox.taken", "hosts", len(s.Hosts), "files", s.Files(), "tables", s.Tables()))
	return nil
}

func listBoxes(x boxCall) error {
	taken, err := x.box.List()
	if err != nil {
		return err
	}
	if len(taken) == 0 {
		fmt.Fprintln(x.out, x.say.T("blackbox.empty"))
	}
	for _, t := range taken {
		if t.Err != nil {
			fmt.Fprintln(x.out, x.say.T("cli.warning", "text", said(t.Err)))
			continue
		}
		fmt.Fprintln(x.out, x.say.T("blackbox.line", "at", t.At, "bytes", t.Size, "hosts", strings.Join(t.Names(), ", "), "problems", len(t.AllProblems())))
		for _, p := range t.AllProblems() {
			fmt.Fprintln(x.out, "  "+x.say.Say(p))
		}
	}
	return nil
}

// held finds what the black box has of a host, or had at a time.
func (x boxCall) held(host, at string) (*blackbox.Host, error) {
	until, err := x.until(at)
	if err != nil {
		return nil, err
	}
	if h, ok := x.box.Until(until, host); ok {
		return h, nil
	}
	if !until.IsZero() {
		return nil, runbook.Errorf(runbook.NotFound, "blackbox.not_then", "host", host, "at", until)
	}
	taken, err := x.box.List()
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, t := range taken {
		for name := range t.Hosts {
			known[name] = true
		}
	}
	names := slices.Sorted(maps.Keys(known))
	if len(names) == 0 {
		return nil, runbook.Errorf(runbook.NotFound, "blackbox.holds_nothing")
	}
	return nil, runbook.Errorf(runbook.NotFound, "blackbox.no_host", "host", host, "known", strings.Join(names, ", "))
}

// until is the end of the second, minute or day that a person means.
func (x boxCall) until(at string) (time.Time, error) {
	for layout, span := range map[string]time.Duration{time.DateTime: time.Second, "2006-01-02 15:04": time.Minute, time.DateOnly: 24 * time.Hour} {
		if t, err := time.ParseInLocation(layout, at, x.set.zone); err == nil {
			return t.Add(span - time.Second), nil
		}
	}
	if at != "" {
		return time.Time{}, runbook.Errorf(runbook.Invalid, "blackbox.bad_at", "text", at)
	}
	return time.Time{}, nil
}

func showBox(x boxCall, host, at string) error {
	h, err := x.held(host, at)
	if err != nil {
		return err
	}
	fmt.Fprintln(x.out, x.say.T("blackbox.host", "host", host, "at", h.At))
	for _, f := range h.Files {
		fmt.Fprintf(x.out, "  %8s  %04o  %s%s\n", locale.Bytes(int64(len(f.Content))), f.Mode, f.Path, x.older(f.At, h.At))
	}
	if h.Crontab != "" {
		fmt.Fprintf(x.out, "  %8s        crontab\n", locale.Bytes(int64(len(h.Crontab))))
	}
	for _, name := range slices.Sorted(maps.Keys(h.Databases)) {
		d := h.Databases[name]
		fmt.Fprintln(x.out, x.say.T("blackbox.database", "database", name, "tables", len(d.Tables), "views", len(d.Views), "domains", max(0, len(d.Domain)-1))+x.older(d.At, h.At))
		for _, t := range d.Tables {
			about, newest := "≈", ""
			if t.Exact {
				about = ""
			}
			if !t.Newest.IsZero() {
				newest = x.say.T("blackbox.newest", "at", t.Newest)
			}
			fmt.Fprintf(x.out, "  %12s  %s  %s\n", fmt.Sprint(about, t.Rows), t.Name, newest)
		}
		for _, t := range d.Views {
			fmt.Fprintf(x.out, "  %12s  %s\n", "view", t.Name)
		}
	}
	for _, p := range h.Problems {
		fmt.Fprintln(x.out, x.say.T("cli.warning", "text", p))
	}
	return nil
}

// older marks what is from an earlier copy than the rest.
func (x boxCall) older(at, host time.Time) string {
	if host.Sub(at) < time.Hour {
		return ""
	}
	return "  " + x.say.T("blackbox.older", "at", at)
}

func getFromBox(x boxCall, host, name, at string) error {
	h, err := x.held(host, at)
	if err != nil {
		return err
	}
	if name == "crontab" {
		fmt.Fprint(x.out, h.Crontab)
		return nil
	}
	paths := []string{path.Clean(name)}
	if m, ok := x.fleet.Config().Host(host); ok {
		paths = append(paths, m.Path(name)) // as the machine itself calls it
	}
	for _, f := range h.Files {
		if slices.Contains(paths, f.Path) {
			_, err := x.out.Write(f.Content)
			return err
		}
	}
	if database, table, ok := strings.Cut(name, "."); ok && h.Databases[database] != nil {
		for _, t := range slices.Concat(h.Databases[database].Tables, h.Databases[database].Views) {
			if t.Name == table && t.Create != "" {
				fmt.Fprintln(x.out, t.Create+";")
				return nil
			}
		}
	}
	return runbook.Errorf(runbook.NotFound, "blackbox.no_file", "host", host, "path", name)
}

// said is what may be shown of an error.
func said(err error) runbook.Msg {
	var e *runbook.Error
	if errors.As(err, &e) {
		return e.Msg
	}
	return runbook.T("blackbox.unlisted")
}
