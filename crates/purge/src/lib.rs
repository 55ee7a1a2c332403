//! Removing keys from a service's Redis, and counting beforehand exactly what would go.
//!
//! [`PurgeableRedis`] is the proof that the environment may be purged: connecting refuses any other before a single byte is sent.
//! Keys are found by `SCAN` and removed by `UNLINK`, so Redis goes on answering; no command here looks at or empties the whole
//! database at once. The stream is the caller's: a port-forward, or a connection inside the cluster.

mod command;
mod connection;
mod count;
mod error;
mod names;
mod removal;
mod scan;

pub use command::{count_command, purge_command};
pub use connection::PurgeableRedis;
pub use error::Error;
pub use removal::{PurgeProgress, PurgeReport};
