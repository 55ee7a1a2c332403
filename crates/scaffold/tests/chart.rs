//! The chart of all services, rendered by the real helm from files that the template gives.

#![allow(clippy::unwrap_used)] // clippy knows #[test] functions, but not what they call

use fairway_domain::{Components, Parameters, ParametersDraft, Runtime};
use fairway_scaffold::{BaseImages, check_fairway_yaml, render};
use serde::Deserialize;
use serde_norway::Value;
use std::{
    path::PathBuf,
    process::{Command, Output},
};
use tempfile::TempDir;

const IMAGE: &str =
    "127.0.0.1:5000/orders@sha256:0000000000000000000000000000000000000000000000000000000000000000";
const COMMIT: &str = "6180689618068961806896180689618068961806";

fn helm() -> Command {
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let program =
        std::env::var_os("FAIRWAY_BIN").map_or("helm".into(), |folder| workspace.join(folder).join("helm"));
    let found = Command::new(&program).arg("version").output().is_ok_and(|output| output.status.success());
    assert!(
        found,
        "These tests need helm 4: put it on the PATH, or name its folder in FAIRWAY_BIN (make run builds one). Tried {}.",
        program.display()
    );
    Command::new(program)
}

fn chart() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../charts/service")
}

fn answers(
    name: &str,
    runtime: Runtime,
    components: Components,
    replicas: u16,
    variables: &str,
) -> Parameters {
    let draft = ParametersDraft {
        name: name.to_owned(),
        team: "checkout".to_owned(),
        description: "Takes \"orders\": {{ .Values }} # 1".to_owned(),
        runtime: runtime.to_string(),
        replicas: replicas.to_string(),
        variables: variables.to_owned(),
        redis: components.redis,
        metrics: components.metrics,
        ..ParametersDraft::sensible()
    };
    draft.parse().unwrap()
}

fn typical() -> Parameters {
    let all = Components { redis: true, metrics: true };
    answers("orders", Runtime::Python, all, 2, "LOG_LEVEL=info")
}

fn fairway_yaml(parameters: &Parameters) -> String {
    let files = render(parameters, &BaseImages::in_registry("127.0.0.1:5000")).unwrap();
    files.into_iter().find(|file| file.path == "fairway.yaml").unwrap().contents
}

/// `helm COMMAND RELEASE charts/service -f fairway.yaml …`, with the values that a deploy gives.
fn template(release: &str, fairway_yaml: &str, environment: &str, more: &[&str]) -> Output {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("fairway.yaml");
    std::fs::write(&file, fairway_yaml).unwrap();
    helm()
        .args(["template", release])
        .arg(chart())
        .args(["--namespace", environment, "-f"])
        .arg(file)
        .args([
            "--set-string",
            &format!("environment={environment}"),
            "--set-string",
            &format!("image={IMAGE}"),
        ])
        .args(["--set-string", &format!("commit={COMMIT}")])
        .args(more)
        .output()
        .unwrap()
}

