//! The record of all that was asked and what came of it.

use crate::{EnvironmentName, JobId, ServiceName, Timestamp};
use serde::{Deserialize, Serialize};

/// Who asks. Every use case takes one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Actor {
    /// How the record names them.
    pub name: String,
}

impl Actor {
    /// The person at this machine, in local mode.
    pub fn local() -> Self {
        Self { name: "local user".into() }
    }
}

/// One thing that somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Activity {
    /// A UUID, version 7: newer ones sort later.
    pub id: uuid::Uuid,
    /// When it was asked.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// By whom.
    pub actor: Actor,
    /// What.
    pub action: Action,
    /// Of which service.
    pub service: ServiceName,
    /// Where, if it is about one environment.
    pub environment: Option<EnvironmentName>,
    /// The particulars, in words: *9f8e7d Fix rounding*, *18,402 keys matching session:\**.
    pub detail: String,
    /// What came of it.
    pub outcome: Outcome,
    /// The job that did it, if it took one.
    pub job: Option<JobId>,
    /// When the outcome was known.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub finished_at: Option<Timestamp>,
}

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[allow(missing_docs)] // the words are the definition
pub enum Action {
    Create,
    Push,
    Build,
    Deploy,
    RollBack,
    Restart,
    Purge,
    Retry,
    Stop,
    Look,
    Schedule,
    Unschedule,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state", content = "reason")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Outcome {
    /// Still under way.
    Running,
    /// Done.
    Succeeded,
    /// Not done; why.
    Failed(String),
    /// Not allowed; why. Nothing was changed.
    Refused(String),
    /// Stopped before its end; who asked for that. What was done stays done.
    Stopped(String),
}
