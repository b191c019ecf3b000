package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
)

// Config is what a Hub needs. Log may be nil.
type Config struct {
	Platforms []Platform
	Store     Store
	Log       *slog.Logger
	// OnHealth, where set, is told of each platform that stops working, or works again: a *Fault at once, anything else when
	// it has lasted for a minute. It holds no delivery up, and may be told of two platforms at once.
	OnHealth func(Health)
}

// Hub brings every platform to the newest wanted version of every message. Want may be called from anywhere, also
// before Run; Run may be called once.
type Hub struct {
	store Store
	log   *slog.Logger
	tell  func(Health)
	lanes []*lane
	start sync.RWMutex // held while the past is loaded: what is wanted meanwhile is none of it

	mu      sync.Mutex
	changed chan struct{} // closed and replaced whenever a lane has delivered or failed
}

// NewHub makes a hub. Two platforms of one name are an error.
func NewHub(c Config) (*Hub, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	h := &Hub{store: c.Store, log: c.Log, tell: c.OnHealth, changed: make(chan struct{})}
	names := map[string]bool{}
	for _, p := range c.Platforms {
		if names[p.Name()] {
			return nil, fmt.Errorf("two platforms are called %q", p.Name())
		}
		names[p.Name()] = true
		h.lanes = append(h.lanes, newLane(p, c.Store, c.Log.With("platform", p.Name()), h.broadcast))
	}
	return h, nil
}

// Want journals m as the newest version of its key and lets every platform reconcile toward it. A version that is not
// newer than the one wanted already changes nothing. The error is the Store's.
func (h *Hub) Want(ctx context.Context, m Message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode message %s: %w", m.Key, err)
	}
	h.start.RLock()
	defer h.start.RUnlock()
	if err := h.store.SaveWanted(ctx, m.Key, m.Version, body); err != nil {
		return fmt.Errorf("save wanted message %s: %w", m.Key, err)
	}
	for _, l := range h.lanes {
		l.want(m)
	}
	return nil
}

// Run delivers and receives until ctx ends, then waits for everything that it started. A platform that fails is
// restarted with backoff and never disturbs the others. The error is of reading the Store at the start.
func (h *Hub) Run(ctx context.Context, to Handler) error {
	if err := h.load(ctx); err != nil {
		return err
	}
	var wg sync.WaitGroup
	for _, l := range h.lanes {
		wg.Go(func() { l.deliver(ctx) })
		wg.Go(func() { l.supervise(ctx, to) })
		wg.Go(func() { l.watch(ctx, h.tell) })
	}
	wg.Wait()
	return nil
}

func (h *Hub) load(ctx context.Context) error {
	h.start.Lock()
	defer h.start.Unlock()
	messages, err := Wanted(ctx, h.store, h.log)
	if err != nil {
		return err
	}
	slices.SortStableFunc(messages, func(a, b Message) int { return a.At.Compare(b.At) })
	for _, l := range h.lanes {
		if err := l.load(ctx, messages); err != nil {
			return err
		}
	}
	return nil
}

// Wanted reads the newest wanted version of every message. What cannot be read as one is logged and left out.
func Wanted(ctx context.Context, s Store, log *slog.Logger) ([]Message, error) {
	wanted, err := s.Wanted(ctx)
	if err != nil {
		return nil, fmt.Errorf("read wanted messages: %w", err)
	}
	messages := make([]Message, 0, len(wanted))
	for _, w := range wanted {
		var m Message
		if err := json.Unmarshal(w.Body, &m); err != nil {
			log.Error("stored message is unreadable", "key", w.Key, "error", err)
			continue
		}
		messages = append(messages, m)
	}
	return messages, nil
}

// Settle waits until every platform shows the newest version of every message, or ctx ends. It is for tests and for the
// end of a process that wants its last words to be read.
func (h *Hub) Settle(ctx context.Context) error {
	for {
		h.mu.Lock()
		changed := h.changed
		h.mu.Unlock()
		busy := 0
		for _, l := range h.lanes {
			busy += l.pendingCount()
		}
		if busy == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("settle: %d messages are not delivered", busy), ctx.Err())
		case <-changed:
		}
	}
}

func (h *Hub) broadcast() {
	h.mu.Lock()
	close(h.changed)
	h.changed = make(chan struct{})
	h.mu.Unlock()
}
