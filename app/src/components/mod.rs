//! The small parts that pages are made of; the same on the server and in an island.

mod command;
mod commit;
mod diff;
#[cfg(feature = "ssr")]
mod facts;
mod filter_help;
mod finding;
mod roll_back;
#[cfg(feature = "ssr")]
mod selection;
mod state;
mod steps;
mod time;
mod timeline;

pub(crate) use command::{command, copyable};
pub(crate) use commit::commit;
pub(crate) use diff::diff;
#[cfg(feature = "ssr")]
pub(crate) use facts::facts;
pub(crate) use filter_help::filter_help;
pub(crate) use finding::finding;
pub(crate) use roll_back::roll_back;
#[cfg(feature = "ssr")]
pub(crate) use selection::selection;
pub(crate) use state::{build_state, deploy_state, freshness, health, job_state};
pub(crate) use steps::steps;
pub(crate) use time::{ago, duration, since};
pub(crate) use timeline::timeline;
