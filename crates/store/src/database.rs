//! The connection: opening, transactions, and word of every change.

use crate::Error;
use sqlx::any::AnyPoolOptions;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, Executor, Transaction};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard, watch};

/// Waiting for another process's write comes first, so that the other settings wait for it too. `FULL` keeps what was
/// answered through a power cut, at one `fsync` a transaction.
const SQLITE_SETTINGS: &str = "PRAGMA busy_timeout = 15000; PRAGMA journal_mode = WAL; \
     PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";

/// The store. Clones share one pool of connections.
#[derive(Clone)]
pub struct Store {
    pool: AnyPool,
    kind: Kind,
    changes: Arc<watch::Sender<u64>>,
}

/// `SQLite` has one writer at a time. Within this process writers queue here, in order; those of other processes wait by
/// `busy_timeout`. A transaction that will write says so at its beginning, because `SQLite` refuses to turn a reader into a writer
/// when somebody else wrote meanwhile.
#[derive(Clone)]
enum Kind {
    Sqlite { turn: Arc<Mutex<()>> },
    Postgres,
}

impl Store {
    /// Opens `sqlite:///path?mode=rwc` or `postgres://…` and brings its tables up to date.
    pub async fn open(url: &str) -> Result<Self, Error> {
        sqlx::any::install_default_drivers();
        let kind = match url.split(':').next() {
            Some("sqlite") => Kind::Sqlite { turn: Arc::default() },
            Some("postgres" | "postgresql") => Kind::Postgres,
            other => return Err(Error::UnknownDatabase(other.unwrap_or_default().to_owned())),
        };
        let settings = matches!(kind, Kind::Sqlite { .. }).then_some(SQLITE_SETTINGS);
        let pool = AnyPoolOptions::new()
            .max_connections(8)
            .acquire_timeout(Duration::from_secs(30))
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if let Some(settings) = settings {
                        connection.execute(settings).await?;
                    }
                    Ok(())
                })
            })
            .connect(url)
            .await?;
        sqlx::migrate!("../../migrations").run(&pool).await?;
        Ok(Self { pool, kind, changes: Arc::new(watch::Sender::new(0)) })
    }

    /// Whether the database answers.
    pub async fn ready(&self) -> bool {
        sqlx::query("SELECT 1").execute(&self.pool).await.is_ok()
    }

    /// Counts up at every change that this process makes, after it was committed.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Ends every connection; `SQLite`'s log is folded into its file.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) async fn read(&self) -> Result<PoolConnection<Any>, Error> {
        Ok(self.pool.acquire().await?)
    }

    pub(crate) async fn write(&self) -> Result<Write, Error> {
        let (turn, begin) = match &self.kind {
            Kind::Sqlite { turn } => (Some(Arc::clone(turn).lock_owned().await), "BEGIN IMMEDIATE"),
            Kind::Postgres => (None, "BEGIN"),
        };
        let transaction = self.pool.begin_with(begin).await?;
        Ok(Write { transaction, changes: Arc::clone(&self.changes), _turn: turn })
    }
}

/// A transaction that writes. Dropped without [`Write::commit`], it changes nothing.
pub(crate) struct Write {
    transaction: Transaction<'static, Any>,
    changes: Arc<watch::Sender<u64>>,
    _turn: Option<OwnedMutexGuard<()>>,
}

impl Write {
    pub(crate) fn connection(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }

    pub(crate) async fn commit(self) -> Result<(), Error> {
        self.transaction.commit().await?;
        self.changes.send_modify(|count| *count += 1);
        Ok(())
    }
}
