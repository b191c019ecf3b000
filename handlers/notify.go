package handlers

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"recoverbot/bot"
	"recoverbot/locale"
	"recoverbot/runbook"
)

// notifier renders runs that changed and hands the messages that differ to the hub. Changes that come faster than
// they are rendered are one change: a message is a view of journaled state, not a log.
type notifier struct {
	h     *Handlers
	mu    sync.Mutex
	dirty map[string]bool
	wake  chan struct{}
	shown map[string][sha256.Size]byte // message key → what was wanted last; used by run alone
	calls *nudges
}

func newNotifier(h *Handlers) *notifier {
	return &notifier{
		h: h, dirty: map[string]bool{}, wake: make(chan struct{}, 1), shown: map[string][sha256.Size]byte{},
		calls: newNudges(h),
	}
}

func (n *notifier) changed(r runbook.Run) {
	if len(r.Steps) > 0 {
		n.h.leavers.note(r)
	}
	n.mu.Lock()
	n.dirty[r.ID] = true
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

func (n *notifier) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	ids := make([]string, 0, len(n.dirty))
	for id := range n.dirty {
		ids = append(ids, id)
	}
	clear(n.dirty)
	return ids
}

// run shows every run of late as it is now, since chats may have missed what was journaled before a crash, and then
// each change. It retries what the hub could not store.
func (n *notifier) run(ctx context.Context) error {
	if recent, err := n.h.Journal.Runs(ctx, lateRuns); err == nil {
		for _, r := range recent {
			ended := n.h.Clock().Sub(r.EndedAt)
			if r.EndedAt.IsZero() || ended < time.Hour {
				n.changed(runbook.Run{ID: r.ID})
			} else if old, err := n.h.Journal.Run(ctx, r.ID); err == nil && ended < leftFor {
				n.h.leavers.note(old)
			}
		}
	}
	n.loadWanted(ctx)
	for {
		var again <-chan time.Time
		for _, id := range n.take() {
			if err := n.show(ctx, id); err != nil && ctx.Err() == nil {
				n.h.Log.Error("show run", "run_id", id, "error", err)
				n.mu.Lock()
				n.dirty[id] = true
				n.mu.Unlock()
				again = time.After(time.Second)
			}
		}
		var call <-chan time.Time
		if d, ok := n.calls.wait(n.h.Clock()); ok {
			call = time.After(d)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-n.wake:
		case <-again:
		case <-call:
			for _, id := range n.calls.takeOverdue(n.h.Clock()) {
				n.changed(runbook.Run{ID: id})
			}
		}
	}
}

// loadWanted reads what an earlier process wanted, so that a card that is the same still is not wanted anew, and whom it
// called: without that nobody could be called, and no card is shown either while the journal does not answer.
func (n *notifier) loadWanted(ctx context.Context) {
	for ctx.Err() == nil {
		stored, err := n.h.Journal.Wanted(ctx)
		if err == nil {
			var wanted []bot.Message
			for _, w := range stored {
				var m bot.Message
				if json.Unmarshal(w.Body, &m) != nil {
					continue
				}
				if sum, err := sumOf(m); err == nil {
					wanted, n.shown[m.Key] = append(wanted, m), sum
				}
			}
			for _, id := range n.calls.load(wanted) {
				n.changed(runbook.Run{ID: id})
			}
			return
		}
		n.h.Log.Error("read what was shown", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (n *notifier) show(ctx context.Context, id string) error {
	r, err := n.h.Journal.Run(ctx, id)
	if err != nil {
		return err
	}
	n.h.leavers.note(r)
	for _, m := range n.h.viewer(ctx, n.h.say, r).messages(r) {
		if err := n.want(ctx, m); err != nil {
			return err
		}
	}
	return n.calls.show(ctx, r)
}

// sumOf is the same for messages that differ only by what changes with the clock: how long service has been down.
func sumOf(m bot.Message) ([sha256.Size]byte, error) {
	m.Context, m.Version = "", 0
	b, err := json.Marshal(m)
	return sha256.Sum256(b), err
}

// want passes on a message that differs from what was wanted last under its key.
func (n *notifier) want(ctx context.Context, m bot.Message) error {
	sum, err := sumOf(m)
	if err != nil {
		return err
	}
	if n.shown[m.Key] == sum {
		return nil
	}
	m.Version = n.h.versions.next(ctx, n.h.Journal, n.h.Clock())
	if err := n.h.Hub.Want(ctx, m); err != nil {
		return err
	}
	n.shown[m.Key] = sum
	return nil
}

// versions makes the versions of messages rise, also where the clock was set back: a platform shows the newest only.
type versions struct {
	mu   sync.Mutex
	last int64
	read bool // what an earlier process wanted last is known
}

func (v *versions) next(ctx context.Context, j Journal, now time.Time) int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.read {
		if newest, err := j.NewestVersion(ctx); err == nil {
			v.last, v.read = max(v.last, newest), true
		}
	}
	v.last = max(v.last+1, now.UnixNano())
	return v.last
}

func (h *Handlers) viewer(ctx context.Context, say *locale.Printer, r runbook.Run) viewer {
	v := viewer{say: say, now: h.Clock(), drill: h.Fleet.Config().Drill, cfg: h.Fleet.Now(), back: h.back(r), fence: map[string]string{}}
	for _, host := range leftBy(r) {
		v.fence[host] = h.fenceCommand(host)
	}
	if r.State != runbook.Open {
		if head, err := h.Journal.Head(ctx, r.ID); err == nil {
			v.head = head
		}
	}
	return v
}

// Render gives the message of a key in another language than the company's own, for platforms that can show one.
func (h *Handlers) Render(ctx context.Context, lang, key string) (bot.Message, bool) {
	say := h.printer(lang)
	kind, rest, _ := strings.Cut(key, "/")
	if kind == "alert" {
		if err := h.knowAlerts(ctx); err != nil {
			return bot.Message{}, false
		}
		return h.alertMessage(rest, say)
	}
	id, _, _ := strings.Cut(rest, "/")
	r, err := h.Journal.Run(ctx, id)
	if err != nil {
		return bot.Message{}, false
	}
	for _, m := range h.viewer(ctx, say, r).messages(r) {
		if m.Key == key {
			return m, true
		}
	}
	return bot.Message{}, false
}
