package slack

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"recoverbot/bot"
)

// Limits of modals and their fields.
const (
	maxModalTitle  = 24
	maxFields      = 90 // of 100 blocks
	maxOptions     = 100
	maxPick        = 1000 // options in groups; a longer list is typed
	maxOption      = 75
	maxInput       = 3000
	maxInputLabel  = 2000
	maxFieldName   = 200
	reasonBlock    = "reason"
	fieldBlock     = "f:"
	answerElement  = "answer"
	checkboxAnswer = "true"
)

// modal asks for the form of m and the reason that b needs; meta comes back with the answer.
func (r renderer) modal(m bot.Message, b bot.Button, meta string) slack.ModalViewRequest {
	m = bot.Cleaned(m)
	label := cut(bot.CleanLine(b.Label), maxModalTitle)
	if label == "" {
		label = "…"
	}
	blocks := []slack.Block{prose("", text(cut(bot.Headline(m), maxText)))}
	if b.Confirm != "" {
		blocks = append(blocks, prose("", bold(cut("⚠ "+bot.Clean(b.Confirm), maxText))))
	}
	if b.WithForm {
		blocks = append(blocks, r.fields(m.Form)...)
	}
	if b.NeedsReason {
		e := slack.NewPlainTextInputBlockElement(nil, answerElement).WithMultiline(true).WithMaxLength(maxInput)
		blocks = append(blocks, slack.NewInputBlock(reasonBlock, plain(r.label("ui.reason")), nil, e))
	}
	return slack.ModalViewRequest{Type: slack.VTModal, Title: plain(label), Submit: plain(label),
		Close: plain(cut(r.label("ui.cancel"), maxModalTitle)), Blocks: slack.Blocks{BlockSet: blocks}, PrivateMetadata: meta}
}

func (r renderer) fields(form []bot.Field) []slack.Block {
	var out []slack.Block
	var names []string
	for i, f := range form {
		if len(out) == maxFields {
			return append(out, prose("", bold(r.label("ui.slack_more_fields", "n", len(form)-i))))
		}
		if len(f.Name) > maxFieldName || slices.Contains(names, f.Name) {
			continue
		}
		names = append(names, f.Name)
		if weight(f.Value) > maxInput { // a shortened value would be sent as if a person had shortened it
			out = append(out, prose("", bold(cut(f.Heading(), maxHeader)), text("\n"+r.label("ui.slack_long_value"))))
			continue
		}
		out = append(out, r.input(f))
	}
	return out
}

// input is one field. What is not checked is false, so a box is never required.
func (r renderer) input(f bot.Field) slack.Block {
	in := slack.NewInputBlock(fieldBlock+f.Name, plain(cut(f.Heading(), maxInputLabel)), nil, nil).WithOptional(!f.Required)
	options := pick(f.Enum)
	switch {
	case f.Type == "bool":
		yes := slack.NewOptionBlockObject(checkboxAnswer, plain(r.label("ui.yes")), nil)
		box := slack.NewCheckboxGroupsBlockElement(answerElement, yes)
		if f.Value == checkboxAnswer {
			box.InitialOptions = box.Options
		}
		in.Element, in.Optional = box, true
	case len(options) > 0:
		in.Element = selection(options, f.Value)
	default:
		e := slack.NewPlainTextInputBlockElement(nil, answerElement).WithMultiline(f.Type == "text").WithMaxLength(maxInput)
		e.InitialValue = f.Value
		in.Element = e
		if hint := f.Help(r.label); hint != "" {
			in.Hint = plain(cut(hint, maxInputLabel))
		}
	}
	return in
}

// pick are the options of an enum, none where Slack cannot offer them whole.
func pick(values []string) []*slack.OptionBlockObject {
	var out []*slack.OptionBlockObject
	seen := map[string]bool{"": true}
	for _, v := range values {
		if weight(v) > maxOption || len(out) == maxPick || v != "" && strings.TrimSpace(v) == "" {
			return nil
		}
		if !seen[v] {
			seen[v] = true
			out = append(out, slack.NewOptionBlockObject(v, plain(v), nil))
		}
	}
	return out
}

func selection(options []*slack.OptionBlockObject, value string) *slack.SelectBlockElement {
	e := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, nil, answerElement)
	for _, o := range options {
		if o.Value == value {
			e.InitialOption = o
		}
	}
	if len(options) <= maxOptions {
		e.Options = options
		return e
	}
	for i := 0; i < len(options); i += maxOptions {
		some := options[i:min(i+maxOptions, len(options))]
		e.OptionGroups = append(e.OptionGroups, slack.NewOptionGroupBlockElement(plain(fmt.Sprintf("%d–%d", i+1, i+len(some))), some...))
	}
	return e
}

// answered reads a submitted modal.
func answered(v slack.View) (reason string, fields map[string]string) {
	fields = map[string]string{}
	if v.State == nil {
		return "", fields
	}
	for block, answers := range v.State.Values {
		a := answers[answerElement]
		value := a.Value
		switch string(a.Type) {
		case string(slack.METCheckboxGroups):
			value = strconv.FormatBool(len(a.SelectedOptions) > 0)
		case slack.OptTypeStatic:
			value = a.SelectedOption.Value
		}
		if name, ok := strings.CutPrefix(block, fieldBlock); ok {
			fields[name] = value
		} else if block == reasonBlock {
			reason = value
		}
	}
	return strings.TrimSpace(reason), fields
}
