//! Objects with missing fields: an API server may leave out nearly all of them.

// Clippy's leave to unwrap in tests ends at the test functions themselves; these are what they call.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod recording;

use fairway_diagnosis::{crashed_containers, rollout, status};
use fairway_domain::{Health, ImageDigest};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Event, Pod, Service};
use recording::recording;
use serde_json::{Value, json};

#[test]
fn empty_objects_are_read_without_a_panic() {
    let mut recording = recording("done");
    recording.deployment = Some(Deployment::default());
    recording.replica_sets = vec![ReplicaSet::default(); 2];
    recording.pods = vec![Pod::default(); 2];
    recording.events = vec![Event::default()];
    recording.service = Some(Service::default());
    assert_eq!(status(&recording.observed()).findings, []);
    recording.replica_sets.clear();
    recording.deployment = None;
    assert_eq!(status(&recording.observed()).health, Health::Absent);
}

/// Takes each field out of each object in turn, in every case, and asks everything.
#[test]
fn any_single_field_may_be_missing() {
    let digest: ImageDigest = format!("sha256:{}", "0".repeat(64)).parse().unwrap();
    for case in ["crash", "image-missing", "never-ready", "liveness", "quota", "unschedulable", "done"] {
        let whole = recording(case);
        for index in 0..whole.pods.len() {
            each_without_a_field(&whole.pods[index], |pod| {
                let mut recording = recording_with(case, &whole);
                recording.pods[index] = pod;
                ask(&recording, &digest);
            });
        }
        each_without_a_field(whole.deployment.as_ref().unwrap(), |deployment| {
            let mut recording = recording_with(case, &whole);
            recording.deployment = Some(deployment);
            ask(&recording, &digest);
        });
        for index in 0..whole.replica_sets.len() {
            each_without_a_field(&whole.replica_sets[index], |set| {
                let mut recording = recording_with(case, &whole);
                recording.replica_sets[index] = set;
                ask(&recording, &digest);
            });
        }
    }
}

fn recording_with(case: &str, whole: &recording::Recording) -> recording::Recording {
    recording::Recording {
        name: whole.name.clone(),
        environment: whole.environment.clone(),
        namespace: format!("recorded-{case}").parse().unwrap(),
        freshness: whole.freshness,
        deployment: whole.deployment.clone(),
        replica_sets: whole.replica_sets.clone(),
        pods: whole.pods.clone(),
        events: whole.events.clone(),
        service: whole.service.clone(),
        last_words: whole.last_words.clone(),
        now: whole.now,
    }
}

fn ask(recording: &recording::Recording, digest: &ImageDigest) {
    let status = status(&recording.observed());
    for finding in &status.findings {
        assert!(!finding.title.is_empty() && !finding.next.is_empty() && !finding.impact.is_empty());
        assert!(finding.evidence.iter().all(|evidence| !evidence.label.is_empty()));
    }
    let _ = rollout(&recording.observed(), digest);
    let _ = crashed_containers(&recording.observed());
}

fn each_without_a_field<T>(object: &T, mut see: impl FnMut(T))
where
    T: k8s_openapi::serde::Serialize + k8s_openapi::serde::de::DeserializeOwned,
{
    let whole = serde_json::to_value(object).unwrap();
    let mut pointers = Vec::new();
    gather(&whole, "", &mut pointers);
    for pointer in pointers {
        let mut without = whole.clone();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        match without.pointer_mut(parent) {
            Some(Value::Object(fields)) => drop(fields.remove(&field.replace("~1", "/"))),
            Some(Value::Array(items)) => drop(items.remove(field.parse().unwrap())),
            _ => continue,
        }
        // A few fields are required: an object without them never reaches the diagnosis.
        if let Ok(object) = serde_json::from_value(without) {
            see(object);
        }
    }
}

fn gather(value: &Value, at: &str, pointers: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.replace('/', "~1"), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    for (key, child) in children {
        pointers.push(format!("{at}/{key}"));
        gather(child, &format!("{at}/{key}"), pointers);
    }
}

#[test]
fn removing_a_field_really_removes_it() {
    let mut seen = Vec::new();
    each_without_a_field(&json!({"a": {"b/c": 1}, "d": [2]}), |value: Value| seen.push(value));
    assert_eq!(
        seen,
        [
            json!({"d": [2]}),
            json!({"a": {}, "d": [2]}),
            json!({"a": {"b/c": 1}}),
            json!({"a": {"b/c": 1}, "d": []}),
        ]
    );
}
