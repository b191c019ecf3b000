-- +goose Up
CREATE TABLE runs (
    id         TEXT    NOT NULL PRIMARY KEY,
    scenario   TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    dry_run    INTEGER NOT NULL,
    owner      TEXT    NOT NULL,
    started_at TEXT    NOT NULL,
    body       TEXT    NOT NULL
);
-- Only one run changes the fleet at a time.
CREATE UNIQUE INDEX runs_one_open ON runs (state) WHERE state = 'open' AND dry_run = 0;
CREATE INDEX runs_started ON runs (started_at);

CREATE TABLE steps (
    run_id   TEXT    NOT NULL REFERENCES runs (id),
    id       TEXT    NOT NULL,
    position INTEGER NOT NULL,
    state    TEXT    NOT NULL,
    version  INTEGER NOT NULL,
    attempt  INTEGER NOT NULL,
    body     TEXT    NOT NULL,
    PRIMARY KEY (run_id, id)
);

CREATE TABLE decisions (
    id      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    run_id  TEXT    NOT NULL REFERENCES runs (id),
    step_id TEXT    NOT NULL,
    at      TEXT    NOT NULL,
    body    TEXT    NOT NULL
);
CREATE INDEX decisions_step ON decisions (run_id, step_id);

CREATE TABLE events (
    id       INTEGER NOT NULL PRIMARY KEY,
    at       TEXT    NOT NULL,
    run_id   TEXT    NOT NULL,
    step_id  TEXT    NOT NULL,
    kind     TEXT    NOT NULL,
    person   TEXT    NOT NULL,
    platform TEXT    NOT NULL,
    data     TEXT    NOT NULL,
    prev     TEXT    NOT NULL,
    hash     TEXT    NOT NULL
);
CREATE INDEX events_run ON events (run_id, step_id);

-- +goose StatementBegin
CREATE TRIGGER events_no_update BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER events_no_delete BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are append-only');
END;
-- +goose StatementEnd

CREATE TABLE messages (
    message_key TEXT    NOT NULL PRIMARY KEY,
    version     INTEGER NOT NULL,
    body        BLOB    NOT NULL,
    touched_at  TEXT    NOT NULL
);
CREATE INDEX messages_touched ON messages (touched_at);

CREATE TABLE deliveries (
    platform    TEXT    NOT NULL,
    message_key TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    ref         TEXT    NOT NULL,
    PRIMARY KEY (platform, message_key)
);

CREATE TABLE alerts (
    fingerprint   TEXT    NOT NULL PRIMARY KEY,
    state         TEXT    NOT NULL,
    count         INTEGER NOT NULL,
    since         TEXT    NOT NULL,
    seen_at       TEXT    NOT NULL,
    snoozed_until TEXT    NOT NULL,
    run_id        TEXT    NOT NULL,
    body          TEXT    NOT NULL
);

CREATE TABLE sessions (
    hash    TEXT NOT NULL PRIMARY KEY,
    person  TEXT NOT NULL,
    expires TEXT NOT NULL
);

-- What Healthy writes to find out whether writing is possible.
CREATE TABLE heartbeat (
    id INTEGER NOT NULL PRIMARY KEY,
    at TEXT    NOT NULL
);

-- +goose Down
DROP TABLE heartbeat;
DROP TABLE sessions;
DROP TABLE alerts;
DROP TABLE deliveries;
DROP TABLE messages;
DROP TABLE events;
DROP TABLE decisions;
DROP TABLE steps;
DROP TABLE runs;
