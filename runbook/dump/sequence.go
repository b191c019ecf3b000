package dump

// setval judges SELECT and DO where a dump has them: SETVAL([schema.]sequence, number[, number[, number]]) and no more.
func (r Rules) setval(text []byte, ts []token) (Checked, error) {
	if len(ts) < 7 || !ts[1].is("SETVAL") || !ts[2].p("(") {
		return Checked{}, refuse("dump.unknown_statement", ts)
	}
	var own []token
	at := 3
	n, ok := ts[at].ident()
	if ok && ts[at+1].p(".") {
		if n != r.Schema {
			return Checked{}, r.foreign(ts, n)
		}
		own = ts[at : at+1]
		at += 2
		_, ok = ts[at].ident()
	}
	numbers := 0
	for at++; ok && at+2 < len(ts) && ts[at].p(","); at += 2 {
		if ts[at+1].p("-") {
			at++
		}
		ok = ts[at+1].kind == literal && digit(ts[at+1].raw[0])
		numbers++
	}
	if !ok || numbers < 1 || numbers > 3 || at != len(ts)-1 || !ts[at].p(")") {
		return Checked{}, refuse("dump.unknown_statement", ts)
	}
	return Checked{SQL: r.splice(text, own...)}, nil
}
