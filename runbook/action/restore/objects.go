package restore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/dump"
	"recoverbot/runbook/fleet"
)

// object is a view, trigger or routine that RENAME cannot move and that is made anew.
type object struct {
	Kind    string `json:"kind"` // "view", "trigger", "procedure", "function"
	Name    string `json:"name"`
	From    string `json:"from"`   // schema that it was read from
	Schema  string `json:"schema"` // schema to make it in
	Create  string `json:"create"`
	Mode    string `json:"mode,omitempty"` // sql_mode
	Client  string `json:"client,omitempty"`
	Collate string `json:"collate,omitempty"`
}

// swapPlan is all that a swap does, kept on the host so that a swap cut off can be finished.
type swapPlan struct {
	Schema   string   `json:"schema"`
	Scratch  string   `json:"scratch"`
	Old      string   `json:"old,omitempty"`
	Charset  string   `json:"charset"`
	Tables   []string `json:"tables"`
	Replaced []string `json:"replaced,omitempty"`
	Away     []string `json:"away,omitempty"` // live tables that go to the old schema with nothing in their place
	Objects  []object `json:"objects,omitempty"`
	// Connection is the server's number of the connection that exchanges.
	Connection int64 `json:"connection,omitempty"`
}

// objects lists what has to be made anew: the dump's own in the live schema, and what they replace, with the live
// triggers, in the old one.
func (s *session) objects(ctx context.Context, p swapPlan) ([]object, error) {
	fresh, err := s.read(ctx, p.Scratch, p.Schema, nil)
	if err != nil {
		return nil, err
	}
	gone, err := s.read(ctx, p.Schema, p.Old, func(o object, table string) bool {
		if o.Kind == "trigger" {
			return slices.Contains(p.Replaced, table) || slices.Contains(p.Away, table)
		}
		return p.Old != "" && slices.ContainsFunc(fresh, func(f object) bool { return f.Kind == o.Kind && f.Name == o.Name })
	})
	if err != nil {
		return nil, err
	}
	return append(gone, fresh...), nil
}

var listObjects = []struct{ kind, query string }{
	{"function", "SELECT ROUTINE_NAME, '' FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA=? AND ROUTINE_TYPE='FUNCTION'"},
	{"procedure", "SELECT ROUTINE_NAME, '' FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA=? AND ROUTINE_TYPE='PROCEDURE'"},
	{"view", "SELECT TABLE_NAME, '' FROM information_schema.VIEWS WHERE TABLE_SCHEMA=?"},
	{"trigger", "SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA=? ORDER BY ACTION_ORDER"},
}

func (s *session) read(ctx context.Context, from, to string, keep func(o object, table string) bool) ([]object, error) {
	var out []object
	var exists int
	if err := s.conn.GetContext(ctx, &exists, "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME=?", from); err != nil || exists == 0 {
		return nil, err
	}
	if err := s.exec(ctx, "USE "+quote(from)); err != nil { // so that what it holds is shown without its name
		return nil, err
	}
	for _, l := range listObjects {
		rows, err := s.conn.QueryxContext(ctx, l.query, from)
		if err != nil {
			return nil, err
		}
		var found [][2]string
		for rows.Next() {
			var name, table string
			if err := rows.Scan(&name, &table); err != nil {
				_ = rows.Close()
				return nil, err
			}
			found = append(found, [2]string{name, table})
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
		for _, f := range found {
			o := object{Kind: l.kind, Name: f[0], From: from, Schema: to}
			if keep != nil && !keep(o, f[1]) {
				continue
			}
			if err := s.show(ctx, &o); err != nil {
				return nil, err
			}
			out = append(out, o)
		}
	}
	return out, nil
}

func (s *session) show(ctx context.Context, o *object) error {
	rows, err := s.conn.QueryxContext(ctx, "SHOW CREATE "+strings.ToUpper(o.Kind)+" "+quote(o.Name))
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	if !rows.Next() {
		return fmt.Errorf("show create %s: no answer", o.Kind)
	}
	m := map[string]any{}
	if err := rows.MapScan(m); err != nil {
		return err
	}
	for column, to := range map[string]*string{
		"Create View": &o.Create, "SQL Original Statement": &o.Create, "Create Procedure": &o.Create, "Create Function": &o.Create,
		"sql_mode": &o.Mode, "character_set_client": &o.Client, "collation_connection": &o.Collate,
	} {
		switch v := m[column].(type) {
		case []byte:
			*to = string(v)
		case string:
			*to = v
		}
	}
	if o.Create == "" {
		return fmt.Errorf("show create %s: not allowed", o.Kind)
	}
	return nil
}

// make makes an object anew in o.Schema, in place of what has its name there.
func (s *session) make(ctx context.Context, o object) error {
	create := o.Create
	if c, err := (dump.Rules{Schema: o.From, Scratch: o.Schema, Foreign: true}).Check([]byte(create)); err == nil && c.SQL != nil {
		create = string(c.SQL)
	}
	steps := []string{"USE " + quote(o.Schema)}
	args := [][]any{nil}
	if o.Client != "" {
		steps = append(steps, "SET character_set_client=?, collation_connection=?")
		args = append(args, []any{o.Client, o.Collate})
	}
	steps = append(steps, "SET sql_mode=?", "DROP "+strings.ToUpper(o.Kind)+" IF EXISTS "+quote(o.Name), create)
	args = append(args, []any{o.Mode}, nil, nil)
	defer func() { _ = s.exec(ctx, "SET NAMES utf8mb4") }()
	for i, q := range steps {
		if _, err := s.conn.ExecContext(ctx, q, args[i]...); err != nil {
			return fmt.Errorf("make %s: %w", o.Kind, err)
		}
	}
	return nil
}

// makeObjects makes all objects; views may need each other, so whatever fails is tried again after the others. It
// returns what could not be made.
func (s *session) makeObjects(ctx context.Context, p swapPlan) []object {
	todo := slices.DeleteFunc(slices.Clone(p.Objects), func(o object) bool { return o.Schema == "" })
	for {
		var failed []object
		for _, o := range todo {
			if err := s.make(ctx, o); err != nil {
				failed = append(failed, o)
			}
		}
		if len(failed) == 0 || len(failed) == len(todo) {
			return failed
		}
		todo = failed
	}
}

// swapSuffix ends the names of the files that hold plans of swaps.
const swapSuffix = ".commit.json"

func (r *restore) swapFile(h fleet.Host, job runbook.Job) string {
	return path.Join(h.Path(stateDir), job.ID()+swapSuffix)
}

// writeSwap keeps the plan of a swap on the host, whole or not at all.
func (r *restore) writeSwap(ctx context.Context, c *fleet.Client, h fleet.Host, job runbook.Job, p swapPlan) error {
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode swap: %w", err)
	}
	return keep(ctx, c, r.swapFile(h, job), text)
}

// readSwap finds the plan of a swap that was begun; nil where none was.
func (r *restore) readSwap(ctx context.Context, c *fleet.Client, h fleet.Host, job runbook.Job) (*swapPlan, error) {
	s, err := c.SFTP(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Close() }()
	f, err := s.Open(r.swapFile(h, job))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read swap: %w", err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, 64<<20))
	if err != nil {
		return nil, fmt.Errorf("read swap: %w", err)
	}
	p := &swapPlan{}
	if err := json.Unmarshal(text, p); err != nil {
		return nil, fmt.Errorf("decode swap: %w", err)
	}
	return p, nil
}
