use super::*;
use serde_json::json;

fn object(kind: &str, name: &str, component: &str, spec: &Value) -> Value {
    json!({
        "kind": kind,
        "metadata": {"name": name, "labels": {"app.kubernetes.io/component": component}},
        "spec": spec,
    })
}

fn deployment(replicas: u64, image: &str, memory: &str) -> Value {
    let container = json!({"name": "app", "image": image, "resources": {"limits": {"memory": memory}}});
    let template = json!({"spec": {"containers": [container]}});
    object(
        "Deployment",
        "orders",
        "service",
        &json!({"replicas": replicas, "selector": {"a": "b"}, "template": template}),
    )
}

fn redis(image: &str) -> Value {
    let template = json!({"spec": {"containers": [{"name": "redis", "image": image}]}});
    object(
        "Deployment",
        "orders-redis",
        "redis",
        &json!({"replicas": 1, "selector": {"a": "c"}, "template": template}),
    )
}

fn service(port: u64) -> Value {
    object("Service", "orders", "service", &json!({"ports": [{"port": port}]}))
}

fn sentences(old: &[Value], new: &[Value]) -> Vec<String> {
    risks(old, new).into_iter().map(|risk| risk.0).collect()
}

#[test]
fn a_first_deploy_and_an_ordinary_one_carry_no_risk() {
    let old = [deployment(2, "orders:1", "256Mi"), redis("redis:7"), service(8080)];
    let new = [deployment(2, "orders:2", "256Mi"), redis("redis:7"), service(8080)];
    assert_eq!(sentences(&[], &new), Vec::<String>::new());
    assert_eq!(sentences(&old, &new), Vec::<String>::new());
}

#[test]
fn a_removed_redis_is_one_sentence_about_its_keys() {
    let old = [
        redis("redis:7"),
        object("Service", "orders-redis", "redis", &json!({})),
        object("Secret", "orders-redis", "redis", &json!({})),
    ];
    assert_eq!(sentences(&old, &[]), ["orders-redis is removed: every key in it is lost."]);
}

#[test]
fn a_removed_object_is_named() {
    let old = [object("PodDisruptionBudget", "orders", "service", &json!({}))];
    assert_eq!(sentences(&old, &[]), ["PodDisruptionBudget orders is removed."]);
}

#[test]
fn a_redis_that_is_replaced_loses_its_keys_unless_they_are_on_a_volume() {
    let restart = sentences(&[redis("redis:7")], &[redis("redis:8")]);
    assert_eq!(restart, ["orders-redis restarts: every key in it is lost."]);
    let kept = |image| {
        let mut redis = redis(image);
        redis["spec"]["template"]["spec"]["volumes"] =
            json!([{"persistentVolumeClaim": {"claimName": "keys"}}]);
        redis
    };
    assert_eq!(sentences(&[kept("redis:7")], &[kept("redis:8")]), Vec::<String>::new());
}

#[test]
fn fewer_pods_say_what_that_means() {
    for (old, new, part) in [(3, 1, "nothing answers"), (2, 0, "stops"), (8, 4, "4 pods instead of 8")] {
        let sentences =
            sentences(&[deployment(old, "orders:1", "256Mi")], &[deployment(new, "orders:2", "256Mi")]);
        assert!(sentences.len() == 1 && sentences[0].contains(part), "{old} → {new}: {sentences:?}");
    }
    for (old, new) in [(1, 1), (1, 3), (4, 3)] {
        let sentences =
            sentences(&[deployment(old, "orders:1", "256Mi")], &[deployment(new, "orders:2", "256Mi")]);
        assert!(sentences.is_empty(), "{old} → {new}: {sentences:?}");
    }
}

#[test]
fn a_lower_memory_limit_is_named_whatever_its_unit() {
    let risk = |old, new| sentences(&[deployment(2, "orders:1", old)], &[deployment(2, "orders:2", new)]);
    assert_eq!(
        risk("1Gi", "512Mi"),
        [
            "The memory limit of orders's container app falls from 1Gi to 512Mi: if it needs more, it is killed."
        ]
    );
    assert_eq!(risk("256Mi", "256M").len(), 1);
    assert_eq!(risk("256Mi", "268435456").len(), 0);
    assert_eq!(risk("256Mi", "1G").len(), 0);
}

#[test]
fn a_changed_selector_a_changed_port_and_an_unchanged_image_are_named() {
    let mut new = deployment(2, "orders:1", "256Mi");
    new["spec"]["selector"] = json!({"a": "x"});
    let sentences = sentences(&[deployment(2, "orders:1", "256Mi"), service(8080)], &[new, service(9090)]);
    let parts = ["selector of Deployment orders", "keeps the image", "from 8080 to 9090"];
    assert_eq!(sentences.len(), parts.len(), "{sentences:?}");
    for (sentence, part) in sentences.iter().zip(parts) {
        assert!(sentence.contains(part), "{sentence}");
    }
}
