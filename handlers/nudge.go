package handlers

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"recoverbot/bot"
	"recoverbot/runbook"
	"recoverbot/runbook/engine"
	"recoverbot/runbook/fleet"
)

const (
	// attention is for how long a person is taken to look at the cards after doing something.
	attention = 20 * time.Second
	// lastCall is how long before a change rolls back by itself people are called once more.
	lastCall = time.Minute
)

// reminders are when people are called again about a question that nobody answers. They widen, and never act.
var reminders = []time.Duration{5 * time.Minute, 10 * time.Minute, 20 * time.Minute}

// asking is a card that asks people, from when it began to.
type asking struct {
	card  card
	of    string // key of the card
	id    string // of this time of asking, and part of the key of each nudge about it
	since time.Time
	until time.Time // when what is held rolls back by itself
	lacks []string  // the people whose approval is missing, where whoever is there cannot answer it alone
	alone time.Time // when one person alone may approve it
}

// questions are the cards of a run that ask now, but for those that settling says are answered without anybody. resumed is
// when the run was opened again: what was put aside asks anew, and so does what one of several people has approved.
func (v viewer) questions(r runbook.Run, resumed time.Time, settling func(runbook.Run, runbook.StepRun) bool) []asking {
	if r.DryRun || r.State != runbook.Open || !live(r) {
		return nil
	}
	var out []asking
	for _, c := range cards(r) {
		state, given := c.state(), 0
		if len(c.members) == 1 && settling(r, *c.members[0]) {
			continue
		}
		if !state.Asks() || state == runbook.Waiting && c.group && c.unplanned() {
			continue
		}
		q := asking{card: c, of: "step/" + r.ID + "/" + c.id}
		for _, s := range c.members {
			switch {
			case s.State != state:
			case state == runbook.Waiting: // a group asks when its last member is planned
				q.since = later(q.since, s.ChangedAt)
			default:
				q.since = earlier(q.since, s.ChangedAt)
			}
			if s.Hold != nil && s.State == runbook.Held && !s.Hold.Durable {
				q.until = earlier(q.until, s.Hold.Deadline)
			}
			if s.State == runbook.Waiting && several(r, *s) && slices.Contains(engine.Choices(r, *s), runbook.Approve) {
				q.lacks = union(q.lacks, lacking(v.cfg, r, *s))
				q.alone = earlier(q.alone, v.aloneFrom(r, *s))
				for _, a := range s.Approvals {
					q.since, given = later(q.since, a.At), given+1
				}
			}
		}
		q.since = later(q.since, resumed)
		q.id = r.ID + "/" + c.id + "/" + string(state) + "-" + strconv.FormatInt(q.since.Unix(), 10)
		if given > 0 { // also in the same second
			q.id += "-" + strconv.Itoa(given)
		}
		out = append(out, q)
	}
	return out
}

// calls are when people are called about q, one time for each level; zero: not at all. human is when a person did
// something about the run last.
func (q asking) calls(human time.Time) []time.Time {
	out := make([]time.Time, 1+len(reminders))
	if !q.until.IsZero() { // short: whoever approved it may have put the phone away
		out[0] = later(q.since, human.Add(attention))
		if last := q.until.Add(-lastCall); last.Sub(out[0]) >= attention {
			out[1] = last
		}
		return out
	}
	if len(q.lacks) > 0 || q.since.Sub(human) > attention {
		out[0] = q.since
	}
	for i, d := range reminders {
		out[i+1] = later(q.since, human).Add(d)
	}
	return out
}

// due is the widest level whose time has come, -1 for none, and when the next one comes, zero for never.
func due(calls []time.Time, now time.Time) (level int, next time.Time) {
	level = -1
	for i, at := range calls {
		switch {
		case at.IsZero():
		case !at.After(now):
			level = i
		default:
			next = earlier(next, at)
		}
	}
	return level, next
}

// calledAt are the people whom a level calls, in the order in which they are on call: one, two, three, then everybody who
// may answer. Where nobody is on call, that is everybody who may answer at once.
func calledAt(cfg *fleet.Config, level int) []string {
	called := onCall(cfg)
	if level < len(reminders) && len(cfg.Policy.OnCall) > 0 {
		return called[:min(len(called), level+1)]
	}
	return union(called, whoMay(cfg, roleApprover, roleDanger))
}

