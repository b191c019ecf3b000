package handlers

import (
	"context"

	"recoverbot/bot"
	"recoverbot/runbook/journal"
)

// HubStore lets the hub keep its messages in the journal.
func HubStore(j *journal.Journal) bot.Store { return hubStore{j} }

type hubStore struct{ *journal.Journal }

func (s hubStore) Wanted(ctx context.Context) ([]bot.StoredMessage, error) {
	rows, err := s.Journal.Wanted(ctx)
	out := make([]bot.StoredMessage, len(rows))
	for i, m := range rows {
		out[i] = bot.StoredMessage(m)
	}
	return out, err
}

func (s hubStore) SaveDelivered(ctx context.Context, platform string, d bot.StoredDelivery) error {
	return s.Journal.SaveDelivered(ctx, platform, journal.Delivery(d))
}

func (s hubStore) Delivered(ctx context.Context, platform string) ([]bot.StoredDelivery, error) {
	rows, err := s.Journal.Delivered(ctx, platform)
	out := make([]bot.StoredDelivery, len(rows))
	for i, d := range rows {
		out[i] = bot.StoredDelivery(d)
	}
	return out, err
}
