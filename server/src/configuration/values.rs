//! What each value may be. An error is the sentence that says so.

use super::LogFormat;
use fairway_domain::Invalid;
use fairway_portal::RedisOfService;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        text.parse().map_err(|_| "is an address and a port, such as 127.0.0.1:3000.".to_owned())?;
    if !address.ip().is_loopback() {
        return Err(format!(
            "can't be {}: nobody signs in to Fairway yet, so whoever reaches it may do everything. Listen on 127.0.0.1 or [::1]; \
             from elsewhere, come through an SSH tunnel.",
            address.ip()
        ));
    }
    if address.port() == 0 {
        return Err("needs a port from 1 to 65535.".into());
    }
    Ok(address)
}

pub(super) fn public_url(text: &str) -> Result<String, String> {
    let rule = || {
        "is http:// or https:// with a host and nothing behind it, such as http://127.0.0.1:3000.".to_owned()
    };
    let text = text.strip_suffix('/').unwrap_or(text);
    let url: http::Uri = text.parse().map_err(|_| rule())?;
    let known = matches!(url.scheme_str(), Some("http" | "https"));
    let plain = url.path() == "/" && url.query().is_none() && !text.ends_with('/');
    let host = url.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    if known && plain && host { Ok(text.to_owned()) } else { Err(rule()) }
}

pub(super) fn database_url(text: &str) -> Result<String, String> {
    let starts = ["sqlite:", "postgres://", "postgresql://"];
    if starts.iter().any(|start| text.starts_with(start)) {
        return Ok(text.to_owned());
    }
    Err("is sqlite:///PATH?mode=rwc or postgres://USER:PASSWORD@HOST/DATABASE.".into())
}

/// The URL of a database file, whatever characters its path has.
pub(super) fn sqlite_url(path: &Path) -> String {
    let path = path.display().to_string().replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    format!("sqlite://{path}?mode=rwc")
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("is text or json.".into()),
    }
}

pub(super) fn heartbeat(text: &str) -> Result<u64, String> {
    let rule = "is a whole number of seconds from 1 to 60.";
    text.parse().ok().filter(|seconds| (1..=60).contains(seconds)).ok_or_else(|| rule.to_owned())
}

pub(super) fn flag(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "is true or false.".to_owned())
}

pub(super) fn minutes(text: &str) -> Result<u64, String> {
    let rule = "is a whole number of minutes from 1 to 1440.";
    text.parse().ok().filter(|minutes| (1..=1440).contains(minutes)).ok_or_else(|| rule.to_owned())
}

/// How much of a log is kept; nothing for 0.
pub(super) fn kept_bytes(text: &str) -> Result<u64, String> {
    let rule = "is a whole number of bytes from 1048576 (1 MiB), or 0 to keep nothing.";
    text.parse().ok().filter(|bytes| *bytes == 0 || *bytes >= 1 << 20).ok_or_else(|| rule.to_owned())
}

pub(super) fn kept_hours(text: &str) -> Result<u64, String> {
    let rule = "is a whole number of hours from 1 to 8760.";
    text.parse().ok().filter(|hours| (1..=8760).contains(hours)).ok_or_else(|| rule.to_owned())
}

pub(super) fn count(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "is a whole number, 0 or more.".to_owned())
}

/// `ENVIRONMENT/SERVICE=URL`.
pub(super) fn redis(text: &str) -> Result<RedisOfService, String> {
    let rule = || format!("Write ENVIRONMENT/SERVICE and its URL; “{text}” isn't so.");
    let (whose, url) = text.split_once('=').ok_or_else(rule)?;
    let (environment, service) = whose.split_once('/').ok_or_else(rule)?;
    let sentence = |error: Invalid| error.to_string();
    Ok(RedisOfService {
        environment: environment.trim().parse().map_err(sentence)?,
        service: service.trim().parse().map_err(sentence)?,
        named: url.trim().parse().map_err(sentence)?,
    })
}

pub(super) fn microseconds(text: &str) -> Result<u64, String> {
    let rule = "is a whole number of microseconds from 0 to 1000000.";
    text.parse().ok().filter(|bound| *bound <= 1_000_000).ok_or_else(|| rule.to_owned())
}

/// As images name it: a host, a port if it isn't the usual one, and what stands before every image's name there.
pub(super) fn registry(text: &str) -> Result<String, String> {
    if text.contains("://") {
        return Err("is an address as images name it, without http:// before it: 127.0.0.1:5000. For plain HTTP, set registry.plain_http.".into());
    }
    let rule = "is a host, a port if it needs one, and a path if it has one, such as 127.0.0.1:5000 or registry.example.com/team.";
    let mut parts = text.split('/');
    let address = parts.next().unwrap_or_default();
    let (host, port) = address.split_once(':').unwrap_or((address, "443"));
    let named = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    let numbered = port.parse::<u16>().is_ok_and(|port| port > 0);
    let mut path = parts.map(|part| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-'))
    });
    if named && numbered && path.all(|part| part) { Ok(text.to_owned()) } else { Err(rule.into()) }
}

pub(super) fn is_loopback(registry: &str) -> bool {
    let host = registry.split([':', '/']).next().unwrap_or_default();
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

pub(super) fn image(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '/' | '@');
    if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(allowed) {
        return Ok(text.to_owned());
    }
    Err("is an image's name with its tag or digest, such as 127.0.0.1:5000/base/python:3.".into())
}

pub(super) fn build_argument(text: &str) -> Result<(String, String), String> {
    let rule =
        || format!("Write NAME=value, the name in letters, digits and underscores; “{text}” isn't so.");
    let (name, value) = text.split_once('=').ok_or_else(rule)?;
    let named = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if named { Ok((name.to_owned(), value.to_owned())) } else { Err(rule()) }
}

pub(super) fn mount(text: &str) -> Result<(PathBuf, PathBuf), String> {
    let rule = || {
        format!(
            "A mount is FROM:TO, both whole paths, such as /etc/ssl/certs:/etc/ssl/certs; “{text}” isn't."
        )
    };
    let (from, to) = text.split_once(':').ok_or_else(rule)?;
    let (from, to) = (PathBuf::from(from), PathBuf::from(to));
    if !from.is_absolute() || !to.is_absolute() || text.matches(':').count() > 1 {
        return Err(rule());
    }
    if !from.exists() {
        return Err(format!("{} isn't there, so it can't be mounted.", from.display()));
    }
    Ok((from, to))
}
