-- Answers to requests that carried an idempotency key. Without a response the request is still being answered, by
-- whoever holds `token`, until `reserved_until` at the latest.
CREATE TABLE idempotency (
    key TEXT NOT NULL PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    token TEXT NOT NULL,
    reserved_until BIGINT NOT NULL,
    response TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX idempotency_by_age ON idempotency (created_at);
