package slack

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"recoverbot/bot"
)

func manyValues(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("host-%d", i))
	}
	return out
}

func allFields() bot.Message {
	return bot.Message{Key: "step/k3v7/new", Emoji: "🟡", Title: "7/8 A new machine as standby", Form: []bot.Field{
		{Name: "address", Label: "Address", Type: "address", Required: true, Value: "192.0.2.31"},
		{Name: "port", Label: "SSH port", Type: "port", Value: "22"},
		{Name: "host", Label: "Name", Type: "host", Required: true},
		{Name: "name", Label: "Code", Type: "string", Pattern: "^[a-z]+$"},
		{Name: "notes", Label: "Notes", Type: "text", Value: "a\nb"},
		{Name: "row_3", Label: "a.example.com 1 → 2", Type: "bool", Value: "true", Required: true},
		{Name: "row_9", Label: "img.example.com 1 → 2", Type: "bool"},
		{Name: "dump", Label: "Dump", Type: "enum", Enum: []string{"", "a", "b", "a"}, Value: "b"},
		{Name: "many", Label: "Many", Type: "enum", Enum: manyValues(230), Value: "host-150"},
		{Name: "long", Label: "Long", Type: "enum", Enum: []string{"a", strings.Repeat("b", 80)}, Value: "a"},
		{Name: "huge", Label: "Huge", Type: "text", Value: strings.Repeat("x", 4000)},
	}}
}

func TestModalGolden(t *testing.T) {
	t.Parallel()
	m := allFields()
	m.Form = slices.DeleteFunc(m.Form, func(f bot.Field) bool { return f.Name == "many" }) // too long to read
	for _, lang := range []string{"en", "zh"} {
		v := rendererIn(t, lang).modal(m, bot.Button{Label: "Approve the new machine", WithForm: true, NeedsReason: true, Confirm: "It becomes the standby."}, `{"k":"v"}`)
		if wrong := refusedModal(t, v); len(wrong) > 0 {
			t.Error(wrong)
		}
		golden(t, "modal."+lang, v)
	}
}

// What people see in an untouched modal comes back as the form had it, but for what cannot be offered.
func TestAnswered(t *testing.T) {
	t.Parallel()
	v := rendererIn(t, "en").modal(allFields(), bot.Button{Label: "Approve", WithForm: true, NeedsReason: true}, "")
	state := submitted(t, v)
	state["reason"] = map[string]any{"answer": map[string]any{"type": "plain_text_input", "value": " the provider is down \n"}}
	reason, fields := answered(view(t, state))
	want := map[string]string{"address": "192.0.2.31", "port": "22", "host": "", "name": "", "notes": "a\nb", "row_3": "true", "row_9": "false",
		"dump": "b", "many": "host-150", "long": "a"}
	if d := cmp.Diff(want, fields); d != "" || reason != "the provider is down" {
		t.Errorf("reason %q, fields:\n%s", reason, d)
	}
	if reason, fields := answered(slack.View{}); reason != "" || len(fields) != 0 {
		t.Errorf("an empty view says %q, %v", reason, fields)
	}
}

// submitted is the state of v if nobody touches it, in Slack's JSON.
func submitted(t *testing.T, v slack.ModalViewRequest) map[string]any {
	t.Helper()
	state := map[string]any{}
	o, _ := asJSON(t, v).(map[string]any)
	for _, b := range object(o).list("blocks") {
		e := b.obj("element")
		if b.str("type") != "input" {
			continue
		}
		answer := map[string]any{"type": e["type"], "value": e["initial_value"]}
		switch e.str("type") {
		case "checkboxes":
			delete(answer, "value")
			answer["selected_options"] = e["initial_options"]
		case "static_select":
			delete(answer, "value")
			answer["selected_option"] = e["initial_option"]
		}
		state[b.str("block_id")] = map[string]any{e.str("action_id"): answer}
	}
	return state
}

func view(t *testing.T, state map[string]any) slack.View {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"state": map[string]any{"values": state}})
	if err != nil {
		t.Fatal(err)
	}
	var v slack.View
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestModalOfManyFields(t *testing.T) {
	t.Parallel()
	var m bot.Message
	for i := range 200 {
		m.Form = append(m.Form, bot.Field{Name: fmt.Sprintf("f%d", i), Type: "string"})
	}
	v := rendererIn(t, "en").modal(m, bot.Button{WithForm: true, NeedsReason: true}, "")
	if wrong := refusedModal(t, v); len(wrong) > 0 {
		t.Error(wrong)
	}
	if raw, _ := json.Marshal(v); !strings.Contains(string(raw), "110 more fields") {
		t.Error("the missing fields are not announced")
	}
}

// A button asks once: in its form, or in a dialog of its own.
func TestOneQuestion(t *testing.T) {
	t.Parallel()
	m := bot.Message{Key: "k", Title: "x", Buttons: []bot.Button{
		{Label: "Approve", Choice: "approve", Style: "danger", Confirm: "Dangerous: really?"},
		{Label: "Commit", Choice: "commit", Style: "danger", Confirm: "Dangerous: really?", NeedsReason: true},
		{Label: "Fence", Choice: "fence", Style: "danger"}, {Label: "Later", Choice: "defer"}}}
	l := &layout{r: rendererIn(t, "en"), m: m}
	for i, want := range []bool{true, false, true, false} {
		if e := l.buttonList()[i].element; (e.Confirm != nil) != want {
			t.Errorf("%s asks by a dialog: %v", e.Text.Text, !want)
		}
	}
	if text, _ := json.Marshal(rendererIn(t, "en").modal(m, m.Buttons[1], "")); !strings.Contains(string(text), "Dangerous: really?") {
		t.Errorf("the form does not ask: %s", text)
	}
}
