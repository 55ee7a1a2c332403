//! One environment's history, whoever keeps it.

use crate::cloudwatch::CloudWatch;
use crate::loki::Loki;
use crate::{CloudWatchSettings, Error, LokiSettings};
use fairway_domain::{LogHistory, Namespace, ServiceName, StoredLine, Stretch};
use futures::StreamExt;
use futures::stream::BoxStream;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Where the older lines of an environment are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistorySettings {
    /// Who keeps them.
    pub kind: HistoryKind,
    /// How many hours back they are asked at most.
    pub hours: u32,
}

/// Who keeps lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryKind {
    /// Grafana Loki.
    Loki(LokiSettings),
    /// Amazon CloudWatch Logs.
    CloudWatch(CloudWatchSettings),
}

/// Asks who keeps an environment's older lines. Cheap to clone.
#[derive(Clone, Debug)]
pub struct History {
    store: Store,
    status: Arc<watch::Sender<LogHistory>>,
    hours: u32,
}

#[derive(Clone, Debug)]
enum Store {
    Loki(Loki),
    CloudWatch(CloudWatch),
}

impl History {
    /// Nothing is asked yet. Install a rustls crypto provider before.
    pub fn new(settings: HistorySettings) -> Result<Self, Error> {
        let HistorySettings { kind, hours } = settings;
        let store = match kind {
            HistoryKind::Loki(settings) => Store::Loki(Loki::new(settings)?),
            HistoryKind::CloudWatch(settings) => Store::CloudWatch(CloudWatch::new(settings)),
        };
        let source = match &store {
            Store::Loki(loki) => loki.name(),
            Store::CloudWatch(cloud_watch) => cloud_watch.name(),
        };
        let status = Arc::new(watch::Sender::new(LogHistory { source, hours, trouble: None }));
        Ok(Self { store, status, hours })
    }

    /// How far back it is asked at most.
    pub fn reach(&self) -> Duration {
        Duration::from_hours(self.hours.into())
    }

    /// Where lines come from, and whether they could be had when they were asked for last; again whenever that changes.
    pub fn status(&self) -> watch::Receiver<LogHistory> {
        self.status.subscribe()
    }

    /// The lines of a service in a stretch of time, in their order. An error stands where lines couldn't be had; the stream may
    /// go on after it.
    pub fn lines(
        &self,
        namespace: &Namespace,
        service: &ServiceName,
        stretch: Stretch,
    ) -> BoxStream<'static, Result<StoredLine, Error>> {
        let lines = match &self.store {
            Store::Loki(loki) => loki.lines(namespace, service, stretch),
            Store::CloudWatch(cloud_watch) => cloud_watch.lines(namespace, service, stretch),
        };
        let status = self.status.clone();
        let noted = lines.inspect(move |line| {
            let trouble = line.as_ref().err().map(ToString::to_string);
            status.send_if_modified(|status| {
                let changed = status.trouble != trouble;
                status.trouble = trouble;
                changed
            });
        });
        noted.boxed()
    }
}
