package handlers

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/engine"
	"recoverbot/runbook/scenario"
)

// buttonLabels are the catalogue's texts of the buttons, and what each of them answers.
var buttonLabels = labels()

func labels() map[string]runbook.Choice {
	out := map[string]runbook.Choice{}
	for _, choice := range choiceWords {
		out["choice_button."+string(choice)] = choice
	}
	out[aloneLabel] = runbook.Approve
	for _, choice := range []runbook.Choice{runbook.Abort, runbook.MarkDone, runbook.Defer, runbook.Reopen} {
		out["run_choice."+string(choice)] = choice
	}
	for _, s := range []runbook.State{runbook.Waiting, runbook.Unknown} {
		out[labelIn(s, runbook.Retry)] = runbook.Retry
	}
	return out
}

// aloneWord makes an approval one that stands for those that are missing; aloneLabel is its button.
const (
	aloneWord  = "alone"
	aloneLabel = "choice_button." + aloneWord
)

// meansAlone reports whether a word behind a code is aloneWord, in either language.
func (h *Handlers) meansAlone(word string) bool {
	return strings.EqualFold(word, aloneWord) || word == h.printer("zh").T("cmd.alone_word")
}

// phrases are the words of all buttons in both languages, each with the labels that it stands for. What follows a colon
// need not be typed.
func (h *Handlers) phrases() map[string][]string {
	out := map[string][]string{}
	for _, lang := range []string{"en", "zh"} {
		say := h.printer(lang)
		for _, id := range slices.Sorted(maps.Keys(buttonLabels)) {
			label := strings.ToLower(say.T(id))
			short, _, _ := strings.Cut(strings.ReplaceAll(label, "：", ":"), ":")
			for _, phrase := range union([]string{label}, []string{short}) {
				out[phrase] = union(out[phrase], []string{id})
			}
		}
	}
	return out
}

// label finds the longest words of a button that a command begins with, and what follows them.
func (h *Handlers) label(words []string) (ids, rest []string) {
	phrases := h.phrases()
	for n := len(words); n > 0; n-- {
		if ids, ok := phrases[strings.ToLower(strings.TrimPrefix(strings.Join(words[:n], " "), "/"))]; ok {
			return ids, words[n:]
		}
	}
	return nil, words
}

// meant is the choice that a decision's card shows under one of the labels. Where it shows none of them, it is what the
// words say on most cards.
func meant(r runbook.Run, d runbook.Decision, ids []string) runbook.Choice {
	state := runbook.Waiting
	choices := engine.RunChoices(r)
	if s := r.Step(d.Step); s != nil {
		state, choices = s.State, engine.Choices(r, *s)
	} else if d.Group != "" {
		choices = engine.GroupChoices(r, d.Group)
	}
	usual := buttonLabels[ids[0]]
	for _, id := range ids {
		choice := buttonLabels[id]
		shown := labelIn(state, choice)
		if shown == "" {
			shown = "choice_button." + string(choice)
		}
		if slices.Contains(choices, choice) && shown == id {
			return choice
		}
		if id == "choice_button."+string(choice) {
			usual = choice
		}
	}
	return usual
}

// codeShape is what may be a code on a card or the name of a run: a word has no digit.
var codeShape = regexp.MustCompile(`^([0-9a-f]{4}|[a-z0-9]*[0-9][a-z0-9]*)$`)

func isCode(word string) bool { return codeShape.MatchString(strings.ToLower(word)) }

// near is the command, scenario or button that was probably meant by what was typed before a code, and what that is.
func (h *Handlers) near(words []string) (typed, best string) {
	known := append(h.Scenarios.Names(), scenario.Words...)
	for phrase := range h.phrases() {
		known = append(known, phrase)
	}
	slices.Sort(known)
	first, n := strings.ToLower(words[0]), 1
	begun := slices.Contains(known, first) // what is wrong follows it
	if code := slices.IndexFunc(words, isCode); code > 1 {
		n = code
	} else if begun {
		n = min(2, len(words))
	}
	typed = strings.ToLower(strings.Join(words[:n], " "))
	if best = runbook.Nearest(typed, known); best == "" && !begun {
		best = runbook.Nearest(first, known)
	}
	return typed, best
}
