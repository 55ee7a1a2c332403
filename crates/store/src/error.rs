//! What can go wrong in the store.

use fairway_domain::JobId;

/// Why the store couldn't do what was asked. Whatever it was, a transaction that didn't commit changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL names no database that is known here.
    #[error("The database's URL begins with sqlite: or postgres:; “{0}” doesn't.")]
    UnknownDatabase(String),
    /// The database is away, or refused a query.
    #[error(
        "The database can't be used: {0}. Check that it runs and that its disk isn't full, then try again."
    )]
    Database(#[from] sqlx::Error),
    /// A migration didn't go through, or the database was migrated by a newer Fairway.
    #[error(
        "The database's tables can't be brought up to date: {0}. Is it used by a newer version of Fairway?"
    )]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A row holds what no Fairway writes.
    #[error(
        "The row {id} of table {table} can't be read: column {column}: {reason}. Restore it from a backup or correct it by hand."
    )]
    Corrupt {
        /// Which table.
        table: &'static str,
        /// The row's key.
        id: String,
        /// Which column.
        column: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A value has no JSON form.
    #[error("A value can't be stored: {0}.")]
    Encode(#[from] serde_json::Error),
    /// Another worker took the job over: what this one wanted to write was not written.
    #[error("Job {0} is no longer held by this worker: its lease ran out and somebody else goes on with it.")]
    LeaseLost(JobId),
    /// There is no such row, though another row refers to it.
    #[error("The {table} {id} isn't there.")]
    Missing {
        /// Which table.
        table: &'static str,
        /// The key that was looked for.
        id: String,
    },
}
