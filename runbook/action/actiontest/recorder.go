package actiontest

import (
	"bytes"
	"sync"

	"recoverbot/runbook"
)

// Recorder is a runbook.Output that keeps everything. It is safe for concurrent use.
type Recorder struct {
	mu       sync.Mutex
	text     bytes.Buffer
	progress []runbook.Progress
	changed  chan struct{}
}

// NewRecorder returns an empty recorder.
func NewRecorder() *Recorder { return &Recorder{changed: make(chan struct{}, 1)} }

// Progress keeps a report.
func (r *Recorder) Progress(p runbook.Progress) {
	r.mu.Lock()
	r.progress = append(r.progress, p)
	r.mu.Unlock()
	r.poke()
}

func (r *Recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.poke()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *Recorder) poke() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// Changed delivers whenever something was recorded since the last look.
func (r *Recorder) Changed() <-chan struct{} { return r.changed }

// Text is all that was written.
func (r *Recorder) Text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// Reports are all progress reports, in order.
func (r *Recorder) Reports() []runbook.Progress {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]runbook.Progress(nil), r.progress...)
}
