//! Addresses of pages and streams, with everything in them encoded.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands unencoded in a path's segment or a query's value.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A path's segment or a query's value.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// What the page's address says after its `?`.
#[cfg(feature = "hydrate")]
pub(crate) fn parameters() -> web_sys::UrlSearchParams {
    let search = leptos::prelude::window().location().search().unwrap_or_default();
    web_sys::UrlSearchParams::new_with_str(&search)
        .unwrap_or_else(|_| wasm_bindgen::JsValue::UNDEFINED.into())
}

/// A service's page.
#[cfg(feature = "ssr")]
pub(crate) fn service(name: &str) -> String {
    format!("/services/{name}")
}

/// A service's logs in an environment.
#[cfg(feature = "ssr")]
pub(crate) fn logs(service: &str, environment: &str) -> String {
    format!("/services/{service}/logs?environment={environment}")
}

/// A service's log in an environment in the REST interface.
pub(crate) fn log_api(service: &str, environment: &str) -> String {
    format!("/api/v1/services/{service}/environments/{environment}/logs")
}

/// A service's Redis in an environment.
#[cfg(feature = "ssr")]
pub(crate) fn redis(service: &str, environment: &str) -> String {
    format!("/services/{service}/redis?environment={environment}")
}

/// The longest address that browsers and proxies are sure to take, in bytes.
#[cfg(feature = "ssr")]
const LONGEST: usize = 8000;

/// One key of a service's Redis; nothing, if its name is too long for an address.
#[cfg(feature = "ssr")]
pub(crate) fn redis_key(service: &str, environment: &str, key: &fairway_domain::KeyName) -> Option<String> {
    let key = encoded(&key.to_string());
    let address = format!("/services/{service}/redis/key?environment={environment}&key={key}");
    (address.len() <= LONGEST).then_some(address)
}

/// The purge of a prefix, counted first.
#[cfg(feature = "ssr")]
pub(crate) fn purge_prefix(service: &str, environment: &str, prefix: &fairway_domain::KeyPrefix) -> String {
    let prefix = encoded(&prefix.to_string());
    format!("/services/{service}/purge?environment={environment}&prefix={prefix}")
}

/// What deploying a build would do.
#[cfg(feature = "ssr")]
pub(crate) fn deploy_build(service: &str, environment: &str, build: &str) -> String {
    format!("/services/{service}/deploy?environment={environment}&build={build}")
}

/// What going back to a deploy would do.
#[cfg(feature = "ssr")]
pub(crate) fn roll_back(service: &str, environment: &str, number: i64) -> String {
    format!("/services/{service}/deploy?environment={environment}&back_to={number}")
}

/// One deploy.
#[cfg(feature = "ssr")]
pub(crate) fn deploy(service: &str, number: i64) -> String {
    format!("/services/{service}/deploys/{number}")
}

/// The YAML of an object.
#[cfg(feature = "ssr")]
pub(crate) fn object(service: &str, environment: &str, kind: &str, name: &str) -> String {
    format!("/services/{service}/objects/{environment}/{}/{}", encoded(kind), encoded(name))
}
