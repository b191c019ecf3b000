// Command licences writes the licences of every module that is linked into the bot, with their texts and notices, as
// THIRD_PARTY_NOTICES. It fails for a licence that is not known to allow that.
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func main() {
	text, err := notices(".")
	if err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
	os.Stdout.Write(text)
}

type module struct{ path, version, dir string }

// known are the licences that may be linked in, by what only they say. All of them ask no more than to carry their text.
var known = []struct {
	name string
	says *regexp.Regexp
}{
	{"MPL-2.0", regexp.MustCompile(`Mozilla Public License,? [Vv]ersion 2\.0`)},
	{"Apache-2.0", regexp.MustCompile(`Apache License\s+Version 2\.0`)},
	{"BSD-3-Clause", regexp.MustCompile(`(?s)Redistribution and use in source and binary forms.*(Neither the names? of|may be used to endorse)`)},
	{"BSD-2-Clause", regexp.MustCompile(`Redistribution and use in source and binary forms`)},
	{"MIT", regexp.MustCompile(`Permission is hereby granted, free of charge, to any person`)},
	{"ISC", regexp.MustCompile(`Permission to use, copy, modify, and(/or)? distribute this software`)},
	{"Unlicense", regexp.MustCompile(`This is free and unencumbered software released into the public domain`)},
}

// forbidden is the title of licences that ask for the source of all that is linked with them.
var forbidden = regexp.MustCompile(`GNU (AFFERO |LESSER )?GENERAL PUBLIC LICENSE`)

// licenceFile are the names under which modules keep what must be carried along.
var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([-._].*)?$`)

// notices is the whole file. dir is that of the bot's main package.
func notices(dir string) ([]byte, error) {
	modules, err := linked(dir)
	if err != nil {
		return nil, err
	}
	var table, texts bytes.Buffer
	seen := map[string]string{} // text → whose it is
	for _, m := range modules {
		name, files, err := licence(m)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&table, "%-60s %-12s %s\n", m.path, m.version, name)
		for _, f := range files {
			fmt.Fprintf(&texts, "\n%s\n%s %s\n\n", strings.Repeat("=", 80), m.path, f.name)
			if same, ok := seen[f.text]; ok {
				fmt.Fprintf(&texts, "The same text as %s\n", same)
				continue
			}
			seen[f.text] = m.path + " " + f.name
			fmt.Fprintf(&texts, "%s\n", f.text)
		}
	}
	head := "What is linked into recoverbot besides its own code, and under which licences. `make licences` writes this file.\n\n"
	return slices.Concat([]byte(head), table.Bytes(), texts.Bytes()), nil
}

// linked are the modules whose packages the bot imports on Linux, and Go's own library.
func linked(dir string) ([]module, error) {
	cmd := exec.Command("go", "list", "-deps", "-f", `{{with .Module}}{{if not .Main}}{{.Path}}|{{.Version}}|{{.Dir}}{{end}}{{end}}`, ".")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list modules: %w", err)
	}
	lines := strings.Fields(string(out))
	slices.Sort(lines)
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("find the standard library: %w", err)
	}
	modules := []module{{"Go standard library", "", strings.TrimSpace(string(root))}}
	for _, line := range slices.Compact(lines) {
		f := strings.Split(line, "|")
		modules = append(modules, module{f[0], f[1], f[2]})
	}
	return modules, nil
}

type licenceText struct{ name, text string }

// licence names the licences of a module and returns the files that say so.
func licence(m module) (name string, files []licenceText, err error) {
	entries, err := os.ReadDir(m.dir)
	if err != nil {
		return "", nil, fmt.Errorf("read module %s: %w", m.path, err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() || !licenceFile.MatchString(e.Name()) || strings.HasSuffix(e.Name(), ".go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(m.dir, e.Name()))
		if err != nil {
			return "", nil, fmt.Errorf("read module %s: %w", m.path, err)
		}
		if forbidden.Match(text) {
			return "", nil, fmt.Errorf("module %s %s: %s may not be linked in", m.path, m.version, e.Name())
		}
		files = append(files, licenceText{e.Name(), strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n"))})
		for _, k := range known {
			if k.says.Match(text) {
				names = append(names, k.name)
				break
			}
		}
	}
	if slices.Sort(names); len(names) == 0 {
		return "", nil, fmt.Errorf("module %s %s: no licence is found that may be linked in", m.path, m.version)
	}
	return strings.Join(slices.Compact(names), ", "), files, nil
}
