package handlers

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"recoverbot/bot"
	"recoverbot/runbook"
)

// answers reports whether what people said near the bot can be nothing but an answer to a card of the run that goes on:
// the words of a button, alone or followed by a code. Everything else they say to each other.
func (h *Handlers) answers(ctx context.Context, text string) bool {
	ids, _, rest := h.answer(text)
	if ids == nil {
		return false
	}
	r, ok, err := h.openRun(ctx)
	if err != nil || !ok {
		return false
	}
	if len(rest) == 0 {
		return true
	}
	code := strings.ToLower(rest[0])
	_, found := byCode(r, buttonLabels[ids[0]], code)
	return found || oldCode.MatchString(code) && strings.ContainsAny(code, "0123456789") // "dead" is a word
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

// answer takes apart what begins with the words of a button, which stand for ids; nil where it does not.
func (h *Handlers) answer(text string) (ids, words, rest []string) {
	if len(text) > maxCommand || !utf8.ValidString(text) {
		return nil, nil, nil
	}
	words = unnamed(strings.Fields(text))
	if len(words) == 0 {
		return nil, nil, nil
	}
	if ids, rest = h.label(words); ids != nil {
		return ids, words, rest
	}
	if verb := strings.ToLower(strings.TrimPrefix(words[0], "/")); slices.Contains(choiceWords, runbook.Choice(verb)) {
		return []string{"choice_button." + verb}, words, words[1:]
	}
	return nil, nil, nil
}
