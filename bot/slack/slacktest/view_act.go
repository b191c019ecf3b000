package slacktest

import (
	"encoding/json"
	"net/http"
	"strings"
)

// deed is what a person does on the page.
type deed struct {
	Do, User, Channel, TS, Thread, What, Text string
	Values                                    map[string]any // of the modal's inputs, by block_id
}

// viewAct does it as that person. Only the page itself can send JSON here: a foreign page in the same browser cannot.
func (s *Server) viewAct(w http.ResponseWriter, r *http.Request) {
	var d deed
	if r.Header.Get("Content-Type") != "application/json" {
		http.Error(w, "send JSON", http.StatusUnsupportedMediaType)
		return
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&d); err != nil {
		http.Error(w, "read JSON: "+err.Error(), http.StatusBadRequest)
		return
	}
	answer := struct {
		Trouble string            `json:"trouble,omitempty"`
		Errors  map[string]string `json:"errors,omitempty"`
	}{}
	var err error
	switch d.Do {
	case "click":
		err = s.Click(d.User, d.Channel, d.TS, d.What)
	case "press":
		err = s.Press(d.User, d.What)
	case "submit":
		answer.Errors, err = s.Submit(d.User, d.Values)
	case "dismiss":
		err = s.Dismiss(d.User)
	case "say":
		answer.Trouble, err = s.viewSay(d)
	default:
		http.Error(w, "nobody can do that: "+d.Do, http.StatusBadRequest)
		return
	}
	if err != nil {
		answer.Trouble = err.Error()
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // the page went away
}

// viewSay posts what was typed, or runs it as a command, which Slack refuses in threads.
func (s *Server) viewSay(d deed) (string, error) {
	command, rest, _ := strings.Cut(d.Text, " ")
	if len(command) < 2 || command[0] != '/' {
		_, err := s.Say(d.User, d.Channel, d.Thread, d.Text)
		return "", err
	}
	if d.Thread != "" {
		return command + " is not supported in threads. Sorry!", nil
	}
	return "", s.Slash(d.User, d.Channel, command, strings.TrimSpace(rest))
}
