use crate::databases::Database;
use crate::fixtures::{ada, orders, production, staging};
use crate::on_both_stores;
use fairway_domain::{Action, Activity, Actor, Outcome};
use fairway_store::{ActivityFilter, NewActivity, Store};

on_both_stores![
    what_was_asked_stands_newest_first,
    every_word_filters,
    pages_join_without_a_gap_or_a_repetition,
    fifty_writers_in_two_processes_all_get_through,
    callers_who_go_away_leave_the_store_usable,
];

fn refused_purge<'a>(actor: &'a Actor, service: &'a fairway_domain::ServiceName) -> NewActivity<'a> {
    NewActivity {
        actor,
        action: Action::Purge,
        service,
        environment: None,
        detail: "every key",
        outcome: Outcome::Refused("Not purgeable.".into()),
        job: None,
    }
}

async fn details(store: &Store, filter: ActivityFilter) -> Vec<String> {
    let found = store.activity(&filter, None, 100).await.unwrap();
    found.into_iter().map(|activity| activity.detail).collect()
}

async fn what_was_asked_stands_newest_first(database: &Database) {
    let store = database.open().await;
    let unknown = "unknown".parse().unwrap();
    let first = store.record(&refused_purge(&ada(), &unknown)).await.unwrap();
    let second = store.record(&refused_purge(&ada(), &orders())).await.unwrap();
    assert_eq!(first.outcome, Outcome::Refused("Not purgeable.".into()));
    assert!(first.finished_at.is_some());
    assert_eq!(store.activity(&ActivityFilter::default(), None, 10).await.unwrap(), [second, first]);
}

async fn every_word_filters(database: &Database) {
    let store = database.open().await;
    let (bo, orders, invoices) = (Actor { name: "bo".into() }, orders(), "invoices".parse().unwrap());
    let (staging, production) = (staging(), production());
    let base = NewActivity { detail: "base", environment: Some(&staging), ..refused_purge(&bo, &orders) };
    let ada = ada();
    let each = [
        base.clone(),
        NewActivity { detail: "service", service: &invoices, ..base.clone() },
        NewActivity { detail: "environment", environment: Some(&production), ..base.clone() },
        NewActivity { detail: "actor", actor: &ada, ..base.clone() },
        NewActivity { detail: "action", action: Action::RollBack, ..base.clone() },
    ];
    for new in &each {
        store.record(new).await.unwrap();
    }
    let all = ActivityFilter::default;
    assert_eq!(details(&store, all()).await.len(), 5);
    let by = |filter| details(&store, filter);
    assert_eq!(by(ActivityFilter { service: Some(invoices.clone()), ..all() }).await, ["service"]);
    assert_eq!(by(ActivityFilter { environment: Some(production.clone()), ..all() }).await, ["environment"]);
    assert_eq!(by(ActivityFilter { actor: Some("ada".into()), ..all() }).await, ["actor"]);
    assert_eq!(by(ActivityFilter { action: Some(Action::RollBack), ..all() }).await, ["action"]);
    let two = ActivityFilter { service: Some(invoices.clone()), actor: Some("ada".into()), ..all() };
    assert_eq!(by(two).await, Vec::<String>::new());
}

async fn pages_join_without_a_gap_or_a_repetition(database: &Database) {
    let store = database.open().await;
    let mut asked = Vec::new();
    for _ in 0..25 {
        asked.push(store.record(&refused_purge(&ada(), &orders())).await.unwrap().id);
    }
    let (mut read, mut before) = (Vec::new(), None);
    loop {
        let page: Vec<Activity> = store.activity(&ActivityFilter::default(), before, 10).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        read.extend(page.iter().map(|activity| activity.id));
    }
    asked.reverse();
    assert_eq!(read, asked);
}

async fn fifty_writers_in_two_processes_all_get_through(database: &Database) {
    let (store, other_process) = (database.open().await, database.open().await);
    let writers = (0..50).map(|number| {
        let store = if number % 2 == 0 { store.clone() } else { other_process.clone() };
        tokio::spawn(async move {
            for _ in 0..5 {
                store.record(&refused_purge(&ada(), &orders())).await?;
            }
            Ok::<_, fairway_store::Error>(())
        })
    });
    for written in futures::future::join_all(writers).await {
        written.unwrap().unwrap();
    }
    assert_eq!(store.activity(&ActivityFilter::default(), None, 1000).await.unwrap().len(), 250);
}

async fn callers_who_go_away_leave_the_store_usable(database: &Database) {
    let store = database.open().await;
    for wait in 0..100 {
        let asking = {
            let store = store.clone();
            tokio::spawn(async move { store.record(&refused_purge(&ada(), &orders())).await.map(drop) })
        };
        tokio::time::sleep(std::time::Duration::from_micros(30 * wait)).await;
        asking.abort();
    }
    let patience = std::time::Duration::from_secs(10);
    let (actor, service) = (ada(), orders());
    let last = refused_purge(&actor, &service);
    tokio::time::timeout(patience, store.record(&last)).await.expect("the store answers").unwrap();
}
