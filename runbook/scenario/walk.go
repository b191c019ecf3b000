package scenario

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"recoverbot/runbook/strictyaml"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// each calls f for every value of type T inside v, with its path of yaml keys below where.
func each[T any](v reflect.Value, where string, f func(where string, x T)) {
	if x, ok := v.Interface().(T); ok {
		f(where, x)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			each(v.Elem(), where, f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			each(v.Index(i), fmt.Sprintf("%s[%d]", where, i), f)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if key := strictyaml.Key(v.Type().Field(i)); key != "" {
				each(v.Field(i), where+"."+key, f)
			}
		}
	}
}

// references are the plain texts of a configuration that refer to something; scripts and statements are blocks of text,
// or do not begin so.
var referencePattern = regexp.MustCompile(`^\$[a-z_]+\.\S+$`)

type references []*ast.StringNode

// insidePattern is what looks like a reference in the middle of a text.
var insidePattern = regexp.MustCompile(`\$\{?[a-z_]+(\.[a-z0-9_-]+)+`)

// scripts are the texts that are handed on as they are: to a shell, or to a database.
type scripts []ast.Node

var scriptKeys = []string{"script", "facts", "satisfied", "look", "text", "create"}

// Visit implements ast.Visitor.
func (s *scripts) Visit(n ast.Node) ast.Visitor {
	if kv, ok := n.(*ast.MappingValueNode); ok && slices.Contains(scriptKeys, kv.Key.GetToken().Value) {
		switch kv.Value.(type) {
		case *ast.StringNode, *ast.LiteralNode:
			*s = append(*s, kv.Value)
		}
	}
	return s
}

// textOf is that of a plain, a quoted or a block scalar.
func textOf(n ast.Node) string {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	}
	return ""
}

// Visit implements ast.Visitor.
func (r *references) Visit(n ast.Node) ast.Visitor {
	if s, ok := n.(*ast.StringNode); ok && referencePattern.MatchString(s.Value) {
		*r = append(*r, s)
	}
	return r
}
