package bottest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"recoverbot/bot"
)

// Memory is a bot.Store for tests.
type Memory struct {
	mu        sync.Mutex
	order     []string
	wanted    map[string]bot.StoredMessage
	delivered map[string]map[string]bot.StoredDelivery
	calls     map[string][]time.Time
	inbound   map[string][]byte // platform + id → body, nil when settled
	received  []string          // their order
}

// SaveWanted keeps the newest version of key.
func (s *Memory) SaveWanted(_ context.Context, key string, version int64, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wanted == nil {
		s.wanted = map[string]bot.StoredMessage{}
	}
	old, ok := s.wanted[key]
	if !ok {
		s.order = append(s.order, key)
	}
	if !ok || old.Version < version {
		s.wanted[key] = bot.StoredMessage{Key: key, Version: version, Body: body}
	}
	return nil
}

// SaveDelivered keeps what platform shows of key.
func (s *Memory) SaveDelivered(_ context.Context, platform string, d bot.StoredDelivery) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.delivered == nil {
		s.delivered = map[string]map[string]bot.StoredDelivery{}
	}
	if s.delivered[platform] == nil {
		s.delivered[platform] = map[string]bot.StoredDelivery{}
	}
	s.delivered[platform][d.Key] = d
	return nil
}

// SaveCall keeps that platform is called now.
func (s *Memory) SaveCall(_ context.Context, platform string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls == nil {
		s.calls = map[string][]time.Time{}
	}
	s.calls[platform] = append(s.calls[platform], time.Now())
	return nil
}

// CalledAt returns when platform was called.
func (s *Memory) CalledAt(_ context.Context, platform string) ([]time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls[platform]), nil
}

// Wanted returns the messages in the order in which their keys came.
func (s *Memory) Wanted(context.Context) ([]bot.StoredMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []bot.StoredMessage
	for _, k := range s.order {
		out = append(out, s.wanted[k])
	}
	return out, nil
}

// Delivered returns what platform shows, by key.
func (s *Memory) Delivered(_ context.Context, platform string) ([]bot.StoredDelivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []bot.StoredDelivery
	for _, d := range s.delivered[platform] {
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b bot.StoredDelivery) int { return cmp.Compare(a.Key, b.Key) })
	return out, nil
}

// SaveInbound keeps body unless the id is known.
func (s *Memory) SaveInbound(_ context.Context, platform, id string, body []byte) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.inbound[platform+"/"+id]; known {
		return false, nil
	}
	if s.inbound == nil {
		s.inbound = map[string][]byte{}
	}
	s.inbound[platform+"/"+id] = body
	s.received = append(s.received, platform+"/"+id)
	return true, nil
}

// SettleInbound forgets the body of id.
func (s *Memory) SettleInbound(_ context.Context, platform, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.inbound[platform+"/"+id]; known {
		s.inbound[platform+"/"+id] = nil
	}
	return nil
}

// OpenInbound returns what was kept and not settled.
func (s *Memory) OpenInbound(_ context.Context, platform string) ([][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out [][]byte
	for _, k := range s.received {
		if body := s.inbound[k]; body != nil && strings.HasPrefix(k, platform+"/") {
			out = append(out, body)
		}
	}
	return out, nil
}

// Inbox records what people say and answers with Answer, or with nothing.
type Inbox struct {
	Answer func(bot.Inbound) bot.Reply

	mu      sync.Mutex
	said    []bot.Inbound
	kept    map[string]bool
	reports []error
}

// Keep is fresh once an ID.
func (b *Inbox) Keep(_ context.Context, in bot.Inbound) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.kept[in.ID] {
		return false, nil
	}
	if b.kept == nil {
		b.kept = map[string]bool{}
	}
	b.kept[in.ID] = true
	return true, nil
}

// Report records err.
func (b *Inbox) Report(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reports = append(b.reports, err)
}

// Reports returns everything reported so far.
func (b *Inbox) Reports() []error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.reports)
}

// Handle records in.
func (b *Inbox) Handle(_ context.Context, in bot.Inbound) bot.Reply {
	b.mu.Lock()
	b.said = append(b.said, in)
	b.mu.Unlock()
	if b.Answer == nil {
		return bot.Reply{}
	}
	return b.Answer(in)
}

// Said returns everything handled so far.
func (b *Inbox) Said() []bot.Inbound {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.said)
}
