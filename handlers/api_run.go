package handlers

import (
	"strings"

	"recoverbot/locale"
	"recoverbot/runbook"
	"recoverbot/runbook/engine"
	"recoverbot/runbook/fleet"
)

// toAPI is a run as the API shows it: a pure function of the run, the people and the language.
func toAPI(cfg *fleet.Config, say *locale.Printer, r runbook.Run) apiRun {
	out := apiRun{
		ID: r.ID, Scenario: r.Scenario.Name, Title: say.Text(r.Scenario.Title), State: r.State, DryRun: r.DryRun,
		StartedBy: r.StartedBy.Name, StartedAt: r.StartedAt, DownSince: r.DownSince, EndedAt: r.EndedAt,
		Params: r.Params, Bindings: r.Bindings, Choices: list(engine.RunChoices(r)), Steps: []apiStep{},
	}
	if out.Params == nil {
		out.Params = map[string]string{}
	}
	for _, c := range cards(r) {
		if c.group {
			g := apiGroup{ID: c.id, Digest: runbook.GroupDigest(c.members), Choices: list(groupChoices(r, c))}
			for _, choice := range g.Choices {
				if groupNeedsReason(r, c, choice) {
					g.NeedsReason = append(g.NeedsReason, choice)
				}
			}
			out.Groups = append(out.Groups, g)
		}
		for _, s := range c.members {
			out.Steps = append(out.Steps, stepToAPI(cfg, say, r, c.number, *s))
		}
	}
	if r.State != runbook.Open {
		for _, o := range engine.OpenItems(r) {
			out.Open = append(out.Open, say.Say(o.Text))
		}
	}
	return out
}

func stepToAPI(cfg *fleet.Config, say *locale.Printer, r runbook.Run, number int, s runbook.StepRun) apiStep {
	out := apiStep{
		ID: s.ID, Number: number, Title: say.Text(s.Def.Title), DocLine: s.Def.DocLine, Kind: s.Def.Kind, Host: s.Host,
		Group: s.Group, Member: s.Member, State: s.State, Attempt: s.Attempt, Digest: s.Digest, Needs: list(s.Def.Needs),
		Danger: s.Dangerous(), Approvals: approvalsToAPI(cfg, r, s),
		Choices: list(engine.Choices(r, s)), Note: say.Say(s.Note), StartedAt: s.StartedAt, ChangedAt: s.ChangedAt,
	}
	if len(out.Choices) > 0 {
		out.Code = stepCode(&s)
	}
	for _, choice := range out.Choices {
		if engine.NeedsReason(r, s, choice) {
			out.NeedsReason = append(out.NeedsReason, choice)
		}
	}
	if p := s.Plan; p != nil {
		out.Plan = planToAPI(say, s, p)
		for _, f := range p.Form {
			label := say.Text(f.Title)
			if label == "" {
				label = f.Name
			}
			out.Form = append(out.Form, apiField{
				Name: f.Name, Type: f.Type, Label: label, Required: f.Required, Default: f.Default, Enum: f.Enum, Value: s.Inputs[f.Name],
			})
		}
	}
	if h := s.Hold; h != nil {
		out.Hold = &apiHold{Deadline: h.Deadline, Durable: h.Durable, Warning: say.Say(h.Warning), Before: h.Before, After: h.After}
	}
	if p := s.Progress; p != nil {
		out.Progress = &apiProgress{Done: p.Done, Total: p.Total, Unit: p.Unit, Text: say.Say(p.Text)}
	}
	if x := s.Result; x != nil {
		out.Result = &apiResult{Outcome: x.Outcome, Text: say.Say(x.Text), Values: x.Values, Output: x.Output, Tables: x.Tables}
	}
	if s.Evidence != nil {
		out.Evidence = say.Say(s.Evidence.Text)
	}
	if d := s.DecidedBy; d != nil {
		out.DecidedBy, out.DecidedOn, out.DecidedAt, out.Reason = d.By.Name, d.By.Platform, d.At, d.Reason
	}
	return out
}

func approvalsToAPI(cfg *fleet.Config, r runbook.Run, s runbook.StepRun) apiApprovals {
	t := countOf(cfg, r, s)
	out := apiApprovals{Need: t.Need, By: []string{}}
	for _, a := range t.By {
		out.By = append(out.By, a.By.Name)
		if a.Alone {
			out.Alone = a.By.Name
		}
	}
	if s.State == runbook.Waiting {
		out.Missing, out.Other, out.May, out.AloneFrom = t.Short(), t.Other, lacking(cfg, r, s), engine.AloneFrom(r, s, t)
	}
	return out
}

func planToAPI(say *locale.Printer, s runbook.StepRun, p *runbook.Plan) *apiPlan {
	out := &apiPlan{
		Summary: say.Say(p.Summary), Digest: s.Digest, Verdict: p.Verdict, Why: say.Say(p.Why), Needs: p.Needs,
		Danger: p.Danger, Hint: p.Hint, Tables: p.Tables, Warnings: []string{},
	}
	var text []string
	for _, part := range p.Effect.Exact {
		if part.Label != "" {
			text = append(text, "# "+part.Label)
		}
		text = append(text, part.Text)
	}
	out.Text = strings.Join(text, "\n")
	for _, f := range p.Facts {
		out.Facts = append(out.Facts, say.Say(f))
	}
	for _, w := range p.Warnings {
		out.Warnings = append(out.Warnings, say.Say(w))
	}
	return out
}

// list gives JSON an empty list instead of null.
func list[T any](in []T) []T {
	if in == nil {
		return []T{}
	}
	return in
}
