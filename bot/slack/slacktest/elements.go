package slacktest

import (
	"reflect"
	"slices"
)

var confirmation = an(shape{"!title": plain(100), "!text": either(300), "!confirm": plain(30), "!deny": plain(30), "style": word("primary", "danger")})

// option is one choice; its text is plain but in checkboxes and radio buttons.
func option(mrkdwn bool) shape {
	return shape{"!text": textObject(1, 75, mrkdwn), "!value": text(1, 150), "description": textObject(1, 75, mrkdwn)}
}

var (
	focus       = shape{"focus_on_load": flag}
	placeholder = shape{"placeholder": plain(150)}
	named       = shape{"action_id": actionID, "confirm": confirmation}
	choice      = merged(named, focus, placeholder)
	several     = shape{"max_selected_items": number(1, 100)}
)

// options are the fields of a menu with so many choices.
func options(most int, mrkdwn, groups bool) shape {
	s := shape{"!options": list(1, most, an(option(mrkdwn))), "initial_option": an(option(mrkdwn)), "initial_options": list(1, most, an(option(mrkdwn)))}
	if groups {
		s["options"], s["option_groups"] = s["!options"], list(1, 100, an(shape{"!label": plain(75), "!options": s["!options"]}))
		delete(s, "!options")
	}
	return s
}

var dates = shape{"initial_date": like(`^\d{4}-\d\d-\d\d$`, "date")}

// elements are all interactive ones; where each may stand is below.
var elements = kinds{
	"button": {"!text": plain(75), "action_id": actionID, "url": func(c *check, at string, v any) { text(1, 3000)(c, at, v); webLink(c, at, v) }, "value": text(0, 2000),
		"style": word("primary", "danger"), "confirm": confirmation, "accessibility_label": text(1, 75)},
	"image":                imageFrom,
	"overflow":             merged(named, shape{"!options": list(1, 5, an(merged(option(false), shape{"url": webLink})))}),
	"static_select":        menu(merged(choice, options(100, false, true)), false),
	"multi_static_select":  menu(merged(choice, several, options(100, false, true)), true),
	"checkboxes":           menu(merged(named, focus, options(10, true, false)), true),
	"radio_buttons":        menu(merged(named, focus, options(10, true, false)), false),
	"users_select":         merged(choice, shape{"initial_user": text(1, 255)}),
	"multi_users_select":   merged(choice, several, shape{"initial_users": list(1, 100, text(1, 255))}),
	"channels_select":      merged(choice, shape{"initial_channel": text(1, 255), "response_url_enabled": flag}),
	"conversations_select": merged(choice, shape{"initial_conversation": text(1, 255), "default_to_current_conversation": flag, "response_url_enabled": flag, "filter": an(shape{"include": list(1, 4, word("im", "mpim", "private", "public")), "exclude_bot_users": flag, "exclude_external_shared_channels": flag})}),
	"datepicker":           merged(choice, dates),
	"timepicker":           merged(choice, shape{"initial_time": like(`^\d\d:\d\d$`, "time"), "timezone": text(1, 255)}),
	"datetimepicker":       merged(named, focus, shape{"initial_date_time": number(1e9, 9999999999)}),
	"plain_text_input": merged(focus, placeholder, shape{"action_id": actionID, "initial_value": text(0, 3000), "multiline": flag, "min_length": number(0, 3000),
		"max_length": number(1, 3000), "dispatch_action_config": dispatching}),
	"number_input": merged(focus, placeholder, shape{"action_id": actionID, "!is_decimal_allowed": flag, "initial_value": text(0, 255), "min_value": text(0, 255),
		"max_value": text(0, 255), "dispatch_action_config": dispatching}),
	"email_text_input": merged(focus, placeholder, shape{"action_id": actionID, "initial_value": text(0, 3000), "dispatch_action_config": dispatching}),
	"url_text_input":   merged(focus, placeholder, shape{"action_id": actionID, "initial_value": text(0, 3000), "dispatch_action_config": dispatching}),
}

var dispatching = an(shape{"trigger_actions_on": list(1, 2, word("on_enter_pressed", "on_character_entered"))})

// menu also holds what is chosen from the start to what can be chosen.
func menu(s shape, many bool) shape {
	if many {
		delete(s, "initial_option")
	} else {
		delete(s, "initial_options")
	}
	s[""] = func(c *check, at string, v any) {
		o := v.(map[string]any)
		if (o["options"] == nil) == (o["option_groups"] == nil) {
			c.bad(at, "must define either `options` or `option_groups`")
		}
		offered := choices(o)
		chosen, _ := o["initial_options"].([]any)
		if one := o["initial_option"]; one != nil {
			chosen = append(chosen, one)
		}
		for _, one := range chosen {
			if !slices.ContainsFunc(offered, func(x any) bool { return reflect.DeepEqual(x, one) }) {
				c.bad(at, "initial_option must be one of the provided options")
			}
		}
	}
	return s
}

// choices are the options of a menu and of its groups.
func choices(o map[string]any) []any {
	all, _ := o["options"].([]any)
	groups, _ := o["option_groups"].([]any)
	for _, g := range groups {
		if group, ok := g.(map[string]any); ok {
			more, _ := group["options"].([]any)
			all = append(all[:len(all):len(all)], more...)
		}
	}
	return all
}

// only are the elements of some types.
func only(types ...string) kinds {
	k := kinds{}
	for _, t := range types {
		k[t] = elements[t]
	}
	return k
}

var (
	menus = []string{"overflow", "static_select", "multi_static_select", "checkboxes", "radio_buttons", "users_select", "multi_users_select", "channels_select",
		"conversations_select", "datepicker", "timepicker"}
	accessories = only(append([]string{"button", "image"}, menus...)...)
	actors      = only("button", "overflow", "static_select", "checkboxes", "radio_buttons", "users_select", "channels_select", "conversations_select", "datepicker", "timepicker", "datetimepicker")
	inputs      = only("static_select", "multi_static_select", "checkboxes", "radio_buttons", "users_select", "multi_users_select", "channels_select",
		"conversations_select", "datepicker", "timepicker", "datetimepicker", "plain_text_input", "number_input", "email_text_input", "url_text_input")
	remarks = kinds{"image": imageFrom, "plain_text": {"!text": shown(1, 3000), "emoji": flag}, "mrkdwn": {"!text": shown(1, 3000), "verbatim": flag}}
)
