//! What Kubernetes reports of a service's objects, as items between the lines.

use super::line::{Item, Origin, SourceId, What};
use crate::NamespaceState;
use crate::index::last_seen;
use fairway_domain::ServiceName;
use k8s_openapi::api::core::v1::Event;
use kube::ResourceExt;
use std::sync::Arc;

/// Stands for all of them: a reader's place among events is a version, and no cursor.
pub(super) const EVENTS: SourceId = SourceId(0);

/// One report, in the state that the API server gave this version. Versions only grow, however late the reporter's clock is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) version: u64,
    /// When it was last seen, in nanoseconds since the epoch. The item's own time is never less than that of the version before.
    pub(super) at: i64,
    pub(super) warning: bool,
    pub(super) text: String,
}

/// The events of a service after `version`, by version.
pub(super) fn events_after(state: &NamespaceState, service: &ServiceName, version: u64) -> Vec<Item> {
    let events = state.events_about(service);
    let mut items: Vec<Item> = events.iter().filter_map(|event| item(event)).collect();
    items.retain(|item| item.version().is_some_and(|of_item| of_item > version));
    items.sort_by_key(Item::version);
    let mut latest = i64::MIN;
    for item in &mut items {
        latest = latest.max(item.nanos);
        item.nanos = latest;
    }
    items
}

/// The version of the latest event that is known.
pub(super) fn latest_version(state: &NamespaceState, service: &ServiceName) -> u64 {
    events_after(state, service, 0).iter().filter_map(Item::version).max().unwrap_or(0)
}

fn item(event: &Event) -> Option<Item> {
    let version = event.resource_version()?.parse().ok()?;
    let at = i64::try_from(last_seen(event)?.as_nanosecond()).ok()?;
    let object = &event.involved_object;
    let (kind, name) = (object.kind.as_deref()?, object.name.as_deref()?);
    let (pod, about) = if kind == "Pod" { (name, String::new()) } else { ("", format!("{kind} {name}: ")) };
    // Such as `spec.containers{app}`.
    let field = object.field_path.as_deref().unwrap_or_default();
    let container = field.split_once('{').and_then(|(_, rest)| rest.strip_suffix('}')).unwrap_or_default();
    let reason = event.reason.as_deref().unwrap_or("Event");
    let message = event.message.as_deref().unwrap_or_default().trim();
    let count = event.series.as_ref().and_then(|series| series.count).or(event.count).unwrap_or(1);
    let times = if count > 1 { format!(" ({count} times)") } else { String::new() };
    let report = Report {
        version,
        at,
        warning: event.type_.as_deref() == Some("Warning"),
        text: format!("{about}{reason}: {message}{times}"),
    };
    let origin = Origin { pod: pod.into(), container: container.into(), revision: None };
    Some(Item {
        source: EVENTS,
        origin: Arc::new(origin),
        restart: 0,
        nanos: at,
        ordinal: 0,
        beyond: 0,
        what: What::Event(report),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Watched;
    use serde_json::{Value, json};

    fn event(name: &str, version: &str, at: &str, object: &Value, message: &str) -> Event {
        serde_json::from_value(json!({
            "metadata": { "name": name, "resourceVersion": version },
            "involvedObject": object, "type": "Warning", "reason": "Unhealthy", "message": message,
            "count": 2, "lastTimestamp": at
        }))
        .unwrap()
    }

    fn known() -> NamespaceState {
        let labels = json!({ "app.kubernetes.io/name": "orders", "app.kubernetes.io/component": "service" });
        let set =
            json!({ "metadata": { "name": "orders-7c", "labels": labels }, "spec": { "selector": {} } });
        let mut state = NamespaceState::default();
        Watched::table(&mut state)
            .apply(serde_json::from_value::<k8s_openapi::api::apps::v1::ReplicaSet>(set).unwrap());
        let pod = |name| json!({ "kind": "Pod", "name": name, "fieldPath": "spec.containers{app}" });
        for event in [
            event("b", "9", "2026-11-25T01:00:02Z", &pod("orders-7c-x2"), "second"),
            event("a", "10", "2026-11-25T01:00:01Z", &pod("orders-7c-x2"), "third, by a clock that is late"),
            event(
                "c",
                "8",
                "2026-11-25T01:00:00Z",
                &json!({ "kind": "ReplicaSet", "name": "orders-7c" }),
                "first",
            ),
            event("d", "11", "2026-11-25T01:00:00Z", &pod("orders-api-5d-k2"), "another service's"),
        ] {
            Watched::table(&mut state).apply(event);
        }
        state
    }

    #[test]
    fn events_come_by_their_versions_those_of_pods_that_are_gone_too() {
        let service = "orders".parse().unwrap();
        let items = events_after(&known(), &service, 0);
        let entries: Vec<_> = items.iter().cloned().filter_map(Item::entry).collect();
        let texts: Vec<_> = entries.iter().map(|entry| &*entry.text).collect();
        assert_eq!(
            texts,
            [
                "ReplicaSet orders-7c: Unhealthy: first (2 times)",
                "Unhealthy: second (2 times)",
                "Unhealthy: third, by a clock that is late (2 times)"
            ]
        );
        assert_eq!((&*entries[1].pod, &*entries[1].container), ("orders-7c-x2", "app"));
        assert!(entries[2].at < entries[1].at, "each says its own time");
        assert!(items.is_sorted_by_key(|item| item.nanos), "but keeps its place");
        assert_eq!(events_after(&known(), &service, 9).len(), 1);
        assert_eq!(latest_version(&known(), &service), 10);
    }
}
