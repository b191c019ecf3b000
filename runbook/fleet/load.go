package fleet

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"recoverbot/runbook"
	"recoverbot/runbook/strictyaml"
)

const maxFile = 1 << 20

// LoadConfig reads and validates fleet.yaml, with defaults filled in. Everything that is wrong is in one *ConfigError.
// getenv answers ${NAME} in password fields.
func LoadConfig(path string, getenv func(string) string) (*Config, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return ParseConfig(path, text, getenv)
}

func readFile(path string) ([]byte, error) {
	refuse := func(err error) error {
		return &runbook.Error{Code: runbook.Invalid, Err: fmt.Errorf("read fleet: %w", err),
			Msg: runbook.T("fleet.config_unreadable", "file", path, "why", unreadable(err))}
	}
	st, err := os.Stat(path)
	if err != nil {
		return nil, refuse(err)
	}
	if st.Size() > maxFile {
		return nil, &runbook.Error{Code: runbook.Invalid,
			Msg: runbook.T("fleet.config_too_large", "file", path, "size", st.Size(), "max", int64(maxFile))}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, refuse(err)
	}
	return text, nil
}

// unreadable says why a file of the bot's own cannot be read.
func unreadable(err error) runbook.Msg {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return runbook.T("fleet.file_missing")
	case errors.Is(err, fs.ErrPermission):
		return runbook.T("fleet.file_forbidden")
	}
	return runbook.T("fleet.file_odd")
}

// ParseConfig is LoadConfig of a text; path names it in problems and is Config.Path.
func ParseConfig(path string, text []byte, getenv func(string) string) (*Config, error) {
	d := &decoder{file: path, getenv: getenv, at: map[string]*token.Token{}}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	d.text = text
	var c Config
	root, ok := d.parse(text)
	if ok {
		d.value("", root, reflect.ValueOf(&c).Elem())
		c.path = path
		defaults(&c, d)
		validate(&c, d)
	}
	if len(d.problems) > 0 {
		return nil, d.failed()
	}
	c.places = d.places()
	return &c, nil
}

// parse returns the one document of the text.
func (d *decoder) parse(text []byte) (root ast.Node, ok bool) {
	if len(text) > maxFile {
		d.add(nil, "fleet.config_too_large", "file", d.file, "size", int64(len(text)), "max", int64(maxFile))
		return nil, false
	}
	// Duplicate keys are let through here, so that they are reported together with everything else.
	f, err := strictyaml.Parse(text, 0, parser.AllowDuplicateMapKey())
	var bomb *strictyaml.TooMuch
	switch {
	case errors.As(err, &bomb):
		d.add(bomb.At, "fleet.config_too_deep")
		return nil, false
	case err != nil:
		d.syntax(err)
		return nil, false
	}
	var docs []ast.Node
	for _, doc := range f.Docs {
		if doc.Body != nil && doc.Body.Type() != ast.CommentType && doc.Body.Type() != ast.CommentGroupType {
			docs = append(docs, doc.Body)
		}
	}
	switch len(docs) {
	case 0:
		d.add(nil, "fleet.config_empty")
		return nil, false
	case 1:
		return docs[0], true
	}
	d.add(docs[1].GetToken(), "fleet.config_documents")
	return nil, false
}
