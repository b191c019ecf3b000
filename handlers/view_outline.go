package handlers

import (
	"slices"
	"unicode/utf8"

	"recoverbot/runbook"
)

// outline is one short line a step, so that a person sees where the run stands: of a long run, those around that step.
func (v viewer) outline(r runbook.Run) []string {
	all := v.outlineOf(r)
	at := slices.IndexFunc(cards(r), func(c card) bool { return !c.settled() })
	if at < 0 {
		at = len(all) - 1
	}
	from, to := around(all, at)
	out := slices.Clone(all[from:to])
	if from > 0 {
		out = slices.Insert(out, 0, v.say.T("view.outline_before", "n", from))
	}
	if n := len(all) - to; n > 0 {
		out = append(out, v.say.T("view.outline_after", "n", n))
	}
	return out
}

// around is the part of lines that fits, with the line at in its first half where there are more behind it.
func around(lines []string, at int) (from, to int) {
	length := func(lines []string) (n int) {
		for _, l := range lines {
			n += 1 + utf8.RuneCountInString(l)
		}
		return n
	}
	if len(lines) <= outlineLines && length(lines) <= outlineText {
		return 0, len(lines)
	}
	fits := func() bool { return to-from <= outlineLines-2 && length(lines[from:to]) <= outlineText }
	for from, to = max(at, 0), at; ; {
		was := to - from
		for range 2 {
			if to++; to > len(lines) || !fits() {
				to--
			}
		}
		if from--; from < 0 || !fits() {
			from++
		}
		if to-from == was {
			return from, to
		}
	}
}

func (v viewer) outlineOf(r runbook.Run) []string {
	var out []string
	for _, c := range cards(r) {
		word, emoji, state := c.face(r)
		if word == "running" { // in short: its own card tells more, and each change here is a call to each chat
			_, emoji, state = stepFace(runbook.Executing)
			if c.state() == runbook.Planning {
				_, emoji, state = stepFace(runbook.Pending)
			}
		}
		if emoji == "" {
			emoji = "·"
		}
		out = append(out, v.say.T("view.outline", "emoji", emoji, "n", c.number, "title", v.say.Text(c.def.Title),
			"state", v.stateText(c, state)))
	}
	return out
}
