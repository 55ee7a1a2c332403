//! What the store promises, on both databases. `PostgreSQL` is started from `/usr/lib/postgresql/15/bin` (or the folder named by
//! `FAIRWAY_TEST_POSTGRES`) in a temporary folder, reached by a socket there, and ended with the last test that uses it.
#![allow(clippy::unwrap_used, clippy::expect_used)] // A test that meets the unexpected ends there.

mod activity;
mod builds;
mod databases;
mod deploys;
mod fixtures;
mod idempotency;
mod jobs;
mod migrations;
mod purges;
mod schedules;
mod services;

/// Makes two tests of each function: one on each database.
macro_rules! on_both_stores {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(&$crate::databases::Database::sqlite()).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(&$crate::databases::Database::postgres().await).await;
            })+
        }
    };
}
pub(crate) use on_both_stores;
