//! What is found in objects that a real cluster had when each trouble really happened (see `record`).

// Clippy's leave to unwrap in tests ends at the test functions themselves; these are what they call.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod recording;

use fairway_diagnosis::{CrashedContainer, Rollout, crashed_containers, rollout, status};
use fairway_domain::{Cause, Finding, Freshness, Health, ImageDigest};
use k8s_openapi::jiff::SignedDuration;
use recording::{Recording, recording};

/// The one finding of a recorded case.
fn only_finding(recording: &Recording) -> Finding {
    let status = status(&recording.observed());
    assert_eq!((status.health, status.findings.len()), (Health::Failing, 1), "{status:?}");
    status.findings.into_iter().next().unwrap()
}

fn evidence<'a>(finding: &'a Finding, label: &str) -> &'a str {
    let found = finding.evidence.iter().find(|evidence| evidence.label == label);
    &found.unwrap_or_else(|| panic!("no {label:?} in {finding:?}")).text
}

fn newest_digest(recording: &Recording) -> ImageDigest {
    status(&recording.observed()).digest.unwrap()
}

#[test]
fn a_crash_is_told_with_its_exit_code_and_last_words_from_the_deployment_down() {
    let recording = recording("crash");
    let finding = only_finding(&recording);
    assert_eq!(
        (finding.cause, finding.title.as_str()),
        (Cause::Crash, "The new version crashes: exit code 1")
    );
    assert_eq!(evidence(&finding, "Exit code"), "1");
    assert!(evidence(&finding, "Last log lines").contains("KeyError: 'ordres'"), "{finding:?}");
    assert_eq!(finding.impact, "The old version (9f8e7d1) keeps serving with 2 pods.");
    assert!(finding.next.ends_with("or roll back to 9f8e7d1."), "{}", finding.next);
    assert!(finding.since.is_some_and(|since| since < recording.now));
    let kinds: Vec<&str> = finding.path.iter().map(|object| object.kind.as_str()).collect();
    assert_eq!(kinds, ["Deployment", "ReplicaSet", "Pod", "container"]);
    assert!(finding.path[1].name.ends_with("(revision 2)"), "{:?}", finding.path);
    let command = format!("kubectl -n recorded-crash logs {} -c app --previous", finding.path[2].name);
    assert_eq!(finding.command.as_str(), command);
    let crashed = crashed_containers(&recording.observed());
    let pod = finding.path[2].name.clone();
    assert_eq!(crashed, [CrashedContainer { pod, container: "app".into(), previous: true, restarts: 2 }]);
}

#[test]
fn a_first_version_that_crashes_leaves_nothing_serving_and_both_pods_are_one_finding() {
    let finding = only_finding(&recording("crash-at-first"));
    assert_eq!((finding.cause, finding.title.as_str()), (Cause::Crash, "The service crashes: exit code 1"));
    assert_eq!(finding.impact, "Nothing serves: no pod is ready.");
    assert!(evidence(&finding, "Also affected").starts_with("orders-"));
    assert!(!finding.next.contains("roll back"), "{}", finding.next);
}

#[test]
fn a_missing_image_quotes_the_registrys_answer_and_nothing_else() {
    let recording = recording("image-missing");
    let finding = only_finding(&recording);
    assert_eq!(finding.cause, Cause::ImagePull);
    assert_eq!(finding.title, "The new version's image can't be pulled");
    let image = format!("127.0.0.1:5000/base/python:a1b2c3d{}", "0".repeat(33));
    assert_eq!(evidence(&finding, "The registry answered"), format!("{image}: not found"));
    assert_eq!(evidence(&finding, "Image"), image);
    assert_eq!(finding.next, "Build a1b2c3d again, or roll back to 9f8e7d1.");
    assert_eq!(status(&recording.observed()).sentence, "image not found");
}

