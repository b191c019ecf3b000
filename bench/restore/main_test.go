package main

import (
	"bytes"
	"os"
	"regexp"
	"testing"

	"recoverbot/runbook/dump/load"
)

// TestMain lets the test binary be the helper.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "load-dump" {
		os.Exit(load.Main(os.Args[2:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func TestTiny(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-binary", self, "-size", "4", "-pairs", "1"}, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if !regexp.MustCompile(`(?s)pair 1: .*\nworst ratio: \d+\.\d+\nratio: \d+\.\d+\n$`).Match(out.Bytes()) {
		t.Error(out.String())
	}
}
