//! What this crate promises, asked of a real cluster. `FAIRWAY_TEST_KUBECONFIG` names its kubeconfig.

// A test may panic; the lint knows only functions marked as tests.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod fixture;
mod log_credentials;
mod log_elsewhere;
mod log_kept;
mod log_rotation;
mod log_sources;
mod log_traps;
mod logs;
mod objects;
mod proxy;
mod state;
