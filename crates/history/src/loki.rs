//! Grafana Loki, over its HTTP API.

mod answer;
mod pages;

use crate::error::{root_cause, secret};
use crate::record::Of;
use crate::{Error, Template};
use answer::{Answer, Direction, Page};
use fairway_domain::{Namespace, ServiceName, StoredLine, Stretch};
use futures::stream::BoxStream;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// As many lines as Loki gives at once where nobody has set another `max_entries_limit`.
const MOST_LINES: usize = 5000;
/// How long a connection may take, and how long an answer.
const CONNECTING: Duration = Duration::from_secs(5);
const ANSWERING: Duration = Duration::from_secs(60);
/// How often a Loki that has too much to do is asked, and how long after the first time it is asked again.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(500);

/// How a Loki is reached, and what it calls a service's lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LokiSettings {
    /// Its address, without a slash at the end: `http://loki.monitoring:3100`.
    pub url: String,
    /// The stream selector of a service's lines: `{namespace="$namespace", app="$service"}`.
    pub query: Template,
    /// What `X-Scope-OrgID` says, if anything.
    pub tenant: Option<String>,
    /// Who asks, if it wants to know.
    pub credentials: Option<LokiCredentials>,
}

/// Who asks. Files are read each time, so that what is in them may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LokiCredentials {
    /// A name, and the file with its password.
    Basic(String, PathBuf),
    /// The file with a bearer token.
    Bearer(PathBuf),
}

/// A query, and whose lines it is for.
struct Asked {
    query: String,
    of: Of,
}

#[derive(Clone, Debug)]
pub(crate) struct Loki {
    settings: Arc<LokiSettings>,
    client: Client,
    /// How many lines it gives at once, as far as known.
    limit: Arc<AtomicUsize>,
}

impl Loki {
    pub(crate) fn new(settings: LokiSettings) -> Result<Self, Error> {
        // The TLS library takes the process's provider, and panics without one. If there is one already, it stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().connect_timeout(CONNECTING).timeout(ANSWERING).build();
        let client = client.map_err(|error| Error::Client(root_cause(&error)))?;
        let limit = Arc::new(AtomicUsize::new(MOST_LINES));
        Ok(Self { settings: Arc::new(settings), client, limit })
    }

    pub(crate) fn name(&self) -> String {
        format!("Loki at {}", self.settings.url)
    }

    pub(crate) fn lines(
        &self,
        namespace: &Namespace,
        service: &ServiceName,
        stretch: Stretch,
    ) -> BoxStream<'static, Result<StoredLine, Error>> {
        let selector = self.settings.query.fill(namespace, service);
        let query = selector + &without(&stretch.without);
        let of = Of::new(namespace, service, &stretch);
        pages::lines(self.clone(), Asked { query, of }, stretch)
    }

    /// Up to `limit` lines from `from` on and before `until`, the first or the last ones.
    async fn page(
        &self,
        asked: &Asked,
        (from, until): (i64, i64),
        direction: Direction,
        limit: usize,
    ) -> Result<Page, Error> {
        let mut limit = limit.min(self.limit.load(Ordering::Relaxed));
        loop {
            let form = [
                ("query", asked.query.clone()),
                ("start", from.to_string()),
                ("end", until.to_string()),
                ("limit", limit.to_string()),
                ("direction", direction.word().to_owned()),
            ];
            let response = self.ask(&form).await?;
            let status = response.status();
            if status.is_success() {
                let answer = response.json::<Answer>().await.map_err(|error| self.unreachable(&error))?;
                return answer.page(direction, limit, &asked.of).ok_or_else(|| self.no_pod());
            }
            let said = response.text().await.unwrap_or_default();
            match lower_limit(&said).filter(|lower| status == StatusCode::BAD_REQUEST && *lower < limit) {
                Some(lower) => {
                    self.limit.store(lower, Ordering::Relaxed);
                    limit = lower;
                }
                None => return Err(self.refused(status, &said)),
            }
        }
    }

    /// Asks, and again after some time while it has too much to do.
    async fn ask(&self, form: &[(&str, String)]) -> Result<Response, Error> {
        let url = format!("{}/loki/api/v1/query_range", self.settings.url);
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            let request = self.authorized(self.client.post(&url).form(form)).await?;
            let response = request.send().await.map_err(|error| self.unreachable(&error))?;
            let busy = matches!(response.status().as_u16(), 429 | 502..=504);
            if !busy {
                return Ok(response);
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        let request = self.authorized(self.client.post(&url).form(form)).await?;
        request.send().await.map_err(|error| self.unreachable(&error))
    }

    async fn authorized(&self, mut request: RequestBuilder) -> Result<RequestBuilder, Error> {
        if let Some(tenant) = &self.settings.tenant {
            request = request.header("X-Scope-OrgID", tenant);
        }
        Ok(match &self.settings.credentials {
            None => request,
            Some(LokiCredentials::Basic(name, file)) => request.basic_auth(name, Some(secret(file).await?)),
            Some(LokiCredentials::Bearer(file)) => request.bearer_auth(secret(file).await?),
        })
    }

    fn unreachable(&self, error: &reqwest::Error) -> Error {
        Error::Unreachable { source_name: self.name(), why: root_cause(error) }
    }

    fn refused(&self, status: StatusCode, said: &str) -> Error {
        let words: String = said.trim().chars().take(300).collect();
        let (source_name, said) = (self.name(), format!("{}: {words}", status.as_u16()));
        match status.as_u16() {
            401 | 403 => Error::NotAllowed { source_name, said },
            429 | 502..=504 => Error::Busy { source_name, said },
            _ => Error::Refused { source_name, said },
        }
    }

    fn no_pod(&self) -> Error {
        Error::NoPod { source_name: self.name() }
    }

    fn too_many_at_once(&self, limit: usize) -> Error {
        Error::OneTime { source_name: self.name(), limit }
    }
}

/// What leaves containers of pods out, by the labels that they usually have; of others, lines come that aren't needed.
fn without(containers: &[(String, String)]) -> String {
    let mut pods: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (pod, container) in containers {
        pods.entry(container).or_default().push(pod);
    }
    let stage = |(container, pods): (&str, Vec<&str>)| {
        format!(r#" | container!="{container}" or pod!~"{}""#, pods.join("|"))
    };
    pods.into_iter().map(stage).collect()
}

/// What a Loki gives at once that says `max entries limit per query exceeded, limit > max_entries_limit_per_query (5000 > 1000)`.
fn lower_limit(said: &str) -> Option<usize> {
    let (_, numbers) = said.split_once("max entries limit")?;
    let (_, numbers) = numbers.rsplit_once(" > ")?;
    let digits: String = numbers.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|limit| *limit > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_that_are_had_are_left_out_by_their_pods() {
        let of = |pod: &str, container: &str| (pod.to_owned(), container.to_owned());
        let had = [of("a", "app"), of("a", "proxy"), of("b", "app")];
        assert_eq!(without(&had), r#" | container!="app" or pod!~"a|b" | container!="proxy" or pod!~"a""#);
        assert_eq!(without(&[]), "");
    }

    #[test]
    fn a_lower_limit_is_understood() {
        let said =
            "max entries limit per query exceeded, limit > max_entries_limit_per_query (5000 > 1000)\n";
        assert_eq!(lower_limit(said), Some(1000));
        assert_eq!(lower_limit("parse error at line 1"), None);
    }
}
