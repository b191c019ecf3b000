// Package locale turns runbook.Msg into English or Chinese. The catalogues are catalogue/AREA.en.yaml and
// AREA.zh.yaml; a key begins with its area ("sql.no_rows"). Times are shown in the zone of TZ.
package locale

import (
	"embed"
	"fmt"
	"io/fs"
	"math"
	"path"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"

	"recoverbot/runbook"
)

//go:embed catalogue/*.yaml
var catalogues embed.FS

// Printer renders messages in one language. It is safe for concurrent use.
type Printer struct {
	lang  string
	loc   *i18n.Localizer
	zone  *time.Location
	funcs template.FuncMap
}

// Bundle holds the catalogues of both languages.
type Bundle struct{ b *i18n.Bundle }

// Load reads the embedded catalogues, once: nobody changes what it returns.
func Load() (*Bundle, error) { return loaded() }

var loaded = sync.OnceValues(func() (*Bundle, error) {
	b := i18n.NewBundle(language.English)
	b.RegisterUnmarshalFunc("yaml", yaml.Unmarshal)
	files, err := fs.Glob(catalogues, "catalogue/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list catalogues: %w", err)
	}
	for _, f := range files {
		text, err := catalogues.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("read catalogue %s: %w", f, err)
		}
		if _, err := b.ParseMessageFileBytes(text, path.Base(f)); err != nil {
			return nil, fmt.Errorf("parse catalogue %s: %w", f, err)
		}
	}
	return &Bundle{b: b}, nil
})

// Printer returns a renderer for lang ("en" or "zh"; anything else is English) with times in zone.
func (b *Bundle) Printer(lang string, zone *time.Location) *Printer {
	if lang != "zh" {
		lang = "en"
	}
	if zone == nil {
		zone = time.UTC
	}
	p := &Printer{lang: lang, loc: i18n.NewLocalizer(b.b, lang), zone: zone}
	p.funcs = template.FuncMap{
		"dur":   func(v any) string { return Duration(lang, seconds(v)) },
		"bytes": func(v any) string { return Bytes(int64(seconds(v))) },
		"clock": func(v any) string { return p.at(v, "15:04:05") },
		"date":  func(v any) string { return p.at(v, "2006-01-02 15:04:05") },
		"msg":   p.arg,
		"platform": func(v any) string { // what people call it; a new one by its own name
			name := fmt.Sprint(v)
			if s := p.T("platform." + name); s != "platform."+name {
				return s
			}
			return name
		},
		"s": func(v any) string { // the ending of an English noun after its number
			if seconds(v) == 1 {
				return ""
			}
			return "s"
		},
	}
	return p
}

// Lang is the printer's language.
func (p *Printer) Lang() string { return p.lang }

// Say renders m. A key that the catalogue lacks is shown as itself with its arguments, never as nothing.
func (p *Printer) Say(m runbook.Msg) string {
	if m.ID == "" {
		return ""
	}
	args := make(map[string]any, len(m.Args))
	for k, v := range m.Args {
		args[k] = p.arg(v)
	}
	s, err := p.loc.Localize(&i18n.LocalizeConfig{MessageID: m.ID, TemplateData: args, Funcs: p.funcs})
	if err != nil || s == "" {
		return fallback(m)
	}
	return strings.TrimSpace(s)
}

// T renders a key with pairs of argument name and value.
func (p *Printer) T(id string, pairs ...any) string { return p.Say(runbook.T(id, pairs...)) }

// Text picks the printer's language of a fixed text.
func (p *Printer) Text(t runbook.Text) string { return t.In(p.lang) }

// Clock shows a time of day in the printer's zone.
func (p *Printer) Clock(t time.Time) string { return t.In(p.zone).Format("15:04:05") }

// Minute shows a day and a time of day in the printer's zone, with the year where it is not that of now.
func (p *Printer) Minute(t, now time.Time) string {
	t = t.In(p.zone)
	if t.Year() != now.In(p.zone).Year() {
		return t.Format("2006-01-02 15:04")
	}
	return t.Format("01-02 15:04")
}

// arg renders nested messages; they are maps once they have been through JSON.
func (p *Printer) arg(v any) any {
	switch x := v.(type) {
	case runbook.Msg:
		return p.Say(x)
	case *runbook.Msg:
		return p.Say(*x)
	case runbook.Text:
		return x.In(p.lang)
	case float64: // a count, once it has been through JSON: no reader knows 1.2e+06
		if x == math.Trunc(x) && math.Abs(x) < 1<<53 {
			return int64(x)
		}
	case time.Duration:
		return x.Seconds()
	case time.Time:
		return x.UTC().Format(time.RFC3339)
	case map[string]any:
		if id, ok := x["id"].(string); ok {
			m := runbook.Msg{ID: id}
			m.Args, _ = x["args"].(map[string]any)
			return p.Say(m)
		}
		if en, ok := x["en"].(string); ok {
			zh, _ := x["zh"].(string)
			return runbook.Text{EN: en, ZH: zh}.In(p.lang)
		}
	}
	return v
}

func (p *Printer) at(v any, layout string) string {
	switch x := v.(type) {
	case time.Time:
		return x.In(p.zone).Format(layout)
	case string:
		if t, err := time.Parse(time.RFC3339Nano, x); err == nil {
			return t.In(p.zone).Format(layout)
		}
		return x
	}
	return fmt.Sprint(v)
}

func fallback(m runbook.Msg) string {
	if len(m.Args) == 0 {
		return m.ID
	}
	return m.ID + " " + fmt.Sprint(m.Args)
}

func seconds(v any) float64 {
	switch x := v.(type) {
	case float64:
		return x
	case float32:
		return float64(x)
	case int:
		return float64(x)
	case int64:
		return float64(x)
	case uint64:
		return float64(x)
	case time.Duration:
		return x.Seconds()
	}
	return 0
}
