package restore

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/dump/load"
	"recoverbot/runbook/fleet"
)

func bytesReader(b []byte) io.Reader { return bytes.NewReader(b) }

// ownBinary opens the running binary, even where its file has been replaced since, and hashes it.
func ownBinary() (*os.File, string, error) {
	f, err := os.Open("/proc/self/exe")
	if err != nil {
		path, perr := os.Executable()
		if perr != nil {
			return nil, "", fmt.Errorf("find own binary: %w", perr)
		}
		if f, err = os.Open(path); err != nil {
			return nil, "", fmt.Errorf("open own binary: %w", err)
		}
	}
	sum := sha256.New()
	if _, err = io.Copy(sum, f); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = f.Close()
		return nil, "", fmt.Errorf("read own binary: %w", err)
	}
	return f, hex.EncodeToString(sum.Sum(nil)), nil
}

// longestLine bounds a report, which has a line's share for each table.
const longestLine = 64 << 20

// lines reads the helper's output: progress is passed on, the last line is kept.
type lines struct {
	out     runbook.Output // may be nil
	meter   *meter
	rest    []byte
	heard   bool // a word of a load came
	report  *load.Report
	refused *runbook.Msg
	changed bool
	bad     bool // the dump itself is why it was refused
	cut     bool // the beginning of the line that comes was too much to keep
	tooLong bool

	scratchLeft bool
}

// Progress makes lines an Output; what is told comes in lines.
func (l *lines) Progress(runbook.Progress) {}

// Write takes a piece of output; lines may be split anywhere.
func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		i := bytes.IndexByte(l.rest, '\n')
		if i < 0 {
			if len(l.rest) > longestLine {
				l.rest, l.cut = nil, true
			}
			return len(p), nil
		}
		if l.cut {
			l.cut, l.tooLong = false, true
		} else {
			l.line(l.rest[:i])
		}
		l.rest = l.rest[i+1:]
	}
}

func (l *lines) line(text []byte) {
	var line load.Line
	if json.Unmarshal(text, &line) != nil {
		if l.out != nil {
			_, _ = l.out.Write(append(text, '\n')) // what the shell or the helper's stderr says
		}
		return
	}
	l.take(line)
}

// take hears one line of a load.
func (l *lines) take(line load.Line) {
	l.heard = true
	switch {
	case line.Report != nil:
		l.report = line.Report
	case line.Refused != nil:
		l.refused, l.changed, l.bad, l.scratchLeft = line.Refused, line.Changed, line.Bad, line.Left
	case line.Progress != nil:
		l.meter.tell(runbook.Progress{Done: line.Progress.Done, Total: line.Progress.Total, Unit: unit(line.Progress.Phase)},
			"restore.phase_"+line.Progress.Phase)
	}
}

// cancelled is the exit of what CancelJob has ended by SIGTERM.
const cancelled = 143

// why is why a load gave no report.
func (l *lines) why(e effect, h fleet.Host, ended action.Ended) runbook.Msg {
	switch {
	case l.refused != nil:
		return *l.refused
	case l.tooLong:
		return runbook.T("restore.report_too_long", "host", h.Name)
	case e.Stream || neverRan(ended, l):
		return runbook.T("restore.stream_cut")
	case ended.Exit == cancelled:
		return runbook.T("dump.canceled")
	}
	return runbook.T("restore.helper_died", "host", h.Name, "exit", ended.Exit)
}

func unit(phase string) string {
	switch phase {
	case "compare":
		return "tables"
	case "keys":
		return "keys"
	}
	return "bytes"
}
