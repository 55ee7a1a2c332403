//! Why lines couldn't be had.

use fairway_domain::Timestamp;
use std::path::{Path, PathBuf};

/// What a person is told in the place of the lines. `source` is what keeps them, with its address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No answer, or none in time.
    #[error("Older lines are missing here: {source_name} doesn't answer ({why}).")]
    Unreachable {
        /// Who.
        source_name: String,
        /// Why, as the connection says it.
        why: String,
    },
    /// It doesn't know who asks, or they may not.
    #[error(
        "Older lines are missing here: {source_name} doesn't let Fairway read them ({said}). Whoever runs Fairway finds the credentials in \
         the environment's history."
    )]
    NotAllowed {
        /// Who.
        source_name: String,
        /// What it said.
        said: String,
    },
    /// Asked too much or too often, also after some waiting.
    #[error(
        "Older lines are missing here: {source_name} has too much to do ({said}). Try again in a minute."
    )]
    Busy {
        /// Who.
        source_name: String,
        /// What it said.
        said: String,
    },
    /// It answered something else.
    #[error("Older lines are missing here: {source_name} answered {said}")]
    Refused {
        /// Who.
        source_name: String,
        /// What it said.
        said: String,
    },
    /// Its lines don't say which pod wrote them.
    #[error(
        "Older lines are missing here: {source_name} has some that don't name their pod. They need a label `pod`, Kubernetes' fields in each line, or a stream that is called as the pod."
    )]
    NoPod {
        /// Who.
        source_name: String,
    },
    /// There is no such log group in its region.
    #[error(
        "Older lines are missing here: {source_name} has no log group {group}. Whoever runs Fairway finds the group and its region in the \
         environment's history."
    )]
    NoGroup {
        /// Who.
        source_name: String,
        /// Which.
        group: String,
    },
    /// Nobody says where it is.
    #[error(
        "Older lines are missing here: the region of {source_name} isn't known. Whoever runs Fairway names it in the environment's history, or \
         in AWS_REGION."
    )]
    NoRegion {
        /// Who.
        source_name: String,
    },
    /// It has been asked often enough for the last lines.
    #[error(
        "Older lines may be missing here: {source_name} has much to look through, and only what it has since {since} was. Ask for the lines \
         before that to look further."
    )]
    NoFurther {
        /// Who.
        source_name: String,
        /// Since when everything was looked through.
        since: Timestamp,
    },
    /// More lines have one time than can be asked for at once.
    #[error(
        "Lines are missing here: {source_name} has more than {limit} with the time of the line before, and gives no more of one time."
    )]
    OneTime {
        /// Who.
        source_name: String,
        /// How many it gives.
        limit: usize,
    },
    /// A file with credentials can't be read.
    #[error(
        "Older lines are missing here: {path} can't be read ({why}), which the environment's history names."
    )]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The library that speaks HTTP can't begin.
    #[error("Older lines can't be read: {0}.")]
    Client(String),
}

/// The innermost reason of an error, which is the one that a person can do something about.
pub(crate) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// What a file with a secret holds.
pub(crate) async fn secret(file: &Path) -> Result<String, Error> {
    let text = tokio::fs::read_to_string(file).await;
    let text = text.map_err(|error| Error::File { path: file.to_owned(), why: error.kind().to_string() })?;
    Ok(text.trim().to_owned())
}
