package scenario

import (
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/jsonschema-go/jsonschema"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/action/builtin"
	"recoverbot/runbook/blackbox"
	"recoverbot/runbook/schematest"
)

var update = flag.Bool("update", false, "write docs/schema anew")

//go:generate go test -run TestSchema -update .

const schemaFile = "../../docs/schema/scenario.schema.json"

// realKinds are the kinds that the program has.
func realKinds(t *testing.T) *action.Builder {
	t.Helper()
	b, err := action.NewBuilder(nil, builtin.Kinds(), (*blackbox.Store)(nil), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// schema is what an editor is told of a scenario file: `with:` has the shape of the step's kind.
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	kinds := realKinds(t)
	text := reflect.TypeFor[string]()
	as := map[reflect.Type]reflect.Type{reflect.TypeFor[runbook.Duration](): text}
	refs := map[reflect.Type]*jsonschema.Schema{reflect.TypeFor[any](): {}}
	defs := map[string]*jsonschema.Schema{}
	shape := func(typ reflect.Type, docs map[string]string) *jsonschema.Schema {
		s, err := jsonschema.ForType(schematest.Type(typ, docs, as), &jsonschema.ForOptions{TypeSchemas: refs})
		if err != nil {
			t.Fatal(err)
		}
		s.PropertyOrder = nil
		return s
	}
	docs := schematest.Comments(t, "../scenario.go", "../probe.go", "../text.go", "parse.go")
	define := func(name string, typ reflect.Type, docs map[string]string) *jsonschema.Schema {
		s := shape(typ, docs)
		defs[name] = s
		as[typ], refs[typ] = typ, &jsonschema.Schema{Ref: "#/$defs/" + name}
		return s
	}
	enum := func(words []string) *jsonschema.Schema {
		s := &jsonschema.Schema{Type: "string"}
		for _, w := range words {
			s.Enum = append(s.Enum, w)
		}
		return s
	}
	define("text", reflect.TypeFor[runbook.Text](), docs).Required = []string{"en", "zh"}
	probe := define("probe", reflect.TypeFor[runbook.Probe](), docs)
	probe.Properties["kind"], probe.Properties["expect"], probe.Required = enum(kinds.Probes()), enum([]string{"up", "down"}), []string{"kind"}
	param := define("param", reflect.TypeFor[runbook.Param](), docs)
	param.Properties["type"], param.Required = enum(runbook.ParamTypes), []string{"name", "type"}
	param.Properties["role"].Enum = enum(append(append([]string(nil), runbook.HostRoles...), "retired")).Enum
	define("guard", reflect.TypeFor[runbook.Guard](), docs).Required = []string{"title"}
	binding := shape(reflect.TypeFor[runbook.Binding](), docs)
	binding.Required = []string{"from"}
	defs["binding"] = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
		{Type: "string", Description: "a role, or $param.NAME of a parameter of type host"}, binding,
	}}
	as[reflect.TypeFor[runbook.Binding]()] = reflect.TypeFor[runbook.Binding]()
	refs[reflect.TypeFor[runbook.Binding]()] = &jsonschema.Schema{Ref: "#/$defs/binding"}

	one := shape(reflect.TypeFor[step](), docs)
	one.Properties["kind"] = enum(kinds.Names())
	scalar := &jsonschema.Schema{Types: []string{"string", "boolean", "number"}}
	one.Properties["if"].AdditionalProperties = scalar
	one.AnyOf = []*jsonschema.Schema{{Required: []string{"id", "title", "kind"}}, {Required: []string{"include"}}}
	for _, name := range kinds.Names() {
		spec, _ := kinds.Prototype(name)
		files, err := filepath.Glob("../action/" + name + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		defs[name] = shape(reflect.TypeOf(spec).Elem(), schematest.Comments(t, files...))
		var kind any = name
		one.AllOf = append(one.AllOf, &jsonschema.Schema{
			If:   &jsonschema.Schema{Properties: map[string]*jsonschema.Schema{"kind": {Const: &kind}}, Required: []string{"kind"}},
			Then: &jsonschema.Schema{Properties: map[string]*jsonschema.Schema{"with": {Ref: "#/$defs/" + name}}},
		})
	}
	defs["step"] = one
	s := shape(reflect.TypeFor[file](), docs)
	s.Properties["steps"] = &jsonschema.Schema{Type: "array", Items: &jsonschema.Schema{Ref: "#/$defs/step"}}
	s.Schema, s.Title, s.Defs = schematest.Draft, "recoverbot scenario", defs
	s.Required = []string{"steps"}
	s.AnyOf = []*jsonschema.Schema{{Required: []string{"name", "title"}}, {Required: []string{"fragment"}}}
	return s
}

// The schema is what the types say, and every embedded file is valid under it.
func TestSchema(t *testing.T) {
	t.Parallel()
	resolved := schematest.Hold(t, schemaFile, schema(t), *update, "go generate ./runbook/scenario")
	validate := func(text []byte) error {
		var v any
		asJSON, err := yaml.YAMLToJSON(text)
		if err == nil {
			err = json.Unmarshal(asJSON, &v)
		}
		if err != nil {
			t.Fatal(err)
		}
		return resolved.Validate(v)
	}
	files := 0
	err := fs.WalkDir(embedded, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		text, err := fs.ReadFile(embedded, name)
		if err != nil {
			return err
		}
		if err := validate(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return nil
	})
	if err != nil || files == 0 {
		t.Fatalf("%d files, %v", files, err)
	}
	example := documented(t)
	if err := validate([]byte(example)); err != nil {
		t.Errorf("the example: %v", err)
	}
	for from, to := range map[string]string{
		"kind: ssh": "kind: shh", "steps:": "stpes:", "expect: down": "expect: dwon", "script:": "scirpt:", "type: enum": "type: list",
		"kind: service, host": "kind: servise, host", "many: true": "mayn: true",
	} {
		if text := strings.Replace(example, from, to, 1); text == example || validate([]byte(text)) == nil {
			t.Errorf("the schema takes %q for %q", to, from)
		}
	}
}

// documented is the example of docs/extending.md.
func documented(t *testing.T) string {
	t.Helper()
	doc, err := os.ReadFile("../../docs/extending.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(doc), "```yaml\n")
	text, _, ok := strings.Cut(text, "```")
	if !ok {
		t.Fatal("docs/extending.md has no example")
	}
	return text
}

// The example of the documentation is a scenario that loads.
func TestDocumentedScenario(t *testing.T) {
	t.Parallel()
	set, err := Load(write(t, documented(t)), realKinds(t))
	if err != nil {
		t.Fatal(err)
	}
	if s := set["frontend"]; len(s.Steps) == 0 || len(s.When) == 0 || len(s.Params) == 0 || s.Guards == nil {
		t.Errorf("frontend is %+v", s)
	}
}
