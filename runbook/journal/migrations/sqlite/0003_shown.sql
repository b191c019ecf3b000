-- +goose Up
ALTER TABLE deliveries ADD COLUMN digest TEXT NOT NULL DEFAULT '';
ALTER TABLE deliveries ADD COLUMN asks INTEGER NOT NULL DEFAULT 0;
CREATE TABLE delivery_calls (
    platform TEXT NOT NULL,
    at       TEXT NOT NULL
);
CREATE INDEX delivery_calls_platform ON delivery_calls (platform, at);

-- +goose Down
DROP TABLE delivery_calls;
ALTER TABLE deliveries DROP COLUMN asks;
ALTER TABLE deliveries DROP COLUMN digest;
