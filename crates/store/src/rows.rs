//! Rows to domain types and back.

use crate::Error;
use fairway_domain::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{Any, Decode, Row, Type};
use std::str::FromStr;

/// A row with the names that an error about it needs.
pub(crate) struct Fields<'r> {
    row: &'r AnyRow,
    table: &'static str,
    key: &'static str,
}

impl<'r> Fields<'r> {
    /// `key` is the column that names the row in an error.
    pub(crate) fn of(row: &'r AnyRow, table: &'static str, key: &'static str) -> Self {
        Self { row, table, key }
    }

    pub(crate) fn get<T: Decode<'r, Any> + Type<Any>>(&self, column: &'static str) -> Result<T, Error> {
        self.row.try_get(column).map_err(|error| self.corrupt(column, error))
    }

    pub(crate) fn parsed<T: FromStr<Err: std::fmt::Display>>(
        &self,
        column: &'static str,
    ) -> Result<T, Error> {
        self.get::<String>(column)?.parse().map_err(|error: T::Err| self.corrupt(column, error))
    }

    pub(crate) fn maybe_parsed<T: FromStr<Err: std::fmt::Display>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, Error> {
        match self.get::<Option<String>>(column)? {
            Some(_) => self.parsed(column).map(Some),
            None => Ok(None),
        }
    }

    /// A column that holds JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, Error> {
        serde_json::from_str(&self.get::<String>(column)?).map_err(|error| self.corrupt(column, error))
    }

    pub(crate) fn maybe_json<T: DeserializeOwned>(&self, column: &'static str) -> Result<Option<T>, Error> {
        match self.get::<Option<String>>(column)? {
            Some(_) => self.json(column).map(Some),
            None => Ok(None),
        }
    }

    /// A column that holds one of an enum's words.
    pub(crate) fn word<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, Error> {
        serde_json::from_value(Value::String(self.get(column)?)).map_err(|error| self.corrupt(column, error))
    }

    pub(crate) fn time(&self, column: &'static str) -> Result<Timestamp, Error> {
        Timestamp::from_millisecond(self.get(column)?).map_err(|error| self.corrupt(column, error))
    }

    pub(crate) fn maybe_time(&self, column: &'static str) -> Result<Option<Timestamp>, Error> {
        match self.get::<Option<i64>>(column)? {
            Some(_) => self.time(column).map(Some),
            None => Ok(None),
        }
    }

    pub(crate) fn corrupt(&self, column: &'static str, reason: impl std::fmt::Display) -> Error {
        let id = self.row.try_get(self.key).unwrap_or_else(|_| "?".to_owned());
        Error::Corrupt { table: self.table, id, column, reason: reason.to_string() }
    }
}

/// The word that stands for a value of an enum without fields: the one that JSON uses too.
pub(crate) fn word(value: impl Serialize) -> Result<String, Error> {
    let text = serde_json::to_string(&value)?;
    Ok(text.trim_matches('"').to_owned())
}

/// Milliseconds since 1970, by this machine's clock.
pub(crate) fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

/// Text as both databases take it: `PostgreSQL` refuses the character NUL, so its picture stands in its place.
pub(crate) fn storable(text: &str) -> String {
    text.replace('\0', "\u{2400}")
}

/// A new id: later ones sort later.
pub(crate) fn new_id() -> uuid::Uuid {
    uuid::Uuid::now_v7()
}
