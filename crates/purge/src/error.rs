use fairway_domain::EnvironmentName;

/// Why a Redis wasn't counted or purged, or not to the end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The environment's policy forbids it. Nothing was sent.
    #[error(
        "Redis on {0} can't be purged: the environment isn't marked purgeable. Nothing was sent to it. Whoever runs Fairway \
         can mark it in the configuration."
    )]
    NotPurgeable(EnvironmentName),
    /// The password isn't Redis's. Nothing was changed.
    #[error(
        "Redis refused the password in the service's Secret. Restart the service's Redis so that it takes the Secret's \
         present password, then try again. Nothing was changed."
    )]
    WrongPassword,
    /// Nothing came back in time, or the connection couldn't be made. Nothing was changed.
    #[error("Redis doesn't answer ({0}). Nothing was changed. Check that its pod is ready, then try again.")]
    Unreachable(String),
    /// Redis answered a question with a refusal. Nothing was changed.
    #[error("Redis refused to list its keys: {0}. Nothing was changed.")]
    Refused(String),
    /// A purge that had begun couldn't go on.
    #[error(
        "The purge ended early, after {removed} keys were removed and at most {unconfirmed} more without a confirmation: {cause}. \
         Purge again to go on with what is left."
    )]
    Interrupted {
        /// Keys that Redis confirmed to have removed.
        removed: u64,
        /// Keys whose removal was asked for last, and not confirmed.
        unconfirmed: u64,
        /// What came between.
        cause: String,
    },
}

impl Error {
    /// What a failure means before anything was changed.
    pub(crate) fn before_any_change(error: &redis::RedisError) -> Self {
        let refused = error.code().is_some_and(|code| matches!(code, "WRONGPASS" | "NOAUTH"));
        if refused || error.kind() == redis::ErrorKind::AuthenticationFailed {
            return Self::WrongPassword;
        }
        match error.kind() {
            redis::ErrorKind::Server(_) | redis::ErrorKind::Extension => Self::Refused(error.to_string()),
            _ => Self::Unreachable(error.to_string()),
        }
    }
}
