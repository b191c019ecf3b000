// Package paper writes what people type: commands that are safe to paste, however odd the values in them are. It is
// pure text: it reaches no host.
package paper

import (
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"

	"al.essio.dev/pkg/shellescape"

	"recoverbot/runbook/fleet"
)

// Quote makes one word of the shell out of any text.
func Quote(s string) string { return shellescape.Quote(strings.ReplaceAll(s, "\x00", "")) }

// Assign is a line that gives an exported variable a value.
func Assign(name, value string) string { return "export " + name + "=" + Quote(value) + "\n" }

// Literal is a value in SQL, under every sql_mode and character set: what is not a plain word is written in hexadecimal.
func Literal(v string) string {
	if strings.Trim(v, "0123456789") == "" && v != "" && len(v) < 16 && (v == "0" || v[0] != '0') {
		return v
	}
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-"
	if v == "" || strings.Trim(v, plain) == "" {
		return "'" + v + "'"
	}
	if utf8.ValidString(v) {
		return "CONVERT(X'" + hex.EncodeToString([]byte(v)) + "' USING utf8mb4)"
	}
	return "X'" + hex.EncodeToString([]byte(v)) + "'"
}

// Bind puts values in the place of a statement's parameters, each as literal writes it.
func Bind(text string, args []string, literal func(string) string) string {
	var out strings.Builder
	i := 0
	var quote byte
	for j := 0; j < len(text); j++ {
		c := text[j]
		switch {
		case quote != 0:
			if c == '\\' && quote != '`' && j+1 < len(text) {
				out.WriteByte(c)
				j++
				c = text[j]
			} else if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"' || c == '`':
			quote = c
		case c == '?' && i < len(args):
			out.WriteString(literal(args[i]))
			i++
			continue
		}
		out.WriteByte(c)
	}
	return out.String()
}

// Name is a name of SQL between backquotes.
func Name(s string) string {
	return "`" + strings.ReplaceAll(strings.ReplaceAll(s, "\x00", ""), "`", "``") + "`"
}

// Here feeds text to a command, with nothing in it expanded.
func Here(command, text string) string { return HereTo(command, text, "") }

// HereTo feeds text to a command whose output goes to another one.
func HereTo(command, text, to string) string {
	end := "RB_END"
	for n := 1; hasLine(text, end); n++ {
		end = "RB_END" + strconv.Itoa(n)
	}
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	if to != "" {
		to = " | " + to
	}
	return command + " <<'" + end + "'" + to + "\n" + text + end + "\n"
}

// Judged runs a script of its own and says how it ended. It stands in no condition: there `set -e` would count for nothing.
func Judged(script string) string {
	return "(\n" + strings.TrimRight(script, "\n") + "\n)\nif [ $? -eq 0 ]; then echo OK; else echo FAILED; fi\n"
}

func hasLine(text, line string) bool {
	for l := range strings.Lines(text) {
		if strings.TrimRight(l, "\r\n") == line {
			return true
		}
	}
	return false
}

// MySQL is the client's command on a host; it logs in with the host's own /root/.my.cnf, or asks the server as root.
func MySQL(h fleet.Host, d fleet.Database) string {
	out := "mysql --default-character-set=utf8mb4"
	switch {
	case d.Port != 0:
		out += " -h " + Quote(h.LoopbackAddress()) + " -P " + strconv.Itoa(d.Port)
	case d.Socket != "":
		out += " -S " + Quote(h.Path(d.Socket))
	}
	if d.User != "" {
		out += " -u " + Quote(d.User)
	}
	return out
}
