package fleet

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

var (
	personName  = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N} ._-]*$`) // its length is asked apart: {0,39} of all letters takes 2 MB
	personRoles = []string{"viewer", "approver", "danger"}              // what a person may do
)

func validatePeople(c *Config, d *decoder) {
	seen := map[string]bool{}
	once := func(at, kind, what string) { // two accounts of one person would count as two people
		if seen[kind+what] {
			d.wrong(at, "fleet.config_twice", "what", what)
		}
		seen[kind+what] = true
	}
	names := map[string]string{} // as they are compared → as they are written
	for i, p := range c.People {
		at := fmt.Sprintf("people[%d]", i)
		if p.Name == "" {
			d.wrong(at, "fleet.config_missing", "key", "name")
		} else if utf8.RuneCountInString(p.Name) > 40 || !personName.MatchString(p.Name) {
			d.wrong(at+".name", "fleet.config_bad_name", "text", p.Name)
		} else {
			once(at+".name", "name", p.Name)
			if first, ok := names[FoldName(p.Name)]; ok && first != p.Name {
				d.wrong(at+".name", "fleet.config_same_name", "name", p.Name, "other", first)
			}
			names[FoldName(p.Name)] = p.Name
		}
		if p.Slack != "" {
			once(at+".slack", "slack", strings.ToUpper(p.Slack)) // as Slack writes them
		}
		if p.Telegram != 0 {
			once(at+".telegram", "telegram", fmt.Sprint(p.Telegram))
		}
		if p.TokenHash != "" {
			sum, ok := strings.CutPrefix(p.TokenHash, "sha256:")
			if b, err := hex.DecodeString(sum); !ok || err != nil || len(b) != 32 {
				d.wrong(at+".token_hash", "fleet.config_bad_token_hash")
			}
			once(at+".token_hash", "token", strings.ToLower(p.TokenHash))
		}
		for j, role := range p.Roles {
			if !slices.Contains(personRoles, role) {
				d.wrong(fmt.Sprintf("%s.roles[%d]", at, j), "fleet.config_unknown_role", "role", role, "known", strings.Join(personRoles, ", "))
			}
		}
		if p.Language != "" && p.Language != "en" && p.Language != "zh" {
			d.wrong(at+".language", "fleet.config_bad_language", "text", p.Language)
		}
	}
	validatePolicy(c, d)
}
