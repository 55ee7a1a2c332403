//! Kubernetes objects in, findings out: how a service is, why it doesn't move, and whether a rollout is done.
//!
//! Pure: no I/O, no clock, no async. The caller gathers the objects of one service in one environment into an
//! [`Observed`], with the time and the last words of crashed containers ([`crashed_containers`] names them).
//! Every text is a sentence for a person; every fact quoted in it comes from the objects.

mod containers;
mod crash;
mod events;
mod findings;
mod images;
mod observed;
mod placement;
mod pods;
mod probes;
mod rollout;
mod scene;
mod status;

pub use crash::{CrashedContainer, crashed_containers};
pub use observed::{LastWords, Observed};
pub use rollout::{Rollout, rollout};
pub use status::status;
