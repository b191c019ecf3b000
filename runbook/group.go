package runbook

import (
	"crypto/sha256"
	"encoding/hex"
)

// GroupDigest hashes the digests of the members of a group that wait for the same answer, in order: one click on the
// group's card approves exactly these plans.
func GroupDigest(members []*StepRun) string {
	h := sha256.New()
	for _, m := range members {
		if m.State == Waiting {
			h.Write([]byte(m.ID + " " + m.Digest + "\n"))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
