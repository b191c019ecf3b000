package slacktest

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"html/template"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

//go:embed view.html view.css view.js
var viewFiles embed.FS

var viewPage = template.Must(template.ParseFS(viewFiles, "view.html"))

// viewRoutes serves the workspace as a page to look at and to click in.
func (s *Server) viewRoutes() {
	s.mux.HandleFunc("GET /{$}", s.viewIndex)
	for _, name := range []string{"view.css", "view.js"} {
		s.mux.HandleFunc("GET /view/"+name, func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, viewFiles, name) })
	}
	s.mux.HandleFunc("GET /view/events", s.viewEvents)
	s.mux.HandleFunc("GET /view/file/{id}", s.viewFile)
	s.mux.HandleFunc("POST /view/act", s.viewAct)
}

// pageView is what the page shows to one person in one channel.
type pageView struct {
	Title, User, Channel, Thread, Close string
	People                              []User
	Channels                            []channelView
	Messages, Replies                   []messageView
	Forms                               []formView
}

type channelView struct {
	ID, Name, Link, Version string
	Count                   int
}

type messageView struct {
	ID, Version, TS, By, Initial, Time, Link, Last, Notice string
	Bot, Ephemeral, Broadcast, Edited                      bool
	Text                                                   template.HTML
	Blocks                                                 []blockView
	Files                                                  []fileView
	Replies                                                int
}

type fileView struct{ Title, Name, Size, Link, Preview, Whole string }

type formView struct {
	View
	Version string
	Blocks  []blockView
}

func (s *Server) viewIndex(w http.ResponseWriter, r *http.Request) {
	p, ok := s.viewOf(r.URL.Query())
	if !ok {
		http.Error(w, "no such user or channel", http.StatusNotFound)
		return
	}
	var page bytes.Buffer
	if err := viewPage.Execute(&page, p); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Security-Policy", "default-src 'self'; img-src data:; frame-ancestors 'none'; form-action 'none'")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = page.WriteTo(w) // the reader went away
}

// viewOf gathers the page for ?user=…&channel=…&thread=…; the first person and the first channel by default.
func (s *Server) viewOf(q url.Values) (pageView, bool) {
	var p pageView
	s.mu.Lock()
	var channels []Channel
	for _, u := range s.users {
		if !u.Bot && !u.Deleted {
			p.People = append(p.People, *u)
		}
	}
	n := names{users: map[string]string{}, channels: map[string]string{}}
	for _, u := range s.users {
		n.users[u.ID] = u.Name
	}
	me := s.user(q.Get("user"))
	if me == nil && q.Get("user") == "" && len(p.People) > 0 {
		me = s.user(p.People[0].ID)
	}
	if me == nil {
		s.mu.Unlock()
		return p, false
	}
	p.Channel = q.Get("channel")
	direct := Channel{ID: "@" + s.opts.BotName, Name: s.opts.BotName} // no other id before somebody says something there
	for _, c := range s.channels {
		switch {
		case c.im == me.ID:
			if p.Channel == direct.ID {
				p.Channel = c.ID
			}
			direct.ID = c.ID
		case c.im == "" && (!c.Private || slices.Contains(c.Members, me.ID)):
			n.channels[c.ID] = c.Name
			channels = append(channels, Channel{ID: c.ID, Name: "#" + c.Name})
		}
	}
	channels = append(channels, direct)
	s.mu.Unlock()
	n.me, p.User = me.ID, me.ID
	if p.Channel == "" {
		p.Channel = channels[0].ID
	}
	link := func(channel, thread string) string {
		to := url.Values{"user": {p.User}, "channel": {channel}}
		if thread != "" {
			to.Set("thread", thread)
		}
		return "/?" + to.Encode()
	}
	own := s.Private(p.User)
	for _, c := range channels {
		v := channelView{ID: c.ID, Name: c.Name, Link: link(c.ID, ""), Count: len(s.Messages(c.ID))}
		v.Version = strconv.Itoa(v.Count)
		p.Channels = append(p.Channels, v)
		if c.ID != p.Channel {
			continue
		}
		p.Title, p.Close = c.Name, link(c.ID, "")
		p.Thread = q.Get("thread")
		private := func(thread string) []Message {
			return slices.DeleteFunc(slices.Clone(own), func(m Message) bool {
				return m.Channel != c.ID || m.Ephemeral == "" || m.ThreadTS != thread
			})
		}
		for _, m := range inOrder(s.Messages(c.ID), private("")) {
			v := s.viewMessage(n, m)
			if m.Ephemeral == "" {
				v.Link = link(c.ID, m.TS)
				below := inOrder(s.Thread(c.ID, m.TS), private(m.TS))
				if v.Replies = len(below); v.Replies > 0 {
					v.Last = "Last reply " + below[v.Replies-1].at().Format("3:04 PM")
					v.Version += "." + strconv.Itoa(v.Replies)
				}
			}
			p.Messages = append(p.Messages, v)
		}
		if root, ok := s.Message(c.ID, p.Thread); ok {
			for _, m := range inOrder([]Message{root}, s.Thread(c.ID, p.Thread), private(p.Thread)) {
				v := s.viewMessage(n, m)
				v.ID = "t" + v.ID
				p.Replies = append(p.Replies, v)
			}
		}
	}
	if form, ok := s.Open(p.User); ok {
		p.Forms = []formView{{form, digest(form), n.blocks(form.ID, form.Blocks)}}
	}
	return p, p.Title != ""
}

