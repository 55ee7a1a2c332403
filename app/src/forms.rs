//! What the pages' forms send, and what a page shows when a form was refused.
//!
//! A handler of the server decodes one of the bodies, asks the portal, and answers 303; where that is refused or fails, it renders
//! `page()` of the body again with an [`Alert`], a [`CreateForm`] or both as context.

mod purge;

pub use purge::PurgeBody;
pub(crate) use purge::{AskedKeys, WrongField, address as purge_address};

use crate::address::encoded;
use fairway_domain::{BuildId, DeployNumber, EnvironmentName, FieldError, ParametersDraft, ServiceName};
use fairway_portal::{DeployOrder, DeployTarget, Refusal};
use serde::Deserialize;

/// Why the form that was sent wasn't done; the page shows it above itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// What happened and what to do.
    pub sentence: String,
    /// A page that helps: its address and its words.
    pub link: Option<(String, String)>,
}

impl Alert {
    /// A sentence alone.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), link: None }
    }
}

impl From<&Refusal> for Alert {
    fn from(refusal: &Refusal) -> Self {
        let link = match refusal {
            Refusal::Held(deploy) => Some((
                crate::address::deploy(deploy.service.as_str(), deploy.number.0),
                format!("Follow deploy {}", deploy.number),
            )),
            Refusal::PurgeHeld(purge) => {
                Some((format!("/jobs/{}", purge.job), "Follow that purge".to_owned()))
            }
            Refusal::NoImage(build) => Some((format!("/jobs/{}", build.job), "Look at its build".to_owned())),
            _ => None,
        };
        Self { sentence: refusal.to_string(), link }
    }
}

/// A creation that wasn't done: what was typed, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateForm {
    /// As typed.
    pub draft: ParametersDraft,
    /// Each at its field.
    pub errors: Vec<FieldError>,
}

/// `POST /new`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CreateBody {
    /// See [`crate::CsrfToken`].
    pub csrf: String,
    /// The same form sent again carries the same value.
    pub idempotency: String,
    name: String,
    team: String,
    description: String,
    runtime: String,
    port: String,
    replicas: String,
    variables: String,
    redis: Option<String>,
    metrics: Option<String>,
    /// The names of the fields that somebody has typed into, for a preview.
    pub(crate) touched: String,
}

impl CreateBody {
    /// The page of the form.
    pub const PAGE: &'static str = "/new";

    /// What was typed.
    pub fn draft(&self) -> ParametersDraft {
        ParametersDraft {
            name: self.name.clone(),
            team: self.team.clone(),
            description: self.description.clone(),
            runtime: self.runtime.clone(),
            port: self.port.clone(),
            replicas: self.replicas.clone(),
            // A browser ends a line of a form with CR and LF.
            variables: self.variables.replace("\r\n", "\n"),
            redis: self.redis.is_some(),
            metrics: self.metrics.is_some(),
        }
    }
}

/// `POST /services/NAME/deploy`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct DeployBody {
    /// See [`crate::CsrfToken`].
    pub csrf: String,
    /// The same form sent again carries the same value.
    pub idempotency: String,
    environment: String,
    build: String,
    back_to: String,
}

impl DeployBody {
    /// The page of the form.
    pub fn page(&self, service: &ServiceName) -> String {
        let target = if self.back_to.is_empty() {
            format!("build={}", encoded(&self.build))
        } else {
            format!("back_to={}", encoded(&self.back_to))
        };
        format!("/services/{service}/deploy?environment={}&{target}", encoded(&self.environment))
    }

    /// What is asked for.
    pub fn order(&self, service: &ServiceName) -> Result<DeployOrder, Alert> {
        deploy_order(service, &self.environment, &self.build, &self.back_to)
            .map_err(|error| Alert::new(error.to_string()))
    }
}

/// A build, or a deploy to go back to.
pub(crate) fn deploy_order(
    service: &ServiceName,
    environment: &str,
    build: &str,
    back_to: &str,
) -> Result<DeployOrder, fairway_domain::Invalid> {
    let target = if back_to.is_empty() {
        DeployTarget::Build(build.parse::<BuildId>()?)
    } else {
        DeployTarget::BackTo(back_to.parse::<DeployNumber>()?)
    };
    Ok(DeployOrder { service: service.clone(), environment: environment.parse()?, target })
}

/// `POST /services/NAME/restart`; refused, it shows the service's page.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RestartBody {
    /// See [`crate::CsrfToken`].
    pub csrf: String,
    environment: String,
}

impl RestartBody {
    /// Where.
    pub fn environment(&self) -> Result<EnvironmentName, Alert> {
        self.environment.parse().map_err(|error: fairway_domain::Invalid| Alert::new(error.to_string()))
    }
}

/// `POST /jobs/ID/retry` and `POST /jobs/ID/stop`; refused, they show the job's page.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct JobBody {
    /// See [`crate::CsrfToken`].
    pub csrf: String,
}
