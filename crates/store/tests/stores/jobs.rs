use crate::databases::Database;
use crate::fixtures::{LEASE, ada, claimed, commit, image, orders, parameters, purge, staging, with_orders};
use crate::on_both_stores;
use fairway_domain::{
    Action, BuildState, JobEventKind, JobKind, JobState, Outcome, ShellCommand, StepName, StepState,
};
use fairway_store::{ActivityFilter, EnqueuedBuild, Error, NewJob, Retried};
use serde_json::json;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

on_both_stores![
    a_job_is_worked_through_and_its_story_can_be_read,
    a_log_is_what_the_latest_attempt_printed,
    two_workers_never_hold_one_job,
    a_job_whose_lease_ran_out_is_taken_over_and_the_old_worker_writes_nothing,
    a_renewed_lease_is_kept,
    a_released_job_goes_on_at_once,
    events_have_no_gaps_however_many_write,
    a_failed_job_goes_on_from_its_failed_step,
    a_retried_build_runs_again,
    only_a_failed_job_is_retried,
    unfinished_creations_are_found,
    text_that_one_database_would_refuse_is_kept,
];

async fn a_job_is_worked_through_and_its_story_can_be_read(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    let id = purge(&store).await.id;
    let claim = claimed(&store).await;
    assert_eq!(claim.job.id, id);
    assert_eq!(claim.request, json!({"pattern": "session:*"}));

    let command = ShellCommand::new("redis-cli", ["--scan", "--pattern", "session:*"]);
    store.step_started(&claim, StepName::Purge, Some(&command)).await.unwrap();
    store.step_log(&claim, StepName::Purge, &["500 removed".into(), "done".into()]).await.unwrap();
    assert_eq!(store.step_output(id, StepName::Purge).await.unwrap(), None);
    store.step_succeeded(&claim, StepName::Purge, &json!({"removed": 500})).await.unwrap();
    store.finish(claim, Some("500 keys matching session:*")).await.unwrap();

    let job = store.job(id).await.unwrap().unwrap();
    assert_eq!(job.state, JobState::Succeeded);
    assert!(job.finished_at.is_some());
    let step = &job.steps[0];
    assert_eq!((step.state, step.command.as_ref()), (StepState::Succeeded, Some(&command)));
    assert_eq!(step.log, ["500 removed", "done"]);
    assert_eq!(store.step_output(id, StepName::Purge).await.unwrap(), Some(json!({"removed": 500})));

    let events = store.events(id, 0, 100).await.unwrap();
    assert_eq!(events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(events[3].kind, JobEventKind::StepSucceeded { step: StepName::Purge });
    assert_eq!(events[4].kind, JobEventKind::Succeeded);
    assert_eq!(store.events(id, 3, 1).await.unwrap(), events[3..4]);

    let activity = store.activity(&ActivityFilter::default(), None, 1).await.unwrap();
    assert_eq!((&activity[0].outcome, activity[0].job), (&Outcome::Succeeded, Some(id)));
    assert_eq!(activity[0].detail, "500 keys matching session:*");
    assert!(store.claim("w", LEASE).await.unwrap().is_none(), "what is done is not claimed again");
}

async fn a_log_is_what_the_latest_attempt_printed(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    let id = purge(&store).await.id;
    let claim = claimed(&store).await;
    for attempt in ["first", "second"] {
        store.step_started(&claim, StepName::Purge, None).await.unwrap();
        store.step_log(&claim, StepName::Purge, &[attempt.into()]).await.unwrap();
    }
    assert_eq!(store.job(id).await.unwrap().unwrap().steps[0].log, ["second"]);
}

async fn two_workers_never_hold_one_job(database: &Database) {
    let (store, other_process) = (database.open().await, database.open().await);
    with_orders(&store).await;
    for _ in 0..10 {
        purge(&store).await;
    }
    let workers = (0..20).map(|number| {
        let store = if number % 2 == 0 { store.clone() } else { other_process.clone() };
        tokio::spawn(async move { store.claim(&format!("worker {number}"), LEASE).await.unwrap() })
    });
    let claims: Vec<_> =
        futures::future::join_all(workers).await.into_iter().filter_map(Result::unwrap).collect();
    let ids: HashSet<_> = claims.iter().map(|claim| claim.job.id).collect();
    assert_eq!((claims.len(), ids.len()), (10, 10));
}

async fn a_job_whose_lease_ran_out_is_taken_over_and_the_old_worker_writes_nothing(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    let id = purge(&store).await.id;
    let old = store.claim("old", Duration::ZERO).await.unwrap().unwrap();
    let new = store.claim("new", LEASE).await.unwrap().unwrap();
    assert_eq!(old.job.id, new.job.id);

    let step = StepName::Purge;
    let refused = [
        store.renew(&old, LEASE).await,
        store.step_started(&old, step, None).await,
        store.step_log(&old, step, &["late".into()]).await,
        store.step_succeeded(&old, step, &json!(null)).await,
        store.step_failed(&old, step, "late").await,
        store.begin_build(&old, &commit('a')).await.map(drop),
        store.lock_deploy(&old).await.map(drop),
        store.finish(old, None).await,
    ];
    for result in refused {
        assert!(matches!(result, Err(Error::LeaseLost(lost)) if lost == id), "{result:?}");
    }
    assert_eq!(store.events(id, 0, 10).await.unwrap(), []);
    assert_eq!(store.job(id).await.unwrap().unwrap().state, JobState::Running);
    store.finish(new, None).await.unwrap();
}

async fn a_renewed_lease_is_kept(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    purge(&store).await;
    let claim = store.claim("one", Duration::ZERO).await.unwrap().unwrap();
    store.renew(&claim, LEASE).await.unwrap();
    assert!(store.claim("two", LEASE).await.unwrap().is_none());
}

async fn a_released_job_goes_on_at_once(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    let id = purge(&store).await.id;
    store.release(claimed(&store).await).await.unwrap();
    assert_eq!(claimed(&store).await.job.id, id);
}

async fn events_have_no_gaps_however_many_write(database: &Database) {
    let (store, other_process) = (database.open().await, database.open().await);
    with_orders(&store).await;
    let id = purge(&store).await.id;
    let claim = Arc::new(claimed(&store).await);
    let writers = (0..50).map(|number| {
        let store = if number % 2 == 0 { store.clone() } else { other_process.clone() };
        let claim = Arc::clone(&claim);
        let lines = [format!("{number} a"), format!("{number} b")];
        tokio::spawn(async move { store.step_log(&claim, StepName::Purge, &lines).await })
    });
    for written in futures::future::join_all(writers).await {
        written.unwrap().unwrap();
    }
    let events = store.events(id, 0, 1000).await.unwrap();
    let sequences: Vec<i64> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, (1..=100).collect::<Vec<i64>>());
}

