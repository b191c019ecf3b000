package fleet

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"recoverbot/runbook"
	"recoverbot/runbook/strictyaml"
)

// decoder fills a struct strictly from YAML and goes on after each problem, so that all are found at once. goccy's own
// strict mode ends at the first.
type decoder struct {
	file     string
	text     []byte
	getenv   func(string) string
	at       map[string]*token.Token // where a value stands, by its path: hosts[2].address
	problems []Problem
}

// value decodes node into v; path names it.
func (d *decoder) value(path string, node ast.Node, v reflect.Value) {
	switch n := node.(type) {
	case *ast.AliasNode, *ast.AnchorNode, *ast.MergeKeyNode, *ast.TagNode:
		d.add(node.GetToken(), "fleet.config_no_anchors")
		return
	case *ast.NullNode, nil:
		_ = n
		return
	}
	d.at[path] = strictyaml.First(node)
	if v.Type() == reflect.TypeFor[Secret]() {
		d.secret(path, node, v)
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.scalar(node, func(text string) error { return u.UnmarshalText([]byte(text)) }, v.Type())
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.mapping(path, node, func(key string, at *token.Token, val ast.Node) {
			f, ok := field(v, key)
			if !ok {
				d.add(at, "fleet.config_unknown_key", "key", key, "near", runbook.Nearest(key, keys(v.Type())))
				return
			}
			d.value(join(path, key), val, f)
		})
	case reflect.Map:
		m := reflect.MakeMap(v.Type())
		d.mapping(path, node, func(key string, _ *token.Token, val ast.Node) {
			e := reflect.New(v.Type().Elem()).Elem()
			d.value(join(path, key), val, e)
			m.SetMapIndex(reflect.ValueOf(key), e)
		})
		v.Set(m)
	case reflect.Slice:
		seq, ok := node.(*ast.SequenceNode)
		if !ok {
			d.add(strictyaml.First(node), "fleet.config_want_list", "key", last(path))
			return
		}
		for i, item := range seq.Values {
			e := reflect.New(v.Type().Elem()).Elem()
			d.value(fmt.Sprintf("%s[%d]", path, i), item, e)
			v.Set(reflect.Append(v, e))
		}
	case reflect.String:
		d.scalar(node, func(text string) error { v.SetString(text); return nil }, v.Type())
	case reflect.Int, reflect.Int64:
		d.typed(node, ast.IntegerType, "fleet.config_want_number", path, func(text string) error {
			i, err := strconv.ParseInt(strings.ReplaceAll(text, "_", ""), 10, 64)
			v.SetInt(i)
			return err
		})
	case reflect.Bool:
		d.typed(node, ast.BoolType, "fleet.config_want_bool", path, func(text string) error {
			b, err := strconv.ParseBool(strings.ToLower(text))
			v.SetBool(b)
			return err
		})
	default:
		d.add(strictyaml.First(node), "fleet.config_bad_value", "text", v.Type().String())
	}
}

// mapping calls each for every key, once per key.
func (d *decoder) mapping(path string, node ast.Node, each func(string, *token.Token, ast.Node)) {
	var values []*ast.MappingValueNode
	switch n := node.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		d.add(strictyaml.First(node), "fleet.config_want_mapping", "key", last(path))
		return
	}
	seen := map[string]int{}
	for _, kv := range values {
		at := kv.Key.GetToken()
		if _, ok := kv.Key.(*ast.MergeKeyNode); ok || kv.Key.Type() == ast.AliasType || kv.Key.Type() == ast.AnchorType {
			d.add(at, "fleet.config_no_anchors")
			continue
		}
		key := at.Value
		if line, ok := seen[key]; ok {
			d.add(at, "fleet.config_duplicate_key", "key", key, "line", line)
			continue
		}
		seen[key] = at.Position.Line
		d.at[join(path, key)+":"] = at // of the key itself
		each(key, at, kv.Value)
	}
}

// scalar hands the text of a plain or quoted value to set, as it is written: 0777 stays 0777.
func (d *decoder) scalar(node ast.Node, set func(string) error, t reflect.Type) {
	var text string
	switch n := node.(type) {
	case *ast.StringNode:
		text = n.Value
	case *ast.LiteralNode:
		text = n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		text = node.GetToken().Value
	default:
		d.add(strictyaml.First(node), "fleet.config_want_text")
		return
	}
	if err := set(text); err != nil {
		switch t.String() {
		case "netip.Addr":
			d.add(node.GetToken(), "fleet.config_bad_ip", "text", text)
		case "runbook.Duration":
			d.add(node.GetToken(), "fleet.config_bad_duration", "text", text)
		default:
			d.add(node.GetToken(), "fleet.config_bad_value", "text", text)
		}
	}
}

func (d *decoder) typed(node ast.Node, want ast.NodeType, id, path string, set func(string) error) {
	if node.Type() != want || set(node.GetToken().Value) != nil {
		d.add(strictyaml.First(node), id, "key", last(path))
		delete(d.at, path) // it is not known what it is: the default stands in for it
	}
}

// secret replaces ${NAME}; nothing else of the file can mean an environment variable.
func (d *decoder) secret(path string, node ast.Node, v reflect.Value) {
	d.scalar(node, func(text string) error {
		name, ok := strings.CutPrefix(text, "${")
		name, closed := strings.CutSuffix(name, "}")
		if !ok || !closed || !envName.MatchString(name) {
			d.add(node.GetToken(), "fleet.config_secret", "key", last(path))
			return nil
		}
		value := d.getenv(name)
		if value == "" {
			d.add(node.GetToken(), "fleet.config_env_missing", "name", name)
		}
		v.SetString(value)
		return nil
	}, v.Type())
}

// field finds a struct's field by its yaml key.
func field(v reflect.Value, key string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if strictyaml.Key(v.Type().Field(i)) == key {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func keys(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		if k := strictyaml.Key(t.Field(i)); k != "" {
			out = append(out, k)
		}
	}
	return out
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func last(path string) string {
	return path[strings.LastIndexByte(path, '.')+1:]
}
