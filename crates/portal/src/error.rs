//! What can fail. A refusal isn't here: see [`crate::Refusal`].

use std::borrow::Cow;

/// Fairway, or something that it depends on, failed. `Display` is for the log; [`Error::for_person`] for the page.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store.
    #[error("the store: {0}")]
    Store(#[from] fairway_store::Error),
    /// The cluster.
    #[error("the cluster: {0}")]
    Kubernetes(#[from] fairway_kubernetes::Error),
    /// Template or repositories.
    #[error("the repository: {0}")]
    Scaffold(#[from] fairway_scaffold::Error),
    /// Builds, the registry or Helm.
    #[error("delivery: {0}")]
    Delivery(#[from] fairway_delivery::Error),
    /// Redis.
    #[error("redis: {0}")]
    Purge(#[from] fairway_purge::Error),
    /// Who keeps older log lines.
    #[error("the history: {0}")]
    History(#[from] fairway_history::Error),
    /// A file or folder of Fairway's own.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The record says something that Fairway doesn't understand.
    #[error("the record of a job can't be read: {0}")]
    Record(#[from] serde_json::Error),
}

impl Error {
    /// Whether the same may succeed within minutes, without anybody changing anything.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Purge(error) => error.is_away(),
            Self::Kubernetes(error) => error.is_transient(),
            _ => false,
        }
    }

    /// What the person can do, in one or two sentences.
    pub fn for_person(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Store(_) | Self::Record(_) => {
                "Fairway's own record can't be read or written. Nothing was changed; try again, and tell whoever runs Fairway if it stays."
            }
            // It says what is missing, and why.
            Self::Kubernetes(fairway_kubernetes::Error::Older(why)) => return Cow::Owned(why.clone()),
            Self::Kubernetes(_) => {
                "The cluster didn't answer as expected. Look at its state in the bar above, then try again."
            }
            Self::Scaffold(_) => {
                "The service's repository or the template couldn't be read. Try again, and tell whoever runs Fairway if it stays."
            }
            Self::Delivery(_) => {
                "Helm, the builder or the registry failed. Try again; the log has what it said."
            }
            // Each of these says what to do.
            Self::Purge(error) => return Cow::Owned(error.to_string()),
            Self::History(error) => return Cow::Owned(error.to_string()),
            Self::File { .. } => {
                "Fairway can't read or write a file of its own: whoever runs it finds the path in the log."
            }
        })
    }
}
