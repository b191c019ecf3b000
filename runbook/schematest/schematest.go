// Package schematest makes the JSON Schemas that editors use out of the types that YAML files are decoded into, for the
// tests that hold the schemas in docs/schema to the code.
package schematest

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"
)

// Draft is the version of JSON Schema that is written.
const Draft = "https://json-schema.org/draft/2020-12/schema"

// Hold compares the schema with the file, or with write puts it there. how is the command that does so.
func Hold(t *testing.T, file string, s *jsonschema.Schema, write bool, how string) *jsonschema.Resolved {
	t.Helper()
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(s); err != nil {
		t.Fatal(err)
	}
	if write {
		if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(have), text.String()); d != "" {
		t.Errorf("%s is not what the types say (%s):\n%s", file, how, d)
	}
	resolved, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return resolved
}

// Type is the type with its yaml keys as json keys, which the schema's maker reads, and docs ("Host.Address" → text) as
// descriptions. Types in as are put in the place of others, and go no further.
func Type(t reflect.Type, docs map[string]string, as map[reflect.Type]reflect.Type) reflect.Type {
	if other, ok := as[t]; ok {
		return other
	}
	switch t.Kind() {
	case reflect.Struct:
		return reflect.StructOf(fields(t, docs, as))
	case reflect.Pointer:
		return Type(t.Elem(), docs, as)
	case reflect.Slice:
		return reflect.SliceOf(Type(t.Elem(), docs, as))
	case reflect.Map:
		return reflect.MapOf(t.Key(), Type(t.Elem(), docs, as))
	}
	return t
}

func fields(t reflect.Type, docs map[string]string, as map[reflect.Type]reflect.Type) []reflect.StructField {
	var out []reflect.StructField
	for i := range t.NumField() {
		f := t.Field(i)
		key, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			out = append(out, fields(f.Type, docs, as)...)
		case f.IsExported() && key != "" && key != "-":
			tag := `json:"` + key + `,omitempty"`
			if doc := docs[t.Name()+"."+f.Name]; doc != "" {
				tag += ` jsonschema:` + quoted(doc)
			}
			out = append(out, reflect.StructField{Name: f.Name, Type: Type(f.Type, docs, as), Tag: reflect.StructTag(tag)})
		}
	}
	return out
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return strings.NewReplacer(`\u003e`, ">", `\u003c`, "<", `\u0026`, "&").Replace(string(b))
}

// Comments finds the comment at the end of each field's line, or else above it: "Host.Address" → text.
func Comments(t *testing.T, files ...string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if st, ok := spec.Type.(*ast.StructType); ok {
				for _, field := range st.Fields.List {
					for _, name := range field.Names {
						text := field.Comment.Text()
						if text == "" {
							text = field.Doc.Text()
						}
						out[spec.Name.Name+"."+name.Name] = strings.Join(strings.Fields(text), " ")
					}
				}
			}
			return false
		})
	}
	return out
}
