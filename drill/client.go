package drill

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"recoverbot/drill/jsonapi"
)

// client speaks the bot's JSON API as one person.
type client struct{ base, token string }

// What the drill reads of the API's answers.
type (
	run struct {
		ID      string   `json:"id"`
		State   string   `json:"state"`
		Steps   []step   `json:"steps"`
		Groups  []group  `json:"groups"`
		Choices []string `json:"choices"` // on the run itself
		Ended   bool     `json:"-"`       // by a person, since service was back before all steps were done
		Open    []string
	}
	step struct {
		ID          string    `json:"id"`
		Number      int       `json:"number"`
		Title       string    `json:"title"`
		Kind        string    `json:"kind"`
		Host        string    `json:"host"`
		Group       string    `json:"group"`
		State       string    `json:"state"`
		Attempt     int       `json:"attempt"`
		Digest      string    `json:"digest"`
		Form        []field   `json:"form"`
		Choices     []string  `json:"choices"`
		NeedsReason []string  `json:"needs_reason"`
		Plan        *plan     `json:"plan"`
		Result      *result   `json:"result"`
		Note        string    `json:"note"`
		Evidence    string    `json:"evidence"`
		DecidedBy   string    `json:"decided_by"`
		StartedAt   time.Time `json:"started_at"`
		ChangedAt   time.Time `json:"changed_at"`
	}
	plan struct {
		Summary  string   `json:"summary"`
		Verdict  string   `json:"verdict"`
		Why      string   `json:"why"`
		Warnings []string `json:"warnings"`
		Danger   bool     `json:"danger"`
	}
	result struct {
		Outcome string `json:"outcome"`
		Text    string `json:"text"`
		Output  string `json:"output"`
	}
	field struct {
		Name     string `json:"name"`
		Type     string `json:"type"`
		Required bool   `json:"required"`
		Default  string `json:"default"`
		Value    string `json:"value"`
	}
	group = jsonapi.Group
	alert struct {
		Fingerprint string `json:"fingerprint"`
		Scenario    string `json:"scenario"`
		Host        string `json:"host"`
		Text        string `json:"text"`
		State       string `json:"state"`
	}
	decision = jsonapi.Decision
)

// errLater says that the bot is away or that the world moved on between looking and clicking: look again.
var errLater = errors.New("not now")

func (c client) call(ctx context.Context, method, path string, in, out any) error {
	err := jsonapi.Client{Base: c.base, Token: c.token, Timeout: 30 * time.Second}.Call(ctx, method, path, in, out)
	var no *jsonapi.Refused
	switch {
	case err == nil:
		return nil
	case errors.As(err, &no) && no.Status != http.StatusConflict && no.Status < 500:
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return fmt.Errorf("%w: %s %s: %w", errLater, method, path, err)
}

func (c client) run(ctx context.Context, id string) (run, error) {
	var r run
	return r, c.call(ctx, http.MethodGet, "/api/runs/"+id, nil, &r)
}

func (c client) alerts(ctx context.Context) ([]alert, error) {
	var a []alert
	return a, c.call(ctx, http.MethodGet, "/api/alerts", nil, &a)
}

// start types a command and returns the run that it began.
func (c client) start(ctx context.Context, text string) (string, error) {
	var r struct {
		Reply string
		Run   *string
	}
	if err := c.call(ctx, http.MethodPost, "/api/commands", map[string]string{"text": text}, &r); err != nil {
		return "", err
	}
	if r.Run == nil {
		return "", fmt.Errorf("%s began no run: %s", text, strings.TrimSpace(r.Reply))
	}
	return *r.Run, nil
}

func (c client) decide(ctx context.Context, id string, d decision) error {
	var r run
	return c.call(ctx, http.MethodPost, "/api/runs/"+id+"/decisions", d, &r)
}

// last is the newest run of a scenario that began after a time.
func (c client) last(ctx context.Context, scenario string, after time.Time) (string, error) {
	var r []struct {
		ID, Scenario string
		StartedAt    time.Time `json:"started_at"`
		DryRun       bool      `json:"dry_run"`
	}
	if err := c.call(ctx, http.MethodGet, "/api/runs", nil, &r); err != nil {
		return "", err
	}
	id, newest := "", after
	for _, x := range r {
		if x.Scenario == scenario && !x.DryRun && x.StartedAt.After(newest) {
			id, newest = x.ID, x.StartedAt
		}
	}
	if id == "" {
		return "", fmt.Errorf("nobody ran %s", scenario)
	}
	return id, nil
}
