//! Kubernetes objects as text that people read: in Kubernetes' order, without what says nothing, never with a secret's value.

use crate::{Error, yaml::text};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, de::Error as _};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What the server or Helm note on an object, and what no person decided.
const NOTED_IN_METADATA: [&str; 6] =
    ["managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink"];
const NOTED_IN_ANNOTATIONS: [&str; 4] = [
    "deployment.kubernetes.io/revision",
    "meta.helm.sh/release-name",
    "meta.helm.sh/release-namespace",
    LAST_APPLIED,
];
/// Repeats the whole object, with the values of a Secret.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The objects of a manifest of one or more YAML documents. Empty documents are left out.
pub fn split_manifest(yaml: &str) -> Result<Vec<Value>, Error> {
    let documents = serde_norway::Deserializer::from_str(yaml).map(Value::deserialize);
    let objects = documents.filter(|document| !matches!(document, Ok(Value::Null)));
    let checked = objects.map(|object| match object {
        Ok(object) if object.get("kind").is_some_and(Value::is_string) => Ok(object),
        Ok(_) => Err(serde_norway::Error::custom("a document of it is no Kubernetes object")),
        Err(error) => Err(error),
    });
    checked
        .collect::<Result<_, _>>()
        .map_err(|error| Error::Unreadable { what: "The manifest".into(), reason: error.to_string() })
}

/// An object as YAML in Kubernetes' order, without `managedFields`. The values of a Secret read `(hidden)`.
pub fn yaml(object: &Value) -> String {
    let mut object = object.clone();
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        metadata.remove("managedFields");
    }
    hide_values(&mut object, |_| "(hidden)");
    text(&object)
}

/// The object without what the server and Helm note on it, so that what is left is what somebody decided.
pub(crate) fn normalised(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    for pointer in ["/metadata", "/spec/template/metadata"] {
        if let Some(Value::Object(metadata)) = object.pointer_mut(pointer) {
            remove_notes(metadata);
        }
    }
    without_nulls(&mut object);
    object
}

fn remove_notes(metadata: &mut Map<String, Value>) {
    for field in NOTED_IN_METADATA {
        metadata.remove(field);
    }
    if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
        for annotation in NOTED_IN_ANNOTATIONS {
            annotations.remove(annotation);
        }
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
}

fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

/// The two sides of a Secret's difference with words in place of values: a value that stays reads the same on both.
pub(crate) fn hide_values_of_both(old: Option<&mut Value>, new: Option<&mut Value>) {
    let (before, after) = (old.as_deref().map(values), new.as_deref().map(values));
    let same: BTreeSet<String> = match (&before, &after) {
        (Some(before), Some(after)) => before
            .iter()
            .filter(|(key, value)| after.get(*key) == Some(value))
            .map(|(key, _)| key.clone())
            .collect(),
        _ => BTreeSet::new(),
    };
    if let Some(old) = old {
        hide_values(old, |key| if same.contains(key) { "(unchanged)" } else { "(set)" });
    }
    if let Some(new) = new {
        let word = |key: &str| match &before {
            _ if same.contains(key) => "(unchanged)",
            Some(before) if before.contains_key(key) => "(changed)",
            _ => "(set)",
        };
        hide_values(new, word);
    }
}

/// Puts a word in place of each of a Secret's values; other objects stay as they are. Both maps become one, as on the server.
fn hide_values(object: &mut Value, word: impl Fn(&str) -> &'static str) {
    if object.get("kind").and_then(Value::as_str) != Some("Secret") {
        return;
    }
    if let Some(Value::Object(annotations)) = object.pointer_mut("/metadata/annotations") {
        annotations.remove(LAST_APPLIED);
    }
    let words: Map<String, Value> = values(object)
        .into_keys()
        .map(|key| {
            let word = word(&key).into();
            (key, word)
        })
        .collect();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("stringData");
        fields.remove("data");
        if !words.is_empty() {
            fields.insert("data".into(), words.into());
        }
    }
}

/// A Secret's values, decoded; `stringData` wins, as on the server.
fn values(object: &Value) -> BTreeMap<String, Vec<u8>> {
    let entries = |field: &str| object.get(field).and_then(Value::as_object).into_iter().flatten();
    let bytes = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned).into_bytes();
    let encoded = entries("data").map(|(key, value)| {
        let raw = bytes(value);
        (key.clone(), STANDARD.decode(&raw).unwrap_or(raw))
    });
    encoded.chain(entries("stringData").map(|(key, value)| (key.clone(), bytes(value)))).collect()
}

/// An object's text at a path, or nothing.
pub(crate) fn text_at<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;
