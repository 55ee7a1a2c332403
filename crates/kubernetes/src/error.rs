//! What can go wrong between Fairway and a cluster.

/// Why the cluster did not do what was asked. The cluster being away is [`Error::Unreachable`]; everything else needs a person.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kubeconfig is missing or malformed, or has no such context.
    #[error(
        "The kubeconfig can't be used: {0}. Check the file and the context that the configuration names."
    )]
    Kubeconfig(String),
    /// No answer, or none in time.
    #[error("The cluster doesn't answer: {0}. Check that it runs and that the kubeconfig names its address.")]
    Unreachable(String),
    /// The API server answered, and refused.
    #[error("The API server refused ({code} {reason}): {message}")]
    Refused {
        /// HTTP's status code.
        code: u16,
        /// Kubernetes' word for it, such as `Forbidden`.
        reason: String,
        /// Its explanation.
        message: String,
    },
    /// The cluster serves no such kind.
    #[error(
        "The cluster knows no kind {kind} in {api_version}. Check the manifest, or install what defines it."
    )]
    UnknownKind {
        /// Such as `apps/v1`.
        api_version: String,
        /// Such as `Deployment`.
        kind: String,
    },
    /// The manifest lacks what every object has.
    #[error("The manifest has no {0}: every object needs apiVersion, kind and metadata.name.")]
    Manifest(&'static str),
    /// The position in a log stream was not made here.
    #[error("That log position isn't one that a stream gave. Start reading without one.")]
    LogPosition,
    /// Who keeps older lines didn't give them; why, as a sentence.
    #[error("{0}")]
    Older(String),
    /// An answer that could not be understood.
    #[error("The cluster's answer can't be understood: {0}")]
    Answer(String),
}

impl Error {
    /// Whether the same request can succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused { code, .. } => *code == 429 || *code >= 500,
            _ => false,
        }
    }

    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { code: 404, .. })
    }
}

impl From<kube::Error> for Error {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => {
                Self::Refused { code: status.code, reason: status.reason, message: status.message }
            }
            kube::Error::SerdeError(error) => Self::Answer(error.to_string()),
            kube::Error::FromUtf8(error) => Self::Answer(error.to_string()),
            kube::Error::InferKubeconfig(error) => Self::Kubeconfig(error.to_string()),
            kube::Error::InferConfig(error) => Self::Kubeconfig(error.to_string()),
            error => Self::Unreachable(chain(&error)),
        }
    }
}

/// An error and its causes in one line: `client error (Connect): connection refused`.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}
