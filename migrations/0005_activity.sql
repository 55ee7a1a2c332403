-- Who asked for what, and what came of it. No reference to a service: what was refused may name one that isn't there.
CREATE TABLE activity (
    id TEXT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    service TEXT NOT NULL,
    environment TEXT,
    detail TEXT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT,
    job TEXT REFERENCES jobs (id),
    finished_at BIGINT
);
CREATE INDEX activity_by_service ON activity (service, id);
CREATE INDEX activity_by_job ON activity (job);
