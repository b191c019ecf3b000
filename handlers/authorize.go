package handlers

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// The roles of people in fleet.yaml.
const (
	roleViewer   = "viewer"   // sees and asks
	roleApprover = "approver" // starts runs and answers steps
	roleDanger   = "danger"   // also answers dangerous ones
)

// personOn finds who is behind a platform's own user id. Nobody is found for an id that fleet.yaml does not list.
func personOn(c *fleet.Config, platform, userID string) (fleet.Person, bool) {
	if userID == "" {
		return fleet.Person{}, false
	}
	for _, p := range c.People {
		switch platform {
		case "slack":
			if p.Slack == userID {
				return p, true
			}
		case "telegram":
			if p.Telegram != 0 && strconv.FormatInt(p.Telegram, 10) == userID {
				return p, true
			}
		default: // the console and the terminal know people by name
			if p.Name == userID {
				return p, true
			}
		}
	}
	return fleet.Person{}, false
}

// PersonByToken finds whose console token this is, comparing every hash in constant time.
func PersonByToken(c *fleet.Config, token string) (fleet.Person, bool) {
	sum := sha256.Sum256([]byte(token))
	want := []byte("sha256:" + hex.EncodeToString(sum[:]))
	var found fleet.Person
	ok := false
	for _, p := range c.People {
		if p.TokenHash != "" && subtle.ConstantTimeCompare(want, []byte(strings.ToLower(p.TokenHash))) == 1 {
			found, ok = p, true
		}
	}
	return found, ok && token != ""
}

func mayStart(p fleet.Person) bool {
	return slices.Contains(p.Roles, roleApprover) || slices.Contains(p.Roles, roleDanger)
}

// mayDecide checks at the click whether a person may give this answer to this step (or, with step nil, to the run).
func mayDecide(c *fleet.Config, p fleet.Person, step *runbook.StepRun, choice runbook.Choice) error {
	if !mayStart(p) {
		return refusal("cmd.not_approver", "who", allowed(c, roleApprover, roleDanger))
	}
	if step == nil || choice != runbook.Approve && choice != runbook.Commit && choice != runbook.MarkDone {
		return nil
	}
	if step.Dangerous() && !slices.Contains(p.Roles, roleDanger) {
		return refusal("cmd.not_danger", "who", allowed(c, roleDanger))
	}
	return nil
}

// allowed names who may, for the person who may not.
func allowed(c *fleet.Config, roles ...string) string {
	return cmp.Or(strings.Join(whoMay(c, roles...), ", "), "–")
}

// whoMay are the people who have one of the roles.
func whoMay(c *fleet.Config, roles ...string) []string {
	var names []string
	for _, p := range c.People {
		if slices.ContainsFunc(roles, func(r string) bool { return slices.Contains(p.Roles, r) }) {
			names = append(names, p.Name)
		}
	}
	return names
}

func refusal(id string, pairs ...any) error { return runbook.Errorf(runbook.Forbidden, id, pairs...) }

// May implements engine.People: who was taken out of fleet.yaml, or lost a role there, counts no more.
func (h *Handlers) May(by runbook.Actor, s runbook.StepRun) bool {
	c := h.Fleet.Now()
	p, known := c.Person(by.Name)
	return known && mayDecide(c, p, &s, runbook.Approve) == nil
}

// approvers are the people who may approve a step.
func approvers(c *fleet.Config, s runbook.StepRun) []string {
	if s.Dangerous() {
		return whoMay(c, roleDanger)
	}
	return whoMay(c, roleApprover, roleDanger)
}