#[test]
fn the_registrys_answer_is_found_in_the_events_once_the_container_only_says_that_it_backs_off() {
    let mut recording = recording("image-missing");
    for status in
        recording.pods.iter_mut().filter_map(|pod| pod.status.as_mut()?.container_statuses.as_mut()).flatten()
    {
        if let Some(waiting) = status.state.as_mut().and_then(|state| state.waiting.as_mut()) {
            waiting.reason = Some("ImagePullBackOff".into());
            waiting.message = Some("Back-off pulling image \"127.0.0.1:5000/orders:nope\"".into());
        }
    }
    assert!(evidence(&only_finding(&recording), "The registry answered").ends_with(": not found"));
    recording.events.clear();
    let finding = only_finding(&recording);
    assert_eq!(evidence(&finding, "The container runtime answered"), "ImagePullBackOff");
}

#[test]
fn a_registry_that_is_away_is_told_apart_from_an_image_that_is_missing() {
    let recording = recording("image-registry-away");
    let finding = only_finding(&recording);
    assert_eq!(finding.cause, Cause::ImagePull);
    assert!(
        evidence(&finding, "The container runtime answered").ends_with("connection refused"),
        "{finding:?}"
    );
    assert_eq!(status(&recording.observed()).sentence, "registry can't be reached");
}

#[test]
fn out_of_memory_quotes_the_limit() {
    let finding = only_finding(&recording("out-of-memory"));
    assert_eq!(finding.cause, Cause::OutOfMemory);
    assert_eq!(finding.title, "The new version was killed for using more memory than its limit of 64Mi");
    assert_eq!(evidence(&finding, "Memory limit"), "64Mi");
    assert_eq!(evidence(&finding, "Exit code"), "137 (SIGKILL)");
    assert_eq!(evidence(&finding, "Reason"), "OOMKilled");
}

#[test]
fn exit_code_137_without_a_reason_is_probably_memory_and_only_where_there_is_a_limit() {
    let mut recording = recording("killed");
    let finding = only_finding(&recording);
    assert_eq!(finding.cause, Cause::OutOfMemory);
    assert!(finding.title.contains("was probably killed"), "{}", finding.title);
    for container in recording.pods.iter_mut().flat_map(|pod| &mut pod.spec.as_mut().unwrap().containers) {
        container.resources = None;
    }
    let finding = only_finding(&recording);
    assert_eq!(finding.title, "The new version crashes: exit code 137 (SIGKILL)");
}

#[test]
fn a_pod_that_no_node_takes_quotes_the_schedulers_numbers_after_a_few_seconds() {
    let recording = recording("unschedulable");
    let finding = only_finding(&recording);
    assert_eq!(
        (finding.cause, finding.title.as_str()),
        (Cause::Unschedulable, "No node takes the new version's pod")
    );
    assert_eq!(evidence(&finding, "The scheduler says"), "0/1 nodes are available: 1 Insufficient cpu.");
    assert_eq!(evidence(&finding, "The pod asks for"), "cpu 100");
    assert_eq!(finding.path.len(), 3);
    let since = finding.since.unwrap();
    let at_once = Recording { now: since + SignedDuration::from_secs(1), ..recording };
    assert_eq!(status(&at_once.observed()).findings, []);
}

#[test]
fn a_probe_that_keeps_failing_is_quoted_with_its_count_once_the_start_has_had_its_time() {
    let recording = recording("never-ready");
    let finding = only_finding(&recording);
    assert_eq!(
        (finding.cause, finding.title.as_str()),
        (Cause::NeverReady, "The new version runs but never gets ready")
    );
    let answer = evidence(&finding, "The probe was answered");
    assert!(
        answer.starts_with("Readiness probe failed: HTTP probe failed with statuscode: 404 ("),
        "{answer}"
    );
    assert!(answer.contains(" times in ") && answer.ends_with(" s)"), "{answer}");
    assert_eq!(evidence(&finding, "Readiness probe"), "GET /healthz on port 8080");
    let started = finding.since.unwrap();
    let early = Recording { now: started + SignedDuration::from_secs(9), ..recording };
    let early = status(&early.observed());
    assert_eq!((early.health, early.findings.len()), (Health::Moving, 0));
}

