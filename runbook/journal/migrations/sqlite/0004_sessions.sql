-- +goose Up
ALTER TABLE sessions ADD COLUMN proof TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE sessions DROP COLUMN proof;
