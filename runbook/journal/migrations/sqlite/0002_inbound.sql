-- +goose Up
CREATE TABLE inbound (
    platform    TEXT    NOT NULL,
    event_id    TEXT    NOT NULL,
    body        BLOB,
    received_at TEXT    NOT NULL,
    PRIMARY KEY (platform, event_id)
);
CREATE INDEX inbound_received ON inbound (received_at);

-- +goose Down
DROP TABLE inbound;
