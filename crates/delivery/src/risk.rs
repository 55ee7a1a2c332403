//! What of a deploy a person should read before agreeing to it.

use crate::{difference::same_object, manifest::text_at};
use fairway_domain::Risk;
use serde_json::Value;

const COMPONENT: &str = "/metadata/labels/app.kubernetes.io~1component";
const CONTAINERS: &str = "/spec/template/spec/containers";

/// The risks of going from the objects `old` to the objects `new`: both as the chart writes them, or both as the server has
/// them. None for a first deploy.
pub fn risks(old: &[Value], new: &[Value]) -> Vec<Risk> {
    let mut sentences = removals(old, new);
    for after in new {
        let Some(before) = old.iter().find(|object| same_object(object, after)) else { continue };
        match text_at(after, "/kind") {
            "Deployment" => deployment(before, after, &mut sentences),
            "Service" => sentences.extend(service(before, after)),
            _ => {}
        }
    }
    sentences.into_iter().map(Risk).collect()
}

/// A Redis goes with all that belongs to it, so it is one sentence.
fn removals(old: &[Value], new: &[Value]) -> Vec<String> {
    let removed: Vec<&Value> =
        old.iter().filter(|object| !new.iter().any(|other| same_object(object, other))).collect();
    let redis = removed.iter().find(|object| is_redis(object) && text_at(object, "/kind") == "Deployment");
    let mut sentences: Vec<String> =
        redis.iter().map(|redis| format!("{} is removed: every key in it is lost.", name(redis))).collect();
    for object in removed.iter().filter(|object| redis.is_none() || !is_redis(object)) {
        sentences.push(format!("{} {} is removed.", text_at(object, "/kind"), name(object)));
    }
    sentences
}

fn deployment(before: &Value, after: &Value, sentences: &mut Vec<String>) {
    let name = name(after);
    if before.pointer("/spec/selector") != after.pointer("/spec/selector") {
        sentences.push(format!(
            "The selector of Deployment {name} changes. Kubernetes refuses that: the Deployment has to be deleted first."
        ));
    }
    sentences.extend(replicas(name, before, after));
    for (container, old, new) in containers(before, after) {
        let limit = "/resources/limits/memory";
        if let (Some(old_bytes), Some(new_bytes)) =
            (quantity(old.pointer(limit)), quantity(new.pointer(limit)))
            && new_bytes < old_bytes
        {
            let (was, is) = (text_at(old, limit), text_at(new, limit));
            sentences.push(format!(
                "The memory limit of {name}'s container {container} falls from {was} to {is}: if it needs more, it is killed."
            ));
        }
    }
    if is_redis(after) {
        sentences.extend(redis_restart(name, before, after));
    } else if images(before) == images(after) {
        sentences.push(format!("{name} keeps the image that runs now: only its configuration can change."));
    }
}

fn replicas(name: &str, before: &Value, after: &Value) -> Option<String> {
    let count = |object: &Value| object.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
    match (count(before), count(after)) {
        (old, 0) if old > 0 => Some(format!("{name} stops: 0 pods instead of {old}.")),
        (old, 1) if old > 1 => {
            Some(format!("{name} runs 1 pod instead of {old}: whenever it is replaced, nothing answers."))
        }
        (old, new) if new * 2 <= old => {
            Some(format!("{name} runs {new} pods instead of {old}: each gets more to do."))
        }
        _ => None,
    }
}

/// What is held in memory only is lost with the pod.
fn redis_restart(name: &str, before: &Value, after: &Value) -> Option<String> {
    let kept = |object: &Value| {
        let volumes = object.pointer("/spec/template/spec/volumes").and_then(Value::as_array);
        volumes
            .is_some_and(|volumes| volumes.iter().any(|volume| volume.get("persistentVolumeClaim").is_some()))
    };
    let restarts = before.pointer("/spec/template") != after.pointer("/spec/template");
    (restarts && !(kept(before) && kept(after))).then(|| format!("{name} restarts: every key in it is lost."))
}

fn service(before: &Value, after: &Value) -> Option<String> {
    let port = |object: &Value| object.pointer("/spec/ports/0/port").and_then(Value::as_u64);
    match (port(before), port(after)) {
        (Some(old), Some(new)) if old != new => Some(format!(
            "The port of Service {} changes from {old} to {new}: whoever calls it at {old} has to change too.",
            name(after)
        )),
        _ => None,
    }
}

/// The containers that both have, by name.
fn containers<'a>(before: &'a Value, after: &'a Value) -> Vec<(&'a str, &'a Value, &'a Value)> {
    let pairs = list(after).iter().filter_map(|new| {
        let container = text_at(new, "/name");
        list(before).iter().find(|old| text_at(old, "/name") == container).map(|old| (container, old, new))
    });
    pairs.collect()
}

fn images(deployment: &Value) -> Vec<&str> {
    list(deployment).iter().map(|container| text_at(container, "/image")).collect()
}

fn list(deployment: &Value) -> &[Value] {
    deployment.pointer(CONTAINERS).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn is_redis(object: &Value) -> bool {
    text_at(object, COMPONENT) == "redis"
}

fn name(object: &Value) -> &str {
    text_at(object, "/metadata/name")
}

/// Kubernetes' quantities of memory, in bytes: `256Mi`, `1.5G`, `1e9`, `134217728`.
fn quantity(value: Option<&Value>) -> Option<f64> {
    let text = match value? {
        Value::String(text) => text.clone(),
        number => number.to_string(),
    };
    if let Ok(bytes) = text.parse() {
        return Some(bytes);
    }
    let suffixes = [
        ("Ki", 2_f64.powi(10)),
        ("Mi", 2_f64.powi(20)),
        ("Gi", 2_f64.powi(30)),
        ("Ti", 2_f64.powi(40)),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
    ];
    let (number, unit) =
        suffixes.iter().find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, unit)))?;
    number.parse::<f64>().ok().map(|number| number * unit)
}

#[cfg(test)]
#[path = "risk_tests.rs"]
mod tests;
