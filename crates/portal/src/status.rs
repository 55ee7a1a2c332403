//! How a service is in an environment: the watched objects, seen by the diagnosis.

use crate::Portal;
use fairway_diagnosis::{CrashedContainer, LastWords, Observed, Rollout};
use fairway_domain::{Environment, EnvironmentStatus, Finding, ImageDigest, ServiceName, Timestamp};
use fairway_lines::Masks;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How many of a crashed container's last lines a finding quotes.
const LINES: i64 = 12;
/// How long a page waits for them before it comes without.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many crashed containers are remembered; then the memory starts anew.
const REMEMBERED: usize = 1_000;

/// The last words of crashed containers, each fetched once: by pod, container and how often it had been restarted.
#[derive(Default)]
pub(crate) struct Crashes(Mutex<HashMap<(String, String, u32), Vec<String>>>);

impl Crashes {
    fn get(&self, crash: &CrashedContainer) -> Option<Vec<String>> {
        self.lock().get(&key(crash)).cloned()
    }

    /// Those of the newest crash of the same container that are known: the kubelet keeps no more than one log, and not at every moment.
    fn newest(&self, crash: &CrashedContainer) -> Option<Vec<String>> {
        let known = self.lock();
        let same = |key: &&(String, String, u32)| key.0 == crash.pod && key.1 == crash.container;
        known.get(known.keys().filter(same).max_by_key(|key| key.2)?).cloned()
    }

    fn put(&self, crash: &CrashedContainer, lines: Vec<String>) {
        let mut known = self.lock();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(key(crash), lines);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, String, u32), Vec<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nobody is shown what is masked in a container's lines in its last ones either, nor in its last message or its answer to a probe.
fn hide(finding: &mut Finding, masks: &Masks) {
    for fact in &mut finding.evidence {
        let lines: Vec<_> = fact.text.split('\n').map(|line| masks.hide(line).into_owned()).collect();
        fact.text = lines.join("\n");
    }
}

fn key(crash: &CrashedContainer) -> (String, String, u32) {
    (crash.pod.clone(), crash.container.clone(), crash.restarts)
}

impl Portal {
    /// How a service is in an environment, by what the cluster said last.
    pub(crate) async fn status(&self, service: &ServiceName, environment: &Environment) -> EnvironmentStatus {
        let mut status = self.observe(service, environment, fairway_diagnosis::status).await;
        status.findings.iter_mut().for_each(|finding| hide(finding, &self.inner.settings.redact));
        status
    }

    /// How far the rollout of `digest` is.
    pub(crate) async fn rollout(
        &self,
        service: &ServiceName,
        environment: &Environment,
        digest: &ImageDigest,
    ) -> Rollout {
        let looked =
            self.observe(service, environment, |observed| fairway_diagnosis::rollout(observed, digest));
        let mut rollout = looked.await;
        if let Rollout::Stuck(finding) = &mut rollout {
            hide(finding, &self.inner.settings.redact);
        }
        rollout
    }

    /// The generation of the service's Deployment, as far as the watch has come; 0 without one.
    pub(crate) fn generation(&self, service: &ServiceName, environment: &Environment) -> i64 {
        let deployment = self.inner.state.namespace(&environment.namespace).service(service).deployment;
        deployment.and_then(|deployment| deployment.metadata.generation).unwrap_or_default()
    }

    async fn observe<T>(
        &self,
        service: &ServiceName,
        environment: &Environment,
        look: impl FnOnce(&Observed) -> T,
    ) -> T {
        let state = self.inner.state.namespace(&environment.namespace);
        let objects = state.service(service);
        let (nothing, mut last_words) = (LastWords::new(), LastWords::new());
        let now = Timestamp::now();
        let observed = |last_words| Observed {
            name: service,
            environment: &environment.name,
            namespace: &environment.namespace,
            freshness: state.freshness,
            deployment: objects.deployment.as_deref(),
            replica_sets: objects.replica_sets.iter().map(AsRef::as_ref).collect(),
            pods: objects.pods.iter().map(AsRef::as_ref).collect(),
            events: objects.events.iter().map(AsRef::as_ref).collect(),
            service: objects.service.as_deref(),
            last_words,
            now,
        };
        for crash in fairway_diagnosis::crashed_containers(&observed(&nothing)) {
            let lines = self.last_words(environment, &crash).await;
            last_words.insert((crash.pod, crash.container), lines);
        }
        look(&observed(&last_words))
    }

    /// Each crash's are fetched once. A page that waits too long for them comes without.
    async fn last_words(&self, environment: &Environment, crash: &CrashedContainer) -> Vec<String> {
        if let Some(lines) = self.inner.crashes.get(crash) {
            return lines;
        }
        let CrashedContainer { pod, container, previous, .. } = crash;
        let tail =
            self.inner.cluster.container_tail(&environment.namespace, pod, container, *previous, LINES);
        match tokio::time::timeout(PATIENCE, tail).await {
            Ok(Ok(lines)) if !lines.is_empty() => {
                self.inner.crashes.put(crash, lines.clone());
                lines
            }
            answer => {
                tracing::debug!(?answer, pod, container, "no last words of this crash");
                self.inner.crashes.newest(crash).unwrap_or_default()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_domain::{Cause, Evidence, ShellCommand};

    #[test]
    fn what_is_masked_is_hidden_in_all_that_a_finding_quotes() {
        let mut masks = Masks::default();
        masks.add("email").unwrap();
        let quoted = |text: &str| vec![Evidence { label: "Last message".into(), text: text.into() }];
        let mut finding = Finding {
            cause: Cause::Crash,
            title: "It crashes".into(),
            path: Vec::new(),
            evidence: quoted("asked by ada@example.org\nand again"),
            impact: String::new(),
            next: String::new(),
            command: ShellCommand::new("kubectl", ["logs"]),
            since: None,
        };
        hide(&mut finding, &masks);
        assert_eq!(finding.evidence, quoted("asked by [hidden]\nand again"));
    }
}
