package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed console.html login.html static
var files embed.FS

// scriptLabels are the labels that the script needs; %n and the like are replaced there.
var scriptLabels = []string{
	"state_down", "state_waiting", "state_running", "state_done", "state_skipped", "state_failed", "state_unknown", "state_held", "state_info", "state_parked", "state_aborted",
	"state_unverified", "kind_script", "kind_sql", "kind_diff", "kind_command", "kind_env", "kind_files", "kind_text", "kind_table",
	"mark_match", "mark_changed", "mark_refused", "mark_ok", "mark_bad", "lines_count", "rows_more", "output", "only_you", "refused",
	"reason", "reason_needed", "field_needed", "confirm_yes", "cancel", "sending", "not_sent", "or_type", "lost", "time_left", "time_over",
	"form_first",
}

type pages struct {
	console, login *template.Template
	assets         map[string][]byte
	version        string
	labels         map[string]string // JSON by language
	label          func(lang, id string, pairs ...any) string
}

type view struct {
	Lang, Other, OtherName, Theme, Version, User, CSRF, Labels, Watermark, Error string
	label                                                                        func(lang, id string, pairs ...any) string
}

// T is a label in the page's language.
func (v view) T(id string) string { return v.label(v.Lang, "ui."+id) }

func loadPages(c Config) (*pages, error) {
	p := &pages{assets: map[string][]byte{}, labels: map[string]string{}, label: c.Label}
	var err error
	if p.console, err = template.ParseFS(files, "console.html"); err != nil {
		return nil, err
	}
	if p.login, err = template.ParseFS(files, "login.html"); err != nil {
		return nil, err
	}
	list, err := files.ReadDir("static")
	if err != nil {
		return nil, err
	}
	hash := sha256.New()
	for _, f := range list {
		body, err := files.ReadFile(path.Join("static", f.Name()))
		if err != nil {
			return nil, err
		}
		p.assets[f.Name()] = body
		hash.Write(body)
	}
	p.version = hex.EncodeToString(hash.Sum(nil))[:12]
	for _, lang := range []string{"en", "zh"} {
		all := map[string]string{}
		for _, id := range scriptLabels {
			all[id] = c.Label(lang, "ui."+id, "n", "%n", "what", "%w")
		}
		text, err := json.Marshal(all)
		if err != nil {
			return nil, fmt.Errorf("encode labels: %w", err)
		}
		p.labels[lang] = string(text)
	}
	return p, nil
}

// static serves the embedded files; their addresses change with their content, so they may be kept for ever.
func (p *pages) static(rw http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	body, ok := p.assets[name]
	if !ok {
		http.NotFound(rw, r)
		return
	}
	if r.URL.Query().Get("v") == p.version {
		rw.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(rw, r, name, time.Time{}, bytes.NewReader(body))
}

func (w *Console) page(rw http.ResponseWriter, r *http.Request) {
	if l := r.URL.Query().Get("lang"); l == "en" || l == "zh" {
		http.SetCookie(rw, &http.Cookie{Name: "lang", Value: l, Path: "/", MaxAge: 31536000, SameSite: http.SameSiteLaxMode})
		http.Redirect(rw, r, "/", http.StatusSeeOther)
		return
	}
	s, csrf, ok := w.who(r)
	if !ok {
		w.showLogin(rw, r, http.StatusOK, "")
		return
	}
	v := w.view(r)
	v.User, v.CSRF = s.UserID, csrf
	w.show(rw, http.StatusOK, w.pages.console, v)
}

func (w *Console) showLogin(rw http.ResponseWriter, r *http.Request, status int, wrong string) {
	v := w.view(r)
	if wrong != "" {
		v.Error = w.c.Label(v.Lang, wrong)
	}
	w.show(rw, status, w.pages.login, v)
}

func (w *Console) show(rw http.ResponseWriter, status int, t *template.Template, v view) {
	var b bytes.Buffer
	if err := t.Execute(&b, v); err != nil {
		w.log.Error("page could not be rendered", "error", err)
		http.Error(rw, "internal error", http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	rw.WriteHeader(status)
	_, _ = b.WriteTo(rw) // the reader may be gone
}

func (w *Console) view(r *http.Request) view {
	v := view{Lang: w.lang(r), Other: "zh", OtherName: "中文", Version: w.pages.version, Watermark: w.c.Watermark, label: w.c.Label}
	if v.Lang == "zh" {
		v.Other, v.OtherName = "en", "EN"
	}
	v.Labels = w.pages.labels[v.Lang]
	if c, err := r.Cookie("theme"); err == nil && (c.Value == "dark" || c.Value == "light") {
		v.Theme = c.Value
	}
	return v
}

// lang is the language that this reader chose, else the first one of the browser that we speak, else the server's.
func (w *Console) lang(r *http.Request) string {
	if c, err := r.Cookie("lang"); err == nil && (c.Value == "en" || c.Value == "zh") {
		return c.Value
	}
	if w.c.Render != nil {
		for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
			if l := strings.ToLower(strings.TrimSpace(part)); strings.HasPrefix(l, "zh") {
				return "zh"
			} else if strings.HasPrefix(l, "en") {
				return "en"
			}
		}
	}
	return w.c.Language
}
