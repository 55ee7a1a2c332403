use super::*;
use serde_json::json;

fn object<K: serde::de::DeserializeOwned>(
    name: &str,
    service: &str,
    component: &str,
    more: serde_json::Value,
) -> K {
    let mut value = json!({
        "metadata": { "name": name, "uid": format!("uid-{name}"), "labels": { NAME: service, COMPONENT: component } }
    });
    merge(&mut value, more);
    serde_json::from_value(value).unwrap()
}

fn merge(into: &mut serde_json::Value, from: serde_json::Value) {
    match (into, from) {
        (serde_json::Value::Object(into), serde_json::Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(json!(null)), value);
            }
        }
        (into, from) => *into = from,
    }
}

fn pod(name: &str, service: &str, component: &str) -> Pod {
    object(name, service, component, json!({}))
}

fn event(name: &str, kind: &str, of: &str, at: &str) -> Event {
    serde_json::from_value(json!({
        "metadata": { "name": name },
        "involvedObject": { "kind": kind, "name": of },
        "lastTimestamp": at
    }))
    .unwrap()
}

fn orders() -> ServiceName {
    "orders".parse().unwrap()
}

fn names<K: ResourceExt>(objects: &[Arc<K>]) -> Vec<String> {
    objects.iter().map(|object| object.name_any()).collect()
}

#[test]
fn a_service_is_told_from_its_redis_and_from_other_services() {
    let mut state = NamespaceState::default();
    state.pods.reset(vec![
        pod("orders-1", "orders", "service"),
        pod("orders-redis-1", "orders", "redis"),
        pod("orders-2-1", "orders-2", "service"),
    ]);
    let objects = state.service(&orders());
    assert_eq!(names(&objects.pods), ["orders-1"]);
    assert_eq!(names(&objects.redis_pods), ["orders-redis-1"]);
    let redis = state.redis_pods();
    assert_eq!(
        (redis.len(), &redis[0].0, redis[0].1.name_any()),
        (1, &orders(), "orders-redis-1".to_owned())
    );
}

#[test]
fn a_reset_forgets_what_was_deleted_while_nobody_watched() {
    let mut state = NamespaceState::default();
    state.pods.reset(vec![pod("orders-1", "orders", "service"), pod("orders-2", "orders", "service")]);
    state.pods.reset(vec![pod("orders-2", "orders", "service")]);
    assert_eq!(names(&state.service(&orders()).pods), ["orders-2"]);
    state.pods.delete("orders-2");
    state.pods.delete("never-there");
    assert_eq!(state.service(&orders()).pods, []);
}

#[test]
fn an_object_whose_label_changes_moves() {
    let mut state = NamespaceState::default();
    state.pods.apply(pod("a", "orders", "service"));
    state.pods.apply(pod("a", "invoices", "service"));
    assert_eq!(state.service(&orders()).pods, []);
    assert_eq!(names(&state.service(&"invoices".parse().unwrap()).pods), ["a"]);
}

#[test]
fn replica_sets_come_newest_revision_first_and_only_those_of_the_deployment() {
    let set = |name: &str, revision: &str, owner: &str| {
        let owner =
            json!([{ "apiVersion": "apps/v1", "kind": "Deployment", "name": "orders", "uid": owner }]);
        object::<ReplicaSet>(
            name,
            "orders",
            "service",
            json!({ "metadata": { "annotations": { REVISION: revision }, "ownerReferences": owner } }),
        )
    };
    let mut state = NamespaceState::default();
    state.deployments.apply(object("orders", "orders", "service", json!({})));
    for (name, revision, owner) in
        [("a", "9", "uid-orders"), ("b", "10", "uid-orders"), ("c", "11", "uid-of-one-before")]
    {
        state.replica_sets.apply(set(name, revision, owner));
    }
    assert_eq!(names(&state.service(&orders()).replica_sets), ["b", "a"]);
}

#[test]
fn events_are_those_of_the_services_objects_with_the_latest_last() {
    let mut state = NamespaceState::default();
    state.pods.apply(pod("orders-1", "orders", "service"));
    state.events.reset(vec![
        event("late", "Pod", "orders-1", "2026-11-25T01:00:05Z"),
        event("early", "Pod", "orders-1", "2026-11-25T01:00:01Z"),
        event("of-another", "Pod", "invoices-1", "2026-11-25T01:00:02Z"),
        event("of-a-node-of-that-name", "Node", "orders-1", "2026-11-25T01:00:03Z"),
    ]);
    assert_eq!(names(&state.service(&orders()).events), ["early", "late"]);
}

#[test]
fn a_snapshot_does_not_change_when_the_state_does() {
    let mut state = Arc::new(NamespaceState::default());
    Arc::make_mut(&mut state).pods.apply(pod("a", "orders", "service"));
    let snapshot = state.clone();
    Arc::make_mut(&mut state).pods.delete("a");
    assert_eq!(snapshot.service(&orders()).pods.len(), 1);
    assert_eq!(state.service(&orders()).pods, []);
}
