package action_test

import (
	"encoding/json"
	"errors"
	"testing"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/fleet"
)

func TestValue(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby", "report", "spare1")
	standby, report := c.Host("standby"), c.Host("report")
	host, err := json.Marshal(fleet.Host{Name: "fresh", Address: "192.0.2.9", Root: "/r"})
	if err != nil {
		t.Fatal(err)
	}
	c.Run.Params["p"] = "$host.standby.name"
	c.Run.Steps = []runbook.StepRun{
		{ID: "take-in", Def: runbook.Step{Kind: "enrol", With: "bind: extra\n"}, Result: &runbook.Result{Values: map[string]string{"host": string(host)}}},
		{ID: "take-in-2", Def: runbook.Step{Kind: "enrol"}},
		{ID: "form", Result: &runbook.Result{Values: map[string]string{"name": "x"}}},
		{ID: "pending"},
	}
	env := c.Env(runbook.Step{ID: "s", Kind: "edit", Host: "standby"})
	env.Step.Member = "go-fly"
	env.Step.Inputs["answer"] = "42"
	for ref, want := range map[string]string{
		"plain $host":                  "plain $host",
		"$param.p":                     "$host.standby.name", // data is not resolved again
		"$input.answer":                "42",
		"$input.nothing":               "",
		"$step.form.name":              "x",
		"$host.standby.name":           "standby",
		"$host.member.name":            "standby",
		"$host.host:report.address":    report.Address,
		"$hosts.backup.address":        standby.Address + " " + report.Address,
		"$host.extra.address":          "192.0.2.9",
		"$path.extra.sql_backup":       "/r/shell/sql_backup",
		"$path.standby.workdir":        standby.Path("/root/workdir"),
		"$path.standby.workdir/a/b.py": standby.Path("/root/workdir/a/b.py"),
		"$spare.name":                  "spare1",
		"$service.go-fly.config":       standby.Path("/wwwroot/go/go-fly/config.yaml"),
		"$service.member.config":       standby.Path("/wwwroot/go/go-fly/config.yaml"),
		"$service.go-api.port":         "8080",
		"$backup.schedule":             "0 2 * * *",
		"$database.speed.schema":       "speed",
		"$host.standby.loopback":       standby.LoopbackAddress(),
	} {
		if got, err := env.Value(ref); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", ref, got, err, want)
		}
	}
	for ref, needs := range map[string]string{
		"$param.later": "param:later", "$step.pending.x": "pending", "$step.nothing.x": "nothing", "$host.new.address": "take-in-2", "$path.new.workdir": "take-in-2",
	} {
		_, err := env.Value(ref)
		var n *action.NeedsError
		if !errors.As(err, &n) || len(n.Needs) != 1 || n.Needs[0] != needs {
			t.Errorf("%s: %v", ref, err)
		}
		if p, ok := action.Provisional(err); !ok || p.Verdict != runbook.Provisional {
			t.Errorf("%s: no provisional plan", ref)
		}
	}
	for _, ref := range []string{"$", "$x.y", "$host", "$host.nobody.name", "$host.backup.name", "$host.standby.colour", "$path.standby.nothing",
		"$service.nothing.config", "$service.go-api.colour", "$backup.colour", "$database.nothing.schema", "$step.form.nothing"} {
		if v, err := env.Value(ref); runbook.CodeOf(err) != runbook.Invalid {
			t.Errorf("%s: %q, %v", ref, v, err)
		}
	}
}

// Each machine that a run enrols is another spare, under whatever name it was enrolled.
func TestSparesAreEachTakenOnce(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby", "spare1", "spare2")
	for _, want := range []string{"spare1", "spare2", ""} {
		env := c.Env(runbook.Step{ID: "s"})
		name, err := env.Value("$spare.name")
		if err != nil || name != want {
			t.Fatalf("spare %q, %v; want %q", name, err, want)
		}
		if want == "" {
			if port, err := env.Value("$spare.port"); err != nil || port != "" {
				t.Errorf("port %q, %v where none is left", port, err)
			}
			return
		}
		h := c.Host(want)
		h.Name = "called-" + want
		host, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		c.Run.Steps = append(c.Run.Steps, runbook.StepRun{
			ID: "enrol-" + want, Def: runbook.Step{Kind: "enrol"}, Result: &runbook.Result{Values: map[string]string{"host": string(host)}},
		}, runbook.StepRun{ID: "later-" + want, Def: runbook.Step{Kind: "enrol"}})
	}
}

func TestHostsAreEachThereOnce(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby", "report")
	env := c.Env(runbook.Step{ID: "s"})
	hs, err := env.Hosts("backup", "standby", "report", "host:report")
	if err != nil || len(hs) != 2 || hs[0].Name != "standby" || hs[1].Name != "report" {
		t.Errorf("%+v %v", hs, err)
	}
	if _, err := env.Target(); err == nil {
		t.Error("a step without a host has a target")
	}
}
