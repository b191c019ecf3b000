package watch

import (
	"maps"
	"slices"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/probe"
)

// CutOff is the level of a host that answers other hosts, but not the bot.
const CutOff = "cut_off"

// well is what the sink was told of a host last, when it answers.
const well = "well"

// watched is one host in one of its roles.
type watched struct {
	host     fleet.Host
	watch    fleet.WatchRole
	pending  chan answer // while it is asked
	answer   answer
	fresh    bool // answer is of this round
	bad      int  // answers in a row
	good     int
	since    time.Time // first of bad
	findings []runbook.Finding
	vantage  []string
	down     bool   // confirmed
	cutOff   bool   // confirmed, but only the bot is cut off from it
	unsure   bool   // no log-in, and nobody says that its services are down
	told     string // what the sink knows: a level, or well; "" not asked yet: an earlier process may have told it something
}

// count takes an answer into the counts. excused: what depends on the primary says nothing now.
func (h *watched) count(now time.Time, failures int, excused bool) {
	if !h.fresh {
		return
	}
	if !fails(h.answer.findings) || excused && !h.ownTrouble() {
		h.bad, h.good = 0, h.good+1
		if h.good >= failures {
			h.down, h.cutOff = false, false
		}
		h.findings = h.answer.findings
		return
	}
	if h.bad == 0 && !h.down && !h.cutOff {
		h.since = now
	}
	h.bad, h.good = h.bad+1, 0
	h.findings = h.answer.findings
	if h.bad >= failures && h.doubtful() {
		h.confirm()
	}
}

// confirm marks a host that has failed often enough. One that others see well is cut off from the bot only; a vantage
// point that does not answer itself says nothing, and then the bot alone decides.
func (h *watched) confirm() {
	down, up := h.answer.seenFrom(seenDown), h.answer.seenFrom(seenWell)
	h.vantage = append([]string{"bot"}, down...)
	h.unsure = noLogin(h.findings) && len(down) == 0
	if h.cutOff = len(up) > 0 && len(down) == 0 && !noLogin(h.findings); h.cutOff {
		h.vantage = up
		return
	}
	h.down = true
	if mute := h.answer.seenFrom(cannotSay); len(down) == 0 && len(mute) > 0 {
		h.findings = append(slices.Clone(h.findings), botOnly(mute))
	}
}

// doubtful reports whether others are asked what they see.
func (h *watched) doubtful() bool { return !h.down || h.unsure }

// hangs is how long a probe must have waited in vain for its target to count as hanging.
const hangs = time.Second

// ownTrouble reports whether more fails than what needs the primary: the services of a standby, and an nginx that waits
// for a machine which is frozen.
func (h *watched) ownTrouble() bool {
	if h.host.HasRole("primary") {
		return true
	}
	return slices.ContainsFunc(h.answer.findings, func(f runbook.Finding) bool {
		switch f.Probe.Kind {
		case "http", "service", "nginx":
			return !f.OK && !h.host.HasRole("standby") && f.Took < hangs
		}
		return !f.OK
	})
}

// primaryFails reports whether a primary is down, fails, or has not answered yet: then what needs it proves nothing.
func primaryFails(list []*watched) bool {
	return slices.ContainsFunc(list, func(h *watched) bool {
		return h.host.HasRole("primary") && (!h.fresh || h.down || h.bad > 0 || fails(h.answer.findings))
	})
}

// well reports whether the host answers now as it should. One that has failed must do so as often as it takes to be up.
func (h *watched) well(failures int) bool {
	return h.fresh && !h.down && !h.cutOff && h.bad == 0 && (h.told == "" || h.good >= failures)
}

// wellOf are the hosts that are well in all of their roles.
func wellOf(list []*watched, failures int) []string {
	unwell := map[string]bool{}
	for _, h := range list {
		unwell[h.host.Name] = unwell[h.host.Name] || !h.well(failures)
	}
	out := slices.Sorted(maps.Keys(unwell))
	return slices.DeleteFunc(out, func(name string) bool { return unwell[name] })
}

// level is how much of the host still answers.
func (h *watched) level() string {
	switch {
	case h.cutOff:
		return CutOff
	case failed(h.findings, "silent"):
		return string(probe.Silent)
	case noLogin(h.findings):
		return string(probe.NoLogin)
	case failed(h.findings, "mysql"):
		return string(probe.SSHOnly)
	}
	return string(probe.ServiceDown)
}

// scenario is what is called for. A host that only the bot cannot reach calls for none.
func (h *watched) scenario() string {
	if h.cutOff || h.unsure && noLogin(h.findings) {
		return ""
	}
	return h.watch.Scenario
}
