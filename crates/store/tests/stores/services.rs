use crate::databases::Database;
use crate::fixtures::{ada, claimed, orders, parameters, staging};
use crate::on_both_stores;
use fairway_domain::{JobKind, JobState, Parameters, StepName, StepState};
use fairway_store::{ActivityFilter, Created, Error, Store};

on_both_stores![
    a_new_service_comes_with_the_job_that_makes_it,
    a_taken_name_changes_nothing,
    fifty_who_ask_for_one_name_get_it_once,
    services_are_listed_by_name,
    a_store_opened_again_knows_what_it_knew,
    a_row_that_does_not_parse_is_named,
    every_change_is_announced_and_only_changes_are,
];

async fn a_new_service_comes_with_the_job_that_makes_it(database: &Database) {
    let store = database.open().await;
    let created = store.create_service(&parameters("orders"), &staging(), &ada()).await.unwrap();
    let Created::New(job) = created else { panic!("taken") };
    assert_eq!((job.kind, job.state), (JobKind::Create, JobState::Running));
    assert_eq!(job.environment, Some(staging()));
    let steps: Vec<StepName> = job.steps.iter().map(|step| step.name).collect();
    assert_eq!(steps, JobKind::Create.steps());
    assert!(job.steps.iter().all(|step| step.state == StepState::Pending));
    assert_eq!(store.job(job.id).await.unwrap().unwrap(), job);

    let service = store.service(&orders()).await.unwrap().unwrap();
    assert_eq!(service.parameters, parameters("orders"));
    let request = claimed(&store).await.request;
    assert_eq!(serde_json::from_value::<Parameters>(request).unwrap(), parameters("orders"));
}

async fn a_taken_name_changes_nothing(database: &Database) {
    let store = database.open().await;
    store.create_service(&parameters("orders"), &staging(), &ada()).await.unwrap();
    let other = Parameters { description: "Something else".into(), ..parameters("orders") };
    assert_eq!(store.create_service(&other, &staging(), &ada()).await.unwrap(), Created::Taken);
    assert_eq!(store.service(&orders()).await.unwrap().unwrap().parameters, parameters("orders"));
    assert_eq!(store.activity(&ActivityFilter::default(), None, 10).await.unwrap().len(), 1);
}

async fn fifty_who_ask_for_one_name_get_it_once(database: &Database) {
    let store = database.open().await;
    let asked = futures::future::join_all((0..50).map(|_| {
        let store = store.clone();
        tokio::spawn(
            async move { store.create_service(&parameters("orders"), &staging(), &ada()).await.unwrap() },
        )
    }))
    .await;
    let new = asked.into_iter().filter(|answer| matches!(answer, Ok(Created::New(_)))).count();
    assert_eq!(new, 1);
}

async fn services_are_listed_by_name(database: &Database) {
    let store = database.open().await;
    for name in ["orders", "a-b", "ab", "invoices"] {
        store.create_service(&parameters(name), &staging(), &ada()).await.unwrap();
    }
    let services = store.services().await.unwrap();
    let names: Vec<&str> = services.iter().map(|service| service.parameters.name.as_str()).collect();
    assert_eq!(names, ["a-b", "ab", "invoices", "orders"]);
}

async fn a_store_opened_again_knows_what_it_knew(database: &Database) {
    let store = database.open().await;
    store.create_service(&parameters("orders"), &staging(), &ada()).await.unwrap();
    store.close().await;
    assert!(!store.ready().await);
    let again = database.open().await;
    assert!(again.ready().await);
    assert_eq!(again.services().await.unwrap().len(), 1);
}

async fn a_row_that_does_not_parse_is_named(database: &Database) {
    let store = database.open().await;
    store.create_service(&parameters("orders"), &staging(), &ada()).await.unwrap();
    database.execute("UPDATE services SET parameters = '{}'").await;
    let error = store.service(&orders()).await.unwrap_err();
    let Error::Corrupt { table, id, column, .. } = error else { panic!("{error}") };
    assert_eq!((table, id.as_str(), column), ("services", "orders", "parameters"));
}

async fn every_change_is_announced_and_only_changes_are(database: &Database) {
    let store = database.open().await;
    let mut changed = store.changed();
    store.services().await.unwrap();
    assert!(!changed.has_changed().unwrap());
    store.create_service(&parameters("orders"), &staging(), &ada()).await.unwrap();
    assert!(changed.has_changed().unwrap());
    changed.mark_unchanged();
    store.create_service(&parameters("orders"), &staging(), &ada()).await.unwrap();
    assert!(!changed.has_changed().unwrap(), "a refusal is no change");
}

#[tokio::test]
async fn a_url_of_another_database_is_refused() {
    let Err(error) = Store::open("mysql://localhost/fairway").await else { panic!("opened") };
    assert!(matches!(error, Error::UnknownDatabase(_)), "{error}");
}
