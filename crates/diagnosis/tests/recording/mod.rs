//! Objects recorded from a real cluster by `tests/record`.

use fairway_diagnosis::{LastWords, Observed};
use fairway_domain::{EnvironmentName, Freshness, Namespace, ServiceName, Timestamp};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Event, Pod, Service};
use k8s_openapi::serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::Path;

/// One recorded case. Tests change a copy of it to tell stories that are hard to catch in the act.
pub(crate) struct Recording {
    pub(crate) name: ServiceName,
    pub(crate) environment: EnvironmentName,
    pub(crate) namespace: Namespace,
    pub(crate) freshness: Freshness,
    pub(crate) deployment: Option<Deployment>,
    pub(crate) replica_sets: Vec<ReplicaSet>,
    pub(crate) pods: Vec<Pod>,
    pub(crate) events: Vec<Event>,
    pub(crate) service: Option<Service>,
    pub(crate) last_words: LastWords,
    pub(crate) now: Timestamp,
}

pub(crate) fn recording(case: &str) -> Recording {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/recorded/{case}.json"));
    let recorded: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let last_words = recorded["lastWords"].as_object().unwrap().iter().map(|(key, lines)| {
        let (pod, container) = key.split_once('/').unwrap();
        ((pod.to_owned(), container.to_owned()), serde_json::from_value(lines.clone()).unwrap())
    });
    Recording {
        name: "orders".parse().unwrap(),
        environment: "staging".parse().unwrap(),
        namespace: format!("recorded-{case}").parse().unwrap(),
        freshness: Freshness::Live,
        deployment: of_kind(&recorded, "Deployment").pop(),
        replica_sets: of_kind(&recorded, "ReplicaSet"),
        pods: of_kind(&recorded, "Pod"),
        events: of_kind(&recorded, "Event"),
        service: of_kind(&recorded, "Service").pop(),
        last_words: last_words.collect(),
        now: recorded["now"].as_str().unwrap().parse().unwrap(),
    }
}

impl Recording {
    pub(crate) fn observed(&self) -> Observed<'_> {
        Observed {
            name: &self.name,
            environment: &self.environment,
            namespace: &self.namespace,
            freshness: self.freshness,
            deployment: self.deployment.as_ref(),
            replica_sets: self.replica_sets.iter().collect(),
            pods: self.pods.iter().collect(),
            events: self.events.iter().collect(),
            service: self.service.as_ref(),
            last_words: &self.last_words,
            now: self.now,
        }
    }
}

fn of_kind<T: DeserializeOwned>(recorded: &Value, kind: &str) -> Vec<T> {
    let items = recorded["items"].as_array().unwrap().iter().filter(|item| item["kind"] == kind);
    items.map(|item| serde_json::from_value(item.clone()).unwrap()).collect()
}
