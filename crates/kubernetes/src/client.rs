//! The way to the API server.

use crate::Error;
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use kube::Config;
use kube::client::{Body, ClientBuilder, ConfigExt, retry::RetryPolicy};
use tower::{BoxError, ServiceBuilder, retry::RetryLayer};

/// A client like the library's own, except that what is written is sent at once (`TCP_NODELAY`). A forwarded port's stream goes out in
/// pieces of 4 KiB, and each would wait until the one before has been confirmed: a purge took ten times as long. At most `idle` connections
/// are kept for later requests.
pub(crate) fn client(config: Config, idle: usize) -> Result<kube::Client, Error> {
    if config.proxy_url.is_some() {
        // The library knows whether it can go through that proxy, and says so if it can't.
        return Ok(kube::Client::try_from(config)?);
    }
    let mut direct = HttpConnector::new();
    direct.enforce_http(false);
    direct.set_nodelay(true);
    let mut connector = TimeoutConnector::new(config.rustls_https_connector_with_connector(direct)?);
    connector.set_connect_timeout(config.connect_timeout);
    connector.set_read_timeout(config.read_timeout);
    connector.set_write_timeout(config.write_timeout);
    connector.set_reset_reader_on_write(config.reset_reader_on_write);
    let http: Client<_, Body> =
        Client::builder(TokioExecutor::new()).pool_max_idle_per_host(idle).build(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.default_retry.then(|| RetryLayer::new(RetryPolicy::server_retry())))
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(http);
    Ok(ClientBuilder::new(service, config.default_namespace).build())
}
