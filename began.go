package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"

	"recoverbot/runbook"
)

// began journals which bot and which rules are in force from now on. Where that cannot be written the bot shows what it
// knows all the same, and begins nothing.
func (a *app) began(ctx context.Context) {
	data := map[string]string{"began": version}
	if text, err := os.ReadFile(a.set.FleetFile); err == nil {
		sum := sha256.Sum256(text)
		data["fleet"] = hex.EncodeToString(sum[:])
	}
	if err := a.journal.Note(ctx, "", runbook.Actor{Name: "recoverbot"}, data); err != nil {
		a.log.Error("journal the start", "error", err)
	}
}
