//! Amazon CloudWatch Logs, over its SDK.

mod credentials;
mod event;
mod pages;
mod retry;
mod trouble;

use crate::record::Of;
use crate::{Error, Template};
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::config::timeout::TimeoutConfig;
use aws_sdk_cloudwatchlogs::config::{BehaviorVersion, Region};
use aws_sdk_cloudwatchlogs::operation::filter_log_events::builders::FilterLogEventsFluentBuilder;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
pub use credentials::AwsKey;
use fairway_domain::{Namespace, ServiceName, StoredLine, Stretch};
use futures::stream::BoxStream;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;

/// How long a connection may take, an answer, and an answer with all that was tried before it.
const CONNECTING: Duration = Duration::from_secs(5);
const ANSWERING: Duration = Duration::from_secs(60);
const ANSWERING_AT_LAST: Duration = Duration::from_secs(120);
/// The longest filter pattern that it takes.
const LONGEST_PATTERN: usize = 1024;

/// How an account's CloudWatch Logs is reached, and where a service's lines are in it. Who asks is found as everywhere with AWS
/// (variables, profile, a service account's role, the machine's), unless there is a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudWatchSettings {
    /// Such as `eu-central-1`; what AWS' own variables or files say, if none is named.
    pub region: Option<String>,
    /// Its address where it isn't the region's own, without a slash at the end.
    pub endpoint: Option<String>,
    /// The profile in AWS' own files, if another than theirs.
    pub profile: Option<String>,
    /// The key of who asks, if it isn't found as everywhere with AWS.
    pub key: Option<AwsKey>,
    /// The log group: `/aws/containerinsights/shop/application`.
    pub log_group: Template,
    /// With what the names of a service's log streams begin: `$service-`.
    pub stream_prefix: Option<Template>,
    /// The filter pattern of a service's events: `{ $.kubernetes.labels.app = "$service" }`. Without it and a prefix, events are
    /// known by the fields that Fluent Bit's Kubernetes filter adds.
    pub filter: Option<Template>,
}

#[derive(Clone, Debug)]
pub(crate) struct CloudWatch {
    settings: Arc<CloudWatchSettings>,
    client: Arc<OnceCell<Client>>,
}

/// Where a service's events are, and whose they are.
#[derive(Clone, Debug)]
struct Asked {
    of: Of,
    log_group: String,
    stream_prefix: Option<String>,
    filter: Option<String>,
}

impl CloudWatch {
    pub(crate) fn new(settings: CloudWatchSettings) -> Self {
        Self { settings: Arc::new(settings), client: Arc::default() }
    }

    pub(crate) fn name(&self) -> String {
        match &self.settings.region {
            Some(region) => format!("CloudWatch Logs in {region}"),
            None => "CloudWatch Logs".to_owned(),
        }
    }

    pub(crate) fn lines(
        &self,
        namespace: &Namespace,
        service: &ServiceName,
        stretch: Stretch,
    ) -> BoxStream<'static, Result<StoredLine, Error>> {
        let CloudWatchSettings { log_group, stream_prefix, filter, .. } = &*self.settings;
        let fill = |template: &Template| template.fill(namespace, service);
        let known = || stream_prefix.is_none().then(|| pattern(namespace, service, &stretch.without));
        let asked = Asked {
            of: Of::new(namespace, service, &stretch),
            log_group: fill(log_group),
            filter: filter.as_ref().map(fill).or_else(known),
            stream_prefix: stream_prefix.as_ref().map(fill),
        };
        pages::lines(self.clone(), asked, stretch)
    }

    /// A request for the events from one millisecond on and before another.
    async fn request(
        &self,
        asked: &Asked,
        (from, until): (i64, i64),
    ) -> Result<FilterLogEventsFluentBuilder, Error> {
        let client = self.client.get_or_try_init(|| self.connect()).await?;
        let request = client
            .filter_log_events()
            .log_group_name(&asked.log_group)
            .set_log_stream_name_prefix(asked.stream_prefix.clone())
            .set_filter_pattern(asked.filter.clone())
            .start_time(from)
            // Its end is part of a range.
            .end_time(until - 1);
        // AWS brings the events of all streams into one order by itself; what answers like it may have to be told.
        #[expect(deprecated, reason = "it does nothing at AWS any more")]
        Ok(request.interleaved(true))
    }

    /// Finds out who asks and where. What they need is read again by the SDK when it ends.
    async fn connect(&self) -> Result<Client, Error> {
        // The process's own library for TLS is ring; by itself, the SDK would bring another one.
        let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECTING)
            .operation_attempt_timeout(ANSWERING)
            .operation_timeout(ANSWERING_AT_LAST);
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .timeout_config(timeouts.build())
            .retry_config(retry::patience());
        if let Some(region) = &self.settings.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &self.settings.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(key) = &self.settings.key {
            loader = loader.credentials_provider(key.clone());
        }
        if let Some(endpoint) = &self.settings.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        let found = loader.load().await;
        match found.region() {
            Some(_) => {
                let config = aws_sdk_cloudwatchlogs::config::Builder::from(&found);
                Ok(Client::from_conf(config.retry_classifier(retry::Answering).build()))
            }
            // Not kept: the machine may tell it the next time.
            None => Err(Error::NoRegion { source_name: self.name() }),
        }
    }
}

/// The events that Fluent Bit's Kubernetes filter marked as a service's, without those of some containers as far as there is room.
fn pattern(namespace: &Namespace, service: &ServiceName, without: &[(String, String)]) -> String {
    let kubernetes =
        |field: &str, sign: &str, value: &str| format!(r#"($.kubernetes.{field} {sign} "{value}")"#);
    let mut pattern = format!(
        "{{ {} && {}",
        kubernetes("namespace_name", "=", namespace.as_str()),
        kubernetes("pod_name", "=", &format!("{service}-*"))
    );
    for (pod, container) in without {
        let other =
            [kubernetes("pod_name", "!=", pod), kubernetes("container_name", "!=", container)].join(" || ");
        if pattern.len() + other.len() + " && () }".len() > LONGEST_PATTERN {
            break;
        }
        pattern = format!("{pattern} && ({other})");
    }
    pattern + " }"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_asks_for_a_services_pods_and_stays_within_what_is_taken() {
        let (namespace, service) = ("shop".parse().unwrap(), "orders".parse().unwrap());
        assert_eq!(
            pattern(&namespace, &service, &[("orders-7c-x2".into(), "app".into())]),
            r#"{ ($.kubernetes.namespace_name = "shop") && ($.kubernetes.pod_name = "orders-*") && (($.kubernetes.pod_name != "orders-7c-x2") || ($.kubernetes.container_name != "app")) }"#
        );
        let many: Vec<(String, String)> = (0..99).map(|n| (format!("orders-7c-{n}"), "app".into())).collect();
        let long = pattern(&namespace, &service, &many);
        assert!(long.len() <= LONGEST_PATTERN && long.ends_with(" }"), "{long}");
    }
}