// called are the people whom a level calls to q: where one person is not enough, all who are missing, and nobody who has
// approved. Where nobody else may approve, whoever is there is called as to any card: one person alone may go on, or skip.
func (q asking) called(cfg *fleet.Config, level int) []string {
	if len(q.lacks) > 0 {
		return q.lacks
	}
	return calledAt(cfg, level)
}

// onCall are the people on call, in their order, or everybody who may answer.
func onCall(cfg *fleet.Config) []string {
	if len(cfg.Policy.OnCall) > 0 {
		return slices.Clone(cfg.Policy.OnCall)
	}
	return whoMay(cfg, roleApprover, roleDanger)
}

// answeredLast is what a person did last about the run or those of its steps, as the journal has it: without a Choice, the
// start.
func answeredLast(r runbook.Run, given []runbook.Recorded, ofStep func(runbook.StepRun) bool) runbook.Approval {
	last := runbook.Approval{By: r.StartedBy, At: r.StartedAt}
	note := func(a runbook.Approval) {
		if !a.At.Before(last.At) {
			last = a
		}
	}
	for _, s := range r.Steps {
		if !ofStep(s) {
			continue
		}
		for _, a := range s.Approvals {
			note(a)
		}
		if s.DecidedBy != nil {
			note(*s.DecidedBy)
		}
	}
	for _, d := range given {
		note(runbook.Approval{By: d.Decision.By, Choice: d.Decision.Choice, Alone: d.Decision.Alone, At: recordedAt(d)})
	}
	if r.Aborting != nil {
		note(*r.Aborting)
	}
	return last
}

func anyStep(runbook.StepRun) bool { return true }

// resumedAt is when the run was opened again last.
func resumedAt(given []runbook.Recorded) time.Time {
	var out time.Time
	for _, d := range given {
		if d.Decision.Choice == runbook.Reopen {
			out = later(out, recordedAt(d))
		}
	}
	return out
}

func recordedAt(d runbook.Recorded) time.Time {
	at, _ := time.Parse(time.RFC3339Nano, d.At) // the journal wrote it
	return at
}

// nudge is the short message of a level about a card that asks.
func (v viewer) nudge(r runbook.Run, q asking, level int) bot.Message {
	word, emoji, _ := q.card.face(r)
	id := "nudge." + string(q.card.state())
	if len(q.lacks) > 0 {
		id = "nudge.approvals"
	}
	if !q.until.IsZero() {
		id = "nudge.held_until"
	}
	context := v.context(r, card{})
	if waited := v.now.Sub(q.since); level > 0 && q.until.IsZero() {
		context = strings.TrimSuffix(v.say.T("nudge.waits", "seconds", waited.Truncate(time.Minute).Seconds())+" · "+context, " · ")
	}
	return bot.Message{
		Key: "nudge/" + q.id + "/" + strconv.Itoa(level), RunID: r.ID, Nudge: true, Of: q.of, State: word, Emoji: emoji,
		Title: v.say.T(id, "title", v.cardTitle(r, q.card), "at", q.until), Context: context, Since: downSince(r),
		Priority: bot.Prompt, At: v.now,
	}
}

// answered is what becomes of a nudge whose card asks no longer: nobody runs after an old call.
func (v viewer) answered(r runbook.Run, old bot.Message, given []runbook.Recorded) bot.Message {
	id := strings.TrimPrefix(old.Of, "step/"+r.ID+"/")
	title := v.say.Text(r.Scenario.Title)
	for _, c := range cards(r) {
		if c.id == id {
			title = v.cardTitle(r, c)
		}
	}
	last := answeredLast(r, given, func(s runbook.StepRun) bool { return s.ID == id || s.Group == id })
	if last.Choice == "" || last.At.Before(old.At) {
		return settledNudge(old, v.say.T("nudge.over", "title", title))
	}
	return settledNudge(old, v.say.T("nudge.answered", "title", title, "choice", v.say.T(chosen(&last)),
		"name", last.By.Name, "platform", last.By.Platform, "at", last.At))
}

// settledNudge is a nudge that calls nobody any more. Whom it called stays, so that the edit says nothing else anew.
func settledNudge(old bot.Message, title string) bot.Message {
	old.Title, old.State, old.Emoji, old.Context, old.Since = title, bot.NudgeOver, "", "", time.Time{}
	old.Priority = bot.Outcome // what asks now goes first
	return old
}
