//! Everything that a service's pods say: all their containers, whatever becomes of them.

use crate::fixture::{Fixture, deployment, in_namespace, names, orders, take_until};
use crate::logs::follow_all;
use fairway_domain::{Level, LogEntry, LogMarker, LogPosition, LogRequest, LogStatus, Timestamp};
use fairway_kubernetes::ClusterState;
use futures::StreamExt;
use serde_json::json;
use std::time::Duration;

/// The lines of a container, and how it ended.
fn of<'a>(got: &'a [(LogPosition, LogEntry)], container: &str) -> Vec<&'a str> {
    let shown = |entry: &&LogEntry| matches!(entry.marker, None | Some(LogMarker::Ended));
    got.iter()
        .map(|(_, entry)| entry)
        .filter(shown)
        .filter(|entry| *entry.container == *container)
        .map(|entry| &*entry.text)
        .collect()
}

#[test]
fn all_containers_of_a_pod_are_read_those_that_run_first_too_and_each_says_its_revision() {
    in_namespace(|fixture| async move {
        let state = fixture.watch();
        let mut manifest = deployment(1, "import time; print('serving', flush=True); time.sleep(3600)");
        let spec = &mut manifest["spec"]["template"]["spec"];
        let image = spec["containers"][0]["image"].clone();
        let container = |name: &str, program: &str| json!({ "name": name, "image": image, "command": ["python3", "-u", "-c", program] });
        spec["initContainers"] = json!([container("migrate", "print('one'); print('two')")]);
        let sidecar = container("proxy", "import time; print('listening', flush=True); time.sleep(3600)");
        spec["containers"].as_array_mut().unwrap().push(sidecar);
        fixture.apply(manifest).await;

        let mut stream = Box::pin(fixture.logs(&state, follow_all()));
        let all_spoke = |got: &[(LogPosition, LogEntry)]| {
            !of(got, "app").is_empty() && !of(got, "proxy").is_empty() && of(got, "migrate").len() == 3
        };
        let got = take_until(&mut stream, all_spoke).await;
        assert_eq!(of(&got, "migrate"), ["one", "two", "exited with code 0 (Completed)"]);
        assert_eq!(of(&got, "app"), ["serving"]);
        assert_eq!(of(&got, "proxy"), ["listening"]);
        let lines = got.iter().filter(|(_, entry)| entry.marker.is_none());
        assert!(lines.clone().all(|(_, entry)| entry.revision == Some(1)), "{got:?}");

        // Who resumes in the middle gets the rest of each container, once.
        let all: Vec<_> = fixture.logs(&state, LogRequest::default()).collect().await;
        for cut in 0..all.len() {
            let after = LogRequest { after: Some(all[cut].0.clone()), ..LogRequest::default() };
            let rest: Vec<_> = fixture.logs(&state, after).map(|(_, entry)| entry.text).collect().await;
            let expected: Vec<_> = all[cut + 1..].iter().map(|(_, entry)| entry.text.clone()).collect();
            assert_eq!(rest, expected, "after entry {cut}");
        }
    });
}

