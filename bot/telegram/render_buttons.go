package telegram

import (
	"slices"
	"strings"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"
	"github.com/rivo/uniseg"
)

// Limits of buttons.
const (
	maxButtons  = 100
	maxKeyboard = 8000 // bytes of labels and ids: Telegram refuses a keyboard that is too large, and does not say where that is
	maxButton   = 64
	maxConfirm  = 160 // of a question in an alert box, beside how to say yes
)

// buttons makes the keyboard of the card, and says how to answer in text and who is called.
func (l *layout) buttons() []string {
	var row []tgbotapi.InlineKeyboardButton
	danger := map[string]bool{}
	size := 0
	for _, b := range l.m.Buttons {
		if len(row) == maxButtons {
			break
		}
		label := b.Label
		if label == "" {
			label = b.Choice
		}
		press := button(l.fit(label, maxButton), l.r.id(l.m.Key, b))
		if size += len(press.Text) + len(*press.CallbackData); size > maxKeyboard {
			break
		}
		row = append(row, press)
		danger[*press.CallbackData] = b.Style == "danger"
	}
	var out []string
	if more := len(l.m.Buttons) - len(row); more > 0 {
		out = append(out, l.say(l.r.label("ui.more_buttons", "n", more)))
	}
	if len(row) > 0 {
		l.keyboard = ordered(row, func(b tgbotapi.InlineKeyboardButton) bool { return danger[*b.CallbackData] })
	}
	if words := l.words(); words != "" {
		out = append(out, words)
	}
	if people := l.r.mentions(l.m); people != "" {
		out = append(out, people)
	}
	for _, line := range out {
		l.left -= units(line) + 1
	}
	return out
}

// words say how to answer in text.
func (l *layout) words() string {
	answers := l.m.Answers()
	if len(answers) == 0 || l.m.Code == "" {
		return ""
	}
	number := cut(l.m.Code, maxButton)
	if answers[0].For != "" { // it stands for the first member alone
		number = ""
	}
	out, n := l.say(l.r.label("telegram.code", "code", number))+"\n", 0
	for i, a := range answers {
		a.For, a.Code = cut(a.For, maxButton), cut(a.Code, maxButton)
		some, gap := "", a.Lead(i > 0)
		if i > 0 && answers[0].For != "" { // one line a member
			gap = "\n" + a.Lead(false)
		}
		for _, word := range a.Typed() {
			some, gap = some+l.say(gap)+code(word), "  "
		}
		if n += len(a.Words); n > maxChoices || units(out)+units(some) > maxWords {
			return out + "  …"
		}
		out += some
	}
	return out
}

func button(label, id string) tgbotapi.InlineKeyboardButton {
	if strings.TrimSpace(label) == "" {
		label = "…"
	}
	return tgbotapi.NewInlineKeyboardButtonData(label, id)
}

// perRow is how wide the labels of a row of two or three may be, in columns, for a phone to show them whole.
var perRow = []int{2: 16, 3: 10}

// ordered has the main answer alone in the first row, and what is dangerous beside it alone at the end: a thumb that slips
// hits neither.
func ordered(buttons []tgbotapi.InlineKeyboardButton, danger func(tgbotapi.InlineKeyboardButton) bool) *tgbotapi.InlineKeyboardMarkup {
	var others, last []tgbotapi.InlineKeyboardButton
	for _, b := range buttons[1:] {
		if danger(b) {
			last = append(last, b)
		} else {
			others = append(others, b)
		}
	}
	out := keyboard(buttons[:1])
	for _, some := range [][]tgbotapi.InlineKeyboardButton{others, last} {
		out.InlineKeyboard = append(out.InlineKeyboard, keyboard(some).InlineKeyboard...)
	}
	return out
}

// keyboard puts buttons into rows, as many beside each other as can be read on a phone.
func keyboard(buttons []tgbotapi.InlineKeyboardButton) *tgbotapi.InlineKeyboardMarkup {
	var rows [][]tgbotapi.InlineKeyboardButton
	for len(buttons) > 0 {
		n := min(len(buttons), len(perRow)-1)
		for n > 1 && slices.ContainsFunc(buttons[:n], func(b tgbotapi.InlineKeyboardButton) bool {
			return uniseg.StringWidth(b.Text) > perRow[n]
		}) {
			n--
		}
		rows, buttons = append(rows, buttons[:n]), buttons[n:]
	}
	return &tgbotapi.InlineKeyboardMarkup{InlineKeyboard: rows}
}
