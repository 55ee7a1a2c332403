//! Who did what to which service where, with the outcome.

use crate::{Error, Portal};
use fairway_domain::{Activity, Actor, EnvironmentName, ServiceName};

/// Which activity; every field that is set narrows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivityFilter {
    /// Of this service.
    pub service: Option<ServiceName>,
    /// In this environment.
    pub environment: Option<EnvironmentName>,
    /// By this actor.
    pub actor: Option<String>,
    /// At most this many, newest first; 200 if not said, 1,000 at most.
    pub limit: Option<u32>,
}

impl Portal {
    /// What was asked and what came of it, newest first.
    pub async fn activity(&self, _actor: &Actor, filter: &ActivityFilter) -> Result<Vec<Activity>, Error> {
        let wanted = fairway_store::ActivityFilter {
            service: filter.service.clone(),
            environment: filter.environment.clone(),
            actor: filter.actor.clone(),
            ..Default::default()
        };
        let limit = filter.limit.unwrap_or(200).min(1_000);
        Ok(self.inner.store.activity(&wanted, None, limit).await?)
    }
}