#[test]
fn a_program_that_does_not_listen_is_waited_for_a_little_longer_where_its_startup_probe_allows_it() {
    let recording = recording("not-listening");
    let finding = only_finding(&recording);
    assert_eq!(
        (finding.cause, finding.title.as_str()),
        (Cause::NeverReady, "The service runs but never gets ready")
    );
    assert!(evidence(&finding, "The probe was answered").contains("connection refused"));
    let started = finding.since.unwrap();
    let early = Recording { now: started + SignedDuration::from_secs(15), ..recording };
    assert_eq!(status(&early.observed()).findings, []);
}

#[test]
fn a_container_that_its_liveness_probe_ends_is_not_called_a_crash() {
    let finding = only_finding(&recording("liveness"));
    assert_eq!(finding.cause, Cause::NeverReady);
    assert!(finding.title.ends_with("its liveness probe fails"), "{}", finding.title);
    assert!(evidence(&finding, "The probe was answered").contains("statuscode: 404"));
}

#[test]
fn configuration_that_names_something_missing_is_quoted() {
    let cases = [
        ("configmap-missing", "Kubernetes says", "configmap \"settings\" not found"),
        (
            "volume-missing",
            "Kubernetes says",
            "MountVolume.SetUp failed for volume \"state\" : secret \"keys\" not found",
        ),
        (
            "command-missing",
            "The container runtime answered",
            "exec: \"/app/serve\": stat /app/serve: no such file or directory",
        ),
    ];
    for (case, label, text) in cases {
        let finding = only_finding(&recording(case));
        assert_eq!((finding.cause, evidence(&finding, label)), (Cause::Configuration, text), "{case}");
    }
}

#[test]
fn pods_that_a_quota_forbids_are_told_from_the_deployment() {
    let finding = only_finding(&recording("quota"));
    assert_eq!(finding.cause, Cause::Refused);
    assert_eq!(finding.title, "Kubernetes refuses to create the new version's pods");
    assert!(
        evidence(&finding, "The API server answered")
            .contains("exceeded quota: memory, requested: limits.memory=600Mi")
    );
    assert_eq!(finding.path.len(), 2);
    assert_eq!(finding.command.as_str(), "kubectl -n recorded-quota describe deployment orders");
}

#[test]
fn the_deadline_is_named_only_where_nothing_explains_more() {
    let deadline = recording("deadline");
    let finding = only_finding(&deadline);
    assert_eq!(
        (finding.cause, finding.title.as_str()),
        (Cause::Deadline, "The new version made no progress within 5 s")
    );
    let mut both = recording("crash");
    both.deployment.as_mut().unwrap().status = deadline.deployment.unwrap().status;
    assert_eq!(only_finding(&both).cause, Cause::Crash);
}

#[test]
fn the_newest_revisions_cause_comes_before_an_old_ones() {
    let mut recording = recording("never-ready");
    // An old pod is out of memory, which alone would explain more.
    let oom = self::recording("out-of-memory");
    let killed = oom.pods.iter().find_map(|pod| {
        let status = pod.status.as_ref()?.container_statuses.as_ref()?.first()?;
        (status.restart_count > 0).then(|| status.clone())
    });
    let new = only_finding(&recording).path[2].name.clone();
    let old = recording.pods.iter_mut().find(|pod| pod.metadata.name.as_ref() != Some(&new)).unwrap();
    old.status.as_mut().unwrap().container_statuses = Some(vec![killed.unwrap()]);
    let status = status(&recording.observed());
    let causes: Vec<Cause> = status.findings.iter().map(|finding| finding.cause).collect();
    assert_eq!(causes, [Cause::NeverReady, Cause::OutOfMemory]);
    assert!(status.findings[1].title.starts_with("The old version"), "{}", status.findings[1].title);
    assert_eq!(status.sentence, "never gets ready");
}

