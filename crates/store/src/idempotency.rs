//! Answers that are remembered, so that a request with an idempotency key is carried out once however often it is sent.

use crate::rows::{Fields, new_id, now};
use crate::{Error, Store};
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

/// How long a request may take to be answered before another one with its key takes over: Fairway may have been killed.
const RESERVED_FOR: i64 = 60_000;

/// How long an answer is remembered.
const REMEMBERED_FOR: i64 = 24 * 3_600_000;

/// An answer as it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredResponse {
    /// HTTP's status code.
    pub status: u16,
    /// Its headers that matter, by name.
    pub headers: Vec<(String, String)>,
    /// Its body, which is text.
    pub body: String,
}

/// The right to carry out the request of a key; given back by [`Store::remember`] or [`Store::forget`], or lost after a minute.
#[derive(Debug)]
pub struct Reservation {
    key: String,
    token: String,
}

/// What is known of a key.
#[derive(Debug)]
pub enum Remembered {
    /// Nothing: carry the request out, then remember the answer.
    New(Reservation),
    /// This was the answer.
    Same(StoredResponse),
    /// The same request is being carried out right now: come back in a moment.
    InProgress,
    /// The key came with another request.
    Different,
}

impl Store {
    /// Reserves a key for a request, or says what is known of it. `fingerprint` tells one request from another: method, path and body.
    pub async fn remembered(&self, key: &str, fingerprint: &str) -> Result<Remembered, Error> {
        let mut write = self.write().await?;
        let at = now();
        let token = new_id().to_string();
        sqlx::query("DELETE FROM idempotency WHERE created_at < $1")
            .bind(at - REMEMBERED_FOR)
            .execute(write.connection())
            .await?;
        let reserved = sqlx::query(
            "INSERT INTO idempotency (key, fingerprint, token, reserved_until, created_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (key) DO UPDATE SET token = excluded.token, reserved_until = excluded.reserved_until
             WHERE idempotency.response IS NULL AND idempotency.reserved_until < $5
               AND idempotency.fingerprint = excluded.fingerprint",
        )
        .bind(key)
        .bind(fingerprint)
        .bind(&token)
        .bind(at + RESERVED_FOR)
        .bind(at)
        .execute(write.connection())
        .await?;
        let known = if reserved.rows_affected() == 1 {
            Remembered::New(Reservation { key: key.to_owned(), token })
        } else {
            known(write.connection(), key, fingerprint).await?
        };
        write.commit().await?;
        Ok(known)
    }

    /// Remembers the answer for a day. A reservation that was lost meanwhile changes nothing.
    pub async fn remember(&self, reservation: Reservation, response: &StoredResponse) -> Result<(), Error> {
        let mut write = self.write().await?;
        sqlx::query("UPDATE idempotency SET response = $1 WHERE key = $2 AND token = $3")
            .bind(serde_json::to_string(response)?)
            .bind(&reservation.key)
            .bind(&reservation.token)
            .execute(write.connection())
            .await?;
        write.commit().await
    }

    /// Gives the key back because nothing was carried out: the same request may come again at once.
    pub async fn forget(&self, reservation: Reservation) -> Result<(), Error> {
        let mut write = self.write().await?;
        sqlx::query("DELETE FROM idempotency WHERE key = $1 AND token = $2 AND response IS NULL")
            .bind(&reservation.key)
            .bind(&reservation.token)
            .execute(write.connection())
            .await?;
        write.commit().await
    }
}

async fn known(connection: &mut AnyConnection, key: &str, fingerprint: &str) -> Result<Remembered, Error> {
    let row = sqlx::query("SELECT key, fingerprint, response FROM idempotency WHERE key = $1")
        .bind(key)
        .fetch_optional(connection)
        .await?
        .ok_or_else(|| Error::Missing { table: "idempotency", id: key.to_owned() })?;
    let fields = Fields::of(&row, "idempotency", "key");
    if fields.get::<String>("fingerprint")? != fingerprint {
        return Ok(Remembered::Different);
    }
    Ok(fields.maybe_json("response")?.map_or(Remembered::InProgress, Remembered::Same))
}
