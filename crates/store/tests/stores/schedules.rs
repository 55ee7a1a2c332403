use crate::databases::Database;
use crate::fixtures::{ada, orders, production, staging, with_orders};
use crate::on_both_stores;
use fairway_domain::{Action, Outcome, PurgeSchedule, PurgeSelection, Timestamp};
use fairway_store::{ActivityFilter, NewActivity, NewPurge, NewSchedule, PurgeBegun, Store};

on_both_stores![
    a_schedule_is_on_record_with_all_that_was_agreed_to_until_it_is_removed,
    a_schedule_that_is_due_is_begun_once_however_many_look,
    a_schedule_that_can_not_be_done_says_why_and_waits_for_the_next_day,
];

async fn scheduled(store: &Store) -> PurgeSchedule {
    let new = NewSchedule {
        service: &orders(),
        environment: &staging(),
        selection: &PurgeSelection::matching("session:*".parse().unwrap()),
        reason: &"they are of yesterday".parse().unwrap(),
        most: 20,
        at: "03:00".parse().unwrap(),
        actor: &ada(),
        detail: "every day at 03:00 UTC",
    };
    store.add_schedule(&new).await.unwrap()
}

async fn begun(store: &Store, due: &PurgeSchedule) -> PurgeBegun {
    let new = NewPurge {
        service: &due.service,
        environment: &due.environment,
        redis: &"aaa".parse().unwrap(),
        selection: &due.selection,
        reason: &due.reason,
        expected: due.most,
        actor: &due.actor,
        detail: "every day at 03:00 UTC",
        schedule: Some(due),
    };
    store.begin_purge(&new).await.unwrap()
}

/// A day from now, when whatever is done every day is due.
fn tomorrow() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second() + 86_400).unwrap()
}

/// The schedule as if it had been due yesterday.
async fn overdue(database: &Database, store: &Store, added: &PurgeSchedule) -> PurgeSchedule {
    let before = added.next_at.as_millisecond() - 86_400_000;
    database.execute(&format!("UPDATE purge_schedules SET next_at = {before}")).await;
    let [due] = store.due_schedules(Timestamp::now()).await.unwrap().try_into().unwrap();
    due
}

async fn actions(store: &Store) -> Vec<Action> {
    let activity = store.activity(&ActivityFilter::default(), None, 10).await.unwrap();
    activity.into_iter().map(|entry| entry.action).filter(|action| *action != Action::Create).collect()
}

async fn a_schedule_is_on_record_with_all_that_was_agreed_to_until_it_is_removed(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    let schedule = scheduled(&store).await;
    assert_eq!((schedule.most, schedule.at.to_string().as_str(), &schedule.actor), (20, "03:00", &ada()));
    assert!(schedule.next_at > Timestamp::now() && schedule.next_at <= tomorrow());
    assert_eq!(store.schedules(&orders(), &staging()).await.unwrap(), std::slice::from_ref(&schedule));
    assert_eq!(store.schedules(&orders(), &production()).await.unwrap(), []);
    assert_eq!(store.due_schedules(Timestamp::now()).await.unwrap(), []);
    assert_eq!(store.due_schedules(tomorrow()).await.unwrap(), std::slice::from_ref(&schedule));

    let removed = store.remove_schedule(schedule.id, &ada(), |_| "no longer".into()).await.unwrap();
    assert_eq!(removed, Some(schedule.clone()));
    assert_eq!(store.schedules(&orders(), &staging()).await.unwrap(), []);
    assert_eq!(store.remove_schedule(schedule.id, &ada(), |_| String::new()).await.unwrap(), None);
    assert_eq!(actions(&store).await, [Action::Unschedule, Action::Schedule]);
    assert_eq!(begun(&store, &schedule).await, PurgeBegun::NotDue, "what was removed isn't begun");
}

async fn a_schedule_that_is_due_is_begun_once_however_many_look(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    let added = scheduled(&store).await;
    let due = overdue(database, &store, &added).await;
    let PurgeBegun::New(job) = begun(&store, &due).await else { panic!("it was due") };
    assert_eq!(begun(&store, &due).await, PurgeBegun::NotDue);
    let [schedule] = store.schedules(&orders(), &staging()).await.unwrap().try_into().unwrap();
    assert_eq!((schedule.last_job, schedule.next_at), (Some(job.id), added.next_at));
    assert_eq!(actions(&store).await, [Action::Purge, Action::Schedule]);
}

async fn a_schedule_that_can_not_be_done_says_why_and_waits_for_the_next_day(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    let added = scheduled(&store).await;
    let due = overdue(database, &store, &added).await;
    let record = NewActivity {
        actor: &ada(),
        action: Action::Purge,
        service: &orders(),
        environment: Some(&staging()),
        detail: "every day at 03:00 UTC",
        outcome: Outcome::Refused("More match.".into()),
        job: None,
    };
    store.skip_schedule(&due, &record).await.unwrap();
    store.skip_schedule(&due, &record).await.unwrap();
    assert_eq!(store.due_schedules(Timestamp::now()).await.unwrap(), []);
    assert_eq!(actions(&store).await, [Action::Purge, Action::Schedule], "said once");
}
