use super::*;
use serde_json::json;

#[test]
fn a_manifest_is_split_into_its_objects_and_empty_documents_are_left_out() {
    let manifest =
        "---\n# Source: a\nkind: Service\nmetadata: {name: a}\n\n---\n# only a comment\n---\nkind: Secret\n";
    let kinds: Vec<String> =
        split_manifest(manifest).unwrap().iter().map(|object| text_at(object, "/kind").to_owned()).collect();
    assert_eq!(kinds, ["Service", "Secret"]);
    assert_eq!(split_manifest("").unwrap().len(), 0);
}

#[test]
fn what_is_no_manifest_says_so() {
    for manifest in ["a: [", "just text", "kind: 3", "kind: A\n---\n- 1"] {
        let error = split_manifest(manifest).unwrap_err().to_string();
        assert!(error.starts_with("The manifest can't be read"), "{manifest:?}: {error}");
    }
}

#[test]
fn values_that_look_like_numbers_stay_text_through_a_manifest() {
    let texts = [
        "6180689", "1e3", "007", "1.0", "yes", "on", "null", "~", "0x1f", "1_000", "12:30:45", "", " a",
        "a: b",
    ];
    for text in texts {
        let object = json!({"kind": "ConfigMap", "data": {"value": text}});
        let read = split_manifest(&yaml(&object)).unwrap();
        assert_eq!(read, [object], "{text:?} in {}", yaml(&json!({"value": text})));
    }
}

#[test]
fn an_object_reads_in_the_order_that_people_know() {
    let object = json!({
        "status": {"ready": 1}, "spec": {"replicas": 1}, "kind": "Deployment", "apiVersion": "apps/v1",
        "metadata": {"uid": "u", "annotations": {"b": "2"}, "labels": {"a": "1"}, "name": "orders", "managedFields": [{}]},
    });
    let expected = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: orders\n  labels:\n    a: '1'\n  \
        annotations:\n    b: '2'\n  uid: u\nspec:\n  replicas: 1\nstatus:\n  ready: 1\n";
    assert_eq!(yaml(&object), expected);
}

#[test]
fn a_secrets_values_are_nowhere_in_its_text() {
    let secret = json!({
        "kind": "Secret",
        "metadata": {"name": "orders-redis", "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": "{\"data\":{\"password\":\"aHVudGVyMg==\"}}",
        }},
        "data": {"password": "aHVudGVyMg=="},
        "stringData": {"token": "hunter2"},
    });
    let text = yaml(&secret);
    assert!(!text.contains("aHVudGVyMg") && !text.contains("hunter2"), "{text}");
    assert!(text.contains("password: (hidden)") && text.contains("token: (hidden)"), "{text}");
}

#[test]
fn a_map_named_data_of_another_kind_is_shown() {
    assert!(yaml(&json!({"kind": "ConfigMap", "data": {"a": "b"}})).contains("a: b"));
}
