//! A service's Redis: looking at it and its keys, removing keys, and counting beforehand exactly what would go.
//!
//! [`Redis`] may only be looked at, wherever it is; looking changes nothing. [`PurgeableRedis`] is the proof that the environment may be
//! purged: connecting refuses any other before a single byte is sent.
//! Keys are found by `SCAN` and removed by `UNLINK`, in batches that get smaller where they keep Redis busy for long, so it goes on
//! answering others; no command here looks at the whole database at once. The Redis is at the end of a stream of the caller's, such
//! as a port-forward, or one that the configuration names: a server, a cluster or what sentinels watch, with TLS or without.

mod cluster;
mod command;
mod connection;
mod count;
mod dial;
mod error;
mod fields;
mod filter;
mod info;
mod key;
mod look_command;
mod node;
mod overview;
mod pace;
mod prefixes;
mod removal;
mod sample;
mod scan;
mod slots;
mod timed;

pub use command::{Terminal, count_command, purge_command};
pub use connection::{PurgeableRedis, Redis};
pub use dial::Credentials;
pub use error::{Error, unconfirmed_words};
pub use key::{ElementRead, KeyPage, KeyRead};
pub use look_command::{info_command, key_command, sample_command};
pub use node::Login;
pub use pace::Pace;
pub use removal::PurgeReport;
