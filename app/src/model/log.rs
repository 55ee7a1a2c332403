//! A line of a log.

#[cfg(feature = "ssr")]
use super::milliseconds;
#[cfg(feature = "ssr")]
use fairway_domain::LogEntry;
use fairway_domain::{Level, LogMarker};
use serde::{Deserialize, Serialize};

/// One line, or what happened between lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogLineView {
    pub at: i64,
    pub pod: String,
    pub level: Level,
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<LogMarker>,
}

impl LogLineView {
    /// The part of the pod's name that tells it from its siblings.
    pub(crate) fn short_pod(&self) -> &str {
        self.pod.rsplit('-').next().unwrap_or(&self.pod)
    }
}

#[cfg(feature = "ssr")]
impl From<LogEntry> for LogLineView {
    fn from(entry: LogEntry) -> Self {
        Self {
            at: milliseconds(entry.at),
            pod: entry.pod,
            level: entry.level,
            text: entry.text,
            marker: entry.marker,
        }
    }
}
