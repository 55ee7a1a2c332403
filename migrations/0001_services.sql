-- A service, and how many deploys it has had: the next one's number is counted here, under this row's lock.
CREATE TABLE services (
    name TEXT NOT NULL PRIMARY KEY,
    parameters TEXT NOT NULL,
    deploys BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL
);
