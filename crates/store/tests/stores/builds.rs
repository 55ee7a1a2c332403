use crate::databases::Database;
use crate::fixtures::{ada, built, claimed, commit, image, orders, parameters, staging, with_orders};
use crate::on_both_stores;
use fairway_domain::BuildState;
use fairway_store::{ActivityFilter, EnqueuedBuild};
use serde_json::json;

on_both_stores![
    a_commit_is_built_once,
    fifty_pushes_of_one_commit_make_one_build,
    a_creation_begins_its_build_once_however_often_its_step_is_repeated,
    builds_are_listed_newest_first,
];

async fn a_commit_is_built_once(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    let asked = store.enqueue_build(&orders(), &commit('a'), &ada()).await.unwrap();
    let EnqueuedBuild::New(build, job) = asked else { panic!("{asked:?}") };
    assert_eq!((build.job, build.state, &build.commit), (job.id, BuildState::Running, &commit('a')));
    let again = store.enqueue_build(&orders(), &commit('a'), &ada()).await.unwrap();
    assert_eq!(again, EnqueuedBuild::Existing(build.clone()));

    let claim = claimed(&store).await;
    assert_eq!((claim.job.id, &claim.request), (job.id, &json!({"build": build.id})));
    store.finish_build(&claim, build.id, Some(&image('a'))).await.unwrap();
    let done = store.build_of(&orders(), &commit('a').sha).await.unwrap().unwrap();
    assert_eq!((done.state, done.image), (BuildState::Succeeded, Some(image('a'))));
    assert!(done.finished_at.is_some());
}

async fn fifty_pushes_of_one_commit_make_one_build(database: &Database) {
    let (store, other_process) = (database.open().await, database.open().await);
    with_orders(&store).await;
    let pushes = (0..50).map(|number| {
        let store = if number % 2 == 0 { store.clone() } else { other_process.clone() };
        tokio::spawn(async move { store.enqueue_build(&orders(), &commit('a'), &ada()).await.unwrap() })
    });
    let answers = futures::future::join_all(pushes).await;
    let new = answers.iter().filter(|answer| matches!(answer, Ok(EnqueuedBuild::New(..)))).count();
    assert_eq!(new, 1);
    let asked = store.activity(&ActivityFilter::default(), None, 100).await.unwrap();
    assert_eq!(asked.len(), 2, "its creation and one build");
}

async fn a_creation_begins_its_build_once_however_often_its_step_is_repeated(database: &Database) {
    let store = database.open().await;
    store.create_service(&parameters("orders"), &staging(), &ada()).await.unwrap();
    let claim = claimed(&store).await;
    let first = store.begin_build(&claim, &commit('a')).await.unwrap();
    let again = store.begin_build(&claim, &commit('a')).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(first.job, claim.job.id);
}

async fn builds_are_listed_newest_first(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    for digit in ['a', 'b', 'c'] {
        built(&store, digit).await;
    }
    let builds = store.builds(&orders(), 2).await.unwrap();
    let shas: Vec<&str> = builds.iter().map(|build| build.commit.sha.short()).collect();
    assert_eq!(shas, ["ccccccc", "bbbbbbb"]);
}
