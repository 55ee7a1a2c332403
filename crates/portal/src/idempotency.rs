//! A request that is repeated with the same key gets the first one's answer.

use crate::{Error, Portal};
use fairway_store::{Remembered, Reservation, StoredResponse};

impl Portal {
    /// Whether a request with this `key` was made before; `fingerprint` tells whether it was the same one. A new key is reserved
    /// until [`Portal::remember`] or [`Portal::forget`].
    pub async fn remembered(&self, key: &str, fingerprint: &str) -> Result<Remembered, Error> {
        Ok(self.inner.store.remembered(key, fingerprint).await?)
    }

    /// Keeps the answer for whoever repeats the request.
    pub async fn remember(&self, reservation: Reservation, response: &StoredResponse) -> Result<(), Error> {
        Ok(self.inner.store.remember(reservation, response).await?)
    }

    /// Gives a reserved key back, because the request failed and may be made again.
    pub async fn forget(&self, reservation: Reservation) -> Result<(), Error> {
        Ok(self.inner.store.forget(reservation).await?)
    }
}
