package probe

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/go-sql-driver/mysql"
	"golang.org/x/crypto/ssh"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// why says in words for people why something did not answer.
func why(f *fleet.Fleet, err error) runbook.Msg {
	var known *runbook.Error
	var channel *ssh.OpenChannelError
	var my *mysql.MySQLError
	var timeout net.Error
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		return runbook.T("probe.why_timeout")
	case errors.As(err, &dns):
		return runbook.T("probe.why_name", "name", dns.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return runbook.T("probe.why_refused")
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return runbook.T("probe.why_no_route")
	case errors.As(err, &known):
		return known.Msg
	case errors.As(err, &channel):
		return runbook.T("probe.why_refused")
	case errors.As(err, &my):
		return runbook.T("probe.why_mysql", "number", int(my.Number))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return runbook.T("probe.why_closed")
	}
	return runbook.T("probe.why_other", "text", lastLine(f, err.Error()))
}

// lastLine is the last line of a program's output, redacted and short, for a card.
func lastLine(f *fleet.Fleet, text string) string {
	text = strings.TrimSpace(text)
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		text = text[i+1:]
	}
	r := []rune(f.Redactor().Redact(text))
	if len(r) > 200 {
		r = append(r[:200], '…')
	}
	return string(r)
}