#[test]
fn a_container_that_crashed_once_and_came_back_is_healthy_and_shows_its_restart() {
    let recording = recording("restarted-once");
    let status = status(&recording.observed());
    assert_eq!((status.health, status.findings.len()), (Health::Healthy, 0), "{status:?}");
    assert!(
        status.pods.iter().all(|pod| pod.restarts == 1 && pod.health == Health::Healthy),
        "{:?}",
        status.pods
    );
    assert_eq!(crashed_containers(&recording.observed()), []);
}

#[test]
fn containers_that_started_again_with_their_node_are_healthy() {
    let status = status(&recording("node-restarted").observed());
    assert_eq!((status.health, status.findings.len()), (Health::Healthy, 0), "{status:?}");
}

#[test]
fn pods_that_are_asked_to_end_are_no_failure() {
    let mut recording = recording("crash-at-first");
    let now = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(recording.now);
    for pod in &mut recording.pods {
        pod.metadata.deletion_timestamp = Some(now.clone());
    }
    let status = status(&recording.observed());
    assert_eq!((status.health, status.findings.len()), (Health::Moving, 0), "{status:?}");
    assert!(status.pods.iter().all(|pod| pod.reason == "Terminating"));
}

#[test]
fn a_rollout_that_moves_says_how_far_it_is() {
    let progressing = recording("progressing");
    let seen = status(&progressing.observed());
    assert_eq!((seen.health, seen.ready, seen.desired), (Health::Moving, 2, 2));
    assert_eq!(seen.sentence, "rolling out, 0 of 2 new pods ready, 2 old pods left");
    assert_eq!(seen.commit.unwrap().short(), "a1b2c3d");
    assert_eq!(seen.pods.iter().map(|pod| pod.new).collect::<Vec<_>>(), [true, false, false]);
    let waiting = rollout(&progressing.observed(), &newest_digest(&progressing));
    assert!(matches!(waiting, Rollout::Waiting { new_ready: 0, desired: 2, .. }), "{waiting:?}");
}

#[test]
fn one_replica_that_may_be_unavailable_is_not_done_before_its_new_pod_is_ready() {
    let recording = recording("one-replica-progressing");
    // helm --wait counts ready pods against replicas minus maxUnavailable, which is zero here.
    let deployment = recording.deployment.as_ref().unwrap();
    assert_eq!(deployment.spec.as_ref().unwrap().replicas, Some(1));
    let waiting = rollout(&recording.observed(), &newest_digest(&recording));
    assert!(matches!(waiting, Rollout::Waiting { new_ready: 0, desired: 1, .. }), "{waiting:?}");
    assert_eq!(status(&recording.observed()).health, Health::Moving);
}

#[test]
fn a_rollout_is_done_only_with_the_digest_that_was_asked_for() {
    let done = recording("done");
    let digest = newest_digest(&done);
    assert_eq!(rollout(&done.observed(), &digest), Rollout::Done);
    assert_eq!(status(&done.observed()).health, Health::Healthy);
    assert_eq!(status(&done.observed()).sentence, "2 of 2 pods ready");
    assert_eq!(status(&done.observed()).address.unwrap(), "http://orders.recorded-done.svc:8080");
    let other: ImageDigest = format!("sha256:{}", "0".repeat(64)).parse().unwrap();
    assert!(matches!(rollout(&done.observed(), &other), Rollout::Waiting { new_ready: 0, .. }));
}

