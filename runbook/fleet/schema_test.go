package fleet

import (
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"

	"recoverbot/runbook"
)

var update = flag.Bool("update", false, "write golden files and docs/schema anew")

//go:generate go test -run TestSchema -update .

const schemaFile = "../../docs/schema/fleet.schema.json"

// The schema that editors use is made from the types that are decoded, and the example is valid under it.
func TestSchema(t *testing.T) {
	t.Parallel()
	s, err := jsonschema.ForType(jsonType(reflect.TypeFor[Config](), comments(t, "config.go", "../probe.go")), &jsonschema.ForOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.Schema, s.Title = "https://json-schema.org/draft/2020-12/schema", "recoverbot fleet.yaml"
	s.Required = []string{"hosts"}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if *update {
		if err := os.MkdirAll("../../docs/schema", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(schemaFile, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(have), string(text)); d != "" {
		t.Errorf("%s is not what the types say (go generate ./runbook/fleet):\n%s", schemaFile, d)
	}
	resolved, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("../../fleet.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var v any
	asJSON, err := yaml.YAMLToJSON(example)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(asJSON, &v); err != nil {
		t.Fatal(err)
	}
	if err := resolved.Validate(v); err != nil {
		t.Errorf("the example: %v", err)
	}
	v.(map[string]any)["hsots"] = nil
	if resolved.Validate(v) == nil {
		t.Error("the schema takes an unknown key")
	}
}

// jsonType is the type with its yaml keys as json keys, which the schema's maker reads, and comments as descriptions.
func jsonType(t reflect.Type, docs map[string]string) reflect.Type {
	switch t {
	case reflect.TypeFor[netip.Addr](), reflect.TypeFor[Secret](), reflect.TypeFor[runbook.Duration]():
		return reflect.TypeFor[string]()
	}
	switch t.Kind() {
	case reflect.Struct:
		var fields []reflect.StructField
		for i := range t.NumField() {
			f := t.Field(i)
			key := yamlKey(f)
			if key == "" {
				continue
			}
			tag := `json:"` + key + `,omitempty"`
			if doc := docs[t.Name()+"."+f.Name]; doc != "" {
				tag += ` jsonschema:` + quoted(doc)
			}
			fields = append(fields, reflect.StructField{Name: f.Name, Type: jsonType(f.Type, docs), Tag: reflect.StructTag(tag)})
		}
		return reflect.StructOf(fields)
	case reflect.Slice:
		return reflect.SliceOf(jsonType(t.Elem(), docs))
	case reflect.Map:
		return reflect.MapOf(t.Key(), jsonType(t.Elem(), docs))
	}
	return t
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return strings.NewReplacer(`\u003e`, ">", `\u003c`, "<", `\u0026`, "&").Replace(string(b))
}

// comments finds the comment at the end of each field's line: "Host.Address" → text.
func comments(t *testing.T, files ...string) map[string]string {
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
						out[spec.Name.Name+"."+name.Name] = strings.TrimSpace(field.Comment.Text())
					}
				}
			}
			return false
		})
	}
	return out
}
