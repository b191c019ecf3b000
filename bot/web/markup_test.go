package web

import (
	"io/fs"
	"os"
	"regexp"
	"testing"
)

// TestThePageMakesNoMarkupOfText: nothing in the page can turn a text into markup, a script or a link, so that what comes
// from outside stays text in every card (fault 33).
func TestThePageMakesNoMarkupOfText(t *testing.T) {
	t.Parallel()
	makes := regexp.MustCompile(`(?i)\b(innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|DOMParser|srcdoc|document\.write|eval\(|new Function|setTimeout\(['"]|javascript:|setAttribute\(['"](on|href|src))`)
	checked := 0
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !regexp.MustCompile(`\.(js|mjs|html)$`).MatchString(name) {
			return err
		}
		checked++
		text, err := os.ReadFile(name) //nolint:gosec // of this package
		for _, found := range makes.FindAllString(string(text), -1) {
			t.Errorf("%s has %s", name, found)
		}
		return err
	})
	if err != nil || checked < 3 {
		t.Errorf("%d files, %v", checked, err)
	}
}
