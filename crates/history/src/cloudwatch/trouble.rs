//! Why CloudWatch Logs gave no events, for a person.

use super::{Asked, CloudWatch};
use crate::Error;
use crate::error::root_cause;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_cloudwatchlogs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudwatchlogs::operation::filter_log_events::FilterLogEventsError;
use std::error::Error as _;

/// What it says where the trouble is who asks, however the sentence goes on.
const NOT_ALLOWED: [&str; 7] = [
    "AccessDenied",
    "AuthFailure",
    "ExpiredToken",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignature",
    "UnrecognizedClient",
];
const BUSY: [&str; 3] = ["Throttling", "LimitExceeded", "ServiceUnavailable"];

impl CloudWatch {
    pub(super) fn trouble(&self, asked: &Asked, error: &SdkError<FilterLogEventsError>) -> Error {
        let source_name = self.name();
        let Some(refusal) = error.as_service_error() else {
            return match credentials(error) {
                Some(why) => Error::NotAllowed { source_name, said: why },
                None => Error::Unreachable { source_name, why: why(error) },
            };
        };
        if refusal.is_resource_not_found_exception() {
            return Error::NoGroup { source_name, group: asked.log_group.clone() };
        }
        let status = error.raw_response().map_or(0, |response| response.status().as_u16());
        let (code, message) = (refusal.code().unwrap_or_default(), refusal.message().unwrap_or_default());
        let message: String = message.chars().take(300).collect();
        let parts = [status.to_string(), code.to_owned(), message];
        let said = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
        let is = |kinds: &[&str]| kinds.iter().any(|kind| code.starts_with(kind));
        if is(&BUSY) || status == 429 || status >= 500 {
            Error::Busy { source_name, said }
        } else if is(&NOT_ALLOWED) || matches!(status, 401 | 403) {
            let said = format!("{said}; it takes logs:FilterLogEvents on {}", asked.log_group);
            Error::NotAllowed { source_name, said }
        } else {
            Error::Refused { source_name, said }
        }
    }
}

/// Why nobody is known who could ask, if that is the reason.
fn credentials(error: &SdkError<FilterLogEventsError>) -> Option<String> {
    let mut cause = error.source();
    while let Some(next) = cause {
        if next.is::<CredentialsError>() {
            return Some(match next.source() {
                Some(_) => format!("{next}: {}", root_cause(next)),
                None => next.to_string(),
            });
        }
        cause = next.source();
    }
    None
}

fn why(error: &SdkError<FilterLogEventsError>) -> String {
    match error {
        SdkError::TimeoutError(_) => "it takes too long".to_owned(),
        _ => root_cause(error),
    }
}
