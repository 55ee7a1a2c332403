//! Who asks.

use axum::extract::FromRequestParts;
use fairway_domain::Actor;
use http::request::Parts;
use std::{convert::Infallible, future::ready};

/// The actor of a request. In local mode that is the person at this machine: Fairway listens on loopback only.
pub(crate) struct Asking(pub(crate) Actor);

impl<S: Sync> FromRequestParts<S> for Asking {
    type Rejection = Infallible;

    fn from_request_parts(
        _parts: &mut Parts,
        _state: &S,
    ) -> impl Future<Output = Result<Self, Infallible>> + Send {
        ready(Ok(Self(Actor::local())))
    }
}
