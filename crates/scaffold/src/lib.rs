//! From answers to a repository: the one template becomes files, files become the first commit of a bare Git repository, and
//! that repository is cloned from and pushed to over HTTP.
//!
//! [`render`] is pure and quick enough to run at every key press; [`Repositories`] runs the `git` binary. `fairway.yaml` is
//! judged by the chart's own schema ([`check_fairway_yaml`]), in the form, at a push and before a deploy alike.

mod error;
mod fairway_yaml;
mod first_commit;
mod git;
mod push;
mod quoting;
mod render;
mod repositories;
mod serve;

pub use error::Error;
pub use fairway_yaml::{FairwayFile, check_fairway_yaml, values_schema};
pub use push::check_push;
pub use render::{BaseImages, RenderedFile, render};
pub use repositories::Repositories;
pub use serve::{ByteStream, GitRequest, GitResponse};
