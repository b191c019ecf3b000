package blackbox

import (
	"slices"
	"strings"
)

// merged is the newest copy of a host, with what could not be read then as older snapshots have it.
type merged struct {
	host    *Host
	unread  []string
	unasked []string
}

// complete reports whether older snapshots can add nothing.
func (m *merged) complete() bool {
	return m.host != nil && len(m.unread) == 0 && len(m.unasked) == 0
}

// add takes what h, older than all before, knows of what is missing; used is false where that is nothing.
func (m *merged) add(h *Host) (used bool) {
	if h == nil {
		return false
	}
	if m.host == nil {
		m.host, m.unread, m.unasked = h, h.Unread, h.Unasked
		return true
	}
	var unread, unasked []string
	for _, p := range m.unread {
		for _, f := range h.Below(p) {
			if !m.host.has(f.Path) {
				m.host.Files = append(m.host.Files, f)
				used = true
			}
		}
		for _, q := range h.Unread { // missing there as well, the whole or a part
			if q == p || strings.HasPrefix(p, q+"/") {
				unread = append(unread, p)
			} else if strings.HasPrefix(q, p+"/") {
				unread = append(unread, q)
			}
		}
	}
	for _, name := range m.unasked {
		switch d := h.Databases[name]; {
		case d != nil:
			if m.host.Databases == nil {
				m.host.Databases = map[string]*Database{}
			}
			m.host.Databases[name] = d
			used = true
		case slices.Contains(h.Unasked, name):
			unasked = append(unasked, name)
		}
	}
	m.unread, m.unasked = unread, unasked
	slices.SortFunc(m.host.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return used
}

func (h *Host) has(path string) bool {
	return slices.ContainsFunc(h.Files, func(f File) bool { return f.Path == path })
}
