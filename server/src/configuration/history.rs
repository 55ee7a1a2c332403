//! Where an environment's older log lines are, as `[environments.history]` says it.

use super::section::Section;
use super::source::{Place, Source};
use fairway_portal::{
    AwsKey, CloudWatchSettings, HistoryKind, HistorySettings, LokiCredentials, LokiSettings, Template,
};

/// The keys of each kind, beside `kind` itself.
const EITHER: [&str; 2] = ["kind", "hours"];
const CLOUDWATCH: [&str; 8] = [
    "region",
    "endpoint",
    "profile",
    "access_key_id",
    "secret_access_key_file",
    "log_group",
    "stream_prefix",
    "filter",
];
const LOKI: [&str; 6] = ["url", "query", "tenant", "username", "password_file", "token_file"];

/// What promtail and Alloy call a service's lines.
const LOKI_QUERY: &str = r#"{namespace="$namespace", app="$service"}"#;
/// A month.
const HOURS: u32 = 720;

/// Every key that a history may have.
pub(super) fn keys() -> impl Iterator<Item = &'static str> {
    EITHER.into_iter().chain(LOKI).chain(CLOUDWATCH)
}

/// What is wrong with a history is noted in `source`.
pub(super) fn history(source: &mut Source<'_>, section: &Section) -> Option<HistorySettings> {
    let place = section.place.clone();
    let hours = read(source, section, "hours", hours).unwrap_or(HOURS);
    let kind = match section.text("kind") {
        Some("loki") => {
            without(source, section, &CLOUDWATCH, "loki");
            loki(source, section).map(HistoryKind::Loki)
        }
        Some("cloudwatch") => {
            without(source, section, &LOKI, "cloudwatch");
            cloud_watch(source, section).map(HistoryKind::CloudWatch)
        }
        Some(_) => {
            source.wrong(section.place_of("kind"), "is loki or cloudwatch.");
            None
        }
        None => {
            source.wrong(&place, "needs a kind: loki or cloudwatch.");
            None
        }
    };
    Some(HistorySettings { kind: kind?, hours })
}

/// Notes what is given of another kind's.
fn without(source: &mut Source<'_>, section: &Section, others: &[&str], kind: &str) {
    for key in others.iter().filter(|key| section.text(key).is_some()) {
        source.wrong(section.place_of(key), format!("isn't for the kind {kind}."));
    }
}

fn cloud_watch(source: &mut Source<'_>, section: &Section) -> Option<CloudWatchSettings> {
    let log_group = needed(source, section, "log_group", log_group);
    let plain = |text: &str| Ok(text.to_owned());
    Some(CloudWatchSettings {
        region: read(source, section, "region", region),
        endpoint: read(source, section, "endpoint", url),
        profile: read(source, section, "profile", plain),
        key: key(source, section),
        stream_prefix: read(source, section, "stream_prefix", stream_prefix),
        filter: read(source, section, "filter", filter),
        log_group: log_group?,
    })
}

fn key(source: &mut Source<'_>, section: &Section) -> Option<AwsKey> {
    let file = section.text("secret_access_key_file").map(|path| source.beside_the_file(path));
    match (section.text("access_key_id"), file) {
        (None, None) => None,
        (Some(id), Some(secret_file)) if section.text("profile").is_none() => {
            Some(AwsKey { id: id.to_owned(), secret_file })
        }
        _ => {
            let rule = "takes access_key_id and secret_access_key_file, or a profile, or none of them.";
            source.wrong(&section.place, rule);
            None
        }
    }
}

fn region(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !text.is_empty() && text.chars().all(plain) {
        return Ok(text.to_owned());
    }
    Err("is a region of AWS, such as eu-central-1.".into())
}

fn log_group(text: &str) -> Result<Template, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-/.#$".contains(c);
    if (1..=512).contains(&text.len()) && text.chars().all(allowed) {
        return text.parse();
    }
    Err("is a log group's name, such as /aws/containerinsights/shop/application.".into())
}

fn stream_prefix(text: &str) -> Result<Template, String> {
    let rule = "is with what the names of a service's log streams begin, such as $service-.";
    of_a_service(text, rule)
}

fn filter(text: &str) -> Result<Template, String> {
    let rule =
        r#"is a filter pattern that names $service, such as { $.kubernetes.labels.app = "$service" }."#;
    of_a_service(text, rule)
}

fn of_a_service(text: &str, rule: &str) -> Result<Template, String> {
    let template: Template = text.parse()?;
    if template.names_service() { Ok(template) } else { Err(rule.to_owned()) }
}

fn loki(source: &mut Source<'_>, section: &Section) -> Option<LokiSettings> {
    let url = needed(source, section, "url", url);
    let query = read(source, section, "query", selector).or_else(|| LOKI_QUERY.parse().ok());
    let tenant = read(source, section, "tenant", |text| Ok(text.to_owned()));
    let credentials = credentials(source, section);
    Some(LokiSettings { url: url?, query: query?, tenant, credentials })
}

fn credentials(source: &mut Source<'_>, section: &Section) -> Option<LokiCredentials> {
    let file = |source: &Source<'_>, key| section.text(key).map(|path| source.beside_the_file(path));
    let (password, token) = (file(source, "password_file"), file(source, "token_file"));
    match (section.text("username"), password, token) {
        (None, None, None) => None,
        (Some(name), Some(password), None) => Some(LokiCredentials::Basic(name.to_owned(), password)),
        (None, None, Some(token)) => Some(LokiCredentials::Bearer(token)),
        _ => {
            let rule = "takes username and password_file, or token_file, or none of them.";
            source.wrong(&section.place, rule);
            None
        }
    }
}

fn needed<T>(
    source: &mut Source<'_>,
    section: &Section,
    key: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    if section.text(key).is_none() {
        source.wrong(&section.place, format!("needs a value for {key}."));
    }
    read(source, section, key, parse)
}

fn read<T>(
    source: &mut Source<'_>,
    section: &Section,
    key: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let text = section.text(key)?;
    let place: Place = section.place_of(key).clone();
    source.note(&place, parse(text))
}

fn hours(text: &str) -> Result<u32, String> {
    let rule = "is a whole number of hours from 1 to 87600.";
    text.parse().ok().filter(|hours| (1..=87_600).contains(hours)).ok_or_else(|| rule.to_owned())
}

/// An address with or without a path, and no slash at its end.
fn url(text: &str) -> Result<String, String> {
    let rule = "is http:// or https:// with a host, such as http://loki.monitoring:3100; name and password have values of their own.";
    let text = text.trim_end_matches('/');
    let url: http::Uri = text.parse().map_err(|_| rule.to_owned())?;
    let known = matches!(url.scheme_str(), Some("http" | "https"));
    let host = url.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    if known && host && url.query().is_none() { Ok(text.to_owned()) } else { Err(rule.into()) }
}

fn selector(text: &str) -> Result<Template, String> {
    let template: Template = text.parse()?;
    let whole = text.starts_with('{') && text.ends_with('}');
    if whole && template.names_service() {
        return Ok(template);
    }
    Err(format!("is a stream selector that names $service, such as {LOKI_QUERY}."))
}
