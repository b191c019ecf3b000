package roles

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"recoverbot/runbook/fleet"
	"recoverbot/runbook/strictyaml"
)

// rewrite applies the changes to the file's text by splicing at the places that the parser names, so that every other
// byte stays. Text that is already so comes back as it is.
func rewrite(text []byte, want []change) ([]byte, error) {
	file, err := strictyaml.Parse(text, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("parse fleet: %w", err)
	}
	hosts, err := hostList(file)
	if err != nil {
		return nil, err
	}
	s := newSplicer(text)
	for _, c := range want {
		if c.add {
			line, err := entry(c)
			if err != nil {
				return nil, err
			}
			last := hosts.Values[len(hosts.Values)-1]
			s.insertLine(lastLine(last), hosts.Start.Position.Column-1, "- "+line)
			continue
		}
		m := find(hosts, c.host.Name)
		if m == nil {
			return nil, fmt.Errorf("no entry of host %s", c.host.Name)
		}
		if !c.assign {
			continue
		}
		if !slices.Equal(c.host.Roles, c.roles) {
			if err := setRoles(s, m, c.roles); err != nil {
				return nil, fmt.Errorf("set roles of %s: %w", c.host.Name, err)
			}
		}
		if c.host.Retired != c.retire {
			if err := set(s, m, "retired", fmt.Sprint(c.retire)); err != nil {
				return nil, fmt.Errorf("retire %s: %w", c.host.Name, err)
			}
		}
	}
	return s.result()
}

func hostList(file *ast.File) (*ast.SequenceNode, error) {
	if len(file.Docs) == 0 {
		return nil, errors.New("no document")
	}
	var pairs []*ast.MappingValueNode
	switch body := file.Docs[0].Body.(type) {
	case *ast.MappingNode:
		pairs = body.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{body}
	}
	for _, kv := range pairs {
		if kv.Key.GetToken().Value != "hosts" {
			continue
		}
		seq, ok := kv.Value.(*ast.SequenceNode)
		if !ok || seq.IsFlowStyle || len(seq.Values) == 0 {
			return nil, errors.New("hosts is not a list with one host an entry")
		}
		return seq, nil
	}
	return nil, errors.New("no hosts")
}

func find(hosts *ast.SequenceNode, name string) *ast.MappingNode {
	for _, v := range hosts.Values {
		m, ok := v.(*ast.MappingNode)
		if !ok {
			continue
		}
		if kv := pair(m, "name"); kv != nil && kv.Value.GetToken().Value == name {
			return m
		}
	}
	return nil
}

func pair(m *ast.MappingNode, key string) *ast.MappingValueNode {
	for _, kv := range m.Values {
		if kv.Key.GetToken().Value == key {
			return kv
		}
	}
	return nil
}

func setRoles(s *splicer, m *ast.MappingNode, roles []string) error {
	list := "[" + strings.Join(roles, ", ") + "]"
	kv := pair(m, "roles")
	if kv == nil {
		return add(s, m, "roles", list)
	}
	seq, ok := kv.Value.(*ast.SequenceNode)
	switch {
	case ok && seq.IsFlowStyle:
		s.replace(seq.Start.Position, seq.End.Position, 1, list)
	case ok && len(seq.Values) > 0:
		s.insertAfter(kv.Start.Position, 1, " "+list)
		s.removeLines(seq.Start.Position.Line, lastLine(seq))
	case kv.Value.Type() == ast.NullType:
		s.insertAfter(kv.Start.Position, 1, " "+list)
	default:
		return errors.New("roles is not a list")
	}
	return nil
}

// set gives a key with a one-word value another one.
func set(s *splicer, m *ast.MappingNode, key, value string) error {
	kv := pair(m, key)
	if kv == nil {
		return add(s, m, key, value)
	}
	t := kv.Value.GetToken()
	s.replace(t.Position, t.Position, len([]rune(t.Value)), value)
	return nil
}

// add gives a host a key that it does not have, in the style of its entry.
func add(s *splicer, m *ast.MappingNode, key, value string) error {
	if len(m.Values) == 0 {
		return errors.New("empty entry")
	}
	text := key + ": " + value
	if m.IsFlowStyle {
		s.insertBefore(m.End.Position, ", "+text)
		return nil
	}
	first := m.Values[0]
	s.insertLine(lastLine(first), first.Key.GetToken().Position.Column-1, text)
	return nil
}

// lastLine is the last line that a node's tokens are on.
func lastLine(n ast.Node) int {
	v := &lines{}
	ast.Walk(v, n)
	return v.last
}

type lines struct{ last int }

func (l *lines) see(t *token.Token) {
	if t != nil && t.Position != nil && t.Type != token.CommentType {
		l.last = max(l.last, t.Position.Line+strings.Count(strings.Trim(t.Value, "\n"), "\n"))
	}
}

// Visit sees every node's tokens.
func (l *lines) Visit(n ast.Node) ast.Visitor {
	if _, comment := n.(*ast.CommentGroupNode); comment {
		return nil
	}
	l.see(n.GetToken())
	switch x := n.(type) {
	case *ast.MappingNode:
		l.see(x.End)
	case *ast.SequenceNode:
		l.see(x.End)
	}
	return l
}

// entry is a new host's line: only what differs from the defaults.
func entry(c change) (string, error) {
	h := c.host
	item := yaml.MapSlice{{Key: "name", Value: h.Name}, {Key: "address", Value: h.Address}}
	put := func(key string, value any, wanted bool) {
		if wanted {
			item = append(item, yaml.MapItem{Key: key, Value: value})
		}
	}
	put("dns_ip", h.DNSIP.String(), h.DNSIP.IsValid() && h.DNSIP.String() != h.Address)
	put("port", h.Port, h.Port != 0 && h.Port != 22)
	put("user", h.User, h.User != "" && h.User != "root")
	put("jump", h.Jump, h.Jump != "")
	put("root", h.Root, h.Root != "")
	put("loopback", h.Loopback, h.Loopback != "")
	put("domain", h.Domain, h.Domain != "")
	put("http_port", h.HTTPPort, h.HTTPPort != 0)
	put("paths", h.Paths, h.Paths != fleet.Paths{})
	put("roles", c.roles, len(c.roles) > 0)
	text, err := yaml.MarshalWithOptions(item, yaml.Flow(true))
	if err != nil {
		return "", fmt.Errorf("write entry of %s: %w", h.Name, err)
	}
	line := strings.TrimSpace(string(text))
	if strings.Contains(line, "\n") {
		return "", fmt.Errorf("write entry of %s: more than one line", h.Name)
	}
	return line, nil
}
