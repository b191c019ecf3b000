package dump

import (
	"bytes"
	"io"
	"slices"
	"strings"
)

// Statement is a statement of a dump and where it stands.
type Statement struct {
	Checked
	Text   []byte // as it is in the dump; valid while it is seen
	Offset int64  // of Text in the uncompressed dump

	lex       Lex
	delimited bool // by anything but ;
}

// Step is a statement that holds no rows.
type Step struct {
	SQL  string
	Kind StepKind
	// Table is what a Create makes.
	Table string
}

// StepKind says when a step is due.
type StepKind byte

// The kinds of Step. Settings count for all that follows them in the dump.
const (
	Setting StepKind = iota // of the session
	Early                   // before rows: tables' removal, sequences
	Create                  // CREATE TABLE: before rows
	Late                    // once all rows are in: views, triggers, routines, changes of tables
)

// Run is a piece of the dump that holds nothing but INSERT statements of one table.
type Run struct {
	Offset     int64
	Length     int64
	Statements int64
	// Plain says that it is one statement that needs no change: its text is all of the run.
	Plain bool
}

// Section is what a dump has for one table.
type Section struct {
	Name  string
	Bytes int64 // of its INSERT statements
	Rows  int64 // in them
	Runs  []Run
	// Step is how many steps come before the first row, Create the number of the one that makes the table.
	Step, Create int
	made, filled Lex // as it is read there
	// Ordered says that the rows must be loaded one statement after the other.
	Ordered bool
	// Bare and Keys are the CREATE TABLE without secondary keys and the ALTER TABLE that adds them; "": they do not wait.
	Bare, Keys string
}

// Splitter splits one of the section's runs.
func (t *Section) Splitter(run io.Reader) *Splitter {
	s := NewSplitter(run)
	s.lex, s.first = t.filled, false
	return s
}

// Plan is how a dump can be loaded by several sessions at a time.
type Plan struct {
	Steps    []Step
	Sections []*Section
	// InOrder says that the dump must be loaded by one session from its beginning to its end: what it does depends on the
	// order in more ways than those of mysqldump.
	InOrder bool
	// Altered says that tables are changed after they were made.
	Altered bool
}

const (
	longRun   = 256 << 10 // bytes; a longer statement is a run of its own
	maxSteps  = 12 << 20  // bytes of text that are kept
	worthKeys = 1 << 20   // bytes of rows from which on keys wait
)

// Planner makes a Plan of the statements that it sees.
type Planner struct {
	plan     Plan
	sections map[string]*Section
	referred map[string]bool // tables that foreign keys refer to, in small letters
	settings int             // steps up to the last setting
	late     int             // steps up to the last late one
	text     int
	last     *Section // whose rows the last statement held
}

// See takes the next statement.
func (p *Planner) See(s Statement) {
	if p.sections == nil {
		p.sections, p.referred = map[string]*Section{}, map[string]bool{}
	}
	switch {
	case p.plan.InOrder || s.SQL == nil:
	case s.Rows > 0:
		p.rows(s)
	default:
		p.last = nil
		p.step(s)
	}
}

func (p *Planner) rows(s Statement) {
	t := p.sections[s.Name]
	if t == nil || s.delimited {
		p.plan.InOrder = true
		return
	}
	length := int64(len(s.Text))
	if len(t.Runs) == 0 {
		t.Step, t.filled = len(p.plan.Steps), s.lex
	}
	if t.Create < p.late || t.Step < p.settings { // a trigger may be at work; a setting may count
		p.plan.InOrder = true
		return
	}
	if !bytes.HasPrefix(s.Text, []byte("INSERT INTO ")) {
		t.Ordered = true
	}
	t.Bytes += length
	t.Rows += s.Rows
	n := len(t.Runs)
	if n > 0 && p.last == t {
		r := &t.Runs[n-1]
		if all := s.Offset + length - r.Offset; all <= longRun {
			r.Length, r.Plain = all, false
			r.Statements++
			return
		}
	}
	p.last = t
	t.Runs = append(t.Runs, Run{Offset: s.Offset, Length: length, Statements: 1, Plain: bytes.Equal(s.SQL, s.Text)})
}

