package paper

import (
	"encoding/json"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

const blankDomain = ".fill-in.invalid"

// blankIP stands for the public address of a machine that is not known yet. It is of the discard-only prefix: no machine has it.
var blankIP = netip.MustParseAddr("100::f111")

// Unknown is a machine that nobody has yet, as the steps that use it see it. Its address is a name that stands for the
// variable of the paper's top.
func Unknown(bind string) fleet.Host {
	return fleet.Host{Name: bind, Address: strings.ToLower(bind) + blankDomain, DNSIP: blankIP, Port: 22, User: "root"}
}

// Enrolled are the values that an enrol step of an unknown machine would leave.
func Enrolled(bind string) map[string]string {
	h := Unknown(bind)
	b, err := json.Marshal(h)
	if err != nil {
		return nil // a host of plain text always encodes
	}
	return map[string]string{"host": string(b), "bind": bind, "name": h.Name, "address": h.Address}
}

// IsUnknown reports whether a machine is one of Unknown's.
func IsUnknown(h fleet.Host) bool { return strings.HasSuffix(h.Address, blankDomain) }

// Variable is the name of a variable about an unknown machine: NEW_ADDRESS for new.
func Variable(bind, what string) string {
	return strings.ToUpper(strings.ReplaceAll(bind, "-", "_")) + "_" + what
}

// Login are the arguments that ssh needs to reach a host, quoted.
func Login(cfg *fleet.Config, h fleet.Host) string {
	if IsUnknown(h) {
		v := func(what string) string { return `"${` + Variable(h.Name, what) + `:?}"` }
		return "-p " + v("PORT") + ` "${` + Variable(h.Name, "USER") + `:?}@${` + Variable(h.Name, "ADDRESS") + `:?}"`
	}
	var jumps []string
	for at, seen := h.Jump, []string{h.Name}; at != "" && !slices.Contains(seen, at); {
		j, ok := cfg.Host(at)
		if !ok {
			break
		}
		jumps = append([]string{j.User + "@" + bracketed(j.Address) + ":" + strconv.Itoa(j.Port)}, jumps...)
		seen, at = append(seen, at), j.Jump
	}
	out := "-p " + strconv.Itoa(h.Port) + " "
	if len(jumps) > 0 {
		out += "-J " + Quote(strings.Join(jumps, ",")) + " "
	}
	return out + Quote(h.User+"@"+h.Address)
}

func bracketed(address string) string {
	if strings.Contains(address, ":") {
		return "[" + address + "]"
	}
	return address
}

var blank = regexp.MustCompile(`([a-z0-9-]+)\.fill-in\.invalid`)

// Shown is text for people, with the variables of unknown machines in it.
func Shown(text string) string {
	return blank.ReplaceAllStringFunc(text, func(m string) string { return "$" + Variable(strings.TrimSuffix(m, blankDomain), "ADDRESS") })
}

// On is the command that runs a script on a host. The script is read whole before it begins, and reads nothing itself.
func On(cfg *fleet.Config, h fleet.Host, t runbook.Typed) string {
	if t.Session {
		return "ssh -t " + Login(cfg, h) + " " + Quote(strings.TrimSpace(t.Script)) + "\n"
	}
	body := "{\n" + strings.TrimRight(t.Script, "\n") + "\n} </dev/null\n"
	ssh := "ssh " + Login(cfg, h) + " sh -s"
	fill := fillIn(body, h.Name)
	if fill == "" {
		return Here(ssh, body)
	}
	return HereTo(fill, body, ssh)
}

// fillIn is the sed that puts the variables of unknown machines into a text; "" where it names none.
func fillIn(text, host string) string {
	var edits []string
	for _, m := range blank.FindAllStringSubmatch(text, -1) {
		e := `s/` + strings.ReplaceAll(m[0], ".", `\.`) + `/${` + Variable(m[1], "ADDRESS") + `:?}/g`
		if !slices.Contains(edits, e) {
			edits = append(edits, e)
		}
	}
	if strings.Contains(text, blankIP.String()) {
		name := host
		if m := blank.FindStringSubmatch(text); m != nil {
			name = m[1]
		}
		edits = append(edits, `s/`+blankIP.String()+`/${`+Variable(name, "DNS_IP")+`:?}/g`)
	}
	if len(edits) == 0 {
		return ""
	}
	return `sed "` + strings.Join(edits, "; ") + `"`
}
