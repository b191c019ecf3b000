package telegramtest

import "net/url"

// markup is a reply_markup.
type markup struct {
	Keyboard    *[][]Button    `json:"inline_keyboard"`
	ForceReply  bool           `json:"force_reply"`
	Selective   bool           `json:"selective"`
	Placeholder string         `json:"input_field_placeholder"`
	Remove      bool           `json:"remove_keyboard"`
	Reply       *[]interface{} `json:"keyboard"`
}

const maxRow, maxButtons = 8, 100

// markup reads and checks the reply_markup of a call.
func (a args) markup() (markup, error) {
	var m markup
	if !a.given("reply_markup") {
		return m, nil
	}
	if !a.structure("reply_markup", &m) {
		return m, bad("can't parse reply keyboard markup JSON object")
	}
	if m.Keyboard == nil {
		if length(m.Placeholder) > 64 {
			return m, bad("REPLY_MARKUP_INVALID")
		}
		return m, nil
	}
	total := 0
	for _, row := range *m.Keyboard {
		if total += len(row); len(row) > maxRow || total > maxButtons {
			return m, bad("REPLY_MARKUP_TOO_LONG")
		}
		for _, b := range row {
			if err := b.check(); err != nil {
				return m, err
			}
		}
	}
	return m, nil
}

func (b Button) check() error {
	switch {
	case b.Text == "":
		return bad("inline keyboard button text must be non-empty")
	case b.Data == "" && b.URL == "":
		return bad("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
	case len(b.Data) > 64:
		return bad("BUTTON_DATA_INVALID")
	}
	if b.URL == "" {
		return nil
	}
	if u, err := url.Parse(b.URL); err != nil || !linkForm.MatchString(b.URL) && u.Scheme != "tg" {
		return bad("inline keyboard button URL '%s' is invalid: Wrong HTTP URL", b.URL)
	}
	return nil
}

// rows are the rows that have buttons.
func (m markup) rows() [][]Button {
	var rows [][]Button
	if m.Keyboard != nil {
		for _, row := range *m.Keyboard {
			if len(row) > 0 {
				rows = append(rows, row)
			}
		}
	}
	return rows
}
