package dump

import (
	"slices"
	"strings"
)

// Engine reports whether tables of a storage engine hold their rows themselves, in their own schema.
func Engine(name string) bool {
	switch strings.ToUpper(name) {
	case "INNODB", "MYISAM", "ARIA", "MEMORY", "HEAP", "CSV", "ARCHIVE", "TOKUDB", "ROCKSDB", "XTRADB":
		return true
	}
	return false
}

// checkTable refuses tables whose rows live elsewhere or come from a query. What defines the table begins at from;
// query says that a query could stand there.
func checkTable(ts []token, from int, query bool) error {
	depth := 0
	for i := from; i < len(ts); i++ {
		t := ts[i]
		elsewhere := false
		switch opened := ts[i-1].p("("); {
		case t.p("("):
			depth++
		case t.p(")"):
			depth--
		case t.is("SELECT"), t.is("UNION"):
			elsewhere = true
		case t.is("AS"):
			elsewhere = query && depth <= 0
		case t.is("VALUES"), t.is("TABLE"), t.is("WITH"):
			versioned := t.is("WITH") && i+1 < len(ts) && ts[i+1].is("SYSTEM")
			elsewhere = opened || query && depth <= 0 && !versioned
		case t.is("DATA"), t.is("INDEX"):
			elsewhere = i+1 < len(ts) && ts[i+1].is("DIRECTORY")
		case t.is("CONNECTION"):
			elsewhere = optionValue(ts, i).kind == literal
		case t.is("ENGINE"):
			column := depth > 0 && (opened || ts[i-1].p(",")) && i+1 < len(ts) && !ts[i+1].p("=")
			v := optionValue(ts, i)
			elsewhere = !column && slices.Contains([]kind{word, name, literal}, v.kind) && !Engine(strings.Trim(v.text, `'"`))
		}
		if elsewhere {
			return refuse("dump.table_elsewhere", ts)
		}
	}
	return nil
}

// optionValue returns what stands behind the option at i and its "=", which may be missing.
func optionValue(ts []token, i int) token {
	if i++; i < len(ts) && ts[i].p("=") {
		i++
	}
	if i == len(ts) {
		return token{}
	}
	return ts[i]
}
