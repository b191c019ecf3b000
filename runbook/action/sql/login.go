package sql

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/appconfig"
	"recoverbot/runbook/fleet"
)

// login sees to it that a service can log in with the credentials of its own configuration, and write. The password
// goes from the file to the server; plans, logs and results have a hash of the file at most.
type login struct {
	spec *Spec
	env  action.Env
}

// grant is what an approval is bound to.
type grant struct {
	Service  string    `json:"service"`
	Config   string    `json:"config"`
	Hash     string    `json:"hash"` // hex SHA-256 of the configuration file
	Accounts []account `json:"accounts"`
}

type account struct {
	User   string `json:"user"`
	From   string `json:"from"` // as the server sees the service come
	Schema string `json:"schema"`
	Exists bool   `json:"exists,omitempty"` // with another password, which would be replaced
	Only   bool   `json:"only,omitempty"`   // it logs in: only privileges are missing
}

const (
	configMax  = 4 << 20
	privileges = "SELECT, INSERT, UPDATE, DELETE, EXECUTE, CREATE TEMPORARY TABLES, LOCK TABLES"
)

// Plan tries the log-ins of the configuration that are for this host.
func (l *login) Plan(ctx context.Context) (runbook.Plan, error) {
	var p runbook.Plan
	s, err := l.env.Service(l.spec.LoginOf)
	if err != nil {
		return action.Cannot(p, err)
	}
	h, admin, err := place(l.env, l.database())
	if err != nil {
		return action.Cannot(p, err)
	}
	p.Summary = runbook.T("sql.login_summary", "service", s.Name, "host", h.Name)
	mine, eff, err := l.read(ctx, h, s)
	if err != nil {
		return action.Cannot(p, err)
	}
	c, err := l.env.Fleet.SSH(ctx, h)
	if err != nil {
		return action.Cannot(p, err)
	}
	p.Effect.Host = h.Name
	if p.Effect.Identity, err = c.Identity(ctx); err != nil {
		return action.Cannot(p, err)
	}
	if len(mine) == 0 {
		p.Verdict, p.Why = runbook.Blocked, runbook.T("sql.login_elsewhere", "service", s.Name, "host", h.Name)
		return p, nil
	}
	db, err := l.env.Fleet.SQL(ctx, h, admin, "")
	if err != nil {
		return action.Cannot(p, err)
	}
	defer func() { _ = db.Close() }() // only read from
	if err := writable(ctx, db, h.Name); err != nil {
		return action.Cannot(p, err)
	}
	for _, m := range mine {
		from, refused := l.try(ctx, h, m)
		if refused == nil {
			continue
		}
		if from == "" {
			return action.Cannot(p, refused)
		}
		if strings.EqualFold(m.User, "root") || strings.HasPrefix(m.User, "mysql.") || strings.HasPrefix(m.User, "mariadb.") {
			p.Verdict, p.Why = runbook.Blocked, runbook.T("sql.login_root", "service", s.Name, "user", m.User)
			return p, nil
		}
		if err := validAccount(m); err != nil {
			return action.Cannot(p, err)
		}
		if n, err := one(ctx, db, "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = ?", m.Database); err != nil || n == "0" {
			return action.Cannot(p, orError(err, runbook.Errorf(runbook.NotFound, "sql.login_no_schema", "schema", m.Database, "host", h.Name)))
		}
		if n := number(refused); n == 1044 || n == 1142 || n == 1143 {
			eff.Accounts = append(eff.Accounts, account{User: m.User, From: from, Schema: m.Database, Only: true})
			continue
		}
		for _, f := range slices.Compact([]string{from, "localhost"}) {
			n, err := one(ctx, db, "SELECT COUNT(*) FROM mysql.user WHERE user = ? AND host = ?", m.User, f)
			if err != nil {
				return action.Cannot(p, fmt.Errorf("look for account: %w", err))
			}
			eff.Accounts = append(eff.Accounts, account{User: m.User, From: f, Schema: m.Database, Exists: n != "0"})
		}
	}
	if len(eff.Accounts) == 0 {
		p.Verdict, p.Why = runbook.Satisfied, runbook.T("sql.login_works", "service", s.Name, "host", h.Name)
		return p, nil
	}
	var lines []string
	for _, a := range eff.Accounts {
		for _, line := range a.statements("<redacted>") {
			lines = append(lines, line+";")
		}
		if a.Exists {
			p.Danger = true
			p.Warnings = append(p.Warnings, runbook.T("sql.login_replaces", "user", a.User, "from", a.From))
		}
	}
	if p.Effect.Data, err = json.Marshal(eff); err != nil {
		return p, fmt.Errorf("encode effect: %w", err)
	}
	p.Effect.Exact = []runbook.Part{{Format: "sql", Text: strings.Join(lines, "\n")}}
	p.Facts = append(p.Facts, runbook.T("sql.login_fact", "config", eff.Config))
	p.Verdict = runbook.Ready
	return p, nil
}

