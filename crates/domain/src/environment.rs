//! Where services are deployed to, and what is allowed there.

use crate::{EnvironmentName, Namespace, Timestamp};
use serde::{Deserialize, Serialize};

/// A named place to deploy to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Environment {
    /// How people call it.
    pub name: EnvironmentName,
    /// The namespace that holds its services.
    pub namespace: Namespace,
    /// What is allowed there.
    pub policy: EnvironmentPolicy,
}

/// What an environment allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EnvironmentPolicy {
    /// Whether its Redis may be purged. Nothing is purgeable unless it is said to be.
    pub purgeable: bool,
}

/// How far what is shown can be trusted to be what is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state", content = "since")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Freshness {
    /// The cluster answers; this is its present state.
    Live,
    /// The cluster has been away since then; this is what was known.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    UnknownSince(Timestamp),
    /// The cluster has not answered since Fairway started; nothing is known.
    NeverSeen,
}
