package slacktest

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// fillIn makes the state of a modal from what a person fills in; wrong is what the client does not let through.
func fillIn(body map[string]any, values map[string]any) (state fields, wrong map[string]string, err error) {
	state, wrong = fields{}, map[string]string{}
	used := map[string]bool{}
	blocks, _ := body["blocks"].([]any)
	for _, b := range blocks {
		block, _ := b.(map[string]any)
		for _, e := range pressable(block) {
			if e["action_id"] == nil || e["type"] == "button" || e["type"] == "overflow" {
				continue
			}
			id, _ := block["block_id"].(string)
			given, name := pick(values, e["action_id"], id, shownLabel(block))
			used[name] = true
			got, err := fill(e, given)
			if err != nil {
				return nil, nil, fmt.Errorf("fill in %s: %w", name, err)
			}
			if block["type"] == "input" && block["optional"] != true && empty(got) {
				wrong[id] = "Please complete this required field."
			} else if text, _ := got["value"].(string); text != "" {
				if n, most := float64(utf8.RuneCountInString(text)), e["max_length"]; most != nil && n > most.(float64) {
					wrong[id] = "Too long."
				} else if least := e["min_length"]; least != nil && n < least.(float64) {
					wrong[id] = "Too short."
				}
			}
			in, _ := state[id].(fields)
			if in == nil {
				in = fields{}
			}
			in[e["action_id"].(string)] = got
			state[id] = in
		}
	}
	for name := range values {
		if !used[name] {
			return nil, nil, fmt.Errorf("the modal has no input %q", name)
		}
	}
	return state, wrong, nil
}

func shownLabel(block map[string]any) any {
	label, _ := block["label"].(map[string]any)
	return label["text"]
}

// pick is the value that is given by the first of the names, nil if none is.
func pick(values map[string]any, names ...any) (any, string) {
	for _, n := range names {
		name, _ := n.(string)
		if v, ok := values[name]; ok && name != "" {
			return v, name
		}
	}
	return nil, ""
}

func empty(got fields) bool {
	for k, v := range got {
		if list, ok := v.([]any); k != "type" && v != nil && v != "" && !(ok && len(list) == 0) {
			return false
		}
	}
	return true
}

// fill is the state of one element; given nil keeps its initial value.
func fill(e map[string]any, given any) (fields, error) {
	kind, _ := e["type"].(string)
	f := fields{"type": kind}
	switch kind {
	case "static_select", "radio_buttons":
		f["selected_option"] = e["initial_option"]
		if given != nil {
			all, err := pickOptions(e, []string{fmt.Sprint(given)})
			if err != nil {
				return nil, err
			}
			f["selected_option"] = all[0]
		}
	case "checkboxes", "multi_static_select":
		f["selected_options"] = e["initial_options"]
		if f["selected_options"] == nil {
			f["selected_options"] = []any{}
		}
		if given == nil {
			break
		}
		wanted, isList := given.([]string)
		if list, ok := given.([]any); ok { // as JSON has it
			wanted, isList = []string{}, true
			for _, v := range list {
				wanted = append(wanted, fmt.Sprint(v))
			}
		}
		if on, isFlag := given.(bool); isFlag {
			f["selected_options"] = []any{}
			if on {
				f["selected_options"] = choices(e)[:1]
			}
			break
		} else if !isList {
			wanted = []string{fmt.Sprint(given)}
		}
		all, err := pickOptions(e, wanted)
		if err != nil {
			return nil, err
		}
		f["selected_options"] = all
	default:
		key, initial := "value", "initial_value"
		if other, ok := map[string]string{"datepicker": "date", "timepicker": "time", "users_select": "user", "channels_select": "channel", "conversations_select": "conversation"}[kind]; ok {
			key, initial = "selected_"+other, "initial_"+other
		}
		f[key] = e[initial]
		if given != nil {
			f[key] = fmt.Sprint(given)
		}
		if f[key] == "" {
			f[key] = nil
		}
	}
	return f, nil
}

func pickOptions(e map[string]any, wanted []string) ([]any, error) {
	all := []any{}
	offered := choices(e)
	for _, w := range wanted {
		i := slices.IndexFunc(offered, func(x any) bool {
			o, _ := x.(map[string]any)
			return o["value"] == w || shownIn(o, nil) == w
		})
		if i < 0 {
			return nil, fmt.Errorf("there is no option %q", w)
		}
		all = append(all, offered[i])
	}
	return all, nil
}
