// Package sql is the action that changes rows, tables or accounts of a database. Its modes share one way of changing
// rows: exact statements with bound parameters inside one transaction, compared with the rows that were shown, held
// back until a person has looked where the step is two-phase. Steps say what; this package never templates SQL.
package sql

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/fleet"
)

// Spec is what a step of this kind says under `with:`: one of statements, domain_list, tables (or recall), login_of.
type Spec struct {
	Database   string      `yaml:"database,omitempty"` // a name in fleet.yaml; reached on the step's host
	Statements []Statement `yaml:"statements,omitempty"`
	TwoPhase   bool        `yaml:"two_phase,omitempty"`   // hold the change until a person commits
	ExpectRows string      `yaml:"expect_rows,omitempty"` // of all statements together: "3", ">=1" (default), "<=2", "1..3"
	DomainList *DomainSpec `yaml:"domain_list,omitempty"`
	Tables     []TableSpec `yaml:"tables,omitempty"`
	Recall     string      `yaml:"recall,omitempty"`   // hosts: what the black box saw there and is not here is made too
	LoginOf    string      `yaml:"login_of,omitempty"` // a service whose own credentials must work
}

// Statement is one update, insert or delete of one table. Args are references or texts, bound to its ? in order.
type Statement struct {
	Text string   `yaml:"text"`
	Args []string `yaml:"args,omitempty"`
	// Show reads the rows that an insert makes: it tells whether they are there already.
	Show *Query `yaml:"show,omitempty"`
}

// Query is a select with its parameters.
type Query struct {
	Text string   `yaml:"text"`
	Args []string `yaml:"args,omitempty"`
}

// DomainSpec says which hosts must not be up in the domain list, or which one joins it.
type DomainSpec struct {
	Down []string `yaml:"down,omitempty"`
	Add  string   `yaml:"add,omitempty"`
	// Like are hosts whose rows are copied for the new one: those of the first that has any; else the first row that is up.
	Like   []string `yaml:"like,omitempty"`
	Domain string   `yaml:"domain,omitempty"` // of the new row; empty, or a reference to nothing: the copied row's
}

// TableSpec is a table that must exist.
type TableSpec struct {
	Name   string `yaml:"name"`
	Create string `yaml:"create"`
}

// Validate refuses everything but the four modes, and every statement that is not a simple change of rows.
func (s *Spec) Validate() error {
	var problems []error
	modes := 0
	for _, set := range []bool{len(s.Statements) > 0, s.DomainList != nil, len(s.Tables) > 0 || s.Recall != "", s.LoginOf != ""} {
		if set {
			modes++
		}
	}
	if modes != 1 {
		problems = append(problems, errors.New("exactly one of statements, domain_list, tables, login_of is needed"))
	}
	if s.Database == "" && s.LoginOf == "" {
		problems = append(problems, errors.New("database: is needed"))
	}
	if _, err := parseExpect(s.ExpectRows); err != nil {
		problems = append(problems, err)
	}
	for i, st := range s.Statements {
		if err := st.validate(); err != nil {
			problems = append(problems, fmt.Errorf("statements[%d]: %w", i, err))
		}
	}
	if d := s.DomainList; d != nil {
		switch {
		case len(d.Down) == 0 && d.Add == "":
			problems = append(problems, errors.New("domain_list: down or add is needed"))
		case d.Add == "" && (len(d.Like) > 0 || d.Domain != ""):
			problems = append(problems, errors.New("domain_list: like and domain are for add"))
		}
	}
	for i, t := range s.Tables {
		if _, err := parseCreate(t.Create); err != nil {
			problems = append(problems, fmt.Errorf("tables[%d]: %w", i, err))
		} else if d, _ := parseCreate(t.Create); d.name != t.Name {
			problems = append(problems, fmt.Errorf("tables[%d]: name is %s, create makes %s", i, t.Name, d.name))
		}
	}
	return errors.Join(problems...)
}

func (st Statement) validate() error {
	p, err := parse(st.Text)
	if err != nil {
		return err
	}
	if p.args() != len(st.Args) {
		return fmt.Errorf("%d parameters for %d ?", len(st.Args), p.args())
	}
	if p.verb != "insert" {
		return nil
	}
	if st.Show == nil {
		return errors.New("an insert needs show: the select that finds its rows")
	}
	n, err := checkSelect(st.Show.Text)
	if err == nil && n != len(st.Show.Args) {
		err = fmt.Errorf("show: %d parameters for %d ?", len(st.Show.Args), n)
	}
	return err
}

// Kind is this kind's entry in the list of actions.
func Kind() action.Kind {
	return action.Kind{
		Name: "sql",
		Spec: func() any { return &Spec{} },
		New: func(spec any, env action.Env) (action.Action, error) {
			s := spec.(*Spec)
			switch {
			case len(s.Tables) > 0 || s.Recall != "":
				return &tables{spec: s, env: env}, nil
			case s.LoginOf != "":
				return &login{spec: s, env: env}, nil
			}
			return &rows{spec: s, env: env, holdFor: holdFor}, nil
		},
	}
}

// holdFor is how long a change is held before it rolls itself back.
const holdFor = 3 * time.Minute

// place finds the step's host and database. Its errors are for Cannot.
func place(env action.Env, name string) (fleet.Host, fleet.Database, error) {
	h, err := env.Target()
	if err != nil {
		return h, fleet.Database{}, err
	}
	d, ok := env.Fleet.Config().Database(name)
	if !ok {
		return h, d, runbook.Errorf(runbook.Invalid, "sql.unknown_database", "name", name)
	}
	if d.Schema == "" {
		d.Schema = d.Name
	}
	return h, d, nil
}

// expect is a range of row counts; max -1 is none.
type expect struct{ min, max int }

func (e expect) holds(n int) bool { return n >= e.min && (e.max < 0 || n <= e.max) }

func parseExpect(s string) (expect, error) {
	if s == "" {
		return expect{1, -1}, nil
	}
	var a, b int
	var rest string
	t := strings.ReplaceAll(s, " ", "")
	for _, form := range []struct {
		scan string
		into []any
		make func() expect
	}{
		{">=%d%s", []any{&a, &rest}, func() expect { return expect{a, -1} }},
		{"<=%d%s", []any{&a, &rest}, func() expect { return expect{0, a} }},
		{"%d..%d%s", []any{&a, &b, &rest}, func() expect { return expect{a, b} }},
		{"%d%s", []any{&a, &rest}, func() expect { return expect{a, a} }},
	} {
		rest = ""
		if n, _ := fmt.Sscanf(t, form.scan, form.into...); n == len(form.into)-1 && rest == "" {
			return form.make(), nil
		}
	}
	return expect{}, fmt.Errorf("expect_rows: %q is not a count such as 2, >=1 or 1..3", s)
}
