//! Removing keys from a service's Redis, and counting beforehand exactly what would go.
//!
//! [`PurgeableRedis`] is the proof that the environment may be purged: connecting refuses any other before a single byte is sent.
//! Keys are found by `SCAN` and removed by `UNLINK`, in batches that get smaller where they keep Redis busy for long, so it goes on
//! answering others; no command here looks at the whole database at once. The Redis is at the end of a stream of the caller's, such
//! as a port-forward, or one that the configuration names: a server, a cluster or what sentinels watch, with TLS or without.

mod command;
mod connection;
mod count;
mod dial;
mod error;
mod filter;
mod node;
mod pace;
mod removal;
mod scan;
mod slots;

pub use command::{Terminal, count_command, purge_command};
pub use connection::{PurgeableRedis, Redis};
pub use dial::Credentials;
pub use error::Error;
pub use node::Login;
pub use pace::Pace;
pub use removal::PurgeReport;