fn rendered(parameters: &Parameters) -> String {
    text(&template(parameters.name.as_str(), &fairway_yaml(parameters), "staging", &[]))
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn refusal(output: &Output) -> String {
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn objects(manifests: &str) -> Vec<Value> {
    serde_norway::Deserializer::from_str(manifests)
        .map(|document| Value::deserialize(document).unwrap())
        .filter(|document| !document.is_null())
        .collect()
}

fn names(manifests: &str) -> Vec<String> {
    let name = |object: &Value| {
        format!("{} {}", object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap())
    };
    let mut names: Vec<_> = objects(manifests).iter().map(name).collect();
    names.sort();
    names
}

fn object(manifests: &str, kind: &str, name: &str) -> Value {
    let wanted = |object: &Value| object["kind"] == kind && object["metadata"]["name"] == name;
    objects(manifests).into_iter().find(wanted).unwrap_or_else(|| panic!("no {kind} {name}"))
}

fn environment_of(deployment: &Value) -> Vec<(String, String)> {
    let variables = deployment["spec"]["template"]["spec"]["containers"][0]["env"].as_sequence().unwrap();
    let pair = |v: &Value| {
        (v["name"].as_str().unwrap().to_owned(), v["value"].as_str().unwrap_or("(from a secret)").to_owned())
    };
    variables.iter().map(pair).collect()
}

fn value_of(deployment: &Value, name: &str) -> String {
    environment_of(deployment).into_iter().find(|(found, _)| found == name).unwrap().1
}

#[test]
fn the_chart_passes_helms_lint() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("fairway.yaml");
    std::fs::write(&file, fairway_yaml(&typical())).unwrap();
    text(&helm().args(["lint", "--strict"]).arg(chart()).arg("-f").arg(file).output().unwrap());
}

#[test]
fn every_runtime_with_every_component_gives_the_objects_that_its_answers_ask_for() {
    for runtime in Runtime::ALL {
        for (redis, metrics, replicas) in
            [(false, false, 1), (false, true, 2), (true, false, 2), (true, true, 1)]
        {
            let manifests =
                rendered(&answers("orders", runtime, Components { redis, metrics }, replicas, ""));
            let mut expected = vec!["Deployment orders", "Service orders", "ServiceAccount orders"];
            if redis {
                expected.extend(["Deployment orders-redis", "Service orders-redis", "Secret orders-redis"]);
            }
            if replicas > 1 {
                expected.push("PodDisruptionBudget orders");
            }
            expected.sort_unstable();
            assert_eq!(names(&manifests), expected, "{runtime} {redis} {replicas}");
            let deployment = object(&manifests, "Deployment", "orders");
            assert_eq!(manifests.contains("prometheus.io/scrape"), metrics);
            assert_eq!(environment_of(&deployment).iter().any(|(name, _)| name == "REDIS_URL"), redis);
            assert_eq!(deployment["spec"]["replicas"], replicas);
        }
    }
}

#[test]
fn the_typical_service_is_two_to_four_hundred_lines() {
    let lines = rendered(&typical()).lines().count();
    assert!((200..=400).contains(&lines), "{lines}");
}

#[test]
fn every_object_and_pod_says_whose_it_is_and_which_commit_it_runs() {
    let manifests = rendered(&typical());
    for object in objects(&manifests) {
        let component = if object["metadata"]["name"] == "orders" { "service" } else { "redis" };
        let pods = &object["spec"]["template"]["metadata"]["labels"];
        for labels in [&object["metadata"]["labels"], pods].into_iter().filter(|labels| !labels.is_null()) {
            assert_eq!(labels["app.kubernetes.io/name"], "orders");
            assert_eq!(labels["app.kubernetes.io/instance"], "orders");
            assert_eq!(labels["app.kubernetes.io/component"], component);
            assert_eq!(labels["app.kubernetes.io/managed-by"], "Helm");
            assert_eq!(labels["fairway.dev/team"], "checkout");
            // A new commit changes the Deployment and nothing else.
            let names_commit = component == "service" && object["kind"] == "Deployment";
            assert_eq!(labels["app.kubernetes.io/version"].as_str(), names_commit.then_some(COMMIT));
        }
    }
}

#[test]
fn a_services_selector_finds_its_own_pods_and_not_its_redis() {
    let manifests = rendered(&typical());
    for name in ["orders", "orders-redis"] {
        let deployment = object(&manifests, "Deployment", name);
        let selector = &object(&manifests, "Service", name)["spec"]["selector"];
        assert_eq!(selector, &deployment["spec"]["selector"]["matchLabels"]);
        let pods = &deployment["spec"]["template"]["metadata"]["labels"];
        for (key, value) in selector.as_mapping().unwrap() {
            assert_eq!(&pods[key], value);
        }
    }
    let redis = object(&manifests, "Deployment", "orders-redis");
    let service = object(&manifests, "Service", "orders");
    assert_ne!(service["spec"]["selector"], redis["spec"]["selector"]["matchLabels"]);
}

#[test]
fn text_stays_the_same_text_in_the_pod() {
    let values = [
        "6180689",
        "1e3",
        "007",
        "1.0",
        "yes",
        "0x10",
        "null",
        "~",
        "12:30:45",
        "a: \"b\" # c",
        "{{ x }}",
        "ü😀",
        "",
    ];
    let variables: Vec<String> = values.iter().enumerate().map(|(i, v)| format!("V{i:02}={v}")).collect();
    let parameters = answers("orders", Runtime::Go, Components::default(), 1, &variables.join("\n"));
    let manifests = rendered(&parameters);
    let deployment = object(&manifests, "Deployment", "orders");
    for (at, value) in values.iter().enumerate() {
        assert_eq!(value_of(&deployment, &format!("V{at:02}")), *value);
    }
    assert_eq!(value_of(&deployment, "SERVICE_VERSION"), COMMIT);
    assert_eq!(
        deployment["metadata"]["annotations"]["fairway.dev/description"],
        parameters.description.as_str()
    );
}

/// Kubernetes replaces `$(NAME)` in a value, and reads `$$` as `$`.
#[test]
fn a_dollar_in_a_variable_is_no_reference_to_another() {
    let variables = "A=$(PORT)\nB=a$$b\nC=$5";
    let manifests = rendered(&answers("orders", Runtime::Go, Components::default(), 1, variables));
    let deployment = object(&manifests, "Deployment", "orders");
    assert_eq!(value_of(&deployment, "A"), "$$(PORT)");
    assert_eq!(value_of(&deployment, "B"), "a$$$$b");
    assert_eq!(value_of(&deployment, "C"), "$$5");
}

#[test]
fn a_name_that_is_a_word_of_yaml_stays_a_name() {
    for name in ["yes", "null", "true", "n"] {
        let manifests =
            rendered(&answers(name, Runtime::Go, Components { redis: true, metrics: true }, 2, ""));
        assert_eq!(names(&manifests).iter().filter(|found| found.ends_with(&format!(" {name}"))).count(), 4);
    }
}

#[test]
fn the_longest_names_are_never_cut_and_two_that_share_a_prefix_stay_distinct() {
    let (one, other) = (format!("{}a", "x-".repeat(19) + "y"), format!("{}b", "x-".repeat(19) + "y"));
    assert_eq!(one.len(), 40);
    let all = Components { redis: true, metrics: true };
    let of = |name: &str| names(&rendered(&answers(name, Runtime::Go, all, 2, "")));
    let (ones, others) = (of(&one), of(&other));
    assert!(ones.iter().all(|name| name.contains(&one)) && others.iter().all(|name| name.contains(&other)));
    assert!(ones.iter().all(|name| !others.contains(name)));
}

#[test]
fn an_environment_differs_where_it_says_so_and_nowhere_else() {
    let least = "name: orders\nteam: checkout\nruntime: go\nport: 8080\nreplicas: 3\ncomponents: {redis: true}\n\
                 variables: {A: top, B: top}\nresources: {limits: {memory: 512Mi}}\n";
    let file = format!(
        "{least}environments:\n  production:\n    replicas: 1\n    port: 9090\n    components: {{redis: false}}\n    \
         variables: {{B: production}}\n    resources: {{limits: {{cpu: 500m}}}}\n"
    );
    let staging = text(&template("orders", &file, "staging", &[]));
    assert_eq!(names(&staging).len(), 7);
    assert_eq!(value_of(&object(&staging, "Deployment", "orders"), "B"), "top");
    let without = text(&template("orders", least, "staging", &["--set", "components.redis=false"]));
    assert!(!without.contains("9090"));

    let production = text(&template("orders", &file, "production", &[]));
    assert_eq!(names(&production), ["Deployment orders", "Service orders", "ServiceAccount orders"]);
    let deployment = object(&production, "Deployment", "orders");
    assert_eq!(deployment["spec"]["replicas"], 1);
    assert_eq!(value_of(&deployment, "A"), "top");
    assert_eq!(value_of(&deployment, "B"), "production");
    assert_eq!(value_of(&deployment, "PORT"), "9090");
    let limits = &deployment["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"];
    assert_eq!((limits["memory"].as_str(), limits["cpu"].as_str()), (Some("512Mi"), Some("500m")));
    assert!(production.contains("prometheus.io/scrape"), "a default that nothing overrides");
}

#[test]
fn a_container_may_do_no_more_than_it_needs() {
    let manifests = rendered(&typical());
    for name in ["orders", "orders-redis"] {
        let pod = object(&manifests, "Deployment", name)["spec"]["template"]["spec"].clone();
        assert_eq!(pod["automountServiceAccountToken"], false);
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
        let container = &pod["containers"][0];
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
        assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
        assert_eq!(container["securityContext"]["capabilities"]["drop"][0], "ALL");
        assert!(!container["resources"]["limits"]["memory"].is_null());
        assert!(!container["readinessProbe"].is_null() && !container["livenessProbe"].is_null());
    }
}

#[test]
fn another_registry_is_a_value() {
    let image = "registry.internal:5000/redis:7.4";
    let output = template(
        "orders",
        &fairway_yaml(&typical()),
        "staging",
        &["--set-string", &format!("images.redis={image}")],
    );
    let redis = object(&text(&output), "Deployment", "orders-redis");
    assert_eq!(redis["spec"]["template"]["spec"]["containers"][0]["image"], image);
}

#[test]
fn what_the_schema_refuses_helm_refuses_with_the_place() {
    let good = fairway_yaml(&typical());
    for (wrong, part) in [
        (good.replace("replicas: 2", "replicas: 0"), "at '/replicas'"),
        (good.replace("port: 8080", "port: 6379"), "at '/port'"),
        (format!("{good}\nreplica: 2\n"), "additional properties 'replica' not allowed"),
        (good.replace("LOG_LEVEL\": \"info\"", "LOG_LEVEL\": 1e3"), "at '/variables/LOG_LEVEL'"),
        (good.replace("name: \"orders\"", "name: \"Orders\""), "at '/name'"),
    ] {
        assert_ne!(wrong, good);
        let refused = refusal(&template("orders", &wrong, "staging", &[]));
        assert!(refused.contains(part), "{part}: {refused}");
    }
}

#[test]
fn a_release_under_another_name_or_without_what_a_deploy_gives_says_so() {
    let good = fairway_yaml(&typical());
    let refused = refusal(&template("other", &good, "staging", &[]));
    assert!(refused.contains("a service's release has its name"), "{refused}");
    for (value, part) in
        [("image=", "Say which image"), ("environment=", "Say where to"), ("commit=HEAD", "at '/commit'")]
    {
        let refused = refusal(&template("orders", &good, "staging", &["--set-string", value]));
        assert!(refused.contains(part), "{refused}");
    }
}

/// The push is refused by one reader of YAML and the deploy made by another: what one takes for text, the other has to.
#[test]
fn helm_reads_a_variable_without_quotes_as_the_check_at_the_push_does() {
    let words = [
        "yes",
        "No",
        "ON",
        "off",
        "y",
        "n",
        "true",
        "True",
        "null",
        "Null",
        "~",
        "yesterday",
        "nope",
        "onion",
    ];
    let numbers = [
        "7",
        "007",
        "08",
        "1_000",
        "_1",
        "1__0",
        "0o17",
        "0b11",
        "0x1F",
        "0x1_F",
        "+1",
        "-1",
        "1e3",
        "1.0",
        ".5",
        "1.",
        "1.2.3",
        "12:30:45",
        "190:20:30",
        "2026-11-25",
        "2026-11-25T01:02:03Z",
        "10.0.0.1",
        "e5",
        "0xZZ",
        "1-2",
        "5m",
        "6180689",
        "618e689",
        "+.5",
        "0.1_0",
        "infinity",
        "nan",
        "1e",
        "1e400",
    ];
    let values: Vec<&str> = words.into_iter().chain(numbers).collect();
    let head = "name: orders\nteam: checkout\nruntime: go\nport: 8080\nvariables:\n";
    let with = |values: &[&str]| {
        values
            .iter()
            .enumerate()
            .fold(head.to_owned(), |file, (i, value)| format!("{file}  V{i:02}: {value} # bare\n"))
    };
    let taken_at_the_push =
        |value: &&str| check_fairway_yaml(&with(&[value]), &"orders".parse().unwrap()).is_ok();

    for value in [".inf", "-.INF", ".nan"] {
        refusal(&template("orders", &with(&[value]), "staging", &[]));
        assert!(!taken_at_the_push(&value), "{value}");
    }
    let refused = refusal(&template("orders", &with(&values), "staging", &[]));
    for (at, value) in values.iter().enumerate() {
        let text_to_helm = !refused.contains(&format!("at '/variables/V{at:02}'"));
        assert_eq!(taken_at_the_push(value), text_to_helm, "{value}");
    }
    let taken: Vec<&str> = values.into_iter().filter(taken_at_the_push).collect();
    assert!(taken.contains(&"12:30:45") && taken.contains(&"2026-11-25"));
    let deployment =
        object(&text(&template("orders", &with(&taken), "staging", &[])), "Deployment", "orders");
    for (at, value) in taken.iter().enumerate() {
        assert_eq!(value_of(&deployment, &format!("V{at:02}")), *value);
    }
}
