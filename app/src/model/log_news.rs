//! What comes over the topics of a log.

use super::LogLineView;
use serde::{Deserialize, Serialize};
use std::ops::Not;

/// Lines as they come, or those that one step of a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LogNews {
    /// These are the first: what was there before is forgotten.
    #[serde(skip_serializing_if = "Not::not")]
    pub anew: bool,
    /// With the first: only lines from this time on come by themselves, older ones have to be searched for. From a search: everything
    /// from this time on has been looked through; nothing if that is all there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<i64>,
    /// The search ends here, because it has found many.
    #[serde(skip_serializing_if = "Not::not")]
    pub many: bool,
    pub lines: Vec<LogLineView>,
}
