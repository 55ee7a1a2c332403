//! Lines of services that the cluster no longer has, from where a team's log shipper brings them: Loki or
//! CloudWatch Logs.
//!
//! [`History`] gives the lines of a service in a stretch of time in their order, each with the kubelet's time, its pod and its
//! container, whatever shape the shipper gave them. It asks page by page, as somebody reads, and goes on where a page ends. What
//! couldn't be had is an [`Error`] in the stream, a sentence for the person.

mod cloudwatch;
mod error;
mod history;
mod loki;
mod record;
mod template;

pub use cloudwatch::{AwsKey, CloudWatchSettings};
pub use error::Error;
pub use history::{History, HistoryKind, HistorySettings};
pub use loki::{LokiCredentials, LokiSettings};
pub use template::Template;
