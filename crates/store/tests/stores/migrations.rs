//! Each migration runs over tables that hold rows, and what they hold can still be read.

use crate::databases::Database;
use crate::fixtures::{orders, staging};
use crate::on_both_stores;
use fairway_domain::{BuildState, DeployNumber, JobState, Outcome};
use fairway_store::{ActivityFilter, Remembered};
use sqlx::migrate::Migrator;
use sqlx::{AnyConnection, Connection};

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// A row of each table that a migration makes, as it is right after it. A migration that only changes tables has none of its own.
const ROWS: [(i64, &str); 8] = [
    (
        1,
        r#"INSERT INTO services (name, parameters, deploys, created_at) VALUES ('orders',
           '{"name":"orders","team":"checkout","description":"","runtime":"go","port":8080,"replicas":2,"variables":[],"components":{"redis":true,"metrics":false}}',
           1, 1700000000123)"#,
    ),
    (
        2,
        r#"INSERT INTO jobs (id, kind, service, environment, actor, request, state, worker, lease_until, fence, events, created_at, finished_at)
           VALUES ('01890000-0000-7000-8000-000000000001', 'create', 'orders', 'staging', 'ada', '{}', 'succeeded', NULL, 0, 1, 1, 1700000000123, 1700000000456);
           INSERT INTO steps (job, position, name, state, started_at, finished_at, command, error, output)
           VALUES ('01890000-0000-7000-8000-000000000001', 0, 'render', 'succeeded', 1700000000123, 1700000000456, '"git init"', NULL, '{}');
           INSERT INTO job_events (job, sequence, at, body)
           VALUES ('01890000-0000-7000-8000-000000000001', 1, 1700000000123, '{"type":"succeeded"}')"#,
    ),
    (
        3,
        r#"INSERT INTO builds (id, service, sha, subject, author, committed_at, state, image, job, created_at, finished_at)
           VALUES ('01890000-0000-7000-8000-000000000002', 'orders', '6180689618068961806896180689618068961806', 'First', 'Bo', 1700000000000, 'succeeded',
           '{"repository":"127.0.0.1:5000/orders","digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}',
           '01890000-0000-7000-8000-000000000001', 1700000000123, 1700000000456)"#,
    ),
    (
        4,
        r#"INSERT INTO deploys (id, number, service, environment, build, image, chart_version, rollback_of, revision, actor, state, changes, finding, job, created_at, finished_at)
           VALUES ('01890000-0000-7000-8000-000000000003', 1, 'orders', 'staging', '01890000-0000-7000-8000-000000000002',
           '{"repository":"127.0.0.1:5000/orders","digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}',
           '1.0.0', NULL, 1, 'ada', 'succeeded', '[]', NULL, '01890000-0000-7000-8000-000000000001', 1700000000123, 1700000000456)"#,
    ),
    (
        5,
        r"INSERT INTO activity (id, at, actor, action, service, environment, detail, outcome, reason, job, finished_at)
           VALUES ('01890000-0000-7000-8000-000000000004', 1700000000123, 'ada', 'rollBack', 'orders', 'staging', 'to 1', 'refused', 'No.', NULL, 1700000000456)",
    ),
    (
        6,
        r#"INSERT INTO idempotency (key, fingerprint, token, reserved_until, response, created_at)
           VALUES ('key', 'POST /a', 'token', 0, '{"status":200,"headers":[],"body":"{}"}', 9000000000000)"#,
    ),
    (
        7,
        r#"INSERT INTO purges (job, service, environment, redis, selection, reason, expected, state, found, removed, already_gone, rate, attempts, stopped_by)
           VALUES ('01890000-0000-7000-8000-000000000001', 'orders', 'staging', 'abc', '{"keys":"matching","pattern":"a*"}', 'stale', 9, 'ended', 8, 7, 1, 5, 1, 'bo')"#,
    ),
    (
        8,
        r#"INSERT INTO purge_schedules (id, service, environment, selection, reason, most, at, actor, created_at, next_at, last_job)
           VALUES ('01890000-0000-7000-8000-000000000005', 'orders', 'staging', '{"keys":"matching","pattern":"a*"}', 'stale', 9, '03:00', 'ada',
           1700000000123, 1700017200000, '01890000-0000-7000-8000-000000000001')"#,
    ),
];

on_both_stores![rows_survive_every_later_migration];

async fn rows_survive_every_later_migration(database: &Database) {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(&database.url).await.unwrap();
    for migration in MIGRATIONS.iter() {
        MIGRATIONS.run_to(migration.version, &mut connection).await.unwrap();
        for (_, rows) in ROWS.iter().filter(|(version, _)| *version == migration.version) {
            database.execute(rows).await;
        }
    }
    connection.close().await.unwrap();

    let store = database.open().await;
    let service = store.service(&orders()).await.unwrap().unwrap();
    assert_eq!(service.created_at.as_millisecond(), 1_700_000_000_123);
    assert!(service.parameters.components.redis);
    let job = store.creation(&orders()).await.unwrap().unwrap();
    assert_eq!((job.state, job.steps.len()), (JobState::Succeeded, 1));
    assert_eq!(job.steps[0].command.as_ref().unwrap().as_str(), "git init");
    assert_eq!(store.events(job.id, 0, 10).await.unwrap().len(), 1);
    let build = &store.builds(&orders(), 10).await.unwrap()[0];
    assert_eq!((build.state, build.commit.sha.short()), (BuildState::Succeeded, "6180689"));
    let deploy = store.last_succeeded_deploy(&orders(), &staging(), None).await.unwrap().unwrap();
    assert_eq!((deploy.number, deploy.build), (DeployNumber(1), build.id));
    let activity = &store.activity(&ActivityFilter::default(), None, 10).await.unwrap()[0];
    assert_eq!(activity.outcome, Outcome::Refused("No.".into()));
    let purge = &store.purges(&orders(), &staging(), 10).await.unwrap()[0];
    assert_eq!((purge.selection.to_string().as_str(), purge.counts.removed), ("keys matching a*", 7));
    let schedule = &store.schedules(&orders(), &staging()).await.unwrap()[0];
    assert_eq!(
        (schedule.at.to_string().as_str(), schedule.most, schedule.last_job),
        ("03:00", 9, Some(job.id))
    );
    let answer = store.remembered("key", "POST /a").await.unwrap();
    assert!(matches!(&answer, Remembered::Same(known) if known.status == 200), "{answer:?}");
}
