package sql

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"recoverbot/runbook/probe/probetest"
)

// authority signs the certificates that this package's tests trust.
var authority *probetest.CA

func TestMain(m *testing.M) {
	ca, done, err := probetest.Trust()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	authority = ca
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) { done(); os.Exit(code) }))
}