// database is the administrator's way in: the named database, else the first of fleet.yaml.
func (l *login) database() string {
	if l.spec.Database != "" {
		return l.spec.Database
	}
	if ds := l.env.Fleet.Config().Databases; len(ds) > 0 {
		return ds[0].Name
	}
	return ""
}

// read finds the log-ins in the service's configuration that are for this host.
func (l *login) read(ctx context.Context, h fleet.Host, s fleet.Service) ([]appconfig.MySQL, grant, error) {
	g := grant{Service: s.Name, Config: h.Path(s.Config)}
	c, err := l.env.Fleet.SSH(ctx, h)
	if err != nil {
		return nil, g, err
	}
	files, err := c.SFTP(ctx)
	if err != nil {
		return nil, g, fmt.Errorf("read %s: %w", g.Config, err)
	}
	defer func() { _ = files.Close() }() // only read from
	in, err := files.Open(g.Config)
	if err != nil {
		return nil, g, &runbook.Error{Code: runbook.NotFound, Msg: runbook.T("sql.login_no_config", "path", g.Config, "host", h.Name), Err: err}
	}
	defer func() { _ = in.Close() }() // only read from
	text, err := io.ReadAll(io.LimitReader(in, configMax))
	if err != nil {
		return nil, g, fmt.Errorf("read %s: %w", g.Config, err)
	}
	sum := sha256.Sum256(text)
	g.Hash = hex.EncodeToString(sum[:])
	settings, err := appconfig.Parse(path.Base(g.Config), text)
	if err != nil {
		return nil, g, &runbook.Error{Code: runbook.Invalid, Msg: runbook.T("sql.login_no_config", "path", g.Config, "host", h.Name), Err: err}
	}
	l.env.Fleet.Redactor().Add(settings.Secrets()...)
	local := append(h.Names(), "localhost", "127.0.0.1", "::1", h.LoopbackAddress())
	var mine []appconfig.MySQL
	for _, m := range settings.MySQL {
		if m.Socket != "" || slices.Contains(local, m.Host) {
			mine = append(mine, m)
		}
	}
	return mine, g, nil
}

var (
	deniedFrom  = regexp.MustCompile(`for user '[^']*'@'([^']+)'`)
	accountHost = regexp.MustCompile(`^[A-Za-z0-9_.%:-]{1,60}$`)
)

// try logs in as the service would, and makes sure that it may change rows; nothing is changed. from is the address
// that a refused service comes from, as the server says; "" means that the refusal has another reason.
func (l *login) try(ctx context.Context, h fleet.Host, m appconfig.MySQL) (from string, err error) {
	d := fleet.Database{Name: m.Database, Port: m.Port, Socket: m.Socket, User: m.User, Password: fleet.Secret(m.Password)}
	if m.Socket != "" {
		d.Port = 0
	}
	db, err := l.env.Fleet.SQL(ctx, h, d, m.Database)
	if err != nil {
		return refusedFrom(err), err
	}
	defer func() { _ = db.Close() }() // what it did changes nothing
	name, err := one(ctx, db, "SELECT table_name FROM information_schema.tables WHERE table_schema = ? AND table_type = 'BASE TABLE' AND engine = 'InnoDB' ORDER BY table_name LIMIT 1", m.Database)
	if err != nil {
		return "", fmt.Errorf("look for a table: %w", err)
	}
	if name == "" || !identifier(name) {
		return l.seen(ctx, db, runbook.Errorf(runbook.Unavailable, "sql.login_no_tables", "schema", m.Database, "host", h.Name))
	}
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return "", fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing is to last
	full := quoted(m.Database) + "." + quoted(name)
	for _, s := range []string{"INSERT INTO " + full + " SELECT * FROM " + full + " WHERE 1 = 0", "DELETE FROM " + full + " WHERE 1 = 0"} {
		if _, err := tx.ExecContext(ctx, s); err != nil {
			if n := number(err); n == 1142 || n == 1143 || n == 1044 {
				return l.seen(ctx, db, err)
			}
			return "", fmt.Errorf("try a write: %w", err)
		}
	}
	return "", nil
}

// seen is the host part of the account that the server took the service for.
func (l *login) seen(ctx context.Context, db *sqlx.DB, cause error) (string, error) {
	from, err := one(ctx, db, "SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', -1)")
	if err != nil || !accountHost.MatchString(from) {
		return "", orError(err, cause)
	}
	return from, cause
}

// refusedFrom reads from a refused log-in where the server saw it come from.
func refusedFrom(err error) string {
	if n := number(err); n != 1045 && n != 1044 && n != 1698 {
		return ""
	}
	for e := err; e != nil; {
		if m := deniedFrom.FindStringSubmatch(e.Error()); m != nil {
			if accountHost.MatchString(m[1]) {
				return m[1]
			}
		}
		u, ok := e.(interface{ Unwrap() error })
		if !ok {
			break
		}
		e = u.Unwrap()
	}
	return ""
}

// validAccount holds user and schema to names that need no escaping.
func validAccount(m appconfig.MySQL) error {
	if !identifier(m.User) || !identifier(m.Database) || slices.Contains([]string{"mysql", "sys", "information_schema", "performance_schema"}, strings.ToLower(m.Database)) {
		return runbook.Errorf(runbook.Invalid, "sql.login_odd", "user", m.User, "schema", m.Database)
	}
	return nil
}

