//! Why lines couldn't be had.

use std::path::PathBuf;

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
        "Older lines are missing here: {source_name} has some that don't name their pod. They need a label `pod`, or Kubernetes' fields in each line."
    )]
    NoPod {
        /// Who.
        source_name: String,
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
