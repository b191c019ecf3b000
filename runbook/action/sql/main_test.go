package sql

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"recoverbot/runbook/probe/probetest"
)

// authority signs the certificates that this package's tests trust.
var authority *probetest.CA

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "4") // the tests wait more than they work
	ca, done, err := probetest.Trust()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	authority = ca
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) { done(); os.Exit(code) }))
}
