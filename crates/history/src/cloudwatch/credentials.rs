//! A key that the configuration names, instead of what AWS' own variables and files say.

use crate::error::secret;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// How long a key is used until its file is read again.
const READ_AGAIN: Duration = Duration::from_mins(15);

/// An access key: its id, and the file with its secret, which may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsKey {
    /// Such as `AKIAIOSFODNN7EXAMPLE`.
    pub id: String,
    /// The file with the secret access key.
    pub secret_file: PathBuf,
}

impl ProvideCredentials for AwsKey {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let secret = secret(&self.secret_file).await.map_err(CredentialsError::provider_error)?;
            let end = SystemTime::now() + READ_AGAIN;
            Ok(Credentials::new(&self.id, secret, None, Some(end), "the configuration"))
        })
    }
}
