//! Where an environment's older log lines are, as `[environments.history]` says it.

use super::section::Section;
use super::source::{Place, Source};
use fairway_portal::{HistoryKind, HistorySettings, LokiCredentials, LokiSettings, Template};

/// The keys of each kind, beside `kind` itself.
const EITHER: [&str; 2] = ["kind", "hours"];
const LOKI: [&str; 6] = ["url", "query", "tenant", "username", "password_file", "token_file"];

/// What promtail and Alloy call a service's lines.
const LOKI_QUERY: &str = r#"{namespace="$namespace", app="$service"}"#;
/// A month.
const HOURS: u32 = 720;

/// Every key that a history may have.
pub(super) fn keys() -> impl Iterator<Item = &'static str> {
    EITHER.into_iter().chain(LOKI)
}

/// What is wrong with a history is noted in `source`.
pub(super) fn history(source: &mut Source<'_>, section: &Section) -> Option<HistorySettings> {
    let place = section.place.clone();
    let hours = read(source, section, "hours", hours).unwrap_or(HOURS);
    let kind = match section.text("kind") {
        Some("loki") => loki(source, section).map(HistoryKind::Loki),
        Some(_) => {
            source.wrong(section.place_of("kind"), "is loki.");
            None
        }
        None => {
            source.wrong(&place, "needs a kind: loki.");
            None
        }
    };
    Some(HistorySettings { kind: kind?, hours })
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