func inOrder(lists ...[]Message) []Message {
	all := slices.Concat(lists...)
	slices.SortStableFunc(all, func(a, b Message) int { return strings.Compare(a.TS, b.TS) })
	return all
}

// at is when the message was posted.
func (m *Message) at() time.Time {
	seconds, _, _ := strings.Cut(m.TS, ".")
	unix, _ := strconv.ParseInt(seconds, 10, 64)
	return time.Unix(unix, 0)
}

func (s *Server) viewMessage(n names, m Message) messageView {
	v := messageView{ID: "m" + strings.ReplaceAll(m.TS, ".", "-"), TS: m.TS, By: n.users[m.User], Time: m.at().Format("3:04 PM"),
		Bot: m.BotID != "" || m.User == s.opts.BotUser, Ephemeral: m.Ephemeral != "", Broadcast: m.Broadcast, Edited: m.Edited > 0,
		Text: n.mrkdwnHTML(m.Text, true), Notice: m.Text, Blocks: n.blocks(m.TS, m.Blocks), Version: digest(m)}
	if v.By == "" {
		v.By = "Slackbot"
	}
	first, _ := utf8.DecodeRuneInString(v.By)
	v.Initial = strings.ToUpper(string(first))
	for _, f := range m.Files {
		v.Files = append(v.Files, f.shown())
	}
	return v
}

func digest(v any) string {
	body, _ := json.Marshal(v) // plain data
	h := fnv.New64a()
	_, _ = h.Write(body)
	return strconv.FormatUint(h.Sum64(), 36)
}

// shown is the card of a file: of a text its first lines, as Slack previews a snippet.
func (f *File) shown() fileView {
	v := fileView{Title: f.Title, Name: f.Name, Size: fmt.Sprintf("%d bytes", len(f.Content)), Link: "/view/file/" + url.PathEscape(f.ID)}
	if v.Title == "" {
		v.Title = f.Name
	}
	if !utf8.Valid(f.Content) {
		return v
	}
	lines := strings.SplitAfterN(string(f.Content), "\n", 6)
	v.Preview = strings.Join(lines[:min(5, len(lines))], "")
	if len(lines) > 5 {
		v.Whole = string(f.Content)
	}
	return v
}

func (s *Server) viewFile(w http.ResponseWriter, r *http.Request) {
	for _, f := range s.Files() {
		if f.ID == r.PathValue("id") {
			w.Header().Set("Content-Type", "application/octet-stream")
			w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
			_, _ = w.Write(f.Content) // the reader went away
			return
		}
	}
	http.NotFound(w, r)
}

// viewEvents tells the page at each change to look again.
func (s *Server) viewEvents(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	for {
		next := s.Changed()
		if _, err := fmt.Fprint(w, "data: changed\n\n"); err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-next:
		case <-r.Context().Done():
			return
		case <-s.ctx.Done():
			return
		}
	}
}
