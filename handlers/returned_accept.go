package handlers

import (
	"context"
	"strings"
	"time"

	"recoverbot/bot"
	"recoverbot/runbook"
)

// acceptance is a person's word that a machine which has come back is the one that should write: after a run was aborted,
// people may have gone back to it. It holds until the machine is silent again, or another run takes its place away.
type acceptance struct {
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
	Run    string    `json:"run"` // in which another machine took its place
}

// acceptable gives the run that gave the host's place away, where people may say that the host is right all the same: the
// run is over, and fleet.yaml has the host in service.
func (h *Handlers) acceptable(host string) (runbook.Run, bool) {
	known, ok := h.Fleet.Config().Host(host)
	r, left := h.leftIn(host)
	return r, ok && !known.Retired && left && !active(r)
}

// accept is a person's answer to the danger card.
func (h *Handlers) accept(ctx context.Context, c caller, k *call, reason string) (bot.Reply, error) {
	host := strings.Join(k.Hosts, ", ")
	if !mayStart(c.person) {
		return bot.Reply{}, refusal("cmd.not_approver", "who", allowed(h.Fleet.Now(), roleApprover, roleDanger))
	}
	r, ok := h.acceptable(host)
	if !ok {
		return bot.Reply{}, runbook.Errorf(runbook.Invalid, "cmd.bad_button")
	}
	if reason = strings.TrimSpace(reason); reason == "" {
		return bot.Reply{}, runbook.Errorf(runbook.Invalid, "watch.accept_reason", "host", host)
	}
	if len(reason) > maxReason {
		return bot.Reply{}, runbook.Errorf(runbook.Invalid, "watch.accept_long", "max", maxReason)
	}
	text := bot.CleanLine(h.Fleet.Redactor().Redact(reason))
	err := h.change(ctx, c.actor(), func(e *edit) bool {
		now := e.calls[k.Key]
		if now == nil || now.ID != k.ID || now.Accepted != nil {
			return false
		}
		now.Accepted = &acceptance{By: c.person.Name, At: e.now, Reason: text, Run: r.ID}
		return true
	})
	return bot.Reply{Text: c.say.T("watch.accepted_noted", "host", host)}, err
}

// maxReason is how long a reason may be that a card shows for good, in bytes.
const maxReason = 1000

// recant takes people's word back where the world has changed since.
func (h *Handlers) recant(e *edit) {
	for _, c := range e.calls {
		if c.Accepted == nil {
			continue
		}
		for _, host := range c.Hosts {
			known, ok := h.Fleet.Config().Host(host)
			r, left := h.leftIn(host) // after a restart it may not be known yet
			if !ok || known.Retired || left && r.ID != c.Accepted.Run {
				c.Accepted = nil
				break
			}
		}
	}
}
