package fleet

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

var (
	personName  = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N} ._-]*$`) // its length is asked apart: {0,39} of all letters takes 2 MB
	personRoles = []string{"viewer", "approver", "danger"}              // what a person may do
)

func validatePeople(c *Config, d *decoder) {
	seen := map[string]bool{}
	once := func(at, kind, what string) {
		if seen[kind+what] {
			d.wrong(at, "fleet.config_twice", "what", what)
		}
		seen[kind+what] = true
	}
	for i, p := range c.People {
		at := fmt.Sprintf("people[%d]", i)
		if p.Name == "" {
			d.wrong(at, "fleet.config_missing", "key", "name")
		} else if utf8.RuneCountInString(p.Name) > 40 || !personName.MatchString(p.Name) {
			d.wrong(at+".name", "fleet.config_bad_name", "text", p.Name)
		} else {
			once(at+".name", "name", p.Name)
		}
		if p.Slack != "" {
			once(at+".slack", "slack", p.Slack)
		}
		if p.Telegram != 0 {
			once(at+".telegram", "telegram", fmt.Sprint(p.Telegram))
		}
		if p.TokenHash != "" {
			sum, ok := strings.CutPrefix(p.TokenHash, "sha256:")
			if b, err := hex.DecodeString(sum); !ok || err != nil || len(b) != 32 {
				d.wrong(at+".token_hash", "fleet.config_bad_token_hash")
			}
			once(at+".token_hash", "token", p.TokenHash)
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
	for i, name := range c.Policy.OnCall {
		if _, ok := c.Person(name); !ok {
			d.wrong(fmt.Sprintf("policy.on_call[%d]", i), "fleet.config_unknown_person", "name", name)
		}
	}
	d.within("policy.approvals", c.Policy.Approvals, 1, 9)
	if c.Policy.CoolDown < 0 {
		d.wrong("policy.cool_down", "fleet.config_bad_duration", "text", time.Duration(c.Policy.CoolDown).String())
	}
}
