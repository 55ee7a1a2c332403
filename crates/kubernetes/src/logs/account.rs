//! How complete the reading of a service's log is: what is being read, since when, and where lines may be missing.

use super::instances::instances;
use super::line::{Item, Source, SourceId, What};
use super::{FIRST_ANSWER, sources};
use crate::{Cluster, ClusterState};
use async_stream::stream;
use fairway_domain::{Freshness, LogGap, LogStatus, Namespace, ServiceName, Timestamp};
use futures::Stream;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Changes within this time become one.
const SETTLE: Duration = Duration::from_millis(250);

impl Cluster {
    /// How completely a service's log is being read, now and whenever that changes. While somebody listens, it is being read.
    pub fn log_status(
        &self,
        state: &ClusterState,
        ns: &Namespace,
        service: &ServiceName,
    ) -> impl Stream<Item = LogStatus> + Send + 'static + use<> {
        let (state, ns, service) = (state.clone(), ns.clone(), service.clone());
        let hub = self.hubs.join(&self.client, &state, (ns.clone(), service.clone()));
        stream! {
            let (mut cluster, mut account) = (state.changed(), hub.account().changed());
            // A hub that has only just begun would say that nothing is read.
            let begun = async {
                hub.ready().await;
                let is_whole = |status: LogStatus| status.containers_read == status.containers;
                while !is_whole(hub.account().status(&state, &ns, &service)) && account.changed().await.is_ok() {}
            };
            let _ = tokio::time::timeout(FIRST_ANSWER, begun).await;
            let mut last = None;
            loop {
                cluster.mark_unchanged();
                account.mark_unchanged();
                let status = hub.account().status(&state, &ns, &service);
                if last.as_ref() != Some(&status) {
                    last = Some(status.clone());
                    yield status;
                }
                let changed = tokio::select! {
                    changed = cluster.changed() => changed,
                    changed = account.changed() => changed,
                };
                if changed.is_err() {
                    break;
                }
                tokio::time::sleep(SETTLE).await;
            }
        }
    }
}

/// What a hub knows about its own reading.
#[derive(Debug, Default)]
pub(super) struct Account(watch::Sender<Known>);

/// The numbers behind a status.
#[derive(Debug, Default)]
pub(super) struct Known {
    since: Option<Timestamp>,
    /// How many streams are open of each source: never more than one, but the next may begin before the last has ended.
    streams: HashMap<SourceId, u32>,
    gaps: u64,
    latest: VecDeque<LogGap>,
}

impl Account {
    /// From now on every line is read as it comes.
    pub(super) fn begin(&self) {
        self.0.send_modify(|known| known.since = Some(Timestamp::now()));
    }

    /// A source is being read for as long as what is returned lives.
    pub(super) fn stream(self: &Arc<Self>, source: SourceId) -> OpenStream {
        self.0.send_modify(|known| *known.streams.entry(source).or_default() += 1);
        OpenStream { account: self.clone(), source }
    }

    /// Notes where lines may be missing.
    pub(super) fn note(&self, item: &Item) {
        let What::Gap(why) = &item.what else { return };
        let gap = LogGap {
            at: Timestamp::from_nanosecond(item.nanos.into()).unwrap_or_default(),
            pod: item.origin.pod.to_string(),
            container: item.origin.container.to_string(),
            why: why.clone(),
        };
        self.0.send_modify(|known| {
            known.gaps += 1;
            known.latest.push_back(gap);
            if known.latest.len() > LogStatus::MOST_GAPS {
                known.latest.pop_front();
            }
        });
    }

    pub(super) fn changed(&self) -> watch::Receiver<Known> {
        self.0.subscribe()
    }

    fn status(&self, state: &ClusterState, ns: &Namespace, service: &ServiceName) -> LogStatus {
        let namespace = state.namespace(ns);
        let runs = |source: &Source| {
            let pod = namespace.pods.get(&source.origin.pod);
            pod.is_some_and(|pod| instances(pod, &source.origin.container).iter().any(|i| i.end.is_none()))
        };
        let running: Vec<Source> = sources(state, ns, service).into_iter().filter(runs).collect();
        self.0.borrow().status(&running, namespace.freshness == Freshness::Live)
    }
}

impl Known {
    /// `running` are the containers that can write. While the cluster doesn't answer, a stream may be dead without knowing it.
    fn status(&self, running: &[Source], answers: bool) -> LogStatus {
        let is_read = |source: &&Source| answers && self.streams.contains_key(&source.id);
        let pods_of = |sources: &mut dyn Iterator<Item = &Source>| -> HashSet<Arc<str>> {
            sources.map(|source| source.uid.clone()).collect()
        };
        let pods = pods_of(&mut running.iter());
        let unread = pods_of(&mut running.iter().filter(|source| !is_read(source)));
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        LogStatus {
            pods: count(pods.len()),
            pods_read: count(pods.len() - unread.len()),
            containers: count(running.len()),
            containers_read: count(running.iter().filter(is_read).count()),
            since: self.since,
            gaps: self.gaps,
            latest_gaps: self.latest.iter().cloned().collect(),
            history: None,
        }
    }
}

/// An open stream of a source.
pub(super) struct OpenStream {
    account: Arc<Account>,
    source: SourceId,
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.account.0.send_modify(|known| {
            if let Some(streams) = known.streams.get_mut(&self.source) {
                *streams -= 1;
                if *streams == 0 {
                    known.streams.remove(&self.source);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_is_read_once_all_of_its_containers_are() {
        let account = Arc::new(Account::default());
        let running = [Source::of_pod(1, "a"), Source::of_pod(2, "a"), Source::of_pod(3, "b")];
        let told = |answers| {
            let status = account.0.borrow().status(&running, answers);
            (status.pods_read, status.pods, status.containers_read, status.containers)
        };
        let (first, _other) = (account.stream(SourceId(1)), account.stream(SourceId(3)));
        assert_eq!(told(true), (1, 2, 2, 3));
        let again = account.stream(SourceId(1));
        drop(first);
        let second = account.stream(SourceId(2));
        assert_eq!(told(true), (2, 2, 3, 3));
        assert_eq!(told(false), (0, 2, 0, 3), "nothing is known to be read of a cluster that is away");
        drop((again, second));
        assert_eq!(told(true), (1, 2, 1, 3));
    }

    #[test]
    fn gaps_are_counted_all_and_the_latest_told() {
        let account = Account::default();
        for nanos in 1..=100 {
            let source = Source::of_pod(1, "a");
            account.note(&Item::happened(&source, 0, (nanos, 1), What::Line("a line".into())));
            account.note(&Item::happened(&source, 0, (nanos, 1), What::Gap("rotated".into())));
        }
        let status = account.0.borrow().status(&[], true);
        assert_eq!((status.gaps, status.latest_gaps.len()), (100, LogStatus::MOST_GAPS));
        let last = status.latest_gaps.last().unwrap();
        assert_eq!((last.at.as_nanosecond(), &*last.pod, &*last.why), (100, "a", "rotated"));
    }
}
