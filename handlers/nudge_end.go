package handlers

import (
	"context"
	"slices"
	"strings"
	"time"

	"recoverbot/bot"
	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

// freshEnd is for how long the end of a run is news. A bot that starts later tells nobody of it any more.
const freshEnd = 10 * time.Minute

// headShown is how many digits of the audit chain's head say which event it is.
const headShown = 16

// endKey is the key of the message that a run is over.
func endKey(run string) string { return "nudge/" + run + "/end/0" }

// tellEnd tells people, once, that a run is over: its card is edited far above what they read by then.
func (n *nudges) tellEnd(ctx context.Context, r runbook.Run) error {
	key := endKey(r.ID)
	if _, told := n.out[key]; told || r.DryRun || scheduled(r) && r.State == runbook.RunDone || r.EndedAt.IsZero() || n.h.Clock().Sub(r.EndedAt) > freshEnd {
		return nil
	}
	given, err := n.h.Journal.Decisions(ctx, r.ID, "")
	if err != nil {
		return err
	}
	m := n.h.viewer(ctx, n.h.say, r).ended(r)
	m.Key, m.Notify = key, union(onCall(n.h.Fleet.Now()), tookPart(r, given))
	return n.want(ctx, m)
}

// ended is the closing card in short.
func (v viewer) ended(r runbook.Run) bot.Message {
	card := v.runCard(r)
	title := v.summary(r)
	if r.State == runbook.Aborted {
		title = sentences(v.abortedBy(r), title)
	}
	if n := len(engine.OpenItems(r)) + len(v.unstopped(r)); n > 0 {
		title = sentences(title, v.say.T("nudge.open", "n", n))
	}
	context := append(v.watermark(r), card.Title)
	if v.head != "" { // here it is never edited
		context = append(context, v.say.T("view.audit", "head", v.head[:min(headShown, len(v.head))]))
	}
	return bot.Message{
		RunID: r.ID, Nudge: true, Of: card.Key, Ends: true, State: card.State, Emoji: card.Emoji, Title: title,
		Context: strings.Join(context, " · "), Priority: bot.Outcome, At: r.EndedAt,
	}
}

// tookPart are the people who started the run, answered in it or ended it.
func tookPart(r runbook.Run, given []runbook.Recorded) []string {
	names := []string{r.StartedBy.Name, r.EndedBy.Name}
	for _, s := range r.Steps {
		for _, a := range s.Approvals {
			names = append(names, a.By.Name)
		}
		if s.DecidedBy != nil {
			names = append(names, s.DecidedBy.By.Name)
		}
	}
	for _, d := range given {
		names = append(names, d.Decision.By.Name)
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}
