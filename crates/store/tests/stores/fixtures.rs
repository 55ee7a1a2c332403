//! A service, commits and images to tell stories about.

use fairway_domain::{
    Action, Actor, Build, Commit, EnvironmentName, ImageReference, Job, Parameters, ParametersDraft,
    ServiceName, Timestamp,
};
use fairway_store::{Begun, Claim, Created, DeployJob, DeployRequest, EnqueuedBuild, NewJob, Store};
use serde_json::{Value, json};
use std::time::Duration;

pub(crate) const LEASE: Duration = Duration::from_secs(60);

pub(crate) fn ada() -> Actor {
    Actor { name: "ada".into() }
}

pub(crate) fn orders() -> ServiceName {
    "orders".parse().unwrap()
}

pub(crate) fn staging() -> EnvironmentName {
    "staging".parse().unwrap()
}

pub(crate) fn production() -> EnvironmentName {
    "production".parse().unwrap()
}

pub(crate) fn parameters(name: &str) -> Parameters {
    let draft = ParametersDraft {
        name: name.into(),
        team: "checkout".into(),
        description: "Takes orders".into(),
        ..ParametersDraft::sensible()
    };
    draft.parse().unwrap()
}

/// The commit whose id is `digit`, forty times.
pub(crate) fn commit(digit: char) -> Commit {
    Commit {
        sha: digit.to_string().repeat(40).parse().unwrap(),
        subject: format!("Change {digit}"),
        author: "Bo".into(),
        at: Timestamp::from_second(1_700_000_000).unwrap(),
    }
}

pub(crate) fn image(digit: char) -> ImageReference {
    ImageReference {
        repository: "127.0.0.1:5000/orders".into(),
        digest: format!("sha256:{}", digit.to_string().repeat(64)).parse().unwrap(),
    }
}

/// A store with the service *orders*, whose creation is done.
pub(crate) async fn with_orders(store: &Store) {
    let created = store.create_service(&parameters("orders"), &staging(), &ada()).await.unwrap();
    assert!(matches!(created, Created::New(_)));
    let claim = claimed(store).await;
    store.finish(claim, None).await.unwrap();
}

pub(crate) async fn claimed(store: &Store) -> Claim {
    store.claim("test", LEASE).await.unwrap().expect("a job waits")
}

/// A build of *orders* with an image.
pub(crate) async fn built(store: &Store, digit: char) -> Build {
    let enqueued = store.enqueue_build(&orders(), &commit(digit), &ada()).await.unwrap();
    let EnqueuedBuild::New(build, _) = enqueued else { panic!("{enqueued:?}") };
    let claim = claimed(store).await;
    store.finish_build(&claim, build.id, Some(&image(digit))).await.unwrap();
    store.finish(claim, None).await.unwrap();
    store.build(build.id).await.unwrap().unwrap()
}

/// A purge of *orders*: the job with one step.
pub(crate) async fn purge(store: &Store) -> Job {
    let new = NewJob {
        kind: fairway_domain::JobKind::Purge,
        service: &orders(),
        environment: Some(&staging()),
        request: &json!({"pattern": "session:*"}),
        actor: &ada(),
        action: Action::Purge,
        detail: "keys matching session:*",
    };
    store.enqueue(&new).await.unwrap()
}

pub(crate) async fn deploy_to(store: &Store, build: &Build, environment: &EnvironmentName) -> Begun {
    let request = DeployRequest {
        service: &orders(),
        environment,
        build,
        image: build.image.as_ref().unwrap(),
        chart_version: "1.0.0",
        rollback_of: None,
        changes: &[],
        actor: &ada(),
        job: DeployJob::New { request: &Value::Null, detail: "a deploy" },
    };
    store.begin_deploy(&request).await.unwrap()
}
