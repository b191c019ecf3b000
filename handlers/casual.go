package handlers

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"recoverbot/bot"
	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

// remark is what people said near the bot.
type remark int

const (
	talk    remark = iota // they say it to each other
	attempt               // it holds the code of a card, but is no answer to it
	word                  // the words of a button alone, or with what is no code now
	answer                // the words of a button and the code of a card
)

// remark tells what can be nothing but an answer to a card of a run from all that people say to each other. replied: it was
// said in reply to the bot, so that a button's words are one with whatever stands in the place of the code.
func (h *Handlers) remark(ctx context.Context, text string, replied bool) remark {
	r, ok, err := h.openRun(ctx)
	if err != nil || len(text) > maxCommand || !utf8.ValidString(text) {
		return talk
	}
	ids, _, rest := h.answer(text)
	if !ok {
		if _, ended, err := h.lastRun(ctx); replied && ids != nil && len(rest) <= 1 && ended && err == nil {
			return word
		}
		return talk
	}
	switch {
	case ids == nil:
	case len(rest) == 0:
		return word
	default:
		code := strings.ToLower(rest[0])
		if _, found := byCode(r, buttonLabels[ids[0]], code); found {
			return answer
		}
		if oldCode.MatchString(code) && strings.ContainsAny(code, "0123456789") { // "dead" is a word
			return word
		}
	}
	if _, _, found := codeIn(r, text); found {
		return attempt
	}
	if replied && ids != nil && len(rest) == 1 {
		return word
	}
	return talk
}

// codeIn finds the code of a card among the words of a text.
func codeIn(r runbook.Run, text string) (code string, d runbook.Decision, found bool) {
	for _, w := range strings.Fields(text) {
		code = strings.ToLower(strings.Trim(w, punctuation))
		if d, found = byCode(r, runbook.Approve, code); found && (d.Step != "" || d.Group != "") {
			return code, d, true
		}
	}
	return "", runbook.Decision{}, false
}

const punctuation = ".,:;!?\"'`*_()，。：；！？“”（）"

// attempted says how to answer the card whose code a text holds. A typo never counts.
func (h *Handlers) attempted(ctx context.Context, c caller, text string) (bot.Reply, error) {
	r, _, err := h.openRun(ctx)
	if err != nil {
		return bot.Reply{}, err
	}
	code, d, found := codeIn(r, text)
	if !found {
		return bot.Reply{}, nil // it was answered meanwhile
	}
	var said []string
	for _, w := range strings.Fields(text) {
		if w = strings.Trim(w, punctuation); !strings.EqualFold(w, code) {
			said = append(said, w)
		}
	}
	best := ""
	if len(said) > 0 {
		known := make([]string, 0, len(choiceWords))
		for _, choice := range choiceWords {
			known = append(known, string(choice))
		}
		for phrase := range h.phrases() {
			known = append(known, phrase)
		}
		slices.Sort(known)
		if best = runbook.Nearest(strings.ToLower(strings.Join(said, " ")), known); best != "" {
			best += " " + code
		}
	}
	return bot.Reply{RunID: r.ID}, runbook.Errorf(runbook.Invalid, "cmd.attempt", "best", best, "how", answersTo(r, d, code))
}

// answersTo are the answers that a card takes now, as people type them.
func answersTo(r runbook.Run, d runbook.Decision, code string) string {
	choices := engine.GroupChoices(r, d.Group)
	if s := r.Step(d.Step); s != nil {
		choices = engine.Choices(r, *s)
	}
	var out []string
	for _, choice := range choices {
		if choice == runbook.Retry && isPlanned(r, d) {
			choice = runbook.Look
		}
		out = append(out, string(choice))
	}
	if len(out) == 0 {
		return ""
	}
	return strings.Join(out, "|") + " " + code
}

// oldCode is what may be a code that was on a card.
var oldCode = regexp.MustCompile(`^[0-9a-f]{4}$`)

// answered takes such an answer. Without a code it shows the current card, whatever the words do elsewhere.
func (h *Handlers) answered(ctx context.Context, c caller, text string) (bot.Reply, error) {
	if ids, words, rest := h.answer(text); len(rest) == 0 {
		return h.typed(ctx, c, ids, words, nil)
	}
	return h.command(ctx, c, text)
}

// inOrder puts what people type about a code as the grammar has it: "approve: 3f2a" and "3f2a approve" mean one thing.
func (h *Handlers) inOrder(words []string) []string {
	if len(words) < 2 {
		return words
	}
	if first := strings.TrimRight(strings.ToLower(words[0]), ":："); oldCode.MatchString(first) {
		if ids, _, rest := h.answer(strings.Join(words[1:], " ")); ids != nil && len(rest) == 0 {
			return append(slices.Clone(words[1:]), first)
		}
		return words
	}
	for i, w := range words[:len(words)-1] {
		if short := strings.TrimRight(w, ":："); short != w && oldCode.MatchString(strings.ToLower(words[i+1])) {
			return slices.Concat(words[:i], []string{short}, words[i+1:])
		}
	}
	return words
}

// answer takes apart what begins with the words of a button, which stand for ids; nil where it does not.
func (h *Handlers) answer(text string) (ids, words, rest []string) {
	if len(text) > maxCommand || !utf8.ValidString(text) {
		return nil, nil, nil
	}
	words = h.inOrder(unnamed(strings.Fields(text)))
	if len(words) == 0 {
		return nil, nil, nil
	}
	if ids, rest = h.label(words); ids != nil {
		return ids, words, rest
	}
	if verb := strings.ToLower(strings.TrimPrefix(words[0], "/")); verb == aloneWord || slices.Contains(choiceWords, runbook.Choice(verb)) {
		return []string{"choice_button." + verb}, words, words[1:]
	}
	return nil, nil, nil
}
