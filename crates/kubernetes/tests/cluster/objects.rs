//! Objects and what is done to them.

use crate::fixture::{deployment, in_namespace, names, orders};
use fairway_kubernetes::Error;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const SLEEP: &str = "import time; time.sleep(3600)";

#[test]
fn a_secret_is_shown_without_its_values_and_read_by_who_needs_one() {
    in_namespace(|fixture| async move {
        fixture
            .apply(json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "orders-redis" },
                "stringData": { "password": "hunter2" }
            }))
            .await;
        let (cluster, ns) = (&fixture.cluster, &fixture.namespace);
        let yaml = cluster.object_yaml(ns, "Secret", "orders-redis").await.unwrap().unwrap();
        assert!(yaml.contains("password: (hidden)"), "{yaml}");
        assert!(
            !yaml.contains("hunter2") && !yaml.contains("aHVudGVyMg") && !yaml.contains("managedFields"),
            "{yaml}"
        );
        let mut secret = cluster.secret(ns, "orders-redis").await.unwrap().unwrap();
        assert_eq!(secret.text("password").unwrap().as_deref(), Some("hunter2"));
        assert_eq!(secret.text("other").unwrap(), None);
        assert!(cluster.secret(ns, "nobody").await.unwrap().is_none());
        assert_eq!(cluster.object_yaml(ns, "Secret", "nobody").await.unwrap(), None);
    });
}

#[test]
fn a_dry_run_shows_what_would_be_and_changes_nothing() {
    in_namespace(|fixture| async move {
        fixture.apply(deployment(0, SLEEP)).await;
        let (cluster, ns) = (&fixture.cluster, &fixture.namespace);
        let live = cluster.get(ns, "apps/v1", "Deployment", "orders").await.unwrap().unwrap();
        let run = cluster.apply_dry_run(ns, &deployment(3, SLEEP)).await.unwrap();
        assert_eq!(run.planned["spec"]["replicas"], 3);
        assert_eq!(run.live.unwrap()["spec"]["replicas"], 0);
        let budget = json!({
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": { "name": "orders" },
            "spec": { "minAvailable": 1, "selector": { "matchLabels": { "a": "b" } } }
        });
        assert_eq!(cluster.apply_dry_run(ns, &budget).await.unwrap().live, None);
        assert_eq!(cluster.get(ns, "policy/v1", "PodDisruptionBudget", "orders").await.unwrap(), None);
        let after = cluster.get(ns, "apps/v1", "Deployment", "orders").await.unwrap().unwrap();
        assert_eq!(after["metadata"]["generation"], live["metadata"]["generation"]);
        assert_eq!(after["spec"], live["spec"]);
        let owners = after["metadata"]["managedFields"].to_string();
        assert!(!owners.contains("helm"), "who only asked owns nothing: {owners}");
    });
}

#[test]
fn what_the_cluster_does_not_take_is_an_error_that_says_why() {
    in_namespace(|fixture| async move {
        let (cluster, ns) = (&fixture.cluster, &fixture.namespace);
        for api_version in ["apps/v1", "nowhere.dev/v1"] {
            let manifest =
                json!({ "apiVersion": api_version, "kind": "Wonder", "metadata": { "name": "a" } });
            let error = cluster.apply_dry_run(ns, &manifest).await.unwrap_err();
            assert!(matches!(error, Error::UnknownKind { .. }), "{error}");
        }
        let error =
            cluster.apply_dry_run(ns, &json!({ "apiVersion": "v1", "kind": "Pod" })).await.unwrap_err();
        assert!(matches!(error, Error::Manifest("metadata.name")), "{error}");
        let broken = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "a" }, "spec": { "replicas": -1 }
        });
        let error = cluster.apply_dry_run(ns, &broken).await.unwrap_err();
        assert!(matches!(&error, Error::Refused { code: 422, .. }), "{error}");
        let error = cluster.restart(ns, "nobody", jiff::Timestamp::now()).await.unwrap_err();
        assert!(matches!(&error, Error::Refused { code: 404, .. }), "{error}");
    });
}

#[test]
fn a_port_of_a_pod_answers_through_the_api_server() {
    in_namespace(|fixture| async move {
        let state = fixture.watch();
        fixture
            .deploy(
                1,
                "import http.server; http.server.test(http.server.SimpleHTTPRequestHandler, port=8080)",
            )
            .await;
        fixture.until(&state, "a pod", |objects| names(objects).len() == 1).await;
        let pod = names(&state.namespace(&fixture.namespace).service(&orders())).remove(0);
        let mut answer = String::new();
        // The process listens a moment after it runs.
        for _ in 0..50 {
            let mut stream = fixture.cluster.port_forward(&fixture.namespace, &pod, 8080).await.unwrap();
            let _ = stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await;
            let _ = stream.read_to_string(&mut answer).await;
            if !answer.is_empty() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        assert!(answer.starts_with("HTTP/1.0 200 OK"), "{answer:?}");
        let nobody = fixture.cluster.port_forward(&fixture.namespace, "nobody", 1).await;
        assert!(matches!(nobody.err(), Some(Error::Refused { code: 404, .. })));
    });
}
