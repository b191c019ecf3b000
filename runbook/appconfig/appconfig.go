// Package appconfig finds the MySQL and redis endpoints, with their credentials, in a service's own configuration
// file: YAML, JSON, ini or env. It is pure: it opens no file and no connection, and keeps nothing.
package appconfig

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"recoverbot/runbook/strictyaml"
)

// MySQL is one database log-in of a configuration file. Host is as written there ("localhost" too); a log-in by unix
// socket has Socket and no Host. Port 0 in the file becomes 3306.
type MySQL struct {
	Host     string
	Port     int
	Socket   string
	User     string
	Password string // a secret: it belongs in a Redactor before anything else happens with it
	Database string
	Path     string // where in the file, e.g. "mysql.master"
}

// Redis is one redis endpoint of a configuration file. Port 0 in the file becomes 6379.
type Redis struct {
	Host     string
	Port     int
	User     string
	Password string // a secret
	DB       int
	Path     string
}

// Settings is what a configuration file connects to, in the order of the file, without doubles.
type Settings struct {
	MySQL []MySQL
	Redis []Redis
	raw   []string
}

// Secrets lists every password that was found, also in the form in which the file has it.
func (s Settings) Secrets() []string {
	out := slices.Clone(s.raw)
	for _, m := range s.MySQL {
		out = append(out, m.Password)
	}
	for _, r := range s.Redis {
		out = append(out, r.Password)
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return slices.DeleteFunc(out, func(p string) bool { return p == "" })
}

// Databases lists the schemas that are named, each once, in the order of the file.
func (s Settings) Databases() []string {
	var out []string
	for _, m := range s.MySQL {
		if m.Database != "" && !slices.Contains(out, m.Database) {
			out = append(out, m.Database)
		}
	}
	return out
}

// maxSize is far beyond any configuration file, and bounds what a hostile one can cost.
const maxSize = 1 << 20

// Parse reads a configuration file; name (its base name) decides the format: .yaml .yml .json .ini .conf .cnf .toml
// .properties .env, anything else is tried as YAML and then as lines of key = value. Its errors never quote the file.
func Parse(name string, text []byte) (Settings, error) {
	var s Settings
	if len(text) > maxSize {
		return s, fmt.Errorf("parse %s: larger than %d bytes", path.Base(name), maxSize)
	}
	tree, err := decode(name, text)
	if err != nil {
		return s, fmt.Errorf("parse %s: %w", path.Base(name), err)
	}
	s.walk("", tree)
	return s, nil
}

func decode(name string, text []byte) (any, error) {
	ext := strings.ToLower(path.Ext(name))
	switch ext {
	case ".ini", ".conf", ".cnf", ".toml", ".properties", ".env":
		return lines(text), nil
	}
	var tree yaml.MapSlice
	_, err := strictyaml.Parse(text, 0)
	if bomb := (*strictyaml.TooMuch)(nil); errors.As(err, &bomb) {
		return nil, bomb
	}
	if err == nil {
		err = yaml.UnmarshalWithOptions(text, &tree, yaml.UseOrderedMap())
	}
	if err == nil {
		return tree, nil
	}
	if ext == ".yaml" || ext == ".yml" || ext == ".json" {
		return nil, yamlError(err)
	}
	return lines(text), nil
}

// yamlError keeps the place and drops the excerpt, which may hold a password.
func yamlError(err error) error {
	var y yaml.Error
	if errors.As(err, &y) && y.GetToken() != nil && y.GetToken().Position != nil {
		p := y.GetToken().Position
		return fmt.Errorf("not valid at line %d, column %d", p.Line, p.Column)
	}
	return errors.New("not valid YAML or JSON")
}

// lines reads key = value (also key: value, export KEY=value) below [sections].
func lines(text []byte) yaml.MapSlice {
	var out yaml.MapSlice
	section, places := "", map[string]int{}
	add := func(key, value string) {
		item := yaml.MapItem{Key: key, Value: value}
		if section == "" {
			out = append(out, item)
			return
		}
		i, ok := places[section]
		if !ok {
			i, places[section] = len(out), len(out)
			out = append(out, yaml.MapItem{Key: section, Value: yaml.MapSlice(nil)})
		}
		out[i].Value = append(out[i].Value.(yaml.MapSlice), item)
	}
	sc := bufio.NewScanner(bytes.NewReader(text))
	sc.Buffer(nil, maxSize+1)
	for sc.Scan() {
		line := strings.TrimSpace(sc.Text())
		if line == "" || strings.ContainsAny(line[:1], "#;") {
			continue
		}
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			section = strings.Trim(line, "[] ")
			continue
		}
		line = strings.TrimPrefix(line, "export ")
		i := strings.IndexAny(line, "=:")
		if i <= 0 {
			continue
		}
		add(strings.TrimSpace(line[:i]), unquote(strings.TrimSpace(line[i+1:])))
	}
	return out
}

func unquote(v string) string {
	for _, q := range []string{`"`, `'`} {
		if strings.HasPrefix(v, q) {
			if end := strings.Index(v[1:], q); end >= 0 {
				return v[1 : 1+end]
			}
		}
	}
	for _, c := range []string{" #", " ;", "\t#"} {
		if i := strings.Index(v, c); i >= 0 {
			v = strings.TrimSpace(v[:i])
		}
	}
	return v
}