async fn a_failed_job_goes_on_from_its_failed_step(database: &Database) {
    let store = database.open().await;
    store.create_service(&parameters("orders"), &staging(), &ada()).await.unwrap();
    let claim = claimed(&store).await;
    let id = claim.job.id;
    store.step_started(&claim, StepName::Render, None).await.unwrap();
    store.step_succeeded(&claim, StepName::Render, &json!({"files": 9})).await.unwrap();
    store.step_started(&claim, StepName::Repository, None).await.unwrap();
    store.step_failed(&claim, StepName::Repository, "The disk is full.").await.unwrap();
    assert!(
        matches!(store.renew(&claim, LEASE).await, Err(Error::LeaseLost(_))),
        "the claim ended with the job"
    );

    let failed = store.job(id).await.unwrap().unwrap();
    assert_eq!(failed.state, JobState::Failed);
    assert_eq!(failed.steps[1].error.as_deref(), Some("The disk is full."));
    assert!(store.claim("w", LEASE).await.unwrap().is_none());
    let record = &store.activity(&ActivityFilter::default(), None, 1).await.unwrap()[0];
    assert_eq!(record.outcome, Outcome::Failed("The disk is full.".into()));

    let Retried::Yes(job) = store.retry(id, &ada()).await.unwrap() else { panic!("not retried") };
    let states: Vec<StepState> = job.steps.iter().map(|step| step.state).collect();
    assert_eq!(states[0], StepState::Succeeded);
    assert_eq!(states[1..], [StepState::Pending; 4]);
    assert_eq!(store.step_output(id, StepName::Render).await.unwrap(), Some(json!({"files": 9})));
    let last = store.events(id, 0, 100).await.unwrap().pop().unwrap();
    assert_eq!((last.sequence, last.kind), (6, JobEventKind::Retried));

    store.finish(claimed(&store).await, None).await.unwrap();
    let record = &store.activity(&ActivityFilter::default(), None, 1).await.unwrap()[0];
    assert_eq!((record.action, &record.outcome), (Action::Retry, &Outcome::Succeeded));
}

