//! Reading every service's log all the time, so that what pods wrote is still there when they are not.

use super::kept::LogKeeping;
use crate::{Cluster, ClusterState};
use fairway_domain::{Namespace, ServiceName};
use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior};

/// Changes within this time become one.
const SETTLE: Duration = Duration::from_secs(1);
/// How often what is too old is removed.
const REMOVAL: Duration = Duration::from_secs(600);

impl Cluster {
    /// Keeps on disk what is written to every service's log, for as long as the returned future runs. Call it once, before anybody
    /// reads.
    pub fn keep_logs(
        &self,
        state: &ClusterState,
        keeping: LogKeeping,
    ) -> impl Future<Output = ()> + Send + 'static + use<> {
        self.hubs.keep(keeping.clone());
        let (cluster, state) = (self.clone(), state.clone());
        async move {
            let mut changed = state.changed();
            let mut removal = tokio::time::interval_at(Instant::now(), REMOVAL);
            removal.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut running: HashMap<(Namespace, ServiceName), _> = HashMap::new();
            loop {
                changed.mark_unchanged();
                let present = state.services();
                running.retain(|key, _| present.contains(key));
                for key in present {
                    running
                        .entry(key.clone())
                        .or_insert_with(|| cluster.hubs.run(&cluster.client, &state, key));
                }
                tokio::select! {
                    _ = removal.tick() => keeping.remove_old().await,
                    change = changed.changed() => {
                        if change.is_err() {
                            return;
                        }
                        tokio::time::sleep(SETTLE).await;
                    }
                }
            }
        }
    }
}
