use crate::databases::Database;
use crate::fixtures::{
    LEASE, ada, built, claimed, commit, deploy_to, image, orders, parameters, production, staging,
    with_orders,
};
use crate::on_both_stores;
use fairway_domain::{
    Action, Cause, Deploy, DeployNumber, DeployState, Finding, JobState, ShellCommand, StepName,
};
use fairway_store::{ActivityFilter, Begun, DeployJob, DeployRequest, Error, Locked, Retried, Store};
use serde_json::Value;
use std::time::Duration;

on_both_stores![
    a_deploy_holds_its_environment_until_its_verdict,
    fifty_who_deploy_at_once_leave_one_deploy,
    another_environment_has_a_lock_of_its_own,
    numbers_count_from_one_within_a_service_without_gaps,
    a_verdict_keeps_its_finding,
    a_failed_job_leaves_no_lock_behind,
    a_worker_that_lost_its_lease_gives_no_verdict,
    a_retried_deploy_takes_the_lock_again,
    a_retry_is_refused_while_another_deploy_runs,
    a_creations_first_deploy_is_begun_once,
    a_rollback_is_told_from_a_deploy,
    the_newest_deploys_of_all_services_are_found,
];

fn new(begun: Begun) -> Deploy {
    match begun {
        Begun::New(deploy, _) => deploy,
        Begun::Held(holder) => panic!("held by {holder:?}"),
    }
}

fn held(begun: Begun) -> Deploy {
    match begun {
        Begun::Held(holder) => holder,
        Begun::New(deploy, _) => panic!("begun: {deploy:?}"),
    }
}

fn finding() -> Finding {
    Finding {
        cause: Cause::ImagePull,
        title: "The new version's image can't be pulled".into(),
        path: vec![],
        evidence: vec![],
        impact: "The old version keeps serving.".into(),
        next: "Build it again.".into(),
        command: ShellCommand::new("kubectl", ["get", "pods"]),
        since: None,
    }
}

/// Works the waiting deploy through to its verdict.
async fn conclude(store: &Store, verdict: Result<(), Option<&Finding>>) {
    let claim = claimed(store).await;
    let Locked::Yes(lock, _) = store.lock_deploy(&claim).await.unwrap() else { panic!("held") };
    store.deploy_released(&lock, 7).await.unwrap();
    store.finish_deploy(lock, verdict).await.unwrap();
    match verdict {
        Ok(()) => store.finish(claim, None).await.unwrap(),
        Err(_) => store.step_failed(&claim, StepName::Ready, "It never got ready.").await.unwrap(),
    }
}

async fn a_deploy_holds_its_environment_until_its_verdict(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    let build = built(&store, 'a').await;
    let deploy = new(deploy_to(&store, &build, &staging()).await);
    assert_eq!((deploy.state, deploy.revision, &deploy.image), (DeployState::Running, None, &image('a')));
    assert_eq!(deploy.commit, commit('a'));
    assert_eq!(held(deploy_to(&store, &build, &staging()).await), deploy);
    assert_eq!(store.running_deploy(&orders(), &staging()).await.unwrap(), Some(deploy.clone()));

    conclude(&store, Ok(())).await;
    let done = store.deploy_of_job(deploy.job).await.unwrap().unwrap();
    assert_eq!((done.state, done.revision), (DeployState::Succeeded, Some(7)));
    assert_eq!(store.last_succeeded_deploy(&orders(), &staging(), None).await.unwrap(), Some(done.clone()));
    assert_eq!(store.last_succeeded_deploy(&orders(), &staging(), Some(done.number)).await.unwrap(), None);
    assert_eq!(store.running_deploy(&orders(), &staging()).await.unwrap(), None);
    new(deploy_to(&store, &build, &staging()).await);
}

async fn fifty_who_deploy_at_once_leave_one_deploy(database: &Database) {
    let (store, other_process) = (database.open().await, database.open().await);
    with_orders(&store).await;
    let build = built(&store, 'a').await;
    let asked = (0..50).map(|number| {
        let store = if number % 2 == 0 { store.clone() } else { other_process.clone() };
        let build = build.clone();
        tokio::spawn(async move { deploy_to(&store, &build, &staging()).await })
    });
    let answers: Vec<Begun> =
        futures::future::join_all(asked).await.into_iter().map(Result::unwrap).collect();
    let new = answers.iter().filter(|answer| matches!(answer, Begun::New(..))).count();
    assert_eq!(new, 1);
    let deploys = store.deploys(&orders(), None, 100).await.unwrap();
    assert_eq!(deploys.len(), 1);
    assert!(answers.into_iter().all(|answer| match answer {
        Begun::Held(holder) => holder.id == deploys[0].id,
        Begun::New(deploy, job) => deploy.id == deploys[0].id && deploy.job == job.id,
    }));
}

async fn another_environment_has_a_lock_of_its_own(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    let build = built(&store, 'a').await;
    new(deploy_to(&store, &build, &staging()).await);
    new(deploy_to(&store, &build, &production()).await);
    let on_production = store.deploys(&orders(), Some(&production()), 10).await.unwrap();
    assert_eq!(on_production.len(), 1);
    assert_eq!(on_production[0].number, DeployNumber(2));
}

async fn numbers_count_from_one_within_a_service_without_gaps(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    let build = built(&store, 'a').await;
    for expected in 1..=3 {
        let deploy = new(deploy_to(&store, &build, &staging()).await);
        assert_eq!(deploy.number, DeployNumber(expected));
        held(deploy_to(&store, &build, &staging()).await);
        conclude(&store, Ok(())).await;
    }
    let second = store.deploy_by_number(&orders(), DeployNumber(2)).await.unwrap().unwrap();
    assert_eq!(second.number, DeployNumber(2));
    assert_eq!(store.deploy_by_number(&orders(), DeployNumber(4)).await.unwrap(), None);
}

