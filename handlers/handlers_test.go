package handlers

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"recoverbot/bot"
	"recoverbot/runbook"
	"recoverbot/runbook/scenario"
)

func TestARunByButtons(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.tell(t, "ops1", "/recover primary")
	if r.Refused || r.RunID != "run1" {
		t.Fatalf("start: %+v", r)
	}
	one := w.hub.until(t, "step/run1/one", waiting)
	if one.Title != "1/3 First" || !strings.Contains(one.Context, "step 1 of 3 · next: Second") || !strings.Contains(one.Lines[0], "on app1") {
		t.Errorf("card: %+v", one)
	}
	if got := w.press(t, "ops2", button(t, one, "approve"), ""); got.Refused {
		t.Fatalf("approve: %+v", got)
	}
	done := w.hub.until(t, "step/run1/one", inState("done"))
	if !strings.HasPrefix(done.Footer, "approved by ops2 (console)") {
		t.Errorf("footer is %q", done.Footer)
	}
	group := w.hub.until(t, "step/run1/two", waiting)
	if len(group.Blocks) != 2 {
		t.Errorf("a group of two shows %d blocks", len(group.Blocks))
	}
	if got := w.press(t, "ops2", button(t, group, "approve"), ""); got.Refused {
		t.Fatalf("approve group: %+v", got)
	}
	three := w.hub.until(t, "step/run1/three", waiting)
	if w.applied.Load() != 3 {
		t.Errorf("%d effects, want 3", w.applied.Load())
	}
	if got := w.press(t, "ops2", button(t, three, "approve"), ""); !got.Refused || !strings.Contains(got.Text, "ops1") {
		t.Errorf("ops2 may not approve danger, but: %+v", got)
	}
	if got := w.press(t, "ops1", button(t, three, "approve"), "it must be"); got.Refused {
		t.Fatalf("approve danger: %+v", got)
	}
	closing := w.hub.until(t, "run/run1", inState("done"))
	if !strings.Contains(strings.Join(closing.Lines, "\n"), "3 steps: 3 done") || !strings.Contains(closing.Footer, "Audit ") {
		t.Errorf("closing message: %+v", closing)
	}
	if w.applied.Load() != 4 {
		t.Errorf("%d effects, want 4", w.applied.Load())
	}
}

func TestWhoMayNotChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, who := range []string{"guest", "stranger", ""} {
		if r := w.tell(t, who, "/recover primary"); !r.Refused || r.RunID != "" {
			t.Errorf("%q started: %+v", who, r)
		}
	}
	w.tell(t, "ops1", "/recover primary")
	one := w.hub.until(t, "step/run1/one", waiting)
	for _, who := range []string{"guest", "stranger", ""} {
		if r := w.press(t, who, button(t, one, "approve"), ""); !r.Refused {
			t.Errorf("%q approved: %+v", who, r)
		}
	}
	if w.applied.Load() != 0 {
		t.Errorf("%d effects happened", w.applied.Load())
	}
}

// TestOldAndDoubleAnswers: fault 21.
func TestOldAndDoubleAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tell(t, "ops1", "/recover primary")
	one := w.hub.until(t, "step/run1/one", waiting)
	approve, skip := button(t, one, "approve"), button(t, one, "skip")
	for range 2 {
		if r := w.press(t, "ops1", approve, ""); r.Refused {
			t.Errorf("the same answer again must be success: %+v", r)
		}
	}
	if r := w.press(t, "ops2", skip, ""); !r.Refused || !strings.Contains(r.Text, "ops1") {
		t.Errorf("another answer must be a conflict that names ops1: %+v", r)
	}
	w.hub.until(t, "step/run1/two", waiting)
	if w.applied.Load() != 1 {
		t.Errorf("%d effects, want 1", w.applied.Load())
	}
}

func TestTypedAnswersNeedTheCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if r := w.tell(t, "ops1", "approve"); !r.Refused {
		t.Errorf("approve without a run: %+v", r)
	}
	w.tell(t, "ops1", "/recover primary")
	one := w.hub.until(t, "step/run1/one", waiting)
	for _, text := range []string{"approve", "approve zzzz", "approve 0000"} {
		if one.Code == strings.TrimPrefix(text, "approve ") {
			continue
		}
		r := w.tell(t, "ops1", text)
		if r.Message == nil || r.Message.Code != one.Code {
			t.Errorf("%q must show the current card: %+v", text, r)
		}
	}
	if w.applied.Load() != 0 {
		t.Fatal("something was done without a code")
	}
	if r := w.tell(t, "ops1", "/recover approve "+strings.ToUpper(one.Code)); r.Refused {
		t.Errorf("approve with the code: %+v", r)
	}
	w.hub.until(t, "step/run1/one", inState("done"))
}

func TestCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		text, want string
		refused    bool
	}{
		{"help", "/recover list", false},
		{"/recover list", "primary: Primary dead\n  which=nginx1|nginx2|app1|app2", false},
		{"/recover status", "No recovery is running.", false},
		{"/recover history", "No run yet.", false},
		{"/recover primry", "Did you mean primary?", true},
		{"/recover frobnicate", "Scenarios: primary", true},
		{"/recover primary which=app9", "no machine in service", true},
		{"/recover primary what=1", "no parameter what", true},
		{"/recover primary which", "not of the form name=value", true},
		{"/recover primary app1", "Parameters of primary: which.", true},
		{"/recover primary --force", "do not know --force", true},
		{"/recover primary --dryrun", "Did you mean --dry-run?", true},
		{"/recover primary —prak", "Did you mean --park?", true},
		{"/recover primary which=$(reboot)", "no machine in service", true},
		{"report", "Say which run", true},
		{"report nosuchrun", "", true},
		{"\xff\xfe", "not text", true},
		{strings.Repeat("x", 5000), "longer than", true},
	} {
		r := w.tell(t, "ops1", c.text)
		if !strings.Contains(r.Text, c.want) || r.Refused != c.refused {
			t.Errorf("%.40q: %q (refused %v), want %q (refused %v)", c.text, r.Text, r.Refused, c.want, c.refused)
		}
	}
	if runs, err := w.Journal.Runs(t.Context(), 10); err != nil || len(runs) != 0 {
		t.Errorf("bad input started %d runs (%v)", len(runs), err)
	}
	in := bot.Inbound{Platform: "web", UserID: "ops1", Text: "/recover primry", Language: "zh"}
	if r := w.Handle(t.Context(), in); !strings.Contains(r.Text, "是否想输入 primary") {
		t.Errorf("in Chinese: %q", r.Text)
	}
}

// No word of the commands can be taken by a scenario, and every one is known.
func TestWordsAreCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, word := range scenario.Words {
		if r := w.tell(t, "ops1", "/recover "+word+" x"); !isName(word) && strings.Contains(r.Text, "I do not know") {
			t.Errorf("%s: %+v", word, r)
		}
	}
	for _, choice := range choiceWords {
		if !slices.Contains(scenario.Words, string(choice)) {
			t.Errorf("%s could be the name of a scenario", choice)
		}
	}
}

func TestAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := httptest.NewServer(w.API())
	defer server.Close()
	call := func(method, path, who string, body any) (int, map[string]any) {
		t.Helper()
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if who != "" {
			req.Header.Set("Authorization", "Bearer "+token(who))
		}
		res, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var out map[string]any
		if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
		return res.StatusCode, out
	}
	code := func(out map[string]any) any {
		e, _ := out["error"].(map[string]any)
		return e["code"]
	}
	for _, c := range []struct {
		method, path, who string
		body              any
		status            int
		code              string
	}{
		{"GET", "/api/runs/x", "", nil, 401, "forbidden"},
		{"GET", "/api/runs/x", "nobody", nil, 401, "forbidden"},
		{"GET", "/api/runs/x", "ops1", nil, 404, "not_found"},
		{"POST", "/api/commands", "guest", apiCommand{Text: "/recover primary"}, 403, "forbidden"},
		{"POST", "/api/commands", "ops1", map[string]any{"txt": "x"}, 422, "invalid"},
		{"POST", "/api/commands", "ops1", apiCommand{Text: "/recover nonsense-word"}, 422, "invalid"},
		{"POST", "/api/commands", "ops1", apiCommand{Text: strings.Repeat("x", maxBody)}, 413, "invalid"},
		{"GET", "/api/nothing", "ops1", nil, 404, "not_found"},
	} {
		status, out := call(c.method, c.path, c.who, c.body)
		if status != c.status || code(out) != c.code {
			t.Errorf("%s %s as %q: %d %v, want %d %s", c.method, c.path, c.who, status, out, c.status, c.code)
		}
	}
	status, out := call("POST", "/api/commands", "ops1", apiCommand{Text: "/recover primary"})
	if status != 200 || out["run"] != "run1" {
		t.Fatalf("start: %d %v", status, out)
	}
	w.hub.until(t, "step/run1/one", waiting)
	_, run := call("GET", "/api/runs/run1", "guest", nil)
	step := run["steps"].([]any)[0].(map[string]any)
	plan := step["plan"].(map[string]any)
	if step["state"] != "waiting" || plan["text"] != "echo one" || plan["verdict"] != "ready" || step["doc_line"] != "3.1" {
		t.Errorf("step is %v", step)
	}
	decide := func(who string, choice runbook.Choice, digest any) (int, map[string]any) {
		return call("POST", "/api/runs/run1/decisions", who, map[string]any{
			"step": "one", "attempt": step["attempt"], "digest": digest, "choice": choice, "reason": "test",
		})
	}
	if status, out := decide("guest", runbook.Approve, plan["digest"]); status != 403 {
		t.Errorf("guest decided: %d %v", status, out)
	}
	status, out = decide("ops1", runbook.Approve, strings.Repeat("0", 64))
	conflict, _ := out["conflict"].(map[string]any)
	if status != 409 || conflict["kind"] != "stale" {
		t.Errorf("a stale digest: %d %v", status, out)
	}
	if w.applied.Load() != 0 {
		t.Fatal("a refused answer did something")
	}
	for range 2 {
		if status, out := decide("ops1", runbook.Approve, plan["digest"]); status != 200 {
			t.Errorf("approve: %d %v", status, out)
		}
	}
	status, out = decide("ops2", runbook.Skip, plan["digest"])
	conflict, _ = out["conflict"].(map[string]any)
	if status != 409 || conflict["kind"] != "decided" || conflict["by"] != "ops1" {
		t.Errorf("another answer: %d %v", status, out)
	}
}
