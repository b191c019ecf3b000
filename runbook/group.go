package runbook

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
)

// GroupDigest hashes attempt and digest of the members of a group that wait for the same answer, in order: one click on
// the group's card approves exactly these plans, and a late one never approves a later attempt with an equal plan.
func GroupDigest(members []*StepRun) string {
	h := sha256.New()
	for _, m := range members {
		if m.State == Waiting {
			h.Write([]byte(m.ID + " " + strconv.Itoa(m.Attempt) + " " + m.Digest + "\n"))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
