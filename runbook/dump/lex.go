package dump

import (
	"maps"
	"strings"
)

// Lex is how a session's settings make a server read statements: which bytes are quotes, escapes and parts of
// characters. The zero value is what a load begins with.
type Lex struct {
	charset string            // of the client, in capitals; "": utf8mb4
	mode    string            // sql_mode, in capitals; "": startMode
	vars    map[string]string // user variables whose value is known; never changed once made
	double  *wide             // characters of two bytes of that character set; nil: it has none that matter
	literal bool              // NO_BACKSLASH_ESCAPES
	ansi    bool              // ANSI_QUOTES
}

// startMode is the sql_mode that a load begins with.
const startMode = "NO_AUTO_VALUE_ON_ZERO"

// modes lists the known names in sql_mode, and whether they make " a quote of names.
var modes = map[string]bool{
	"": false, "REAL_AS_FLOAT": false, "PIPES_AS_CONCAT": false, "IGNORE_SPACE": false, "IGNORE_BAD_TABLE_OPTIONS": false,
	"ONLY_FULL_GROUP_BY": false, "NO_UNSIGNED_SUBTRACTION": false, "NO_DIR_IN_CREATE": false, "NO_KEY_OPTIONS": false,
	"NO_TABLE_OPTIONS": false, "NO_FIELD_OPTIONS": false, "MYSQL323": false, "MYSQL40": false, "NO_AUTO_VALUE_ON_ZERO": false,
	"NO_BACKSLASH_ESCAPES": false, "STRICT_TRANS_TABLES": false, "STRICT_ALL_TABLES": false, "NO_ZERO_IN_DATE": false,
	"NO_ZERO_DATE": false, "ALLOW_INVALID_DATES": false, "ERROR_FOR_DIVISION_BY_ZERO": false, "TRADITIONAL": false,
	"NO_AUTO_CREATE_USER": false, "HIGH_NOT_PRECEDENCE": false, "NO_ENGINE_SUBSTITUTION": false, "PAD_CHAR_TO_FULL_LENGTH": false,
	"EMPTY_STRING_IS_NULL": false, "SIMULTANEOUS_ASSIGNMENT": false, "TIME_ROUND_FRACTIONAL": false, "TIME_TRUNCATE_FRACTIONAL": false,
	"ANSI_QUOTES": true, "ANSI": true, "ORACLE": true, "MSSQL": true, "DB2": true, "MAXDB": true, "POSTGRESQL": true,
}

// charsets lists the character sets that a client may write in, and for those in which a character's second byte may
// look like a quote or a backslash, which bytes begin and end one.
var charsets = func() map[string]*wide {
	sjis := &wide{lead: [2][2]byte{{0x81, 0x9F}, {0xE0, 0xFC}}, trail: [2][2]byte{{0x40, 0x7E}, {0x80, 0xFC}}}
	sets := map[string]*wide{
		"GBK":  {lead: [2][2]byte{{0x81, 0xFE}}, trail: [2][2]byte{{0x40, 0x7E}, {0x80, 0xFE}}},
		"BIG5": {lead: [2][2]byte{{0xA1, 0xF9}}, trail: [2][2]byte{{0x40, 0x7E}, {0xA1, 0xFE}}},
		"SJIS": sjis, "CP932": sjis,
	}
	for _, name := range strings.Fields("UTF8 UTF8MB3 UTF8MB4 ASCII BINARY LATIN1 LATIN2 LATIN5 LATIN7 CP850 CP852 CP866 CP1250 CP1251 CP1256 CP1257 " +
		"DEC8 HP8 KOI8R KOI8U GREEK HEBREW TIS620 MACROMAN MACCE KEYBCS2 ARMSCII8 GEOSTD8 GB2312 EUCKR UJIS EUCJPMS") {
		sets[name] = nil
	}
	return sets
}()

// wide tells characters of two bytes.
type wide struct{ lead, trail [2][2]byte }

func within(ranges [2][2]byte, c byte) bool {
	return c >= ranges[0][0] && c <= ranges[0][1] || c >= ranges[1][0] && c <= ranges[1][1] && ranges[1][0] > 0
}

// pair reports whether a and b are one character.
func (w *wide) pair(a, b byte) bool { return w != nil && within(w.lead, a) && within(w.trail, b) }

// utf8 reports whether bytes above 0x7F outside of quotes are parts of names, for certain.
func (l Lex) utf8() bool { return l.charset == "" || strings.HasPrefix(l.charset, "UTF8") }

// escaped reports whether a backslash within this quote takes the next byte's meaning away.
func (l Lex) escaped(quote byte) bool {
	return quote != '`' && !l.literal && (quote != '"' || !l.ansi)
}

// value is what @name or @@name holds, as far as it matters here.
func (l Lex) value(variable string) (string, bool) {
	name, system := strings.CutPrefix(variable, "@@")
	if !system {
		v, ok := l.vars[variable]
		return v, ok
	}
	switch strings.TrimPrefix(strings.TrimPrefix(name, "SESSION."), "LOCAL.") {
	case "SQL_MODE":
		if l.mode == "" {
			return startMode, true
		}
		return strings.TrimPrefix(l.mode, ","), true
	case "CHARACTER_SET_CLIENT":
		if l.charset == "" {
			return "UTF8MB4", true
		}
		return l.charset, true
	}
	return "", false
}

// remember returns l with a user variable set; ok says that its value is known.
func (l Lex) remember(variable, value string, ok bool) Lex {
	l.vars = maps.Clone(l.vars)
	if l.vars == nil {
		l.vars = map[string]string{}
	}
	if ok {
		l.vars[variable] = value
	} else {
		delete(l.vars, variable)
	}
	return l
}

// withMode returns l under another sql_mode; ok is false where a name in it is not known.
func (l Lex) withMode(list string) (Lex, bool) {
	l.mode, l.ansi, l.literal = ","+list, false, false // the comma tells the empty mode from none
	for _, name := range strings.Split(list, ",") {
		ansi, known := modes[strings.TrimSpace(name)]
		if !known {
			return l, false
		}
		l.ansi = l.ansi || ansi
		l.literal = l.literal || strings.TrimSpace(name) == "NO_BACKSLASH_ESCAPES"
	}
	return l, true
}

// withCharset returns l under another character set of the client.
func (l Lex) withCharset(name string) (Lex, bool) {
	double, known := charsets[name]
	l.charset, l.double = name, double
	return l, known
}

// same reports whether both read statements alike.
func (l Lex) same(o Lex) bool {
	a, _ := l.value("@@CHARACTER_SET_CLIENT")
	b, _ := o.value("@@CHARACTER_SET_CLIENT")
	return a == b && l.ansi == o.ansi && l.literal == o.literal
}
