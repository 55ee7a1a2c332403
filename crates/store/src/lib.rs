//! What must survive a restart: services, jobs, builds, deploys, purges, the record of activity, and answers that are remembered.
//!
//! One set of queries and migrations runs on `SQLite` (the default) and `PostgreSQL`. Every change is one transaction; a
//! worker's writes check the fence of its claim, and long work never holds a transaction. Functions stand by aggregate.
//! Times are kept in milliseconds, ids are UUIDs of version 7, and a row that doesn't parse is an error with its table and id.

mod activity;
mod builds;
mod claims;
mod database;
mod deploys;
mod error;
mod idempotency;
mod jobs;
mod purges;
mod rows;
mod schedules;
mod services;

pub use activity::{ActivityFilter, NewActivity};
pub use builds::EnqueuedBuild;
pub use claims::Claim;
pub use database::Store;
pub use deploys::{Begun, DeployJob, DeployLock, DeployRequest, Locked};
pub use error::Error;
pub use idempotency::{Remembered, Reservation, StoredResponse};
pub use jobs::{NewJob, Retried};
pub use purges::{NewPurge, PurgeBegun, PurgeLock, PurgeLocked, StopAsked};
pub use schedules::NewSchedule;
pub use services::Created;
