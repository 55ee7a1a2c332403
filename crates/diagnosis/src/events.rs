//! Events about an object.

use crate::observed::{Observed, count};
use fairway_domain::Timestamp;
use k8s_openapi::api::core::v1::{Event, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// Something that happened one or more times.
pub(crate) struct Happening<'a> {
    /// What Kubernetes said of it the last time.
    pub(crate) message: &'a str,
    /// How often, at least once.
    pub(crate) count: u32,
    /// The first time.
    pub(crate) first: Option<Timestamp>,
    /// The last time.
    pub(crate) last: Option<Timestamp>,
}

/// The newest event about `pod` (and, where the event names one, its container) with one of `reasons` whose message `matches`.
pub(crate) fn about_container<'a>(
    observed: &Observed<'a>,
    pod: &Pod,
    container: &str,
    reasons: &[&str],
    matches: impl Fn(&str) -> bool,
) -> Option<Happening<'a>> {
    let field = format!("{{{container}}}");
    newest(observed, &pod.metadata, "Pod", reasons, |event| {
        let path = event.involved_object.field_path.as_deref();
        path.is_none_or(|path| path.ends_with(&field))
            && matches(event.message.as_deref().unwrap_or_default())
    })
}

/// The newest event about an object with one of `reasons`.
pub(crate) fn about<'a>(
    observed: &Observed<'a>,
    metadata: &ObjectMeta,
    kind: &str,
    reasons: &[&str],
) -> Option<Happening<'a>> {
    newest(observed, metadata, kind, reasons, |_| true)
}

fn newest<'a>(
    observed: &Observed<'a>,
    metadata: &ObjectMeta,
    kind: &str,
    reasons: &[&str],
    also: impl Fn(&Event) -> bool,
) -> Option<Happening<'a>> {
    let matching = observed.events.iter().copied().filter(|event| {
        reasons.contains(&event.reason.as_deref().unwrap_or_default())
            && is_about(event, metadata, kind)
            && also(event)
    });
    matching.max_by_key(|event| last(event)).map(|event| Happening {
        message: event.message.as_deref().unwrap_or_default(),
        count: occurrences(event),
        first: first(event),
        last: last(event),
    })
}

fn is_about(event: &Event, metadata: &ObjectMeta, kind: &str) -> bool {
    let object = &event.involved_object;
    match (object.uid.as_deref(), metadata.uid.as_deref()) {
        (Some(one), Some(other)) => one == other,
        _ => object.kind.as_deref() == Some(kind) && object.name == metadata.name && object.name.is_some(),
    }
}

fn occurrences(event: &Event) -> u32 {
    let series = event.series.as_ref().and_then(|series| series.count);
    count(series).max(count(event.count)).max(1)
}

fn first(event: &Event) -> Option<Timestamp> {
    let first = event.first_timestamp.as_ref().map(|time| time.0);
    first
        .or(event.event_time.as_ref().map(|time| time.0))
        .or_else(|| crate::observed::created(&event.metadata))
}

fn last(event: &Event) -> Option<Timestamp> {
    let series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref());
    series.map(|time| time.0).or(event.last_timestamp.as_ref().map(|time| time.0)).or_else(|| first(event))
}
