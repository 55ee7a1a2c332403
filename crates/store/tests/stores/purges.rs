use crate::databases::Database;
use crate::fixtures::{LEASE, ada, claimed, orders, parameters, production, staging, with_orders};
use crate::on_both_stores;
use fairway_domain::{
    Action, Actor, EnvironmentName, Job, JobEventKind, JobState, Outcome, Purge, PurgeCounts, PurgeSelection,
    StepName, StepState,
};
use fairway_store::{
    ActivityFilter, NewPurge, PurgeBegun, PurgeLock, PurgeLocked, Retried, StopAsked, Store,
};
use serde_json::Value;
use std::sync::Arc;

on_both_stores![
    a_purge_is_on_record_with_all_that_was_agreed_to,
    one_purge_of_a_redis_runs_at_a_time_whoever_asks_for_it,
    of_many_purges_that_come_at_once_one_runs,
    an_ended_purge_gives_its_redis_back_however_it_ended,
    counts_and_the_wish_to_stop_survive_a_killed_worker,
    a_stopped_purge_is_neither_done_nor_failed,
    only_a_purge_that_runs_is_stopped,
    a_retried_purge_takes_its_redis_again_or_learns_who_has_it,
];

const COUNTS: PurgeCounts = PurgeCounts { found: 10, removed: 9, already_gone: 1 };

async fn asked(store: &Store, environment: &EnvironmentName, redis: &str) -> PurgeBegun {
    let new = NewPurge {
        service: &orders(),
        environment,
        redis: &redis.parse().unwrap(),
        selection: &PurgeSelection::matching("session:*".parse().unwrap()),
        reason: &"stale after the release".parse().unwrap(),
        expected: 20,
        actor: &ada(),
        detail: "keys matching session:*",
        schedule: None,
    };
    store.begin_purge(&new).await.unwrap()
}

async fn begun(store: &Store, redis: &str) -> Job {
    match asked(store, &staging(), redis).await {
        PurgeBegun::New(job) => job,
        other => panic!("{other:?}"),
    }
}

async fn locked(store: &Store, claim: &fairway_store::Claim, redis: &str) -> (PurgeLock, Purge) {
    match store.lock_purge(claim, &redis.parse().unwrap()).await.unwrap() {
        PurgeLocked::Yes(lock, purge) => (lock, *purge),
        PurgeLocked::Held(holder) => panic!("held by {holder:?}"),
    }
}

async fn a_purge_is_on_record_with_all_that_was_agreed_to(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    let job = begun(&store, "aaa").await;
    let claim = claimed(&store).await;
    let (lock, purge) = locked(&store, &claim, "aaa").await;
    assert_eq!((purge.job, purge.expected, purge.attempts), (job.id, 20, 1));
    assert_eq!((purge.reason.as_str(), purge.actor), ("stale after the release", ada()));
    assert_eq!(store.purge_progress(&lock, COUNTS, 5000).await.unwrap(), None);
    store.step_succeeded(&claim, StepName::Purge, &Value::Null).await.unwrap();
    store.finish(claim, Some("9 keys removed")).await.unwrap();

    let purge = store.purge_of_job(job.id).await.unwrap().unwrap();
    assert_eq!((purge.counts, purge.rate, purge.state), (COUNTS, 5000, JobState::Succeeded));
    assert!(purge.finished_at.is_some());
    assert_eq!(store.purges(&orders(), &staging(), 10).await.unwrap(), [purge]);
    assert_eq!(store.purges(&orders(), &production(), 10).await.unwrap(), []);
    let activity = &store.activity(&ActivityFilter::default(), None, 1).await.unwrap()[0];
    assert_eq!((activity.detail.as_str(), &activity.outcome), ("9 keys removed", &Outcome::Succeeded));
}

async fn one_purge_of_a_redis_runs_at_a_time_whoever_asks_for_it(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    let first = begun(&store, "aaa").await;
    // The same Redis under another environment's name; and the same place, whose Redis was restarted meanwhile.
    for (environment, redis) in [(production(), "aaa"), (staging(), "bbb"), (staging(), "aaa")] {
        let PurgeBegun::Held(holder) = asked(&store, &environment, redis).await else { panic!("{redis}") };
        assert_eq!(holder.job, first.id);
    }
    assert!(matches!(asked(&store, &production(), "bbb").await, PurgeBegun::New(_)));
    let activity = store.activity(&ActivityFilter::default(), None, 10).await.unwrap();
    assert_eq!(
        activity.iter().filter(|entry| entry.action == Action::Purge).count(),
        2,
        "nothing is left of those refused"
    );
}

async fn of_many_purges_that_come_at_once_one_runs(database: &Database) {
    let store = Arc::new(database.open().await);
    with_orders(&store).await;
    let asking = (0..8).map(|number| {
        let store = Arc::clone(&store);
        let environment = if number % 2 == 0 { staging() } else { production() };
        tokio::spawn(async move { asked(&store, &environment, "aaa").await })
    });
    let mut new = 0;
    for one in asking.collect::<Vec<_>>() {
        new += usize::from(matches!(one.await.unwrap(), PurgeBegun::New(_)));
    }
    assert_eq!(new, 1);
}