#[test]
fn a_rollout_is_not_done_while_anything_that_says_so_is_older_than_the_request() {
    type Change = fn(&mut Recording);
    let digest = newest_digest(&recording("done"));
    let changes: [(&str, Change); 6] = [
        ("the controller hasn't seen the newest Deployment", |recording| {
            recording.deployment.as_mut().unwrap().metadata.generation = Some(99);
        }),
        ("the newest ReplicaSet isn't known yet", |recording| {
            let annotations = recording.deployment.as_mut().unwrap().metadata.annotations.as_mut().unwrap();
            annotations.insert("deployment.kubernetes.io/revision".into(), "3".into());
        }),
        ("a pod is not available", |recording| {
            recording.deployment.as_mut().unwrap().status.as_mut().unwrap().available_replicas = Some(1);
        }),
        ("a pod of the old revision is left", |recording| {
            recording.deployment.as_mut().unwrap().status.as_mut().unwrap().replicas = Some(3);
        }),
        ("a pod isn't ready", |recording| {
            let conditions = recording.pods[0].status.as_mut().unwrap().conditions.as_mut().unwrap();
            conditions.iter_mut().find(|condition| condition.type_ == "Ready").unwrap().status =
                "False".into();
        }),
        ("a pod isn't known yet", |recording| {
            recording.pods.remove(0);
        }),
    ];
    for (what, change) in changes {
        let mut recording = recording("done");
        change(&mut recording);
        let waiting = rollout(&recording.observed(), &digest);
        assert!(matches!(waiting, Rollout::Waiting { .. }), "{what}: {waiting:?}");
    }
}

#[test]
fn an_old_pod_that_is_still_ready_keeps_a_rollout_from_being_done() {
    let mut recording = recording("done");
    let digest = newest_digest(&recording);
    recording.pods.extend(self::recording("progressing").pods.into_iter().filter(|pod| {
        let labels = pod.metadata.labels.as_ref().unwrap();
        labels["app.kubernetes.io/version"].starts_with("9f8e7d1")
    }));
    let waiting = rollout(&recording.observed(), &digest);
    let Rollout::Waiting { sentence, new_ready: 2, desired: 2 } = waiting else { panic!("{waiting:?}") };
    assert_eq!(sentence, "rolling out, 2 of 2 new pods ready, 2 old pods left");
}

#[test]
fn a_rollout_in_trouble_is_stuck_with_its_finding_and_only_if_it_is_the_one_asked_for() {
    let recording = recording("crash");
    let stuck = rollout(&recording.observed(), &newest_digest(&recording));
    assert!(matches!(&stuck, Rollout::Stuck(finding) if finding.cause == Cause::Crash), "{stuck:?}");
    let next: ImageDigest = format!("sha256:{}", "1".repeat(64)).parse().unwrap();
    assert!(matches!(rollout(&recording.observed(), &next), Rollout::Waiting { .. }));
}

#[test]
fn a_service_that_is_scaled_to_nothing_is_stopped() {
    let status = status(&recording("stopped").observed());
    assert_eq!(
        (status.health, status.ready, status.desired, status.findings.len()),
        (Health::Stopped, 0, 0, 0)
    );
}

#[test]
fn a_cluster_that_is_away_is_unknown_with_its_last_state_and_never_zero() {
    let mut recording = recording("done");
    recording.freshness = Freshness::UnknownSince("2026-11-25T12:03:41Z".parse().unwrap());
    let seen = status(&recording.observed());
    assert_eq!((seen.health, seen.sentence.as_str()), (Health::Unknown, "unknown since 12:03"));
    assert_eq!((seen.ready, seen.desired, seen.pods.len()), (2, 2, 2));
    assert!(matches!(rollout(&recording.observed(), &newest_digest(&recording)), Rollout::Waiting { .. }));
    recording.freshness = Freshness::NeverSeen;
    recording.deployment = None;
    let never = status(&recording.observed());
    assert_eq!(never.health, Health::Unknown);
}

#[test]
fn a_service_without_a_deployment_is_not_deployed() {
    let mut recording = recording("done");
    recording.deployment = None;
    recording.replica_sets.clear();
    recording.pods.clear();
    let status = status(&recording.observed());
    assert_eq!((status.health, status.sentence.as_str()), (Health::Absent, "not deployed"));
    assert_eq!(status.command.as_str(), "kubectl -n recorded-done get deployment orders");
}
