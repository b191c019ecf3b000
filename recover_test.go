package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"recoverbot/bot/terminal"
	"recoverbot/locale"
)

// Who is attached to a bot that dies is told what to do next.
func TestTheBotOfATerminalDies(t *testing.T) {
	t.Parallel()
	bundle, err := locale.Load()
	if err != nil {
		t.Fatal(err)
	}
	died := fmt.Errorf("follow the session: %w", errors.Join(terminal.ErrBotStopped, io.EOF))
	for lang, want := range map[string]string{"en": "Type the same command again", "zh": "请再次输入同一条命令"} {
		if got := attached(bundle.Printer(lang, time.UTC), died); !strings.Contains(got.Error(), want) || strings.Contains(got.Error(), "EOF") {
			t.Errorf("%s: %v", lang, got)
		}
	}
	if err := attached(bundle.Printer("en", time.UTC), io.ErrClosedPipe); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("another end: %v", err)
	}
}
