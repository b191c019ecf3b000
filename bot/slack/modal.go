package slack

import (
	"github.com/slack-go/slack"

	"recoverbot/bot"
)

// modal asks for the reason and the form of m that b needs; meta comes back with the answer.
func (r renderer) modal(m bot.Message, b bot.Button, meta string) slack.ModalViewRequest {
	return slack.ModalViewRequest{Type: slack.VTModal, Title: plain(b.Label), PrivateMetadata: meta}
}

// answered reads a submitted modal.
func answered(slack.View) (reason string, fields map[string]string) { return "", nil }
