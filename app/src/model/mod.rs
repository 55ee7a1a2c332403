//! What the server and the islands share: plain values, made from the domain's types by pure functions. Instants are
//! milliseconds since 1970, so that the browser's bundle needs no calendar.

mod deploy;
mod job;
mod log;
mod preview;
mod service;
mod status;

pub(crate) use deploy::{CommitView, DeployView};
pub(crate) use job::{JobEventView, JobView, StepView};
pub(crate) use log::LogLineView;
pub(crate) use preview::{PreviewFileView, PreviewView, changed_lines};
pub(crate) use service::{
    BuildView, CellView, ColumnView, CreationView, PurgeView, ServiceRow, ServiceView, ServicesView,
    TimelineView,
};
pub(crate) use status::{FindingView, FreshnessView, LightView, ObjectView, PodView, StatusView};

use fairway_domain::Timestamp;

/// Milliseconds since 1970.
pub(crate) fn milliseconds(at: Timestamp) -> i64 {
    at.as_millisecond()
}
