package telegramtest

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

//go:embed view.html view.css view.js
var viewFiles embed.FS

var viewPage = template.Must(template.ParseFS(viewFiles, "view.html"))

// viewRoutes serves the chats as a page to look at and to act in.
func (s *Server) viewRoutes() {
	s.mux.HandleFunc("GET /{$}", s.viewIndex)
	for _, name := range []string{"view.css", "view.js"} {
		s.mux.HandleFunc("GET /view/"+name, func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, viewFiles, name) })
	}
	s.mux.HandleFunc("GET /view/events", s.viewEvents)
	s.mux.HandleFunc("GET /view/file/{id}", s.viewFile)
	s.mux.HandleFunc("POST /view/act", s.viewAct)
}

// pageView is what one person sees of one chat, or of one topic.
type pageView struct {
	User, Title string
	Chat        int64
	Thread      int
	People      []User
	Places      []placeView
	Messages    []messageView
	Asked       int // the message that opened the reply box
	AskedText   string
	Placeholder string
	Toasts      []Toast
	Bot         string
}

type placeView struct {
	Title, Link string
	Here        bool
}

type messageView struct {
	ID                int
	By, Time, Service string
	Mine, Bot, Edited bool
	Text              template.HTML
	QuoteBy, Quote    string
	File, Size, Link  string
	Rows              [][]Button
}

func (s *Server) viewIndex(w http.ResponseWriter, r *http.Request) {
	p, ok := s.viewOf(r.URL.Query())
	if !ok {
		http.Error(w, "no such user or chat", http.StatusNotFound)
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

// viewOf gathers the page for ?user=…&chat=…&thread=…; the first person and the first chat by default.
func (s *Server) viewOf(q url.Values) (pageView, bool) {
	var p pageView
	s.mu.Lock()
	defer s.mu.Unlock()
	orEmpty := func(key, otherwise string) string {
		if v := q.Get(key); v != "" {
			return v
		}
		return otherwise
	}
	if len(s.users) == 0 {
		return p, false
	}
	me := s.user(orEmpty("user", s.users[0].Name))
	if me == nil {
		return p, false
	}
	p.User, p.Bot = me.Name, s.opts.BotName
	for _, u := range s.users {
		p.People = append(p.People, *u)
	}
	s.chat(me.ID)
	first := ""
	at := func(c *Chat, thread int, title string) {
		here := url.Values{"user": {me.Name}, "chat": {strconv.FormatInt(c.ID, 10)}, "thread": {strconv.Itoa(thread)}}
		if first == "" {
			first = here.Get("chat")
		}
		v := placeView{Title: title, Link: "/?" + here.Encode(), Here: orEmpty("chat", first) == here.Get("chat") && orEmpty("thread", "0") == here.Get("thread")}
		if v.Here {
			p.Title, p.Chat, p.Thread = title, c.ID, thread
		}
		p.Places = append(p.Places, v)
	}
	for _, c := range s.chats {
		switch {
		case c.Type == "private" && c.ID == me.ID:
			at(c, 0, s.opts.BotName)
		case c.Type != "private" && c.has(me.ID):
			at(c, 0, c.Title)
			for _, t := range c.Topics {
				at(c, t.ID, c.Title+" › "+t.Name)
			}
		}
	}
	c := s.chat(p.Chat)
	if c == nil {
		return p, false
	}
	for _, m := range s.messages {
		if m.Chat == p.Chat && !m.Deleted && (!c.Forum || m.Thread == p.Thread) {
			p.Messages = append(p.Messages, s.viewMessage(m, me))
			if m.ForceReply && s.opens(m, me) {
				p.Asked, p.AskedText, p.Placeholder = m.ID, m.Text, m.Placeholder
			} else if m.From == me.ID && m.ReplyTo == p.Asked {
				p.Asked = 0
			}
		}
	}
	for _, pressed := range s.presses {
		if pressed.user == me.ID && pressed.answered {
			p.Toasts = append(p.Toasts, pressed.toast)
		}
	}
	return p, true
}

func (s *Server) viewMessage(m *Message, me *User) messageView {
	v := messageView{ID: m.ID, By: s.wireUser(m.From).Username, Time: m.At.Format("15:04"), Mine: m.From == me.ID, Bot: m.From == s.opts.BotID,
		Edited: m.Edited > 0, Rows: m.Keyboard, Text: m.shown()}
	if m.Service != "" {
		v.Service = fmt.Sprintf("%s %v", m.Service, m.more[m.Service])
	}
	if to := s.message(m.Chat, m.ReplyTo); to != nil {
		v.QuoteBy, v.Quote = s.wireUser(to.From).Username, strings.Join(strings.Fields(to.Text), " ")
	}
	if d := m.Document; d != nil {
		v.File, v.Size, v.Link = d.Name, fmt.Sprintf("%.1f KB", float64(len(d.Content))/1000), "/view/file/"+url.PathEscape(d.ID)
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

// viewAct does what a person does on the page. Only the page itself can send JSON here: a foreign page in the same browser
// cannot.
func (s *Server) viewAct(w http.ResponseWriter, r *http.Request) {
	var d struct {
		User, What, Text       string
		Chat                   int64
		Message, Reply, Thread int
	}
	if r.Header.Get("Content-Type") != "application/json" {
		http.Error(w, "send JSON", http.StatusUnsupportedMediaType)
		return
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&d); err != nil {
		http.Error(w, "read JSON: "+err.Error(), http.StatusBadRequest)
		return
	}
	var query string
	var err error
	if d.Message != 0 {
		query, err = s.Press(d.User, d.Chat, d.Message, d.What)
	} else {
		_, err = s.Say(d.User, d.Chat, d.Text, d.Reply, d.Thread)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(query) // the page went away
}
