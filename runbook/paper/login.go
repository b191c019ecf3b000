package paper

import (
	"encoding/binary"
	"encoding/json"
	"hash/fnv"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// Unknown is a machine that nobody has yet, as the steps that use it see it. Its addresses stand for variables of the
// paper's top: a name that cannot exist, and an address of the discard-only prefix.
func Unknown(bind string) fleet.Host {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(bind)) // never fails
	ip := [16]byte{0: 1}
	binary.BigEndian.PutUint32(ip[12:], sum.Sum32())
	return fleet.Host{Name: bind, Address: blankStart + strings.ToLower(bind) + blankEnd, DNSIP: netip.AddrFrom16(ip), Port: 22, User: "root"}
}

const (
	blankStart = "fill-in-"
	blankEnd   = ".invalid"
)

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
func IsUnknown(h fleet.Host) bool {
	return strings.HasPrefix(h.Address, blankStart) && strings.HasSuffix(h.Address, blankEnd)
}

// UnknownDomain stands for the name that an unknown machine has on the domain list; it may stay empty.
func UnknownDomain(bind string) string {
	return blankStart + "domain-" + strings.ToLower(bind) + blankEnd
}

// blanks are what stands for the variables of an unknown machine.
func blanks(bind string) map[string]string {
	u := Unknown(bind)
	return map[string]string{"ADDRESS": u.Address, "DNS_IP": u.DNSIP.String(), "DOMAIN": UnknownDomain(bind)}
}

// Variable is the name of a variable about an unknown machine: NEW_ADDRESS for new.
func Variable(bind, what string) string {
	return strings.ToUpper(strings.ReplaceAll(bind, "-", "_")) + "_" + what
}

// patience keeps a machine that does not answer from holding up the person.
const patience = "-o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=3 "

// Login are the arguments that ssh needs to reach a host, quoted.
func Login(cfg *fleet.Config, h fleet.Host) string {
	if IsUnknown(h) {
		v := func(what string) string { return `"${` + Variable(h.Name, what) + `:?}"` }
		return patience + "-p " + v("PORT") + ` "${` + Variable(h.Name, "USER") + `:?}@${` + Variable(h.Name, "ADDRESS") + `:?}"`
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
	out := patience + "-p " + strconv.Itoa(h.Port) + " "
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

// Shown is text for people, with the variables of unknown machines in it.
func Shown(text string, binds []string) string {
	for _, b := range binds {
		for what, of := range blanks(b) {
			text = strings.ReplaceAll(text, of, "$"+Variable(b, what))
		}
	}
	return text
}

// Own is a script of the person's own machine, with the variables of unknown machines in it.
func Own(script string, binds []string) string {
	for _, b := range binds {
		var out strings.Builder
		for rest, quoted := script, false; ; {
			before, after, found := strings.Cut(rest, Unknown(b).Address)
			out.WriteString(before)
			if !found {
				break
			}
			quoted = quoted != (strings.Count(before, "'")%2 == 1)
			v := `"${` + Variable(b, "ADDRESS") + `:?}"`
			if quoted {
				v = "'" + v + "'"
			}
			out.WriteString(v)
			rest = after
		}
		script = out.String()
	}
	return script
}

// On is the command that runs a script on a host. The script is read whole before it begins, and reads nothing itself.
// binds are the unknown machines whose variables it may need.
func On(cfg *fleet.Config, h fleet.Host, t runbook.Typed, binds []string) string {
	if t.Session {
		return "ssh -t " + Login(cfg, h) + " " + Quote(strings.TrimSpace(t.Script)) + "\n"
	}
	body := "{\n" + strings.TrimRight(t.Script, "\n") + "\n} </dev/null\n"
	ssh := "ssh " + Login(cfg, h) + " sh -s"
	fill := fillIn(body, binds)
	if fill == "" {
		return Here(ssh, body)
	}
	return HereTo(fill, body, ssh)
}

// fillIn is the sed that puts the variables of unknown machines into a text; "" where it names none.
func fillIn(text string, binds []string) string {
	var edits []string
	for _, b := range binds {
		for what, of := range blanks(b) {
			need := ":?"
			if what == "DOMAIN" { // may stay empty
				need = "-"
			}
			if strings.Contains(text, of) {
				edits = append(edits, `s/`+strings.ReplaceAll(of, ".", `\.`)+`/${`+Variable(b, what)+need+`}/g`)
			}
		}
	}
	if len(edits) == 0 {
		return ""
	}
	slices.Sort(edits)
	return `sed "` + strings.Join(edits, "; ") + `"`
}