async fn a_verdict_keeps_its_finding(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    let build = built(&store, 'a').await;
    let deploy = new(deploy_to(&store, &build, &staging()).await);
    conclude(&store, Err(Some(&finding()))).await;
    let done = store.deploy_by_number(&orders(), deploy.number).await.unwrap().unwrap();
    assert_eq!((done.state, done.finding), (DeployState::Failed, Some(finding())));
    assert_eq!(store.last_succeeded_deploy(&orders(), &staging(), None).await.unwrap(), None);
}

async fn a_failed_job_leaves_no_lock_behind(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    let build = built(&store, 'a').await;
    new(deploy_to(&store, &build, &staging()).await);
    store.step_failed(&claimed(&store).await, StepName::Release, "helm failed.").await.unwrap();
    assert_eq!(store.running_deploy(&orders(), &staging()).await.unwrap(), None);
    new(deploy_to(&store, &build, &staging()).await);
}

async fn a_worker_that_lost_its_lease_gives_no_verdict(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    let build = built(&store, 'a').await;
    new(deploy_to(&store, &build, &staging()).await);
    let old = store.claim("old", Duration::ZERO).await.unwrap().unwrap();
    let Locked::Yes(lock, _) = store.lock_deploy(&old).await.unwrap() else { panic!("held") };
    let _new = store.claim("new", LEASE).await.unwrap().unwrap();
    assert!(matches!(store.deploy_released(&lock, 1).await, Err(Error::LeaseLost(_))));
    assert!(matches!(store.finish_deploy(lock, Ok(())).await, Err(Error::LeaseLost(_))));
    let deploy = store.running_deploy(&orders(), &staging()).await.unwrap().unwrap();
    assert_eq!(deploy.revision, None);
}

async fn a_retried_deploy_takes_the_lock_again(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    let build = built(&store, 'a').await;
    let deploy = new(deploy_to(&store, &build, &staging()).await);
    conclude(&store, Err(Some(&finding()))).await;
    let retried = store.retry(deploy.job, &ada()).await.unwrap();
    assert!(matches!(retried, Retried::Yes(_)));
    let running = store.running_deploy(&orders(), &staging()).await.unwrap().unwrap();
    assert_eq!((running.id, running.finding), (deploy.id, None));
    conclude(&store, Ok(())).await;
    let done = store.deploy_of_job(deploy.job).await.unwrap().unwrap();
    assert_eq!((done.state, done.number), (DeployState::Succeeded, deploy.number));
}

async fn a_retry_is_refused_while_another_deploy_runs(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    let build = built(&store, 'a').await;
    let failed = new(deploy_to(&store, &build, &staging()).await);
    conclude(&store, Err(None)).await;
    let other = new(deploy_to(&store, &build, &staging()).await);
    let retried = store.retry(failed.job, &ada()).await.unwrap();
    assert_eq!(retried, Retried::Held(Box::new(other)));
    assert_eq!(store.job(failed.job).await.unwrap().unwrap().state, JobState::Failed);
}

async fn a_creations_first_deploy_is_begun_once(database: &Database) {
    let store = database.open().await;
    store.create_service(&parameters("orders"), &staging(), &ada()).await.unwrap();
    let claim = claimed(&store).await;
    let build = store.begin_build(&claim, &commit('a')).await.unwrap();
    store.finish_build(&claim, build.id, Some(&image('a'))).await.unwrap();
    let request = DeployRequest {
        service: &orders(),
        environment: &staging(),
        build: &build,
        image: &image('a'),
        chart_version: "1.0.0",
        rollback_of: None,
        changes: &[],
        actor: &ada(),
        job: DeployJob::Existing(&claim),
    };
    let first = new(store.begin_deploy(&request).await.unwrap());
    let again = new(store.begin_deploy(&request).await.unwrap());
    assert_eq!(first, again);
    assert_eq!((first.job, first.number), (claim.job.id, DeployNumber(1)));
    store.finish(claim, None).await.unwrap();
    let done = store.deploy_of_job(first.job).await.unwrap().unwrap();
    assert_eq!(done.state, DeployState::Succeeded, "a job's end is its deploy's");
}

async fn a_rollback_is_told_from_a_deploy(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    let build = built(&store, 'a').await;
    let request = DeployRequest {
        service: &orders(),
        environment: &production(),
        build: &build,
        image: &image('a'),
        chart_version: "1.0.0",
        rollback_of: Some(DeployNumber(3)),
        changes: &[],
        actor: &ada(),
        job: DeployJob::New { request: &Value::Null, detail: "to deploy 3" },
    };
    let deploy = new(store.begin_deploy(&request).await.unwrap());
    assert_eq!(deploy.rollback_of, Some(DeployNumber(3)));
    let record = &store.activity(&ActivityFilter::default(), None, 1).await.unwrap()[0];
    assert_eq!((record.action, record.detail.as_str()), (Action::RollBack, "to deploy 3"));
    assert_eq!(record.environment, Some(production()));
}

async fn the_newest_deploys_of_all_services_are_found(database: &Database) {
    let store = database.open().await;
    with_orders(&store).await;
    let build = built(&store, 'a').await;
    new(deploy_to(&store, &build, &staging()).await);
    let newest = new(deploy_to(&store, &build, &production()).await);
    assert_eq!(store.newest_deploys().await.unwrap(), [newest]);
}