async fn an_ended_purge_gives_its_redis_back_however_it_ended(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    for end in ["done", "failed", "stopped"] {
        begun(&store, "aaa").await;
        let claim = claimed(&store).await;
        locked(&store, &claim, "aaa").await;
        match end {
            "done" => store.finish(claim, None).await.unwrap(),
            "failed" => store.step_failed(&claim, StepName::Purge, "No.").await.unwrap(),
            _ => store.step_stopped(&claim, StepName::Purge, "9 keys removed", "bo").await.unwrap(),
        }
    }
    begun(&store, "aaa").await;
}

async fn counts_and_the_wish_to_stop_survive_a_killed_worker(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    let job = begun(&store, "aaa").await;
    let claim = claimed(&store).await;
    let (lock, _) = locked(&store, &claim, "aaa").await;
    store.purge_progress(&lock, COUNTS, 5000).await.unwrap();
    let bo = Actor { name: "bo".into() };
    assert!(matches!(store.ask_to_stop(job.id, &bo).await.unwrap(), StopAsked::Yes(_)));
    assert!(matches!(store.ask_to_stop(job.id, &ada()).await.unwrap(), StopAsked::Yes(_)));
    store.release(claim).await.unwrap();

    let store = database.open().await;
    let claim = claimed(&store).await;
    let (second, purge) = locked(&store, &claim, "bbb").await;
    assert_eq!((purge.counts, purge.attempts, purge.stopped_by.as_ref()), (COUNTS, 2, Some(&bo)));
    assert_eq!((purge.redis.as_str(), purge.left()), ("bbb", 10), "it is known which one was counted last");
    assert_eq!(store.purge_progress(&second, COUNTS, 0).await.unwrap(), Some(bo));
    store.purge_progress(&lock, PurgeCounts::default(), 0).await.unwrap_err();
    assert_eq!(
        store.purge_of_job(job.id).await.unwrap().unwrap().counts,
        COUNTS,
        "the old worker writes nothing"
    );
    let activity = store.activity(&ActivityFilter::default(), None, 10).await.unwrap();
    assert_eq!(activity.iter().filter(|entry| entry.action == Action::Stop).count(), 1);
}

async fn a_stopped_purge_is_neither_done_nor_failed(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    let job = begun(&store, "aaa").await;
    let claim = claimed(&store).await;
    store.step_started(&claim, StepName::Purge, None).await.unwrap();
    store.step_stopped(&claim, StepName::Purge, "9 keys removed", "bo").await.unwrap();
    assert!(store.claim("test", LEASE).await.unwrap().is_none());
    let job = store.job(job.id).await.unwrap().unwrap();
    assert_eq!((job.state, job.steps[0].state), (JobState::Stopped, StepState::Stopped));
    let kinds: Vec<JobEventKind> =
        store.events(job.id, 1, 10).await.unwrap().into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [JobEventKind::StepStopped { step: StepName::Purge }, JobEventKind::Stopped]);
    let activity = &store.activity(&ActivityFilter::default(), None, 1).await.unwrap()[0];
    assert_eq!(
        (activity.detail.as_str(), &activity.outcome),
        ("9 keys removed", &Outcome::Stopped("bo".into()))
    );
    assert_eq!(store.retry(job.id, &ada()).await.unwrap(), Retried::NotFailed);
}

async fn only_a_purge_that_runs_is_stopped(database: &Database) {
    let store = database.open().await;
    store.create_service(&parameters("orders"), &staging(), &ada()).await.unwrap();
    let creation = claimed(&store).await;
    assert_eq!(store.ask_to_stop(creation.job.id, &ada()).await.unwrap(), StopAsked::NotStoppable);
    store.finish(creation, None).await.unwrap();
    let job = begun(&store, "aaa").await;
    store.finish(claimed(&store).await, None).await.unwrap();
    assert_eq!(store.ask_to_stop(job.id, &ada()).await.unwrap(), StopAsked::NotRunning);
}

async fn a_retried_purge_takes_its_redis_again_or_learns_who_has_it(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    let first = begun(&store, "aaa").await;
    store.step_failed(&claimed(&store).await, StepName::Purge, "No.").await.unwrap();
    let second = begun(&store, "aaa").await;
    let Retried::PurgeHeld(holder) = store.retry(first.id, &ada()).await.unwrap() else { panic!("retried") };
    assert_eq!(holder.job, second.id);
    assert_eq!(store.job(first.id).await.unwrap().unwrap().state, JobState::Failed);
    store.finish(claimed(&store).await, None).await.unwrap();
    assert!(matches!(store.retry(first.id, &ada()).await.unwrap(), Retried::Yes(_)));
    assert!(matches!(asked(&store, &staging(), "aaa").await, PurgeBegun::Held(_)));
}
