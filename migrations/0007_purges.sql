-- A purge: what was agreed to and what it has done so far, over all attempts. One that runs is the lock of its Redis, which
-- `redis` names by what it calls itself (its run id), and of the service's Redis in that environment.
CREATE TABLE purges (
    job TEXT NOT NULL PRIMARY KEY REFERENCES jobs (id),
    service TEXT NOT NULL REFERENCES services (name),
    environment TEXT NOT NULL,
    redis TEXT NOT NULL,
    selection TEXT NOT NULL,
    reason TEXT NOT NULL,
    expected BIGINT NOT NULL,
    state TEXT NOT NULL,
    found BIGINT NOT NULL DEFAULT 0,
    removed BIGINT NOT NULL DEFAULT 0,
    already_gone BIGINT NOT NULL DEFAULT 0,
    rate BIGINT NOT NULL DEFAULT 0,
    attempts BIGINT NOT NULL DEFAULT 0,
    stopped_by TEXT
);
CREATE UNIQUE INDEX one_running_purge_of_a_redis ON purges (redis) WHERE state = 'running';
CREATE UNIQUE INDEX one_running_purge_there ON purges (service, environment) WHERE state = 'running';
CREATE INDEX purges_there ON purges (service, environment, job);
