//! What the pages' forms send, and what a page shows when a form was refused.
//!
//! A handler of the server decodes one of the bodies, asks the portal, and answers 303; where that is refused, it renders
//! `page()` of the body again with an [`Alert`] or a [`CreateForm`] as context.

use crate::address::encoded;
use fairway_domain::{
    BuildId, DeployNumber, EnvironmentName, FieldError, KeyPattern, ParametersDraft, PurgeSelection,
    ServiceName,
};
use fairway_portal::{DeployOrder, DeployTarget, PurgeOrder, Refusal};
use serde::Deserialize;

/// A purge of more keys than this, or of everything, asks for the service's name.
pub const PURGE_WITHOUT_NAME: u64 = 10_000;

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
            Refusal::NoImage(build) => Some((format!("/jobs/{}", build.job), "Look at its build".to_owned())),
            _ => None,
        };
        Self { sentence: refusal.to_string(), link }
    }
}

/// A creation that was refused: what was typed, and what is wrong with it.
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

/// `POST /services/NAME/purge`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PurgeBody {
    /// See [`crate::CsrfToken`].
    pub csrf: String,
    /// The same form sent again carries the same value.
    pub idempotency: String,
    environment: String,
    pattern: String,
    everything: Option<String>,
    expected: String,
    confirm: String,
}

impl PurgeBody {
    /// The page of the form, with the dry run in it.
    pub fn page(&self, service: &ServiceName) -> String {
        let selection = match self.everything {
            Some(_) => "everything=on".to_owned(),
            None => format!("pattern={}", encoded(&self.pattern)),
        };
        format!("/services/{service}/purge?environment={}&{selection}", encoded(&self.environment))
    }

    /// What is agreed to, or what is missing.
    pub fn order(&self, service: &ServiceName) -> Result<PurgeOrder, Alert> {
        let invalid = |error: fairway_domain::Invalid| Alert::new(error.to_string());
        let environment: EnvironmentName = self.environment.parse().map_err(invalid)?;
        let selection = purge_selection(&self.pattern, self.everything.is_some()).map_err(invalid)?;
        let expected: u64 =
            self.expected.parse().map_err(|_| Alert::new("Count the keys first; nothing was removed."))?;
        if needs_name(&selection, expected) && self.confirm.trim() != service.as_str() {
            return Err(Alert::new(format!(
                "Type the service's name, {service}, to agree. Nothing was removed."
            )));
        }
        Ok(PurgeOrder { service: service.clone(), environment, selection, expected })
    }
}

/// What the form's two fields select.
pub(crate) fn purge_selection(
    pattern: &str,
    everything: bool,
) -> Result<PurgeSelection, fairway_domain::Invalid> {
    if everything {
        return Ok(PurgeSelection::Everything);
    }
    pattern.parse::<KeyPattern>().map(PurgeSelection::Matching)
}

/// Whether a purge is so large that the service's name has to be typed.
pub(crate) fn needs_name(selection: &PurgeSelection, keys: u64) -> bool {
    *selection == PurgeSelection::Everything || keys > PURGE_WITHOUT_NAME
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

/// `POST /jobs/ID/retry`; refused, it shows the job's page.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RetryBody {
    /// See [`crate::CsrfToken`].
    pub csrf: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purge(pattern: &str, everything: bool, expected: &str, confirm: &str) -> Result<PurgeOrder, Alert> {
        let body = PurgeBody {
            environment: "staging".into(),
            pattern: pattern.into(),
            everything: everything.then(|| "on".into()),
            expected: expected.into(),
            confirm: confirm.into(),
            ..PurgeBody::default()
        };
        body.order(&"orders".parse().unwrap())
    }

    #[test]
    fn a_small_purge_needs_no_name_a_large_one_and_everything_do() {
        assert!(purge("session:*", false, "20", "").is_ok());
        assert!(purge("session:*", false, "10001", "").is_err());
        assert!(purge("session:*", false, "10001", "orders").is_ok());
        assert!(purge("", true, "3", "").is_err());
        assert!(purge("", true, "3", "order").is_err());
        assert!(purge("", true, "3", " orders ").is_ok());
    }

    #[test]
    fn a_purge_without_a_count_or_a_pattern_is_refused() {
        assert!(purge("session:*", false, "", "orders").is_err());
        assert!(purge("", false, "3", "orders").is_err());
    }

    #[test]
    fn the_page_of_a_refused_form_asks_for_the_same_again() {
        let body =
            PurgeBody { environment: "staging".into(), pattern: "a&b=*".into(), ..PurgeBody::default() };
        let service: ServiceName = "orders".parse().unwrap();
        assert_eq!(body.page(&service), "/services/orders/purge?environment=staging&pattern=a%26b%3D%2A");
    }
}
