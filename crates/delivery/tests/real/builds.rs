use crate::surroundings::{builder, commit, folder, registry, registry_address, service, unique};
use fairway_delivery::Error;
use std::{sync::Arc, sync::Mutex, time::Duration};
use tempfile::TempDir;

/// A checkout with a Dockerfile on the Python base image.
fn checkout(instructions: &str) -> TempDir {
    let folder = folder();
    let dockerfile = format!("FROM {}/base/python:3\n{instructions}\n", registry_address());
    std::fs::write(folder.path().join("Dockerfile"), dockerfile).unwrap();
    folder
}

fn steps(log: &[String]) -> usize {
    log.iter().filter(|line| line.starts_with("STEP 1/")).count()
}

#[tokio::test]
async fn a_commit_is_built_and_pushed_once() {
    let (builder, service, commit) = (builder(), service(), commit());
    let line = unique("a line of the build ");
    let checkout = checkout(&format!("RUN echo {line}"));
    let (mut first, mut second) = (Vec::new(), Vec::new());

    let image = builder.build(&service, &commit, checkout.path(), |line| first.push(line)).await.unwrap();
    assert_eq!(steps(&first), 1, "{first:#?}");
    assert!(first.contains(&line), "{first:#?}");
    assert_eq!(image.repository, registry().image(&service));
    let stored = registry().digest(service.as_str(), commit.as_str()).await.unwrap();
    assert_eq!(stored.as_ref(), Some(&image.digest));

    let again = builder.build(&service, &commit, checkout.path(), |line| second.push(line)).await.unwrap();
    assert_eq!((again, steps(&second)), (image, 0), "{second:#?}");
}

#[tokio::test]
async fn two_who_ask_for_the_same_commit_get_one_build() {
    let (builder, service, commit) = (builder(), service(), commit());
    let checkout = checkout("RUN true");
    let (mut one, mut other) = (Vec::new(), Vec::new());
    let (first, second) = tokio::join!(
        builder.build(&service, &commit, checkout.path(), |line| one.push(line)),
        builder.build(&service, &commit, checkout.path(), |line| other.push(line)),
    );
    assert_eq!(first.unwrap(), second.unwrap());
    assert_eq!(steps(&one) + steps(&other), 1, "{one:#?} {other:#?}");
}

#[tokio::test]
async fn a_build_that_fails_says_why_and_leaves_no_image() {
    let (service, commit) = (service(), commit());
    let checkout = checkout("RUN echo the reason >&2; exit 3");
    let error = builder().build(&service, &commit, checkout.path(), |_| {}).await.unwrap_err();
    let Error::Build { tail, command, .. } = &error else { panic!("{error}") };
    assert!(tail.iter().any(|line| line == "the reason"), "{tail:#?}");
    assert!(error.to_string().contains("exit status 3"), "{error}");
    assert!(
        command.as_str().starts_with(&format!("git checkout --quiet {commit} && buildah build")),
        "{command}"
    );
    assert_eq!(registry().digest(service.as_str(), commit.as_str()).await.unwrap(), None);
}

#[tokio::test]
async fn a_build_that_nobody_waits_for_any_more_is_ended_with_all_its_processes() {
    let (builder, service, commit) = (builder(), service(), commit());
    let sign = unique("SIGN");
    let slow = checkout(&format!("RUN echo {sign} begins; sh -c 'sleep 300; : {sign}'"));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let task = tokio::spawn({
        let (builder, service, commit, seen) =
            (builder.clone(), service.clone(), commit.clone(), seen.clone());
        async move {
            builder.build(&service, &commit, slow.path(), move |line| seen.lock().unwrap().push(line)).await
        }
    });
    let begins = format!("{sign} begins");
    until("the build runs", || task.is_finished() || seen.lock().unwrap().contains(&begins)).await;
    assert!(!task.is_finished(), "it ended by itself: {:?}", task.await);
    assert_ne!(processes_with(&sign).len(), 0);
    task.abort();
    until("its processes are gone", || processes_with(&sign).is_empty()).await;

    builder.build(&service, &commit, checkout("RUN true").path(), |_| {}).await.unwrap();
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..600 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("not within a minute: {what}");
}

fn processes_with(sign: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| std::fs::read_to_string(entry.path().join("cmdline")).ok());
    lines.filter(|line| line.contains(sign)).collect()
}

#[tokio::test]
async fn a_registry_that_is_away_is_named() {
    let registry = fairway_delivery::Registry::new("127.0.0.1:9".into(), true);
    let error = registry.digest("orders", "latest").await.unwrap_err().to_string();
    assert!(error.contains("127.0.0.1:9") && error.contains("refused"), "{error}");
}

#[tokio::test]
async fn a_registry_that_is_there_knows_what_it_lacks() {
    assert_eq!(registry().digest("no-such-image", "latest").await.unwrap(), None);
}
