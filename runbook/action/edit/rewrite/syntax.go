package rewrite

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/goccy/go-yaml"

	"recoverbot/runbook/strictyaml"
)

// ErrSyntax says that a YAML or JSON text does not parse; the cause is not given, since it quotes the text.
var ErrSyntax = errors.New("does not parse")

// Check holds the new text of a YAML or JSON file to the old one: both parse, and where nothing but hosts was replaced
// (no list or line changed) they have the same shape and differ in values that named the old host only.
func Check(name string, before, after []byte, ops []Op) error {
	f := FormatOf(name)
	if f != YAML && f != JSON {
		return nil
	}
	old, err := parse(before)
	if err != nil {
		return fmt.Errorf("old text: %w", ErrSyntax)
	}
	now, err := parse(after)
	if err != nil {
		return fmt.Errorf("new text: %w", ErrSyntax)
	}
	var names []string
	for _, op := range ops {
		if op.Kind != "rehost" {
			return nil
		}
		names = append(names, op.From...)
	}
	if !same(old, now, names) {
		return errors.New("more than the hosts would change")
	}
	return nil
}

func parse(text []byte) ([]any, error) {
	text = bytes.TrimPrefix(text, []byte(bom))
	if _, err := strictyaml.Parse(text, 0); err != nil {
		return nil, err
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	var docs []any
	for {
		var doc any
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, err
		}
		docs = append(docs, doc)
	}
}

func same(a, b any, names []string) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k := range x {
			if v, there := y[k]; !there || !same(x[k], v, names) {
				return false
			}
		}
		return true
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !same(x[i], y[i], names) {
				return false
			}
		}
		return true
	case string:
		y, ok := b.(string)
		return ok && (x == y || len(words(x, span{0, len(x)}, names)) > 0 && y != "")
	}
	return reflect.DeepEqual(a, b) || fmt.Sprintf("%T%v", a, a) == fmt.Sprintf("%T%v", b, b)
}
