package sql

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"recoverbot/runbook"
	"recoverbot/runbook/action/actiontest"
)

// All services log in to the fresh server of a machine that only the run knows, at once, as a group; three share an account.
func TestLoginOfAGroupOnAnEnrolledMachine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.Host("standby")
	h.Name, h.Roles = "web9", nil
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	w.Run.Steps = []runbook.StepRun{{ID: "e", Def: runbook.Step{ID: "e", Kind: "enrol", With: "bind: new"},
		Result: &runbook.Result{Values: map[string]string{"host": string(text), "bind": "new"}}}}
	users := map[string]string{"go-api": "app", "go-upload": "app", "go-fly": "app", "go-admin": "admin", "go-job": "job"}
	var steps []*login
	var plans []runbook.Plan
	var jobs []runbook.Job
	for service, user := range users {
		w.WriteFile("standby", "/wwwroot/go/"+service+"/config.yaml",
			fmt.Sprintf("mysql:\n  host: 127.0.0.1\n  port: 3306\n  user: %s\n  password: 'p-%s-canary'\n  database: speed\n", user, user), 0o644)
		env := w.Env(runbook.Step{ID: "logins-" + service, Kind: "sql", Host: "new"})
		env.Step.Member = service
		a := &login{spec: &Spec{LoginOf: "member"}, env: env}
		steps, plans, jobs = append(steps, a), append(plans, plan(t, a, runbook.Ready)), append(jobs, w.Job(env))
	}
	var wg sync.WaitGroup
	for i, a := range steps {
		wg.Go(func() {
			if res, err := a.Apply(t.Context(), plans[i], jobs[i], actiontest.NewRecorder()); err != nil || res.Outcome != runbook.OutcomeDone {
				t.Errorf("%s: %+v %v", a.env.Step.Member, res, err)
			}
		})
	}
	wg.Wait()
	for _, a := range steps {
		plan(t, a, runbook.Satisfied)
	}
}
