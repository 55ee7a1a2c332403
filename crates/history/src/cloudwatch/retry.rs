//! What is asked again after a while.

use aws_sdk_cloudwatchlogs::config::interceptors::InterceptorContext;
use aws_sdk_cloudwatchlogs::config::retry::{ClassifyRetry, RetryAction, RetryConfig};
use std::error::Error;
use std::io::{self, ErrorKind};
use std::time::Duration;

/// How often it is asked while it has too much to do, and how long after the first time it is asked again at most.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

pub(super) fn patience() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(TRIES).with_initial_backoff(PAUSE)
}

/// Somebody waits for the lines that there are: what doesn't answer at all isn't asked again.
#[derive(Debug)]
pub(super) struct Answering;

impl ClassifyRetry for Answering {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else { return RetryAction::NoActionIndicated };
        let silent = error.is_timeout_error()
            || error.as_connector_error().is_some_and(|error| error.is_timeout() || never_connected(error));
        if silent { RetryAction::RetryForbidden } else { RetryAction::NoActionIndicated }
    }

    fn name(&self) -> &'static str {
        "Answering"
    }
}

/// Whether a connection wasn't made at all; one that was kept for later may have been closed meanwhile.
fn never_connected(error: &(dyn Error + 'static)) -> bool {
    let closed = [
        ErrorKind::ConnectionReset,
        ErrorKind::ConnectionAborted,
        ErrorKind::BrokenPipe,
        ErrorKind::UnexpectedEof,
        ErrorKind::NotConnected,
    ];
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return !closed.contains(&error.kind());
        }
        cause = error.source();
    }
    false
}
