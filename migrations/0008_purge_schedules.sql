-- A purge that is done every day at `at` (UTC), until somebody removes the row. `next_at` is when it is done next; whoever begins
-- it moves that on in the same transaction, so that it is done once a day however many processes look.
CREATE TABLE purge_schedules (
    id TEXT NOT NULL PRIMARY KEY,
    service TEXT NOT NULL REFERENCES services (name),
    environment TEXT NOT NULL,
    selection TEXT NOT NULL,
    reason TEXT NOT NULL,
    most BIGINT NOT NULL,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    last_job TEXT REFERENCES jobs (id)
);
CREATE INDEX purge_schedules_due ON purge_schedules (next_at);