async fn a_retried_build_runs_again(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    let asked = store.enqueue_build(&orders(), &commit('a'), &ada()).await.unwrap();
    let EnqueuedBuild::New(build, job) = asked else { panic!("{asked:?}") };
    let state = async || store.build(build.id).await.unwrap().unwrap().state;
    store.step_failed(&claimed(&store).await, StepName::Build, "No Dockerfile.").await.unwrap();
    assert_eq!(state().await, BuildState::Failed);
    store.retry(job.id, &ada()).await.unwrap();
    assert_eq!(state().await, BuildState::Running);
    let claim = claimed(&store).await;
    store.finish_build(&claim, build.id, Some(&image('a'))).await.unwrap();
    store.finish_build(&claim, build.id, None).await.unwrap();
    assert_eq!(state().await, BuildState::Succeeded, "an image that stands isn't forgotten");
}

async fn only_a_failed_job_is_retried(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    let id = purge(&store).await.id;
    assert_eq!(store.retry(id, &ada()).await.unwrap(), Retried::NotFailed);
    store.finish(claimed(&store).await, None).await.unwrap();
    assert_eq!(store.retry(id, &ada()).await.unwrap(), Retried::NotFailed);
    let nobodys = fairway_domain::JobId(uuid::Uuid::now_v7());
    assert_eq!(store.retry(nobodys, &ada()).await.unwrap(), Retried::NotFailed);
}

async fn unfinished_creations_are_found(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    store.create_service(&parameters("invoices"), &staging(), &ada()).await.unwrap();
    let unfinished = store.unfinished_creations().await.unwrap();
    assert_eq!(unfinished.len(), 1);
    assert_eq!(unfinished[0].service.as_str(), "invoices");
    let creation = store.creation(&orders()).await.unwrap().unwrap();
    assert_eq!((creation.kind, creation.state), (JobKind::Create, JobState::Succeeded));
}

async fn text_that_one_database_would_refuse_is_kept(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    let new = NewJob {
        kind: JobKind::Purge,
        service: &orders(),
        environment: None,
        request: &json!({"text": "a\0b"}),
        actor: &ada(),
        action: Action::Purge,
        detail: "a\0b '; DROP TABLE jobs; -- ü 🚢",
    };
    let id = store.enqueue(&new).await.unwrap().id;
    let claim = claimed(&store).await;
    store.step_log(&claim, StepName::Purge, &["a\0b".into()]).await.unwrap();
    store.step_failed(&claim, StepName::Purge, "a\0b").await.unwrap();
    let job = store.job(id).await.unwrap().unwrap();
    assert_eq!(job.steps[0].log, ["a\0b"]);
    assert_eq!(job.steps[0].error.as_deref(), Some("a\u{2400}b"));
    assert_eq!(claim.request["text"], "a\0b");
    let detail = &store.activity(&ActivityFilter::default(), None, 1).await.unwrap()[0].detail;
    assert_eq!(detail, "a\u{2400}b '; DROP TABLE jobs; -- ü 🚢");
}
