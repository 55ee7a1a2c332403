//! Who may talk to Fairway from a browser, and what its pages may do there.
//!
//! Local mode has no login, so the edge makes sure that the browser's own page is what asks: the `Host` has to be Fairway's (no
//! DNS rebinding), a request that changes something has to come from Fairway's own pages (`Origin`), and a form has to carry the
//! token that only those pages hold.

use crate::{problem::Problem, router::Edge};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

/// Refuses requests that name another host, or change something from another site.
pub(crate) async fn guard(State(edge): State<Edge>, request: Request, next: Next) -> Response {
    if let Err(problem) = check(&edge.hosts, request.method(), request.headers(), request.uri().authority()) {
        return problem.into_response();
    }
    next.run(request).await
}

fn check(
    hosts: &[String],
    method: &Method,
    headers: &HeaderMap,
    authority: Option<&http::uri::Authority>,
) -> Result<(), Problem> {
    let host = authority
        .map(http::uri::Authority::as_str)
        .or_else(|| headers.get(header::HOST).and_then(|host| host.to_str().ok()));
    if !host.is_some_and(|host| hosts.iter().any(|ours| ours == host)) {
        let detail = format!("Fairway answers at {} only.", hosts.join(" and "));
        return Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, "/problems/host", detail));
    }
    if method.is_safe() {
        return Ok(());
    }
    let from_elsewhere = || {
        let detail = "This request comes from another site's page. Nothing was changed; open Fairway itself.";
        Problem::new(StatusCode::FORBIDDEN, "/problems/origin", detail)
    };
    if let Some(origin) = headers.get(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or_default();
        let host_of_origin = origin.split_once("://").map_or(origin, |(_, host)| host);
        if !hosts.iter().any(|ours| ours == host_of_origin) {
            return Err(from_elsewhere());
        }
    }
    let site = HeaderName::from_static("sec-fetch-site");
    match headers.get(site).and_then(|site| site.to_str().ok()) {
        None | Some("same-origin" | "none") => Ok(()),
        Some(_) => Err(from_elsewhere()),
    }
}

/// Headers that every answer carries. A page's own Content-Security-Policy, with its nonce, is set where it is rendered.
pub(crate) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        // A worker obeys the policy that its own script came with: the live stream's may connect to us.
        let policy =
            HeaderValue::from_static("default-src 'none'; connect-src 'self'; frame-ancestors 'none'");
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// What a page may load and run: its own files, the one script with this nonce, and the WebAssembly bundle.
pub(crate) fn page_policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(method: &Method, pairs: &[(&'static str, &str)]) -> Result<(), StatusCode> {
        let hosts = ["127.0.0.1:3000".to_owned(), "localhost:3000".to_owned()];
        let headers = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect();
        check(&hosts, method, &headers, None).map_err(|problem| problem.into_response().status())
    }

    #[test]
    fn our_own_pages_and_terminals_may_ask_and_change() {
        let host = ("host", "127.0.0.1:3000");
        assert_eq!(checked(&Method::GET, &[host]), Ok(()));
        assert_eq!(checked(&Method::POST, &[host]), Ok(()));
        assert_eq!(
            checked(
                &Method::POST,
                &[host, ("origin", "http://127.0.0.1:3000"), ("sec-fetch-site", "same-origin")]
            ),
            Ok(())
        );
        assert_eq!(checked(&Method::GET, &[("host", "localhost:3000")]), Ok(()));
    }

    #[test]
    fn a_name_that_was_bound_to_this_address_elsewhere_is_refused() {
        for host in ["evil.example", "127.0.0.1:3001", "127.0.0.1:3000.evil.example"] {
            assert_eq!(checked(&Method::GET, &[("host", host)]), Err(StatusCode::MISDIRECTED_REQUEST));
        }
        assert_eq!(checked(&Method::GET, &[]), Err(StatusCode::MISDIRECTED_REQUEST));
    }

    #[test]
    fn another_sites_page_can_change_nothing() {
        let host = ("host", "127.0.0.1:3000");
        let wrong = [
            ("origin", "http://evil.example"),
            ("origin", "null"),
            ("origin", "http://127.0.0.1:3001"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ];
        for header in wrong {
            assert_eq!(checked(&Method::POST, &[host, header]), Err(StatusCode::FORBIDDEN), "{header:?}");
        }
    }
}
