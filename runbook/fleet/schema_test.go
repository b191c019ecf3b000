package fleet

import (
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"reflect"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/jsonschema-go/jsonschema"

	"recoverbot/runbook"
	"recoverbot/runbook/schematest"
)

var update = flag.Bool("update", false, "write golden files and docs/schema anew")

//go:generate go test -run TestSchema -update .

const schemaFile = "../../docs/schema/fleet.schema.json"

// The schema that editors use is made from the types that are decoded, and the example is valid under it.
func TestSchema(t *testing.T) {
	t.Parallel()
	text := reflect.TypeFor[string]()
	as := map[reflect.Type]reflect.Type{
		reflect.TypeFor[netip.Addr](): text, reflect.TypeFor[Secret](): text, reflect.TypeFor[runbook.Duration](): text,
	}
	docs := schematest.Comments(t, "config.go", "alerts.go", "blackbox.go", "rehearsal.go", "policy.go", "../probe.go")
	s, err := jsonschema.ForType(schematest.Type(reflect.TypeFor[Config](), docs, as), &jsonschema.ForOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.Schema, s.Title = schematest.Draft, "recoverbot fleet.yaml"
	s.Required = []string{"hosts"}
	resolved := schematest.Hold(t, schemaFile, s, *update, "go generate ./runbook/fleet")
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
