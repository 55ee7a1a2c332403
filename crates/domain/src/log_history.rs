//! Lines that are kept outside of the cluster, and what is asked of whoever keeps them.

use serde::{Deserialize, Serialize};

/// A line as a store of logs has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLine {
    /// The kubelet's time of it in nanoseconds since 1970, cut to `grain`.
    pub nanos: i64,
    /// How much time its own time stands for, in nanoseconds: 1 where it is exact.
    pub grain: i64,
    /// Which pod wrote it.
    pub pod: String,
    /// Which of its containers.
    pub container: String,
    /// The pod's UID, where the store knows it.
    pub uid: Option<String>,
    /// How often the container had been restarted; 0 where the store doesn't know it.
    pub restart: u32,
    /// The line, without its end; of one longer than [`crate::LogEntry::MOST_BYTES`] the beginning, unless it is wanted whole.
    pub text: String,
    /// How many bytes the whole line has.
    pub bytes: u64,
}

/// Which lines are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stretch {
    /// From here on, in nanoseconds since 1970.
    pub from: i64,
    /// Before this, in nanoseconds since 1970.
    pub until: i64,
    /// Only this many of the last ones, and those that share the first one's time. One whose time is cut, so that it may stand after
    /// the end, isn't counted.
    pub last: Option<u32>,
    /// Set where lines are wanted with all of their text, however long: of little time, then.
    pub whole: bool,
    /// Containers of pods, by both names, whose lines aren't needed. Some may come all the same.
    pub without: Vec<(String, String)>,
}

/// Where lines come from that the cluster no longer has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogHistory {
    /// What keeps them, such as `Loki at http://loki:3100`.
    pub source: String,
    /// How many hours back it is asked at most.
    pub hours: u32,
    /// Why it couldn't be asked when it last was, as a sentence.
    pub trouble: Option<String>,
}
