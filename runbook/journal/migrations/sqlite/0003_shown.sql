-- +goose Up
ALTER TABLE deliveries ADD COLUMN digest TEXT NOT NULL DEFAULT '';
ALTER TABLE deliveries ADD COLUMN asks INTEGER NOT NULL DEFAULT 0;
CREATE TABLE calls (
    id       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    platform TEXT    NOT NULL,
    at       TEXT    NOT NULL
);
CREATE INDEX calls_platform ON calls (platform, id);

-- +goose Down
DROP TABLE calls;
ALTER TABLE deliveries DROP COLUMN asks;
ALTER TABLE deliveries DROP COLUMN digest;
