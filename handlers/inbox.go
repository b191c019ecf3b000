package handlers

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"recoverbot/bot"
	"recoverbot/locale"
	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// caller is a person of the fleet who said something, and how to speak with them.
type caller struct {
	person   fleet.Person
	platform string
	seat     string // what they sit at; "": their account says it
	say      *locale.Printer
	called   string // how people speak to the bot there
	old      bool   // they pressed a button of an old card
	pressed  bool   // a button, which may be done twice without meaning it
}

func (c caller) actor() runbook.Actor {
	return runbook.Actor{Name: c.person.Name, Platform: c.platform, Seat: c.seat}
}

// tooOld is how long after it was received something still means what its person saw then.
const tooOld = 5 * time.Minute

// Handle implements bot.Handler: one utterance of one person. The reply is for that person alone; it is empty where
// nobody spoke to the bot.
func (h *Handlers) Handle(ctx context.Context, in bot.Inbound) bot.Reply {
	person, ok := personOn(h.Fleet.Now(), in.Platform, in.UserID)
	c := caller{person: person, platform: in.Platform, seat: in.Seat, called: in.Called, old: in.Old, pressed: in.Action != "", say: h.printer(cmp.Or(in.Language, person.Language))}
	now, said := h.Clock(), answer
	if in.Casual {
		said = h.remark(ctx, in.Text, in.Replied)
	}
	switch {
	case said == talk, said != answer && !ok, said == attempt && !mayStart(person):
		return bot.Reply{}
	case !ok:
		h.refused(ctx, c.actor(), shorten(bot.CleanLine(in.UserID), 40), heard(in), refusal("cmd.stranger"))
		return bot.Reply{Text: c.say.T("cmd.stranger", "platform", in.Platform, "id", shorten(bot.CleanLine(in.UserID), 40)),
			Refused: true, Stranger: true}
	case !in.At.IsZero() && now.Sub(in.At) > tooOld:
		return bot.Reply{Text: c.say.T("cmd.too_old", "at", in.At), Refused: true}
	}
	var reply bot.Reply
	err := h.knowAlerts(ctx)
	switch {
	case err != nil:
	case in.Action != "":
		reply, err = h.pressed(ctx, c, in)
	case said == attempt:
		reply, err = h.attempted(ctx, c, in.Text)
	case in.Casual:
		reply, err = h.answered(ctx, c, in.Text)
	default:
		reply, err = h.command(ctx, c, in.Text)
	}
	if mayStart(person) {
		h.view.calls.spoke(reply.RunID, now)
	}
	h.refused(ctx, c.actor(), "", heard(in), err)
	if err != nil { // a card that comes with a refusal says what can be done instead
		return bot.Reply{Text: h.explain(c.say, err), Refused: true, RunID: reply.RunID, Message: reply.Message, Renew: reply.Renew}
	}
	return reply
}

// explain renders an error for people; what is not safe for them goes to the log.
func (h *Handlers) explain(say *locale.Printer, err error) string {
	var e *runbook.Error
	if !errors.As(err, &e) {
		h.Log.Error("handle request", "error", h.Fleet.Redactor().Redact(err.Error()))
		return say.T("cmd.internal")
	}
	if e.Err != nil {
		h.Log.Warn("refuse request", "code", string(e.Code), "error", h.Fleet.Redactor().Redact(e.Err.Error()))
	}
	return say.Say(e.Msg)
}

func (h *Handlers) pressed(ctx context.Context, c caller, in bot.Inbound) (bot.Reply, error) {
	p, err := decodePress(in.Action)
	if err != nil {
		return bot.Reply{}, err
	}
	switch {
	case p.Alert != "":
		return h.answerAlert(ctx, c, p, in.Reason)
	case p.Command != "" && in.Old:
		return bot.Reply{}, runbook.Errorf(runbook.Conflicting, "engine.stale")
	case p.Command != "":
		return h.command(ctx, c, strings.TrimSpace(p.Command+" "+in.Reason))
	}
	d := p.decision()
	d.Reason, d.Fields = in.Reason, in.Fields
	return h.decide(ctx, c, d)
}
