//! What pages show: plain values, made from the domain's types by pure functions. Instants are milliseconds since 1970, so that
//! the browser's bundle, which has a part of them, needs no calendar.

#[cfg(feature = "ssr")]
mod deploy;
#[cfg(feature = "ssr")]
mod job;
mod log;
mod log_asked;
mod log_news;
#[cfg(feature = "ssr")]
mod log_status;
#[cfg(feature = "ssr")]
mod purge;
#[cfg(feature = "ssr")]
mod service;
#[cfg(feature = "ssr")]
mod status;

#[cfg(feature = "ssr")]
pub(crate) use deploy::{CommitView, DeployView};
#[cfg(feature = "ssr")]
pub(crate) use job::{JobView, StepView};
pub(crate) use log::{LogLineView, in_line};
pub(crate) use log_asked::LogAsked;
#[cfg(feature = "ssr")]
pub(crate) use log_asked::LogReading;
pub(crate) use log_news::LogNews;
#[cfg(feature = "ssr")]
pub(crate) use log_status::LogStatusView;
#[cfg(feature = "ssr")]
pub(crate) use purge::PurgeProgressView;
#[cfg(feature = "ssr")]
pub(crate) use service::{
    BuildView, CellView, ColumnView, CreationView, PurgeView, ServiceRow, ServiceView, ServicesView,
    TimelineView,
};
#[cfg(all(test, feature = "ssr"))]
pub(crate) use status::EvidenceView;
#[cfg(feature = "ssr")]
pub(crate) use status::{FindingView, FreshnessView, LightView, ObjectView, PodView, StatusView};

#[cfg(feature = "ssr")]
use fairway_domain::Timestamp;

/// Milliseconds since 1970.
#[cfg(feature = "ssr")]
pub(crate) fn milliseconds(at: Timestamp) -> i64 {
    at.as_millisecond()
}
