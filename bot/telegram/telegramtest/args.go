package telegramtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"
)

// args are the arguments of a call: strings of a form or query, any values of JSON, uploads.
type args map[string]any

type upload struct {
	name, kind string
	content    []byte
}

// readArgs reads a query, a form, a multipart form or JSON; what the body says counts. A body may hold a file of maxFile
// bytes and something more.
func readArgs(r *http.Request, maxFile int64) (args, error) {
	a := args{}
	for k, v := range r.URL.Query() {
		a[k] = v[0]
	}
	r.Body = http.MaxBytesReader(nil, r.Body, maxFile+1<<20)
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if strings.TrimSpace(kind) == "application/json" {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return a, tooLarge(err)
		}
		var body args
		decoder := json.NewDecoder(strings.NewReader(string(raw)))
		decoder.UseNumber() // ids of chats have more digits than a float writes
		if err := decoder.Decode(&body); err != nil && len(raw) > 0 {
			return a, bad("can't parse JSON object")
		}
		maps.Copy(a, body)
		return a, nil
	}
	if err := r.ParseMultipartForm(maxFile); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return a, tooLarge(err)
	}
	for k, v := range r.Form {
		a[k] = v[0]
		if !utf8.ValidString(v[0]) {
			return a, bad("strings must be encoded in UTF-8")
		}
	}
	if r.MultipartForm == nil {
		return a, nil
	}
	for k, v := range r.MultipartForm.File {
		f, err := v[0].Open()
		if err != nil {
			return a, bad("can't read the file %s", k)
		}
		content, err := io.ReadAll(f)
		_ = f.Close() // it was only read
		if err != nil {
			return a, bad("can't read the file %s", k)
		}
		a[k] = upload{name: v[0].Filename, kind: v[0].Header.Get("Content-Type"), content: content}
	}
	return a, nil
}

func tooLarge(err error) error {
	var over *http.MaxBytesError
	if errors.As(err, &over) {
		return refuse(http.StatusRequestEntityTooLarge, "Request Entity Too Large")
	}
	return bad("can't read the request")
}

func (a args) text(key string) string {
	switch v := a[key].(type) {
	case string:
		return v
	case bool, json.Number:
		return fmt.Sprint(v)
	}
	return ""
}

func (a args) flag(key string) bool {
	on, _ := strconv.ParseBool(strings.ToLower(a.text(key)))
	return on
}

func (a args) number(key string) int { return int(a.id(key)) }

func (a args) id(key string) int64 {
	n, _ := strconv.ParseInt(a.text(key), 10, 64)
	return n
}

// given says whether key was sent with a value at all.
func (a args) given(key string) bool {
	v, ok := a[key]
	return ok && v != nil && v != ""
}

// structure decodes a list or object, which may come as a string of JSON; false: it is none.
func (a args) structure(key string, into any) bool {
	raw, isText := a[key].(string)
	if !isText {
		b, _ := json.Marshal(a[key]) // it was decoded from JSON
		raw = string(b)
	}
	return json.Unmarshal([]byte(raw), into) == nil
}

func (a args) shown() map[string]string {
	all := map[string]string{}
	for k, v := range a {
		switch v := v.(type) {
		case string:
			all[k] = v
		case upload:
			all[k] = v.name
		default:
			b, _ := json.Marshal(v) // it was decoded from JSON
			all[k] = string(b)
		}
	}
	return all
}