func orError(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// statements are what makes the account; password is already quoted, or the word that stands for it.
func (a account) statements(password string) []string {
	who := "'" + a.User + "'@'" + a.From + "'"
	first := "CREATE USER IF NOT EXISTS "
	if a.Exists {
		first = "ALTER USER "
	}
	schema := strings.NewReplacer("_", `\_`, "%", `\%`).Replace(a.Schema)
	grant := "GRANT " + privileges + " ON " + quoted(schema) + ".* TO " + who
	if a.Only {
		return []string{grant}
	}
	return []string{first + who + " IDENTIFIED BY " + password, grant}
}

// Apply reads the password again and makes the accounts, then logs in as the service.
func (l *login) Apply(ctx context.Context, p runbook.Plan, _ runbook.Job, _ runbook.Output) (runbook.Result, error) {
	var r runbook.Result
	var eff grant
	if err := json.Unmarshal(p.Effect.Data, &eff); err != nil {
		return r, action.Refuse(fmt.Errorf("decode effect: %w", err))
	}
	s, err := l.env.Service(l.spec.LoginOf)
	if err != nil {
		return r, action.Refuse(err)
	}
	h, admin, err := place(l.env, l.database())
	if err != nil {
		return r, action.Refuse(err)
	}
	if h.Name != p.Effect.Host {
		return r, action.Stale("sql.other_host", "planned", p.Effect.Host, "now", h.Name)
	}
	if _, err := l.env.Connect(ctx, h, p.Effect.Identity); err != nil {
		return r, err
	}
	mine, now, err := l.read(ctx, h, s)
	if err != nil {
		return r, action.Refuse(err)
	}
	if now.Hash != eff.Hash || now.Config != eff.Config {
		return r, action.Stale("sql.login_changed", "path", eff.Config)
	}
	db, err := l.env.Fleet.SQL(ctx, h, admin, "")
	if err != nil {
		return r, action.Refuse(err)
	}
	defer func() { _ = db.Close() }() // every statement was answered
	conn, err := db.DB.Conn(ctx)
	if err != nil {
		return r, action.Refuse(err)
	}
	defer func() { _ = conn.Close() }()                                                                   // back to a pool that is closed next
	if _, err := conn.ExecContext(ctx, "SET SESSION sql_mode = '', lock_wait_timeout = 10"); err != nil { // backslash escapes
		return r, action.Refuse(err)
	}
	for i, a := range eff.Accounts {
		j := slices.IndexFunc(mine, func(m appconfig.MySQL) bool { return m.User == a.User && m.Database == a.Schema })
		if j < 0 {
			return r, action.Stale("sql.login_changed", "path", eff.Config)
		}
		for k, text := range a.statements(escaped(mine[j].Password)) {
			_, err := conn.ExecContext(ctx, text)
			switch n := number(err); {
			case err == nil:
			case n == 0:
				return r, fmt.Errorf("make account of %s: connection lost", a.User) // the cause quotes the statement
			case i == 0 && k == 0:
				return r, &runbook.Refusal{Text: runbook.T("sql.server_refused", "number", n)}
			default:
				r.Outcome, r.Text = runbook.OutcomeFailed, runbook.T("sql.login_partly", "user", a.User, "from", a.From, "number", n)
				return r, nil
			}
		}
	}
	for _, m := range mine {
		if _, err := l.try(ctx, h, m); err != nil {
			r.Outcome, r.Text = runbook.OutcomeFailed, runbook.T("sql.login_still_not", "service", s.Name, "host", h.Name)
			return r, nil
		}
	}
	r.Outcome, r.Text = runbook.OutcomeDone, runbook.T("sql.login_done", "service", s.Name, "host", h.Name, "user", eff.Accounts[0].User)
	return r, nil
}

// escaped is a string literal, under a sql_mode with backslash escapes.
func escaped(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`, "\x00", `\0`).Replace(s) + "'"
}

// Look tries the log-in.
func (l *login) Look(ctx context.Context, p runbook.Plan, _ runbook.Job) (runbook.Evidence, error) {
	s, err := l.env.Service(l.spec.LoginOf)
	if err != nil {
		return runbook.Evidence{}, err
	}
	h, err := l.env.Target()
	if err != nil {
		return runbook.Evidence{}, err
	}
	mine, _, err := l.read(ctx, h, s)
	if err != nil {
		return runbook.Evidence{}, err
	}
	for _, m := range mine {
		if from, err := l.try(ctx, h, m); err != nil {
			if from == "" {
				return runbook.Evidence{}, fmt.Errorf("log in as %s: %w", s.Name, err)
			}
			return runbook.Evidence{Took: runbook.TookNo, Text: runbook.T("sql.login_still_not", "service", s.Name, "host", h.Name)}, nil
		}
	}
	return runbook.Evidence{Took: runbook.TookYes, Text: runbook.T("sql.login_works", "service", s.Name, "host", h.Name)}, nil
}
