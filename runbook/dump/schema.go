package dump

import "strings"

func (r Rules) use(ts []token) (Checked, error) {
	if len(ts) != 2 {
		return Checked{}, refuse("dump.unknown_statement", ts)
	}
	if n, ok := ts[1].ident(); !ok || n != r.Schema {
		return Checked{}, r.foreign(ts, n)
	}
	return Checked{}, nil
}

// database judges CREATE, DROP and ALTER DATABASE: only of the own schema, and left out.
func (r Rules) database(ts []token) (Checked, error) {
	var c Checked
	i := 2
	for i < len(ts) && (ts[i].is("IF") || ts[i].is("NOT") || ts[i].is("EXISTS")) {
		i++
	}
	if i >= len(ts) {
		return c, refuse("dump.unknown_statement", ts)
	}
	if n, ok := ts[i].ident(); !ok || n != r.Schema {
		return c, r.foreign(ts, n)
	}
	for i++; i+1 < len(ts); i++ {
		switch {
		case ts[i].is("CHARACTER") && ts[i+1].is("SET"), ts[i].is("CHARSET"), ts[i].is("COLLATE"):
			j := i + 1
			if ts[i].is("CHARACTER") {
				j++
			}
			if j < len(ts) && ts[j].p("=") {
				j++
			}
			if j < len(ts) && ts[j].kind == word {
				if ts[i].is("COLLATE") {
					c.Collate = strings.ToLower(ts[j].raw)
				} else {
					c.Charset = strings.ToLower(ts[j].raw)
				}
				i = j
			}
		}
	}
	return c, nil
}
