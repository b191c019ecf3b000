package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestNoticesAreCurrent(t *testing.T) {
	t.Parallel()
	want, err := notices("../..")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../THIRD_PARTY_NOTICES")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("THIRD_PARTY_NOTICES is not what is linked in now: run make licences")
	}
}

func TestLicencesThatMayNotBeLinkedAreRefused(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]map[string]string{
		"none":         {"README": "free"},
		"unknown":      {"LICENSE": "all rights reserved"},
		"GPL":          {"COPYING": "GNU GENERAL PUBLIC LICENSE\nVersion 3"},
		"AGPL and MIT": {"LICENSE-AGPL": "GNU AFFERO GENERAL PUBLIC LICENSE", "LICENSE": "Permission is hereby granted, free of charge, to any person"},
	} {
		dir := t.TempDir()
		for file, text := range files {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, _, err := licence(module{"m", "v1", dir}); err == nil {
			t.Errorf("%s passed as %s", name, got)
		}
	}
}
