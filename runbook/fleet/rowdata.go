package fleet

import (
	"regexp"
	"strings"
)

// cutMark stands where an error quoted the value of a row.
const cutMark = "‹cut›"

// longest is how many bytes an error of MySQL can have.
const longest = 700

// quoting are errors of MySQL and MariaDB that quote values of rows, or the statement that holds them. What stands between
// begin and the last of the first kind of ends is cut; "\n" is the end of the line. Names of keys, columns and tables stay.
// Where word, in small letters, does not occur, begin need not be looked for: that takes forty times as long.
var quoting = []struct {
	word  string
	begin *regexp.Regexp
	ends  []string
}{
	{"duplicate entry '", regexp.MustCompile(`(?i)duplicate entry '`), []string{"' for key", "'"}},                                           // 1062, 1569, 1586
	{", record '", regexp.MustCompile(`, record '`), []string{"' would lead to", "', key"}},                                                  // 1761, 1762
	{", entry '", regexp.MustCompile(`, entry '`), []string{"' would lead to", "', key"}},                                                    // 1557
	{"value: '", regexp.MustCompile(`(?i)\bincorrect [a-z0-9_(), ]{0,32}value: '`), []string{"' for column", "' for func", "'"}},             // 1292, 1366, 1411, 1525
	{"llegal ", regexp.MustCompile(`\b[Ii]llegal [a-zA-Z0-9_ ]{0,32} '`), []string{"' value found"}},                                         // 1367
	{"near '", regexp.MustCompile(`\bnear '`), []string{"' at line"}},                                                                        // 1064, 1149
	{"value is out of range in '", regexp.MustCompile(`\bvalue is out of range in '`), []string{"'"}},                                        // 1690
	{"character string: '", regexp.MustCompile(`\bInvalid \w{1,20} character string: '`), []string{"'"}},                                     // 1300
	{"cannot convert string '", regexp.MustCompile(`\bCannot convert string '`), []string{"' from"}},                                         // 3854
	{"cannot convert '", regexp.MustCompile(`\bCannot convert '\w{1,20}' character `), []string{" to '"}},                                    // 1977
	{"no partition for value ", regexp.MustCompile(`\bTable has no partition for value `), []string{"\n"}},                                   // 1526
	{"found a row in wrong partition ", regexp.MustCompile(`\bFound a row in wrong partition `), []string{"\n"}},                             // 1863
	{`invalid json text: "`, regexp.MustCompile(`\bInvalid JSON text: "`), []string{`" at position`}},                                        // 3140
	{"1644", regexp.MustCompile(`(?i)\berror:? 1644 \([0-9A-Z]{5}\)(?: at line \d+)?(?: in file: '[^']*')?: |\(1644, ['"]`), []string{"\n"}}, // SIGNAL: any text
}

// numbered are the same errors by their numbers, of servers that speak other languages.
var numbered = regexp.MustCompile(`(?i)\berror:? (?:1062|1064|1149|1292|1300|1366|1367|1411|1525|1526|1557|1569|1586|1690|1761|1762|1863|1977|3140|3854) \([0-9A-Z]{5}\)(?: at line \d+)?(?: in file: '[^']*')?: `)

// cutRows leaves out the values of rows that errors of MySQL quote.
func cutRows(text string) string {
	small := strings.ToLower(text)
	if strings.Contains(small, "\n\nerror ") {
		text = cutStatements(text)
	}
	for _, q := range quoting {
		if strings.Contains(small, q.word) {
			text = cutEach(text, q.begin, q.ends)
		}
	}
	if strings.Contains(small, "error") {
		text = cutForeign(text)
	}
	return text
}

// failed is where the mysql client has told which statement failed, between two such lines.
var failed = regexp.MustCompile(`(?m)^-{14}\n\nERROR \d+ \(`)

const ruler = "--------------\n"

// cutStatements cuts the statements that the mysql client prints when they fail: their values are rows. Where only the end of
// one was kept, everything before it goes.
func cutStatements(text string) string {
	found := failed.FindAllStringIndex(text, -1)
	if found == nil {
		return text
	}
	var out strings.Builder
	done := 0
	for _, f := range found {
		before := text[done:f[0]]
		if i := strings.Index("\n"+before, "\n"+ruler); i >= 0 {
			out.WriteString(before[:i+len(ruler)])
		}
		out.WriteString(cutMark + "\n")
		done = f[0]
		out.WriteString(text[done : done+len(ruler)])
		done += len(ruler)
	}
	out.WriteString(text[done:])
	return out.String()
}

func cutEach(text string, begin *regexp.Regexp, ends []string) string {
	found := begin.FindAllStringIndex(text, -1)
	if found == nil {
		return text
	}
	var out strings.Builder
	done := 0
	for i, f := range found {
		if f[0] < done {
			continue // within what was cut
		}
		stop := min(len(text), f[1]+longest)
		if i+1 < len(found) {
			stop = min(stop, found[i+1][0])
		}
		n, ok := end(text[f[1]:stop], ends)
		if !ok {
			continue
		}
		out.WriteString(text[done:f[1]])
		out.WriteString(cutMark)
		done = f[1] + n
	}
	out.WriteString(text[done:])
	return out.String()
}

// end is where a quoted value ends: at the last of the first kind of ends that there is. A "'" alone ends it on its line
// only. Without any end the error was cut short, and all of its line goes; of what is not surely an error nothing does.
func end(rest string, ends []string) (int, bool) {
	line, _, _ := strings.Cut(rest, "\n")
	for _, e := range ends {
		switch e {
		case "\n":
			return len(line), true
		case "'":
			if n := strings.LastIndex(line, e); n >= 0 {
				return n, true
			}
			return len(line), true
		}
		if n := strings.LastIndex(rest, e); n >= 0 {
			return n, true
		}
	}
	return 0, false
}

// cutForeign cuts everything that is quoted in errors of those numbers whose words are not known.
func cutForeign(text string) string {
	var out strings.Builder
	done := 0
	for _, f := range numbered.FindAllStringIndex(text, -1) {
		line, _, _ := strings.Cut(text[f[1]:], "\n")
		from, to := strings.IndexByte(line, '\''), strings.LastIndexByte(line, '\'')
		if f[0] < done || strings.Contains(line, cutMark) || from < 0 || from == to {
			continue
		}
		out.WriteString(text[done : f[1]+from+1])
		out.WriteString(cutMark)
		done = f[1] + to
	}
	out.WriteString(text[done:])
	return out.String()
}
