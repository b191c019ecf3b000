package drill

import (
	"fmt"
	"os/exec"
	"strings"
	"text/tabwriter"
	"time"
)

var emoji = map[string]string{"waiting": "🟡", "executing": "🔵", "held": "🔒", "done": "✅", "skipped": "⏭", "deferred": "⏭",
	"failed": "❌", "rolled_back": "❌", "unverified": "❌", "unknown": "❓"}

// tell prints a step that entered a state which people care about.
func (s *session) tell(st step) {
	e, ok := emoji[st.State]
	if !ok {
		return
	}
	text := why(step{Note: st.Note, Evidence: st.Evidence})
	switch {
	case st.Result != nil:
		text = st.Result.Text
	case st.Plan != nil && st.State == "done":
		text = st.Plan.Why
	case st.Plan != nil:
		text = st.Plan.Summary
	}
	fmt.Fprintf(s.o.Stdout, "%s %s %2d %s [%s] %s\n", s.o.Printer.Clock(time.Now()), e, st.Number, st.Title, s.state(st.State), oneLine(text, 160))
}

func (s *session) state(state string) string { return s.o.Printer.T("drill.state_" + state) }

// table prints every step: who, seconds, result.
func (s *session) table(r run) {
	fmt.Fprintln(s.o.Stdout)
	w := tabwriter.NewWriter(s.o.Stdout, 0, 4, 2, ' ', 0)
	t := s.o.Printer.T
	fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", t("drill.col_step"), t("drill.col_who"), t("drill.col_seconds"), t("drill.col_result"))
	for _, st := range r.Steps {
		took := "-"
		if !st.StartedAt.IsZero() && st.ChangedAt.After(st.StartedAt) {
			took = fmt.Sprintf("%.1f", st.ChangedAt.Sub(st.StartedAt).Seconds())
		}
		text := st.Note
		if st.Result != nil {
			text = st.Result.Text
		} else if st.Plan != nil && text == "" {
			text = st.Plan.Why
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s %s\n", st.ID, or(st.DecidedBy, "-"), took, s.state(st.State), oneLine(text, 90))
	}
	_ = w.Flush() // standard output; what cannot be printed cannot be reported
	fmt.Fprintln(s.o.Stdout)
}

func oneLine(text string, most int) string {
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}

type ran struct {
	out string
	err error
}

// run runs a command with the environment of the host's sessions.
func (h *Host) run(script string) ran {
	cmd := exec.Command("sh", "-c", script)
	cmd.Env = h.env()
	out, err := cmd.CombinedOutput()
	return ran{strings.TrimSpace(string(out)), err}
}
