//! What is seen, counted and removed, on real Redis servers of the tests' own.

// Clippy's leave to unwrap in tests ends at the test functions themselves; these are what they call.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod encrypted;
mod full;
mod looking;
mod moving;
mod purging;
mod selections;
mod server;
mod several;
mod tables;
mod terminal;
mod topologies;
mod troubles;
mod valkey;
mod values;
mod wire;
