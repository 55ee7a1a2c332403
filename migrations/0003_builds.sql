-- One build of each commit of a service.
CREATE TABLE builds (
    id TEXT NOT NULL PRIMARY KEY,
    service TEXT NOT NULL REFERENCES services (name),
    sha TEXT NOT NULL,
    subject TEXT NOT NULL,
    author TEXT NOT NULL,
    committed_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    image TEXT,
    job TEXT NOT NULL REFERENCES jobs (id),
    created_at BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE UNIQUE INDEX one_build_of_a_commit ON builds (service, sha);
CREATE INDEX builds_by_job ON builds (job);
