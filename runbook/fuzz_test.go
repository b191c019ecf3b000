package runbook

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var plainHost = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// FuzzParam: a value that is taken for a parameter or a field is what its type says and nothing more, and is taken again
// as it is spelled (fault 32).
func FuzzParam(f *testing.F) {
	for _, v := range []string{"192.0.2.1", "1.1.1.1' OR '1'='1", "fe80::1%; rm -rf /", "::ffff:192.0.2.1", "192.0.2.999", "a.example.com", "$(reboot)", "`id`", "a\nb", " 22 ", "022", "65536", "-1", "+22",
		"0x16", "1e3", "TRUE", "t", "yes", "fast", "fast' --", "\u202e", "\xff", "", "a\x00b", "-oProxyCommand=x", "../../etc/passwd", "host:22", "１９２", strings.Repeat("a", 300)} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v string) {
		for _, kind := range append(slices.Clone(ParamTypes), "ip") {
			for _, pattern := range []string{"", "[a-z]+|[0-9.]+"} {
				p := Param{Name: "x", Type: kind, Enum: []string{"fast", "slow"}, Pattern: pattern}
				got, wrong := p.Answer(v)
				if !wrong.IsZero() || got == "" {
					continue
				}
				if again, wrong := p.Answer(got); again != got || !wrong.IsZero() {
					t.Errorf("%s: %q is spelled %q, and that %q, %v", kind, v, got, again, wrong)
				}
				typed(t, kind, got)
				if pattern != "" && !regexp.MustCompile(`\A(?:`+pattern+`)\z`).MatchString(got) {
					t.Errorf("%s: %q is not of the pattern", kind, got)
				}
			}
			if kind != "host" && kind != "ip" && (Param{Name: "x", Type: kind, Enum: []string{"fast", "slow"}}).Fits(v) { // which hosts there are, the fleet says; ip is a type of fields alone
				typed(t, kind, v)
			}
		}
	})
}

// typed holds that v is of a type, by other means.
func typed(t *testing.T, kind, v string) {
	t.Helper()
	ok := true
	switch kind {
	case "ip":
		a, err := netip.ParseAddr(v)
		ok = err == nil && a.Zone() == ""
	case "address":
		ok = plainHost.MatchString(v) || regexp.MustCompile(`^[0-9A-Fa-f:.]+$`).MatchString(v)
	case "host":
		ok = plainHost.MatchString(v)
	case "port":
		n, err := strconv.ParseInt(strings.TrimPrefix(v, "+"), 10, 32)
		ok = err == nil && n > 0 && n <= 65535
	case "enum":
		ok = v == "fast" || v == "slow"
	case "bool":
		ok = slices.Contains([]string{"true", "false", "1", "0", "t", "f"}, strings.ToLower(v))
	}
	if !ok {
		t.Errorf("%q was taken for one of type %s", v, kind)
	}
}
