//! `fairway.yaml`, judged by the chart's own schema.

use fairway_domain::{Components, Port, Replicas, Runtime, ServiceName, TeamName, VariableName};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{LazyLock, OnceLock},
};

const SCHEMA: &str = include_str!("../../../charts/service/values.schema.json");
const DEFAULTS: &str = include_str!("../../../charts/service/values.yaml");

/// Nothing that describes a service needs more; what is longer isn't parsed.
const LIMIT_BYTES: usize = 64 * 1024;

/// Keys of the chart that whoever deploys gives on the command line.
const GIVEN_AT_DEPLOY: [&str; 4] = ["commit", "environment", "image", "images"];

/// What Fairway itself reads from a `fairway.yaml`. What an environment overrides is the chart's business.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FairwayFile {
    /// The service's name; the repository's.
    pub name: ServiceName,
    /// The owner.
    pub team: TeamName,
    /// One line; may be empty.
    pub description: String,
    /// The language.
    pub runtime: Runtime,
    /// The port that the container listens on.
    pub port: Port,
    /// How many pods.
    pub replicas: Replicas,
    /// Environment variables by name.
    pub variables: BTreeMap<VariableName, String>,
    /// The supporting parts.
    pub components: Components,
}

/// The one schema of form, file and chart: JSON Schema, draft 2020-12.
pub fn values_schema() -> &'static Value {
    static PARSED: LazyLock<Value> =
        LazyLock::new(|| serde_json::from_str(SCHEMA).unwrap_or(Value::Bool(false)));
    &PARSED
}

fn validator() -> Result<&'static jsonschema::Validator, String> {
    static COMPILED: OnceLock<Result<jsonschema::Validator, String>> = OnceLock::new();
    COMPILED
        .get_or_init(|| jsonschema::validator_for(values_schema()).map_err(|error| error.to_string()))
        .as_ref()
        .map_err(Clone::clone)
}

/// Reads the `fairway.yaml` of `service`'s repository, or gives everything that is wrong with it: a sentence each, with the
/// place and what is allowed there.
pub fn check_fairway_yaml(text: &str, service: &ServiceName) -> Result<FairwayFile, Vec<String>> {
    if text.len() > LIMIT_BYTES {
        return Err(vec![format!("fairway.yaml has {} bytes; at most {LIMIT_BYTES} are read.", text.len())]);
    }
    let document: Value = serde_norway::from_str(text)
        .map_err(|error| vec![format!("fairway.yaml isn't YAML that can be read: {error}.")])?;
    let validator = validator().map_err(|error| vec![format!("Fairway's own schema is broken: {error}.")])?;
    let mut errors: Vec<String> = validator.iter_errors(&document).map(|error| sentence(&error)).collect();
    errors.extend(given_at_deploy(&document));
    errors.extend(read_differently_by_helm(text, &document));
    match document.get("name").and_then(Value::as_str) {
        Some(name) if name != service.as_str() => {
            errors.push(format!(
                "name: is “{}”, but this is the repository of {service}.",
                name.escape_debug()
            ));
        }
        _ => {}
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    with_defaults(document).map_err(|error| vec![format!("fairway.yaml: {error}.")])
}

/// The file over the chart's own defaults, merged as helm merges them.
fn with_defaults(document: Value) -> Result<FairwayFile, String> {
    let mut values: Value = serde_norway::from_str(DEFAULTS).map_err(|error| error.to_string())?;
    merge(&mut values, document);
    serde_json::from_value(values).map_err(|error| error.to_string())
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// `replicas: 0 is less than the minimum of 1. (How many pods: 1 to 20.)`
fn sentence(error: &jsonschema::ValidationError<'_>) -> String {
    let place = error.instance_path().to_string();
    let place = place.trim_start_matches('/').replace('/', ".");
    let place = if place.is_empty() { "fairway.yaml".to_owned() } else { place };
    let allowed = description_above(&error.schema_path().to_string());
    format!("{place}: {error}.{}", allowed.map(|text| format!(" ({text})")).unwrap_or_default())
}

/// The nearest `description` on the way from the failed keyword up to the root, where it isn't the root's own.
fn description_above(schema_path: &str) -> Option<&'static str> {
    let mut steps: Vec<&str> = schema_path.split('/').filter(|step| !step.is_empty()).collect();
    while !steps.is_empty() {
        let pointer: String = steps.iter().flat_map(|step| ["/", step]).collect();
        if let Some(text) = values_schema().pointer(&pointer).and_then(|at| at.get("description")) {
            return text.as_str();
        }
        steps.pop();
    }
    None
}

fn given_at_deploy(document: &Value) -> impl Iterator<Item = String> {
    GIVEN_AT_DEPLOY
        .into_iter()
        .filter(|key| document.get(key).is_some())
        .map(|key| format!("{key}: is given at each deploy and can't stand in fairway.yaml. Remove it."))
}

/// Texts without quotes that are text to YAML 1.2 but a truth value or a number to helm, which reads YAML 1.1: `yes`, `007`,
/// `1_000`. They would be refused at the deploy; better at the push.
fn read_differently_by_helm(text: &str, document: &Value) -> Vec<String> {
    let mut suspects = Vec::new();
    collect_strings(document, String::new(), &mut suspects);
    suspects
        .into_iter()
        .filter(|(_, value)| is_not_text_in_yaml_1_1(value) && stands_unquoted(text, value))
        .map(|(place, value)| {
            format!("{place}: write \"{value}\" in quotes; without, helm doesn't read it as text.")
        })
        .collect()
}

fn collect_strings<'a>(value: &'a Value, place: String, found: &mut Vec<(String, &'a str)>) {
    match value {
        Value::String(text) => found.push((place, text)),
        Value::Object(map) => {
            for (key, value) in map {
                let place = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
                collect_strings(value, place, found);
            }
        }
        _ => {}
    }
}

fn is_not_text_in_yaml_1_1(text: &str) -> bool {
    let word = matches!(text.to_ascii_lowercase().as_str(), "yes" | "no" | "on" | "off" | "y" | "n");
    let digits = text.trim_start_matches(['+', '-']);
    word || (digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') && is_number(digits))
}

/// Whether helm reads a number: underscores don't count there, and one that is too large is text again.
fn is_number(digits: &str) -> bool {
    let plain = digits.replace('_', "");
    let whole = |prefix: &str, radix| {
        plain.strip_prefix(prefix).is_some_and(|rest| i128::from_str_radix(rest, radix).is_ok())
    };
    let decimal = plain.parse::<f64>().is_ok_and(f64::is_finite);
    decimal || whole("0x", 16) || whole("0X", 16) || whole("0b", 2) || whole("0o", 8)
}

/// Whether `: value` stands somewhere without quotes: at a line's end, before a comment, or within braces.
fn stands_unquoted(text: &str, value: &str) -> bool {
    text.lines().any(|line| {
        line.match_indices(": ").any(|(at, colon)| {
            let (before, rest) = (&line[..at], line[at + colon.len()..].trim_start());
            let in_quotes = before.matches('"').count() % 2 == 1;
            let after = rest.strip_prefix(value).map(str::trim_start);
            !in_quotes && after.is_some_and(|after| after.is_empty() || after.starts_with(['#', ',', '}']))
        })
    })
}

#[cfg(test)]
#[path = "fairway_yaml_tests.rs"]
mod tests;
