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

// maxCommand is the longest command that is read, in bytes.
const maxCommand = 4096

// choiceWords are the text forms of buttons.
var choiceWords = []runbook.Choice{
	runbook.Approve, runbook.Skip, runbook.Abort, runbook.Retry, runbook.Look, runbook.MarkDone, runbook.Commit,
	runbook.Rollback, runbook.Cancel, runbook.Defer, runbook.Reopen, runbook.Input,
}

// command gives meaning to a line of text. The same grammar holds on every platform.
func (h *Handlers) command(ctx context.Context, c caller, text string) (bot.Reply, error) {
	if len(text) > maxCommand || !utf8.ValidString(text) {
		return bot.Reply{}, runbook.Errorf(runbook.Invalid, "cmd.too_long", "max", maxCommand)
	}
	words := unnamed(strings.Fields(text))
	if len(words) == 0 {
		return h.diagnose(ctx, c)
	}
	if s, ok := h.Scenarios[strings.ToLower(strings.TrimPrefix(words[0], "/"))]; ok {
		return h.startCommand(ctx, c, s, words[1:])
	}
	words = h.inOrder(words)
	if ids, rest := h.label(words); ids != nil {
		switch {
		case slices.Contains(ids, "run_choice."+string(runbook.Defer)):
			return h.runVerb(ctx, c, "park", rest)
		case slices.Contains(ids, "run_choice."+string(runbook.Reopen)):
			return h.runVerb(ctx, c, "resume", rest)
		}
		return h.typed(ctx, c, ids, words, rest)
	}
	verb, args := strings.ToLower(strings.TrimPrefix(words[0], "/")), words[1:]
	switch verb {
	case "help", "?":
		return bot.Reply{Text: c.say.T("cmd.help", "called", c.called)}, nil
	case "list":
		return h.list(c)
	case "status":
		return h.status(ctx, c)
	case "history":
		return h.history(ctx, c)
	case "report":
		return h.report(ctx, c, args)
	case "resume", "park":
		return h.runVerb(ctx, c, verb, args)
	}
	if verb == aloneWord || slices.Contains(choiceWords, runbook.Choice(verb)) {
		return h.typed(ctx, c, []string{"choice_button." + verb}, words, args)
	}
	return bot.Reply{}, h.unknown(words...)
}

// unnamed leaves out the bot's own name before what is said to it.
func unnamed(words []string) []string {
	for len(words) > 0 && isName(words[0]) {
		words = words[1:]
	}
	return words
}

func isName(word string) bool {
	switch strings.ToLower(strings.TrimPrefix(strings.TrimPrefix(word, "/"), "@")) {
	case "recover", "recoverbot":
		return true
	}
	return false
}

// unknown names what was probably meant.
func (h *Handlers) unknown(words ...string) error {
	typed, best := h.near(words)
	if best != "" {
		return runbook.Errorf(runbook.Invalid, "cmd.did_you_mean", "word", shorten(typed, 40), "best", best)
	}
	return runbook.Errorf(runbook.Invalid, "cmd.unknown", "word", shorten(typed, 40), "scenarios", strings.Join(h.Scenarios.Names(), ", "))
}

// paramWords reads what was typed after a scenario's name: NAME=VALUE words. The value alone does where the scenario has
// exactly one required parameter.
func paramWords(s runbook.Scenario, words []string) (map[string]string, error) {
	sole, names := "", []string{}
	for _, p := range s.Params {
		names = append(names, p.Name)
		if !p.Required || p.Default != "" {
			continue
		}
		if sole != "" {
			sole = ""
			break
		}
		sole = p.Name
	}
	words = slices.Clone(words)
	for i, w := range words {
		if pairPattern.MatchString(w) {
			continue
		}
		if sole == "" || strings.Contains(w, "=") {
			return nil, runbook.Errorf(runbook.Invalid, "cmd.not_a_param", "word", shorten(w, 40), "scenario", s.Name, "known", strings.Join(names, ", "))
		}
		words[i] = sole + "=" + w
	}
	return pairs(words)
}

var pairPattern = regexp.MustCompile(`^([a-z][a-z0-9_]*)=(.*)$`)

// pairs reads NAME=VALUE words. A value may be quoted to hold spaces only on platforms with forms; here it is one word.
func pairs(words []string) (map[string]string, error) {
	out := map[string]string{}
	for _, w := range words {
		m := pairPattern.FindStringSubmatch(w)
		if m == nil {
			return nil, runbook.Errorf(runbook.Invalid, "cmd.not_a_pair", "word", shorten(w, 40))
		}
		if _, twice := out[m[1]]; twice {
			return nil, runbook.Errorf(runbook.Invalid, "cmd.pair_twice", "name", m[1])
		}
		out[m[1]] = m[2]
	}
	return out, nil
}

func shorten(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n]) + "…"
}
