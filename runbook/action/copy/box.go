package copy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/blackbox"
	"recoverbot/runbook/fleet"
)

// boxPrefix marks a candidate, and the source of an item, that is the black box's copy of a host.
const boxPrefix = "blackbox:"

// candidate is where a file may come from: a host, or what the black box holds of it.
type candidate struct {
	fleet.Host
	box bool
}

func (k candidate) name() string {
	if k.box {
		return boxPrefix + k.Name
	}
	return k.Name
}

// candidates resolves references, each to any number of hosts, in order.
func (c *copier) candidates(refs []string) ([]candidate, error) {
	var out []candidate
	for _, ref := range refs {
		ref, box := strings.CutPrefix(ref, boxPrefix)
		hosts, err := c.env.Hosts(ref)
		if err != nil {
			return nil, err
		}
		for _, h := range hosts {
			if k := (candidate{h, box}); !contains(out, k.name()) {
				out = append(out, k)
			}
		}
	}
	return out, nil
}

func contains(list []candidate, name string) bool {
	for _, k := range list {
		if k.name() == name {
			return true
		}
	}
	return false
}

// look asks one candidate for the files that a path means, with their hashes.
func (c *copier) look(ctx context.Context, k candidate, f File, target fleet.Host) (*source, error) {
	if k.box {
		return c.recall(k, f, target)
	}
	src, err := c.ask(ctx, k.Host, f, target)
	if err != nil {
		return nil, err
	}
	return src, src.hash(ctx)
}

// recall finds files in the black box.
func (c *copier) recall(k candidate, f File, target fleet.Host) (*source, error) {
	from, err := c.on(k.Host, f.Path)
	if err != nil {
		return nil, err
	}
	to, err := c.on(target, f.ToPath)
	if err != nil {
		return nil, err
	}
	from = path.Clean(from)
	held, ok := c.env.Box.Latest(k.Name)
	if !ok {
		return nil, runbook.Errorf(runbook.NotFound, "copy.box_empty")
	}
	src := &source{host: k.Host, at: held.At}
	for _, file := range held.Below(from) {
		if !file.At.IsZero() && file.At.Before(src.at) {
			src.at = file.At
		}
		src.items = append(src.items, item{Source: k.name(), From: file.Path, To: path.Join(to, strings.TrimPrefix(file.Path, from)),
			Size: int64(len(file.Content)), SHA256: sum(file.Content), Mode: file.Mode & 0o777})
	}
	if len(src.items) == 0 {
		return nil, runbook.Errorf(runbook.NotFound, "copy.not_there", "host", k.Name, "path", from)
	}
	return src, nil
}

// boxed is the content of items that come from the black box, by source and path; it refuses where that is not what was planned.
func (c *copier) boxed(items []item) (map[item][]byte, error) {
	held, out := map[string]*blackbox.Host{}, map[item][]byte{}
	for _, it := range items {
		name, ok := strings.CutPrefix(it.Source, boxPrefix)
		if !ok {
			continue
		}
		h := held[name]
		if h == nil {
			if h, ok = c.env.Box.Latest(name); !ok {
				return nil, action.Stale("copy.source_gone", "host", it.Source)
			}
			held[name] = h
		}
		found := h.Below(it.From)
		if len(found) == 0 || found[0].Path != it.From {
			return nil, action.Stale("copy.source_gone", "host", it.Source)
		}
		if sum(found[0].Content) != it.SHA256 {
			return nil, action.Stale("copy.source_changed", "file", path.Base(it.From))
		}
		out[it] = found[0].Content
	}
	return out, nil
}

// sourceName says where an item comes from.
func sourceName(it item, src *source) any {
	if name, ok := strings.CutPrefix(it.Source, boxPrefix); ok {
		return runbook.T("copy.box_of", "host", name, "at", src.at)
	}
	return it.Source
}

func sum(content []byte) string {
	h := sha256.Sum256(content)
	return hex.EncodeToString(h[:])
}
