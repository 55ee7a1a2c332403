//! Removing keys from a service's Redis, and counting beforehand exactly what would go.
//!
//! [`PurgeableRedis`] is the proof that the environment may be purged: connecting refuses any other before a single byte is sent.
//! Keys are found by `SCAN` and removed by `UNLINK`, in batches that get smaller where they keep Redis busy for long, so it goes on
//! answering others; no command here looks at the whole database at once. The stream is the caller's: a port-forward, or a
//! connection inside the cluster.

mod command;
mod connection;
mod count;
mod error;
mod filter;
mod pace;
mod removal;
mod scan;

pub use command::{count_command, purge_command};
pub use connection::{Login, PurgeableRedis, Redis};
pub use error::Error;
pub use pace::Pace;
pub use removal::PurgeReport;
