use crate::Error;
use fairway_domain::{ImageDigest, ServiceName};
use reqwest::{Client, Method, Response, StatusCode, header};
use std::time::Duration;

/// What a manifest may be; without these a registry answers in a format of 2016, whose digest nothing can pull.
const MANIFESTS: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json";

/// The registry that holds the images and the charts, asked anonymously.
#[derive(Clone, Debug)]
pub struct Registry {
    address: String,
    plain_http: bool,
    /// Or why there is none.
    client: Result<Client, String>,
}

impl Registry {
    /// The registry at `address`, a host with a port if it has one, such as `127.0.0.1:5000`. `plain_http` only where it
    /// speaks no TLS. It isn't asked yet.
    pub fn new(address: String, plain_http: bool) -> Self {
        // The TLS library takes the process's provider, and panics without one. If there is one already, it stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // A registry is asked a few times a minute: a connection kept for later is more often found dead than used.
        let client = Client::builder()
            .timeout(Duration::from_secs(10))
            .https_only(!plain_http)
            .pool_max_idle_per_host(0)
            .build();
        Self { address, plain_http, client: client.map_err(|error| root_cause(&error)) }
    }

    /// Its address, as given.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether it is spoken to without TLS.
    pub fn plain_http(&self) -> bool {
        self.plain_http
    }

    /// A service's image in it, without a tag: `127.0.0.1:5000/orders`.
    pub fn image(&self, service: &ServiceName) -> String {
        format!("{}/{service}", self.address)
    }

    /// The digest of what is stored as `repository:tag`, or `None` if nothing is.
    pub async fn digest(&self, repository: &str, tag: &str) -> Result<Option<ImageDigest>, Error> {
        let response = self.ask(Method::HEAD, &format!("{repository}/manifests/{tag}")).await?;
        match response.status() {
            StatusCode::NOT_FOUND => return Ok(None),
            status if status.is_success() => {}
            status => {
                return Err(self.error(format!("it answered {status} to a question for {repository}:{tag}")));
            }
        }
        let digest = response.headers().get("docker-content-digest").and_then(|value| value.to_str().ok());
        match digest.map(str::parse) {
            Some(Ok(digest)) => Ok(Some(digest)),
            _ => Err(self.error(format!("it names no sha256 digest for {repository}:{tag}"))),
        }
    }

    async fn ask(&self, method: Method, path: &str) -> Result<Response, Error> {
        let scheme = if self.plain_http { "http" } else { "https" };
        let client = self.client.as_ref().map_err(|reason| self.error(reason.clone()))?;
        let request = client.request(method, format!("{scheme}://{}/v2/{path}", self.address));
        let answer = request.header(header::ACCEPT, MANIFESTS).send().await;
        answer.map_err(|error| self.error(root_cause(&error)))
    }

    fn error(&self, reason: String) -> Error {
        Error::Registry { address: self.address.clone(), reason }
    }
}

/// The innermost cause: *connection refused* rather than *error sending request*.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
