-- Long work. `fence` counts the claims; a write by an earlier claim finds another number here and changes nothing.
-- `events` is the sequence of the job's last event, so that the next one's is given out under this row's lock.
CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    service TEXT NOT NULL REFERENCES services (name),
    environment TEXT,
    actor TEXT NOT NULL,
    request TEXT NOT NULL,
    state TEXT NOT NULL,
    worker TEXT,
    lease_until BIGINT NOT NULL DEFAULT 0,
    fence BIGINT NOT NULL DEFAULT 0,
    events BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE INDEX jobs_by_service ON jobs (service, id);
CREATE INDEX jobs_running ON jobs (id) WHERE state = 'running';

CREATE TABLE steps (
    job TEXT NOT NULL REFERENCES jobs (id),
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    command TEXT,
    error TEXT,
    output TEXT,
    PRIMARY KEY (job, name)
);

CREATE TABLE job_events (
    job TEXT NOT NULL REFERENCES jobs (id),
    sequence BIGINT NOT NULL,
    at BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (job, sequence)
);
