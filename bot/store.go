package bot

import (
	"context"
	"time"
)

// Store keeps which version of each message is wanted and which one each platform shows, so that a restart goes on
// editing the same messages. SaveWanted ignores a version that is not newer than the stored one.
type Store interface {
	SaveWanted(ctx context.Context, key string, version int64, body []byte) error
	// SaveDelivered with version 0 and no ref records that a first post is being tried and may exist; with another version
	// and no ref, that nothing is shown, and need not be up to that version.
	SaveDelivered(ctx context.Context, platform string, d StoredDelivery) error
	// Wanted returns the stored messages; the hub orders them by their At.
	Wanted(ctx context.Context) ([]StoredMessage, error)
	Delivered(ctx context.Context, platform string) ([]StoredDelivery, error)
	// SaveCall records that a call is made now that the platform counts.
	SaveCall(ctx context.Context, platform string) error
	// CalledAt is when the last calls were recorded, at least those of the last minute, in the order in which they were made:
	// a clock that was set back may date one earlier than the one before it, or later than now.
	CalledAt(ctx context.Context, platform string) ([]time.Time, error)
	// SaveInbound keeps what was received until it is settled. It is not fresh when the platform's id is known already,
	// settled or not; ids are known for two days. Body is the JSON of an Inbound.
	SaveInbound(ctx context.Context, platform, id string, body []byte) (fresh bool, err error)
	// SettleInbound forgets the body of what was handled, and keeps its id. One that was never saved is no error.
	SettleInbound(ctx context.Context, platform, id string) error
	// OpenInbound are the bodies that were saved and not settled, oldest first.
	OpenInbound(ctx context.Context, platform string) ([][]byte, error)
}

// StoredMessage is the newest wanted version of one message; Body is the JSON of a Message.
type StoredMessage struct {
	Key     string
	Version int64
	Body    []byte
}

// StoredDelivery is what a platform shows of one message.
type StoredDelivery struct {
	Key     string
	Version int64
	Ref     string
	Digest  string // of what is shown, "" unknown
	Asks    bool   // what is shown is a question
}
