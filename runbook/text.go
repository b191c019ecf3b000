package runbook

// Text is a fixed text of a scenario or of fleet.yaml in both languages.
type Text struct {
	EN string `yaml:"en" json:"en"`
	ZH string `yaml:"zh" json:"zh"`
}

// In returns the text in lang ("en" or "zh"); a language that is missing falls back to the other one.
func (t Text) In(lang string) string {
	if (lang == "zh" && t.ZH != "") || t.EN == "" {
		return t.ZH
	}
	return t.EN
}

// Msg is a text for people before it has a language: the key of a message in the catalogues (package locale) and its
// arguments. Arguments are strings, numbers, booleans or further Msgs, so that a Msg survives JSON. By convention a
// duration is float64 seconds, a size int64 bytes, a time an RFC 3339 string in UTC; the catalogue formats them.
type Msg struct {
	ID   string         `json:"id,omitempty"`
	Args map[string]any `json:"args,omitempty"`
}

// T makes a Msg from a catalogue key and pairs of argument name and value.
func T(id string, pairs ...any) Msg {
	m := Msg{ID: id}
	if len(pairs) > 0 {
		m.Args = make(map[string]any, len(pairs)/2)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		m.Args[name] = pairs[i+1]
	}
	return m
}

// IsZero reports whether there is no message.
func (m Msg) IsZero() bool { return m.ID == "" }