func (p *Planner) step(s Statement) {
	ts := s.lex.tokens(s.SQL)
	step := Step{SQL: string(s.SQL), Kind: Late}
	switch first := ts[0].text; {
	case first == "SET":
		step.Kind = Setting
		p.settings = len(p.plan.Steps) + 1
		if strings.Contains(strings.ToUpper(step.SQL), "INSERT_ID") {
			p.plan.InOrder = true
		}
	case first == "LOCK", first == "UNLOCK", first == "COMMIT", first == "BEGIN", first == "START":
		return // each statement commits; nobody else knows the scratch schema
	case s.Object == "table":
		step.Kind, step.Table = Create, s.Name
		if p.sections[s.Name] != nil {
			p.plan.InOrder = true
		}
		t := &Section{Name: s.Name, Create: len(p.plan.Steps), made: s.lex}
		p.sections[s.Name] = t
		p.plan.Sections = append(p.plan.Sections, t)
		p.refer(ts)
	case s.Object == "sequence", first == "DO", first == "SELECT", first == "DROP" && len(ts) > 1 && ts[1].is("SEQUENCE"):
		step.Kind = Early
	case first == "DROP" && len(ts) > 1 && ts[1].is("TABLE"):
		step.Kind, step.Table = Early, dropped(ts)
		if step.Table == "" {
			p.plan.InOrder = true
		}
	case first == "ALTER" && len(ts) > 2 && ts[len(ts)-1].is("KEYS") && (ts[len(ts)-2].is("DISABLE") || ts[len(ts)-2].is("ENABLE")):
		return // changes how fast some engines are, not what is in a table
	case first == "ALTER", first == "CREATE" && s.Object == "":
		p.plan.Altered = true
	}
	if step.Kind == Late {
		p.late = len(p.plan.Steps) + 1
	}
	if p.text += len(step.SQL); p.text > maxSteps {
		p.plan.InOrder = true
	}
	p.plan.Steps = append(p.plan.Steps, step)
}

// dropped returns the name in DROP TABLE [IF EXISTS] `x`, "" for any other form.
func dropped(ts []token) string {
	ts = slices.DeleteFunc(ts[2:], func(t token) bool { return t.is("IF") || t.is("EXISTS") })
	if len(ts) == 3 && ts[1].p(".") {
		ts = ts[2:]
	}
	if len(ts) != 1 {
		return ""
	}
	n, _ := ts[0].ident()
	return n
}

func (p *Planner) refer(ts []token) {
	for i, t := range ts {
		if !t.is("REFERENCES") || i+1 >= len(ts) {
			continue
		}
		to := ts[i+1]
		if i+3 < len(ts) && ts[i+2].p(".") {
			to = ts[i+3]
		}
		if n, ok := to.ident(); ok {
			p.referred[strings.ToLower(n)] = true
		}
	}
}

// Plan ends the planning; s is the Summary of the same statements.
func (p *Planner) Plan(s Summary) Plan {
	if p.plan.InOrder {
		return Plan{InOrder: true}
	}
	tables := map[string]bool{}
	for _, t := range s.Tables {
		tables[t.Name] = true
	}
	made := map[string]bool{}
	for i := range p.plan.Steps {
		step := &p.plan.Steps[i]
		switch {
		case step.Table == "":
		case !tables[step.Table]: // stands in for a view until that is made
			step.Kind = Late
		case step.Kind == Create:
			made[step.Table] = true
		case made[step.Table]: // dropped again
			return Plan{InOrder: true}
		}
	}
	p.plan.Sections = slices.DeleteFunc(p.plan.Sections, func(t *Section) bool { return !tables[t.Name] })
	for _, t := range p.plan.Sections {
		if p.plan.Altered || t.Bytes < worthKeys || p.referred[strings.ToLower(t.Name)] || t.Ordered {
			continue
		}
		if bare, keys, ok := t.made.SplitKeys([]byte(p.plan.Steps[t.Create].SQL)); ok {
			t.Bare, t.Keys = string(bare), string(keys)
		}
	}
	return p.plan
}
