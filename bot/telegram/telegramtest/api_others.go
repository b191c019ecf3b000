package telegramtest

import (
	"fmt"
	"regexp"
	"slices"
)

func (s *Server) getMe(args) (any, error) {
	me := s.wireUser(s.opts.BotID)
	return fields{"id": me.ID, "is_bot": true, "first_name": me.First, "username": me.Username, "can_join_groups": true,
		"can_read_all_group_messages": s.opts.SeesAll, "supports_inline_queries": false}, nil
}

const maxToast = 200

// answerCallbackQuery ends the spinner of a press, once and in time.
func (s *Server) answerCallbackQuery(a args) (any, error) {
	i := slices.IndexFunc(s.presses, func(p *press) bool { return p.id == a.text("callback_query_id") })
	if i < 0 || s.presses[i].answered || s.opts.Clock().Sub(s.presses[i].at) > s.opts.CallbackLife {
		return nil, bad("query is too old and response timeout expired or query ID is invalid")
	}
	if length(a.text("text")) > maxToast {
		return nil, bad("MESSAGE_TOO_LONG")
	}
	p := s.presses[i]
	p.answered, p.toast = true, Toast{Query: p.id, Text: a.text("text"), Alert: a.flag("show_alert"), URL: a.text("url"), At: s.opts.Clock()}
	s.change()
	return true, nil
}

func (s *Server) getFile(a args) (any, error) {
	f := s.file(a.text("file_id"))
	if f == nil {
		return nil, bad("invalid file_id")
	}
	return fields{"file_id": f.ID, "file_unique_id": "u" + f.ID, "file_size": len(f.Content), "file_path": f.Path}, nil
}

func (s *Server) getChat(a args) (any, error) {
	c, err := s.known(a)
	if err != nil {
		return nil, err
	}
	f := s.wireChat(c)
	f["accent_color_id"], f["max_reaction_count"] = 0, 11
	if c.group() {
		f["permissions"] = fields{"can_send_messages": true, "can_send_documents": true}
	}
	return f, nil
}

// known is a chat that a call only looks at: a group that was upgraded and one that the bot left can be.
func (s *Server) known(a args) (*Chat, error) {
	c := s.chat(a.id("chat_id"))
	switch {
	case c == nil:
		return nil, bad("chat not found")
	case c.Kicked && c.Type != "private":
		return nil, forbidden("bot was kicked from the %s chat", c.Type)
	case c.BotAbsent:
		return nil, forbidden("bot is not a member of the %s chat", c.Type)
	}
	return c, nil
}

func (s *Server) getChatMember(a args) (any, error) {
	c, err := s.known(a)
	if err != nil {
		return nil, err
	}
	id := a.id("user_id")
	switch {
	case id == s.opts.BotID:
		return fields{"user": s.wireUser(id), "status": s.standing(c)}, nil
	case s.userByID(id) == nil:
		return nil, bad("user not found")
	}
	status := "left"
	if c.has(id) {
		status = "member"
	}
	return fields{"user": s.wireUser(id), "status": status}, nil
}

func (s *Server) getChatAdministrators(a args) (any, error) {
	c, err := s.known(a)
	switch {
	case err != nil:
		return nil, err
	case !c.group():
		return nil, bad("there are no administrators in the private chat")
	}
	all := []fields{}
	if c.Admin {
		all = append(all, fields{"user": s.wireUser(s.opts.BotID), "status": "administrator"})
	}
	return all, nil
}

func (s *Server) leaveChat(a args) (any, error) {
	c, err := s.target(a)
	switch {
	case err != nil:
		return nil, err
	case !c.group():
		return nil, bad("chat member status can't be changed in private chats")
	}
	c.BotAbsent, c.Admin = true, false
	s.change()
	return true, nil
}

var commandForm = regexp.MustCompile(`^[a-z0-9_]{1,32}$`)

func (s *Server) setMyCommands(a args) (any, error) {
	var all []Command
	key, err := s.menu(a)
	switch {
	case err != nil:
		return nil, err
	case !a.given("commands") || !a.structure("commands", &all):
		return nil, bad("can't parse commands")
	case len(all) > 100:
		return nil, bad("BOT_COMMANDS_TOO_MUCH")
	}
	for _, c := range all {
		if !commandForm.MatchString(c.Command) {
			return nil, bad("BOT_COMMAND_INVALID")
		}
		if n := length(c.Description); n < 1 || n > 256 {
			return nil, bad("BOT_COMMAND_DESCRIPTION_INVALID")
		}
	}
	s.commands[key] = all
	s.change()
	return true, nil
}

func (s *Server) getMyCommands(a args) (any, error) {
	key, err := s.menu(a)
	if err != nil {
		return nil, err
	}
	return append([]Command{}, s.commands[key]...), nil
}

func (s *Server) deleteMyCommands(a args) (any, error) {
	key, err := s.menu(a)
	if err != nil {
		return nil, err
	}
	delete(s.commands, key)
	s.change()
	return true, nil
}

var languageCode = regexp.MustCompile(`^(?:[a-z]{2})?$`)

// menu names the menu of commands of a call's scope and language.
func (s *Server) menu(a args) (string, error) {
	scope := struct {
		Type string `json:"type"`
		Chat any    `json:"chat_id"`
		User any    `json:"user_id"`
	}{Type: "default"}
	if a.given("scope") && !a.structure("scope", &scope) {
		return "", bad("can't parse BotCommandScope")
	}
	language := a.text("language_code")
	if !languageCode.MatchString(language) {
		return "", bad("invalid language code specified")
	}
	ids := args{"chat_id": jsonNumber(scope.Chat), "user_id": jsonNumber(scope.User)}
	key := scope.Type
	switch scope.Type {
	case "default", "all_private_chats", "all_group_chats", "all_chat_administrators":
	case "chat", "chat_administrators", "chat_member":
		if s.chat(ids.id("chat_id")) == nil {
			return "", bad("chat not found")
		}
		if key += " " + ids.text("chat_id"); scope.Type == "chat_member" {
			key += " " + ids.text("user_id")
		}
	default:
		return "", bad("can't parse BotCommandScope: Unsupported type specified")
	}
	return key + "/" + language, nil
}

// jsonNumber writes an id that came as a number or a string.
func jsonNumber(v any) string {
	if f, ok := v.(float64); ok {
		return fmt.Sprintf("%.0f", f)
	}
	text, _ := v.(string)
	return text
}
