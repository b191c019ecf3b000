// Package generic reads the JSON bodies of any monitoring system, as a mapping of fleet.yaml says.
package generic

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"recoverbot/handlers/alert"
	"recoverbot/runbook/fleet"
)

// New returns the source of a mapping.
func New(name string, m fleet.AlertMapping) alert.Source { return source{name, m} }

type source struct {
	name    string
	mapping fleet.AlertMapping
}

func (s source) Name() string { return s.name }

func (s source) Parse(r io.Reader, each func(alert.Event)) error {
	b := alert.NewBody(r)
	one := func(name string) error {
		var item any
		if err := b.Value(name, &item); err != nil {
			return err
		}
		e, err := s.event(item)
		if err == nil {
			each(e)
		}
		return err
	}
	read, found := func() error { return one("the alert") }, true
	if s.mapping.List != "" {
		found = false
		read = func() error {
			return s.descend(b, strings.Split(s.mapping.List, "."), func() error {
				found = true
				return b.Walk(s.mapping.List, alert.List, func(i string) error { return one(s.mapping.List + "." + i) })
			})
		}
	}
	if err := read(); err != nil {
		return err
	}
	if !found {
		return alert.Unreadable(s.mapping.List + " is no list")
	}
	return b.End()
}

// descend follows a path, and calls read where it leads.
func (s source) descend(b *alert.Body, path []string, read func() error) error {
	if len(path) == 0 {
		return read()
	}
	return b.Walk(s.mapping.List, alert.Object+alert.List, func(key string) error {
		if key == path[0] {
			return s.descend(b, path[1:], read)
		}
		return b.Skip()
	})
}

func (s source) event(item any) (alert.Event, error) {
	e := alert.Event{Labels: map[string]string{}, Summary: text(at(item, s.mapping.Summary)), Since: instant(text(at(item, s.mapping.Since)))}
	var identity []string
	for _, p := range s.mapping.Fingerprint {
		v := text(at(item, p))
		if v == "" {
			return e, alert.Unreadable(fmt.Sprintf("%s is missing: it is needed to tell alerts apart", p))
		}
		identity = append(identity, strconv.Quote(v))
	}
	e.Fingerprint = strings.Join(identity, ",")
	status := text(at(item, s.mapping.Status))
	if status == "" {
		return e, alert.Unreadable(fmt.Sprintf("%s is missing: it tells whether the alert fires", s.mapping.Status))
	}
	e.Resolved = slices.Contains(s.mapping.Resolved, status)
	for label, p := range s.mapping.Labels {
		if v := text(at(item, p)); v != "" {
			e.Labels[label] = v
		}
	}
	return e, nil
}

// at follows a path of keys and indexes; nil where it leads nowhere.
func at(v any, path string) any {
	if path == "" {
		return nil
	}
	for key := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

func text(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case json.Number:
		return x.String()
	case bool:
		return strconv.FormatBool(x)
	}
	return ""
}

// instant reads RFC 3339, or seconds (or milliseconds) since 1970; zero for anything else.
func instant(s string) time.Time {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(n) || n <= 0 || n > 1e14 {
		return time.Time{}
	}
	if n > 1e11 {
		n /= 1000
	}
	return time.UnixMilli(int64(n * 1000))
}
