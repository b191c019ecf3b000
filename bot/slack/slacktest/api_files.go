package slacktest

import (
	"io"
	"mime/multipart"
	"net/http"
	"path"
	"strconv"
	"strings"
)

func (s *Server) uploadURL(a args) (fields, error) {
	size, err := strconv.ParseInt(a.text("length"), 10, 64)
	switch {
	case !a.given("filename"):
		return nil, invalidArguments("[ERROR] missing required field: filename")
	case err != nil || size <= 0:
		return nil, invalidArguments("[ERROR] missing required field: length")
	case size > 1<<30:
		return nil, refuse("file_upload_size_restricted")
	}
	f := &File{ID: s.id("F"), Name: a.text("filename"), Snippet: a.text("snippet_type"), size: size, secret: secret(), at: s.opts.Clock()}
	f.Title = f.Name
	s.files = append(s.files, f)
	return fields{"file_id": f.ID, "upload_url": "http://" + s.addr + "/upload/v1/" + f.ID + "-" + f.secret}, nil
}

func invalidArguments(messages ...string) error {
	return refusal{code: "invalid_arguments", more: fields{"response_metadata": fields{"messages": messages}}}
}

// upload takes the bytes of a file, raw or as the field "filename" or "file" of a form.
func (s *Server) upload(w http.ResponseWriter, r *http.Request) {
	s.failable(Call{Method: "upload"}, w, r, func(w http.ResponseWriter) string {
		id, _, _ := strings.Cut(r.PathValue("id"), "-")
		body, err := uploaded(r)
		s.mu.Lock()
		defer s.mu.Unlock()
		f := s.file(id)
		if err != nil || f == nil || f.uploaded || r.PathValue("id") != id+"-"+f.secret {
			http.Error(w, "unable to upload", http.StatusBadRequest)
			return "bad_request"
		}
		if int64(len(body)) != f.size {
			http.Error(w, "length does not match", http.StatusBadRequest)
			return "bad_length"
		}
		f.Content, f.uploaded = body, true
		s.change()
		_, _ = io.WriteString(w, "OK - "+strconv.Itoa(len(body)))
		return ""
	})
}

func uploaded(r *http.Request) ([]byte, error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return io.ReadAll(io.LimitReader(r.Body, 64<<20))
	}
	for {
		var p *multipart.Part
		if p, err = parts.NextPart(); err != nil {
			return nil, err
		}
		if p.FileName() != "" {
			return io.ReadAll(io.LimitReader(p, 64<<20))
		}
	}
}

func (s *Server) file(id string) *File {
	for _, f := range s.files {
		if f.ID == id {
			return f
		}
	}
	return nil
}

func (s *Server) completeUpload(a args) (fields, error) {
	var wanted []struct{ ID, Title string }
	if !a.structure("files", &wanted) || len(wanted) == 0 {
		return nil, invalidArguments("[ERROR] missing required field: files")
	}
	var done []*File
	for _, w := range wanted {
		f := s.file(w.ID)
		if f == nil || !f.uploaded || f.Channel != "" {
			return nil, refuse("file_not_found")
		}
		done = append(done, f)
	}
	m := &Message{}
	if a.given("channel_id") {
		c, err := s.writable(s.channel(a.text("channel_id"), false))
		if err != nil {
			return nil, err
		}
		m = s.botMessage(c)
		m.Text = a.text("initial_comment")
		if m.ThreadTS, err = s.thread(c, a.text("thread_ts")); err != nil {
			return nil, err
		}
	}
	shown := []fields{}
	for i, f := range done {
		if wanted[i].Title != "" {
			f.Title = wanted[i].Title
		}
		f.Channel, f.Thread = m.Channel, m.ThreadTS
		m.Files = append(m.Files, *f)
		shown = append(shown, s.wireFile(f))
	}
	if m.Channel != "" {
		s.post(m)
	}
	for _, f := range done {
		f.ts = m.TS
	}
	s.change()
	return fields{"files": shown}, nil
}

func (s *Server) wireFile(f *File) fields {
	kind := strings.TrimPrefix(path.Ext(f.Name), ".")
	mode, mime := "hosted", "application/octet-stream"
	if kind == "txt" || f.Snippet != "" || kind == "" {
		kind, mode, mime = "text", "snippet", "text/plain"
	}
	link := "http://" + s.addr + "/files-pri/" + f.ID + "/" + path.Base(f.Name)
	out := fields{"id": f.ID, "created": f.at.Unix(), "timestamp": f.at.Unix(), "name": f.Name, "title": f.Title, "mimetype": mime, "filetype": kind,
		"pretty_type": kind, "user": s.opts.BotUser, "user_team": s.opts.Team, "editable": mode == "snippet", "size": len(f.Content), "mode": mode, "is_external": false,
		"is_public": true, "url_private": link, "url_private_download": link, "permalink": "https://" + domain + "/files/" + s.opts.BotUser + "/" + f.ID, "channels": []string{}, "groups": []string{}, "ims": []string{}}
	if f.Channel != "" {
		out["channels"] = []string{f.Channel}
	}
	return out
}

func (s *Server) fileInfo(a args) (fields, error) {
	f := s.file(a.text("file"))
	if f == nil {
		return nil, refuse("file_not_found")
	}
	out := s.wireFile(f)
	if f.Channel != "" { // what completes the upload does not know it yet
		share := fields{"ts": f.ts, "team_id": s.opts.Team, "reply_users": []string{}, "reply_users_count": 0, "reply_count": 0}
		if f.Thread != "" {
			share["thread_ts"] = f.Thread
		}
		out["shares"] = fields{map[bool]string{true: "private", false: "public"}[s.channel(f.Channel, false).kind() != "channels"]: fields{f.Channel: []fields{share}}}
	}
	return fields{"file": out, "comments": []string{}}, nil
}

// download gives the bytes of a file to the bot.
func (s *Server) download(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.file(r.PathValue("id"))
	if r.Header.Get("Authorization") != "Bearer "+s.opts.BotToken || s.gone {
		http.Error(w, "not authorized", http.StatusForbidden)
		return
	}
	if f == nil {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(f.Content)
}