/// Reads on and on, a few entries at a time, as somebody whose connection breaks all the time.
async fn read_in_pieces(
    fixture: &Fixture,
    state: &ClusterState,
    done: impl Fn(&[(LogPosition, LogEntry)]) -> bool,
) -> Vec<(LogPosition, LogEntry)> {
    let mut got: Vec<(LogPosition, LogEntry)> = Vec::new();
    let reading = async {
        while !done(&got) {
            let after = got.last().map(|(position, _)| position.clone());
            let request = LogRequest { after, ..follow_all() };
            got.extend(fixture.logs(state, request).take(7).collect::<Vec<_>>().await);
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(90), reading).await.is_ok();
    assert!(in_time, "waited in vain after {got:?}");
    got
}

fn marked(got: &[(LogPosition, LogEntry)], marker: LogMarker) -> Vec<&LogEntry> {
    got.iter().map(|(_, entry)| entry).filter(|entry| entry.marker == Some(marker)).collect()
}

#[test]
fn how_many_of_the_containers_are_read_is_told_as_it_changes() {
    in_namespace(|fixture| async move {
        let state = fixture.watch();
        let mut manifest = deployment(2, TICKING);
        let spec = &mut manifest["spec"]["template"]["spec"];
        let mut once = spec["containers"][0].clone();
        once["name"] = json!("migrate");
        once["command"] = json!(["python3", "-c", "print('done')"]);
        spec["initContainers"] = json!([once]);
        fixture.apply(manifest).await;
        fixture.until(&state, "two pods", |objects| names(objects).len() == 2).await;

        let told =
            |status: &LogStatus| (status.pods_read, status.pods, status.containers_read, status.containers);
        let mut statuses = Box::pin(fixture.cluster.log_status(&state, &fixture.namespace, &orders()));
        let seen = take_until(&mut statuses, |seen| seen.last().map(told) == Some((2, 2, 2, 2))).await;
        assert!(seen.last().unwrap().since.is_some(), "{seen:?}");
        let fewer = deployment(1, TICKING);
        fixture.apply(fewer).await;
        let seen = take_until(&mut statuses, |seen| seen.last().map(told) == Some((1, 1, 1, 1))).await;
        assert!(seen.iter().all(|status| status.gaps == 0), "{seen:?}");
    });
}

const TICKING: &str = "import time\nwhile True: print('tick', flush=True); time.sleep(0.05)";

#[test]
fn a_rollout_is_told_between_the_lines_each_pod_joins_and_leaves_once() {
    in_namespace(|fixture| async move {
        let state = fixture.watch();
        fixture.deploy(2, TICKING).await;
        fixture.until(&state, "two pods", |objects| names(objects).len() == 2).await;
        fixture.cluster.restart(&fixture.namespace, "orders", Timestamp::now()).await.unwrap();
        let got = read_in_pieces(&fixture, &state, |got| marked(got, LogMarker::Left).len() == 2).await;

        let joined = marked(&got, LogMarker::Joined);
        let mut pods: Vec<_> = joined.iter().map(|entry| (entry.revision, &*entry.pod)).collect();
        pods.sort_unstable();
        pods.dedup();
        let revisions: Vec<_> = pods.iter().map(|(revision, _)| *revision).collect();
        assert_eq!(revisions, [Some(1), Some(1), Some(2), Some(2)], "{joined:?}");
        assert_eq!(joined.len(), 4, "{joined:?}");
        assert!(marked(&got, LogMarker::Left).iter().all(|entry| entry.revision == Some(1)));
        for (_, pod) in pods {
            let first = got.iter().map(|(_, entry)| entry).find(|entry| *entry.pod == *pod);
            assert!(
                first.is_some_and(|entry| matches!(entry.marker, Some(LogMarker::Joined | LogMarker::Event)))
            );
        }
        assert_eq!(marked(&got, LogMarker::Gap), Vec::<&LogEntry>::new());
    });
}

#[test]
fn a_probe_that_fails_again_and_again_is_told_with_the_restarts_it_brings_each_once() {
    in_namespace(|fixture| async move {
        let state = fixture.watch();
        let program = "import sys, time; print('started', file=sys.stderr, flush=True); time.sleep(3600)";
        let mut manifest = deployment(1, program);
        manifest["spec"]["template"]["spec"]["containers"][0]["livenessProbe"] = json!({ "exec": { "command": ["python3", "-c", "raise SystemExit('not well')"] }, "periodSeconds": 1, "failureThreshold": 1 });
        fixture.apply(manifest).await;
        let starts = |got: &[(LogPosition, LogEntry)]| {
            got.iter().filter(|(_, entry)| entry.marker.is_none() && entry.text == "started").count()
        };
        let got = read_in_pieces(&fixture, &state, |got| {
            starts(got) == 2 && got.iter().any(|(_, e)| e.restart == 1)
        })
        .await;
        let story: Vec<_> = of(&got, "app").into_iter().filter(|text| !text.contains(':')).collect();
        assert!(
            matches!(*story, ["started", ended, "started", ..] if ended.starts_with("exited with code")),
            "{story:?}"
        );
        let reports = marked(&got, LogMarker::Event);
        let failed = |entry: &&&LogEntry| entry.text.starts_with("Unhealthy: Liveness probe failed");
        let failed: Vec<_> = reports.iter().filter(failed).collect();
        assert!(!failed.is_empty(), "{reports:?}");
        assert!(failed.iter().all(|entry| entry.level == Level::Warn && &*entry.container == "app"));
        let mut told: Vec<_> = reports.iter().map(|entry| (&entry.pod, &entry.text, entry.at)).collect();
        told.sort_unstable();
        told.dedup();
        assert_eq!(told.len(), reports.len(), "each report once: {reports:?}");
    });
}
