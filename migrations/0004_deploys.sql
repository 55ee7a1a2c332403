-- A deploy that runs is the lock of its service in its environment.
CREATE TABLE deploys (
    id TEXT NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL,
    service TEXT NOT NULL REFERENCES services (name),
    environment TEXT NOT NULL,
    build TEXT NOT NULL REFERENCES builds (id),
    image TEXT NOT NULL,
    chart_version TEXT NOT NULL,
    rollback_of BIGINT,
    revision BIGINT,
    actor TEXT NOT NULL,
    state TEXT NOT NULL,
    changes TEXT NOT NULL,
    finding TEXT,
    job TEXT NOT NULL REFERENCES jobs (id),
    created_at BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE UNIQUE INDEX one_number_of_a_service ON deploys (service, number);
CREATE UNIQUE INDEX one_deploy_of_a_job ON deploys (job);
CREATE UNIQUE INDEX one_running_deploy ON deploys (service, environment) WHERE state = 'running';
