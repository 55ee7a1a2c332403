use super::*;
use serde_json::json;

fn deployment(image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "orders", "labels": {"team": "checkout"}},
        "spec": {
            "replicas": 2, "revisionHistoryLimit": 5, "progressDeadlineSeconds": 120,
            "selector": {"matchLabels": {"app": "orders"}},
            "template": {"spec": {"containers": [{"name": "app", "image": image, "ports": [{"containerPort": 8080}]}]}},
        },
    })
}

fn secret(data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "orders-redis"}, "data": data})
}

fn lines(diff: &ObjectDiff) -> Vec<String> {
    let line = |line: &DiffLine| match line {
        DiffLine::Added(text) => format!("+{text}"),
        DiffLine::Removed(text) => format!("-{text}"),
        DiffLine::Same(text) => format!(" {text}"),
        DiffLine::Gap(count) => format!("~{count}"),
    };
    diff.lines.iter().map(line).collect()
}

#[test]
fn a_changed_line_stands_between_three_unchanged_ones_and_the_rest_is_counted() {
    let diff = diff(Some(&deployment("orders:1")), Some(&deployment("orders:2")));
    assert_eq!(
        (diff.kind.as_str(), diff.name.as_str(), diff.change),
        ("Deployment", "orders", Change::Changed)
    );
    let expected = [
        "~14",
        "     spec:",
        "       containers:",
        "       - name: app",
        "-        image: orders:1",
        "+        image: orders:2",
        "         ports:",
        "         - containerPort: 8080",
    ];
    assert_eq!(lines(&diff), expected);
}

#[test]
fn two_changes_far_apart_have_a_gap_between_them() {
    let mut new = deployment("orders:2");
    new["metadata"]["labels"]["team"] = "billing".into();
    let lines = lines(&diff(Some(&deployment("orders:1")), Some(&new)));
    let gaps: Vec<&String> = lines.iter().filter(|line| line.starts_with('~')).collect();
    // 20 lines of the old object: each is either shown or counted.
    let counted: usize = gaps.iter().map(|gap| gap[1..].parse::<usize>().unwrap()).sum();
    let shown = lines.iter().filter(|line| line.starts_with([' ', '-'])).count();
    assert_eq!((counted + shown, gaps.len()), (20, 2), "{lines:#?}");
}

#[test]
fn what_the_server_and_helm_note_is_no_change() {
    let mut live = deployment("orders:1");
    live["status"] = json!({"readyReplicas": 2});
    live["metadata"]["uid"] = "u".into();
    live["metadata"]["resourceVersion"] = "17".into();
    live["metadata"]["generation"] = 3.into();
    live["metadata"]["creationTimestamp"] = "2026-11-25T01:00:00Z".into();
    live["metadata"]["managedFields"] = json!([{"manager": "helm"}]);
    live["metadata"]["annotations"] = json!({
        "deployment.kubernetes.io/revision": "4", "meta.helm.sh/release-name": "orders", "meta.helm.sh/release-namespace": "staging",
    });
    live["spec"]["template"]["metadata"] = json!({"creationTimestamp": null});
    let mut planned = deployment("orders:1");
    planned["spec"]["template"]["metadata"] = json!({});
    let diff = diff(Some(&live), Some(&planned));
    assert_eq!((diff.change, diff.lines.len()), (Change::Unchanged, 0));
}

#[test]
fn an_added_and_a_removed_object_are_shown_whole() {
    let object = json!({"kind": "Service", "metadata": {"name": "orders"}});
    let added = diff(None, Some(&object));
    assert_eq!(added.change, Change::Added);
    assert_eq!(lines(&added), ["+kind: Service", "+metadata:", "+  name: orders"]);
    let removed = diff(Some(&object), None);
    assert_eq!(removed.change, Change::Removed);
    assert_eq!(lines(&removed), ["-kind: Service", "-metadata:", "-  name: orders"]);
}

#[test]
fn a_secret_says_which_of_its_values_change_and_never_what_they_are() {
    // "old", "new", "same"
    let live = secret(&json!({"password": "b2xk", "kept": "c2FtZQ==", "gone": "b2xk"}));
    let mut planned = secret(&json!({"password": "bmV3", "fresh": "bmV3"}));
    planned["stringData"] = json!({"kept": "same"});
    let diff = diff(Some(&live), Some(&planned));
    let lines = lines(&diff);
    for expected in [
        "-  gone: (set)",
        "-  password: (set)",
        "+  password: (changed)",
        "+  fresh: (set)",
        "   kept: (unchanged)",
    ] {
        assert!(lines.contains(&expected.to_owned()), "{expected} isn't in {lines:#?}");
    }
    let text = lines.join("\n");
    assert!(
        !["b2xk", "bmV3", "c2FtZQ", "same", "new", "old"].iter().any(|value| text.contains(value)),
        "{text}"
    );
}

#[test]
fn a_secret_that_stays_is_unchanged() {
    let same = secret(&json!({"password": "b2xk"}));
    assert_eq!(diff(Some(&same), Some(&same)).change, Change::Unchanged);
    let added = lines(&diff(None, Some(&same)));
    assert!(added.contains(&"+  password: (set)".to_owned()), "{added:#?}");
}

#[test]
fn of_two_sets_what_changes_comes_first_and_what_stays_last() {
    let map = |name: &str, value: &str| json!({"kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": value}});
    let live = [map("stays", "1"), map("removed", "1"), map("changed", "1")];
    let planned = [map("stays", "1"), map("added", "1"), map("changed", "2")];
    let names: Vec<String> = differences(&live, &planned).into_iter().map(|diff| diff.name).collect();
    assert_eq!(names, ["changed", "added", "removed", "stays"]);
}
