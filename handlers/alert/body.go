package alert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"recoverbot/runbook"
)

// maxDepth is how deeply a body may be nested; monitoring systems need five. maxValue is how many bytes of it one alert
// may have: what is decoded can take many times as much memory.
const (
	maxDepth = 32
	maxValue = 1 << 20
)

// Body reads a JSON body piece by piece, so that ten thousand alerts take the memory of one. Keys that nobody asks for are
// passed over: monitoring systems add some with each version.
type Body struct {
	d   *json.Decoder
	raw json.RawMessage
}

// NewBody returns a Body of what r gives.
func NewBody(r io.Reader) *Body { return &Body{d: json.NewDecoder(&shallow{r: r})} }

// The kinds of values that hold others.
const (
	Object = "{"
	List   = "["
)

// Walk reads an object or list that comes next, and calls each at every value in it with its key, or its place from 0.
// each reads the value, by Walk, Value or Skip. A value that is not of the kinds is an error that calls it by name.
func (b *Body) Walk(name, kinds string, each func(key string) error) error {
	open, err := b.d.Token()
	if err != nil {
		return unreadable(err)
	}
	var kind string
	if d, ok := open.(json.Delim); ok {
		kind = d.String()
	}
	switch {
	case kind == "" || !bytes.Contains([]byte(kinds), []byte(kind)):
		what := map[string]string{Object: "object", List: "list"}[kinds[len(kinds)-1:]]
		return Unreadable(fmt.Sprintf("%s is no %s", name, what))
	case kind == List:
		for i := 0; b.d.More(); i++ {
			if err := each(strconv.Itoa(i)); err != nil {
				return err
			}
		}
	default:
		for b.d.More() {
			key, err := b.d.Token()
			if err != nil {
				return unreadable(err)
			}
			if err := each(key.(string)); err != nil { // the decoder takes nothing else for a key
				return err
			}
		}
	}
	_, err = b.d.Token()
	return unreadable(err)
}

// Value decodes the value that comes next, of at most maxValue bytes. Numbers in an any become json.Number.
func (b *Body) Value(name string, v any) error {
	if err := b.d.Decode(&b.raw); err != nil {
		return unreadable(err)
	}
	if len(b.raw) > maxValue {
		return Unreadable(fmt.Sprintf("%s is larger than %d KB", name, maxValue>>10))
	}
	d := json.NewDecoder(bytes.NewReader(b.raw))
	d.UseNumber()
	return unreadable(d.Decode(v))
}

// Skip passes over the value that comes next.
func (b *Body) Skip() error {
	depth := 0
	for {
		t, err := b.d.Token()
		if err != nil {
			return unreadable(err)
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// End makes sure that nothing comes after the value.
func (b *Body) End() error {
	switch _, err := b.d.Token(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return unreadable(err)
	}
	return Unreadable("more than one JSON value")
}

// Unreadable is the error of a body that will never be right.
func Unreadable(problem string) error {
	return runbook.Errorf(runbook.Invalid, "alert.bad_body", "problem", problem)
}

// unreadable says the same of an error of the decoder. What the reader below it found is left as it is.
func unreadable(err error) error {
	var known *runbook.Error
	var tooLarge *http.MaxBytesError
	if err == nil || errors.As(err, &known) || errors.As(err, &tooLarge) {
		return err
	}
	return Unreadable(err.Error())
}

// shallow is a reader of JSON that is not nested too deeply.
type shallow struct {
	r                 io.Reader
	depth             int
	inString, escaped bool
}

func (s *shallow) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	for _, c := range p[:n] {
		switch {
		case s.escaped:
			s.escaped = false
		case s.inString && c == '\\':
			s.escaped = true
		case c == '"':
			s.inString = !s.inString
		case s.inString:
		case c == '{' || c == '[':
			if s.depth++; s.depth > maxDepth {
				return 0, runbook.Errorf(runbook.Invalid, "alert.too_deep", "max", maxDepth)
			}
		case c == '}' || c == ']':
			s.depth--
		}
	}
	return n, err
}
