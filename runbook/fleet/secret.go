package fleet

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Secret is a string that prints as <redacted> everywhere; Reveal is the only way to its text.
type Secret string

const redacted = "<redacted>"

// Reveal returns the secret's text, for the one call that needs it.
func (s Secret) Reveal() string { return string(s) }

// String hides the text; an empty secret is visibly empty.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// Format hides the text from every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalJSON hides the text.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// MarshalText hides the text from YAML and other encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue hides the text from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Redactor replaces known secrets in text on its way out. It is safe for concurrent use; secrets are only ever added.
type Redactor struct {
	mu      sync.RWMutex
	secrets map[string]bool // in every spelling
	spared  string          // what must stay, between zero bytes
	rep     *strings.Replacer
}

// Add makes secrets known, each in the spellings in which programs print it. Texts shorter than 4 bytes are left out: hiding
// them would garble everything.
func (r *Redactor) Add(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.secrets == nil {
		r.secrets = map[string]bool{}
	}
	before := len(r.secrets)
	for _, s := range secrets {
		if len(s) < shortest || r.secrets[s] {
			continue
		}
		for _, v := range spellings(s) {
			if len(v) >= shortest {
				r.secrets[v] = true
			}
		}
	}
	if len(r.secrets) > before {
		r.replace()
	}
}

// Spare makes texts known that must stay as they are: names of the fleet and of scenarios, of which stored runs are made. A
// secret that is a part of one hides nothing: some file of a machine calls "primary" a key.
func (r *Redactor) Spare(texts ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range texts {
		if !strings.Contains(r.spared, t+"\x00") {
			r.spared += t + "\x00"
		}
	}
	r.replace()
}

// replace makes the replacer of what is known now.
func (r *Redactor) replace() {
	all := slices.Collect(maps.Keys(r.secrets))
	all = slices.DeleteFunc(all, func(s string) bool { return strings.Contains(r.spared, s) })
	slices.SortFunc(all, func(a, b string) int { // the longest first, so that none is hidden in part
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	pairs := make([]string, 0, 2*len(all))
	for _, s := range all {
		pairs = append(pairs, s, redacted)
	}
	r.rep = strings.NewReplacer(pairs...)
}

// shortest is how long a secret must be, in bytes.
const shortest = 4

// Redact returns text with every known secret replaced, and without the values of rows that errors of MySQL quote: what
// programs say, on its way to people and to the log.
func (r *Redactor) Redact(text string) string {
	if r == nil {
		return cutRows(text)
	}
	return r.Hide(cutRows(text))
}

// Hide returns text with every known secret replaced, and else as it is: it may be a script, which must stay what was
// approved.
func (r *Redactor) Hide(text string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.rep == nil {
		return text
	}
	return r.rep.Replace(text)
}
