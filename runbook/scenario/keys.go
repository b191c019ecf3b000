package scenario

import (
	"maps"
	"reflect"
	"sync"

	"github.com/goccy/go-yaml/ast"

	"recoverbot/runbook"
	"recoverbot/runbook/strictyaml"
)

// unknownKeys tells every key that the type does not have, where goccy's strict mode ends at the first; it reports
// whether there is one.
func (l *loader) unknownKeys(name string, node ast.Node, t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	found := false
	switch n := node.(type) {
	case *ast.SequenceNode:
		if t.Kind() == reflect.Slice {
			for _, v := range n.Values {
				found = l.unknownKeys(name, v, t.Elem()) || found
			}
		}
	case *ast.MappingNode:
		for _, kv := range n.Values {
			found = l.unknownKeys(name, kv, t) || found
		}
	case *ast.MappingValueNode:
		switch t.Kind() {
		case reflect.Map:
			return l.unknownKeys(name, n.Value, t.Elem())
		case reflect.Struct:
			at := n.Key.GetToken()
			known := fieldsOf(t)
			f, ok := known[at.Value]
			if !ok {
				l.at(name, n.Key, "scenario.unknown_key", "key", at.Value, "near", runbook.Nearest(at.Value, sortedKeys(known)))
				return true
			}
			return l.unknownKeys(name, n.Value, f)
		}
	}
	return found
}

// fields keeps what fieldsOf has found: a third of the bot's start went into finding it again.
var fields sync.Map

// fieldsOf is the types of a struct's fields by their yaml keys, those of embedded structs included. Nobody changes it.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	if known, ok := fields.Load(t); ok {
		return known.(map[string]reflect.Type)
	}
	out := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		if key := strictyaml.Key(f); key != "" {
			out[key] = f.Type
		} else if f.Anonymous {
			maps.Copy(out, fieldsOf(f.Type))
		}
	}
	fields.Store(t, out)
	return out
}
