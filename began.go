package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"recoverbot/runbook"
)

// rulesEvery is how often fleet.yaml is looked at. Whoever acts meets the newest at once; this is for the journal and the cards.
const rulesEvery = 5 * time.Second

// began journals which bot and which rules are in force from now on. Where that cannot be written the bot shows what it
// knows all the same, and begins nothing.
func (a *app) began(ctx context.Context) error {
	data := a.rules()
	data["began"] = version
	if a.journal.Fresh() {
		data["new"] = "true"
		a.log.Warn(a.label(a.set.Language, "journal.begun", "path", journalPath(a.set.DatabaseURL)))
	}
	return a.noteRules(ctx, data)
}

// followRules journals each change of fleet.yaml and shows anew what asks: people and policy in it count at once.
func (a *app) followRules(ctx context.Context) error {
	tick := time.NewTicker(rulesEvery)
	defer tick.Stop()
	for seen := a.rules()["fleet"]; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			seen = a.lookAtRules(ctx, seen)
		}
	}
}

// lookAtRules tells of fleet.yaml where its hash is not seen, and returns the hash.
func (a *app) lookAtRules(ctx context.Context, seen string) string {
	data := a.rules()
	if data["fleet"] == seen {
		return seen
	}
	if err := a.fleet.Now().Wrong(); err != nil {
		a.log.Error("fleet.yaml does not count as it is now: people and policy stay as they were", "error", err)
	} else {
		a.log.Info("fleet.yaml was changed", "sha256", data["fleet"], "people", data["people"], "policy", data["policy"])
	}
	_ = a.noteRules(ctx, data) // is logged, and the journal is watched
	a.handlers.RulesChanged(ctx)
	return data["fleet"]
}

// rules are who may what now: the hash of fleet.yaml, and its people and policy where it counts.
func (a *app) rules() map[string]string {
	data := map[string]string{"fleet": "unreadable"}
	if text, err := os.ReadFile(a.set.FleetFile); err == nil {
		sum := sha256.Sum256(text)
		data["fleet"] = hex.EncodeToString(sum[:])
	}
	cfg := a.fleet.Now()
	if cfg.Wrong() != nil {
		data["wrong"] = "true"
	}
	people := make([]string, len(cfg.People))
	for i, p := range cfg.People {
		people[i] = fmt.Sprintf("%s (%s)", p.Name, strings.Join(p.Roles, ", "))
	}
	policy, _ := json.Marshal(cfg.Policy) // plain values
	data["people"], data["policy"] = strings.Join(people, "; "), string(policy)
	return data
}

func (a *app) noteRules(ctx context.Context, data map[string]string) error {
	err := a.journal.Note(ctx, "", runbook.Actor{Name: "recoverbot"}, data)
	if err != nil {
		a.log.Error("journal the rules", "error", err)
	}
	return err
}

// watchJournal tells of a journal that cannot be written.
func (a *app) watchJournal(ctx context.Context) error {
	return a.handlers.WatchJournal(ctx, a.journal, a.hub.Alarm)
}
