package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The table of docs/reliability.md names tests that exist and say which of the 40 cases they prove; no test says so that
// it does not name.
func TestTableOfFaults(t *testing.T) {
	t.Parallel()
	comments := testComments(t)
	row := regexp.MustCompile(`(?m)^\| (\d+ )?\|? ?(.*)\|$`)
	name := regexp.MustCompile("`([a-z0-9/]+\\.(?:Test|Fuzz)[A-Za-z0-9]+)`")
	_, tables, ok := strings.Cut(page(t, "docs/reliability.md"), "## The 40 cases")
	if !ok {
		t.Fatal("there is no table")
	}
	named := map[string][]string{} // fault → tests
	var order []string
	for _, m := range row.FindAllStringSubmatch(tables, -1) {
		number := strings.TrimSpace(m[1])
		if number != "" {
			order = append(order, number)
		}
		tests := name.FindAllStringSubmatch(m[2], -1)
		if number != "" && len(tests) == 0 {
			t.Errorf("case %s has no test", number)
		}
		for _, test := range tests {
			comment, there := comments[test[1]]
			if !there {
				t.Errorf("there is no %s", test[1])
			} else if number != "" && !slices.Contains(faultsOf(comment), number) {
				t.Errorf("the comment of %s does not say fault %s", test[1], number)
			}
			named[number] = append(named[number], test[1])
		}
	}
	for i := range 40 {
		if i >= len(order) || order[i] != strconv.Itoa(i+1) {
			t.Fatalf("the cases are %v", order)
		}
	}
	if len(order) != 40 {
		t.Errorf("%d cases", len(order))
	}
	for test, comment := range comments {
		for _, number := range faultsOf(comment) {
			if !slices.Contains(named[number], test) {
				t.Errorf("the row of case %s does not name %s", number, test)
			}
		}
	}
}

// faultsOf are the numbers that a comment claims, however its lines are broken.
func faultsOf(comment string) (out []string) {
	for _, m := range regexp.MustCompile(`\bfault (\d+)`).FindAllStringSubmatch(strings.Join(strings.Fields(comment), " "), -1) {
		out = append(out, m[1])
	}
	return out
}

// testComments are the comments of all tests, by folder and name.
func testComments(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("read test: %w", err)
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		if dir == "." {
			dir = "main"
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
				out[dir+"."+f.Name.Name] = f.Doc.Text()
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
