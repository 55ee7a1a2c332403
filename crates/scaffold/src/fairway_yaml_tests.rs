use super::*;

fn orders() -> ServiceName {
    "orders".parse().unwrap()
}

const GOOD: &str = "name: orders\nteam: checkout\nruntime: go\nport: 8080\n";

fn errors(text: &str) -> String {
    check_fairway_yaml(text, &orders()).unwrap_err().join("\n")
}

#[test]
fn the_least_file_is_read_with_the_charts_defaults() {
    let file = check_fairway_yaml(GOOD, &orders()).unwrap();
    assert_eq!(file.replicas, Replicas::DEFAULT);
    assert_eq!(file.components, Components { redis: false, metrics: true });
    let part = check_fairway_yaml(&format!("{GOOD}components:\n  redis: true\n"), &orders()).unwrap();
    assert_eq!(part.components, Components { redis: true, metrics: true }, "as helm merges it");
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_what_is_allowed() {
    let cases = [
        ("replicas: 0\n", "replicas: 0 is less than the minimum of 1. (How many pods: 1 to 20.)"),
        ("replicas: '2'\n", "replicas: \"2\" is not of type \"integer\""),
        ("replica: 2\n", "('replica' was unexpected)"),
        ("variables:\n  A: 1\n", "variables.A: 1 is not of type \"string\". (Environment variables."),
        ("variables:\n  PORT: 'x'\n", "variables"),
        (
            "environments:\n  production:\n    replicas: 100\n",
            "environments.production.replicas: 100 is greater",
        ),
        ("environments:\n  production:\n    name: x\n", "environments.production: Additional properties"),
        ("resources:\n  limits:\n    memory: lots\n", "resources.limits.memory"),
        ("image: x\n", "image: is given at each deploy"),
        ("environment: staging\n", "environment: is given at each deploy"),
    ];
    for (added, part) in cases {
        let errors = errors(&format!("{GOOD}{added}"));
        assert!(errors.contains(part), "{added}: {errors}");
    }
    let missing = errors("name: orders\n");
    for key in ["team", "runtime", "port"] {
        assert!(missing.contains(&format!("\"{key}\" is a required property")), "{missing}");
    }
    let port = errors(&GOOD.replace("8080", "6379"));
    assert!(port.starts_with("port: ") && port.contains("not 6379, which is Redis's"), "{port}");
}

#[test]
fn another_services_file_is_refused() {
    let error = errors(&GOOD.replace("orders", "invoices"));
    assert_eq!(error, "name: is “invoices”, but this is the repository of orders.");
}

#[test]
fn what_is_no_yaml_no_map_or_far_too_long_is_refused() {
    for text in ["a: [", "a: b: c", "a: 1\na: 2", "%", "--- 1\n--- 2\n", "&a [*a]"] {
        assert!(errors(text).contains("fairway.yaml"), "{text}");
    }
    for text in ["", "null", "[]", "7"] {
        assert!(errors(text).contains("is not of type \"object\""), "{text:?}");
    }
    assert!(errors(&"#".repeat(70_000)).contains("at most 65536 are read"));
}

#[test]
fn text_that_helm_would_read_as_something_else_needs_quotes() {
    for value in ["yes", "No", "on", "off", "007", "1_000", "0o17", "+1"] {
        let bare = format!("{GOOD}variables:\n  A: {value} # why\n");
        match check_fairway_yaml(&bare, &orders()) {
            Ok(_) => panic!("{value} was taken"),
            Err(errors) => assert!(errors[0].starts_with("variables.A: "), "{value}: {errors:?}"),
        }
        let in_braces = format!("{GOOD}variables: {{A: {value}, B: \"x\"}}\n");
        assert!(errors(&in_braces).contains("variables.A: "), "{value}");
        for quote in ['"', '\''] {
            let quoted = format!("{GOOD}variables:\n  A: {quote}{value}{quote}\n");
            assert_eq!(
                check_fairway_yaml(&quoted, &orders()).unwrap().variables.values().next().unwrap(),
                value
            );
        }
    }
    let elsewhere = format!("{GOOD}variables:\n  A: \"no\"\n  B: \"ask: no, really\"\n  C: no way\n");
    assert!(check_fairway_yaml(&elsewhere, &orders()).is_ok());
    for value in ["yesterday", "1.2.3", "12:30:45", "a_1", "2026-11-25", "10.0.0.1", "e5", "deadbeef"] {
        let bare = format!("{GOOD}variables:\n  A: {value}\n");
        assert!(check_fairway_yaml(&bare, &orders()).is_ok(), "{value}");
    }
}

/// The schema and the domain's types are two statements of one rule.
#[test]
fn the_schema_and_the_domain_accept_the_same_values() {
    let with = |key: &str, value: &Value| {
        let mut document: Value = serde_norway::from_str(GOOD).unwrap();
        document[key] = value.clone();
        validator().unwrap().is_valid(&document)
    };
    let long = "a".repeat(41);
    for name in [
        "a",
        "orders",
        "orders-2",
        "x--y",
        "-a",
        "a-",
        "A",
        "1a",
        "a.b",
        "ä",
        "",
        "orders-redis",
        "redis",
        "kubernetes",
        "new",
        "renew",
        "a\n",
        &long[..40],
        &long,
    ] {
        assert_eq!(with("name", &name.into()), name.parse::<ServiceName>().is_ok(), "name {name:?}");
        assert_eq!(with("team", &name.into()), name.parse::<TeamName>().is_ok(), "team {name:?}");
    }
    for name in [
        "A",
        "_a1",
        "1A",
        "A-B",
        "",
        "PORT",
        "REDIS_URL",
        "REDIS_PASSWORD",
        "SERVICE_NAME",
        "SERVICE_VERSION",
        "PORTS",
    ] {
        let variables = serde_json::json!({ name: "x" });
        assert_eq!(with("variables", &variables), name.parse::<VariableName>().is_ok(), "variable {name:?}");
    }
    for number in [0_u16, 1, 19, 20, 21, 80, 1023, 1024, 6379, 8080, 65535] {
        assert_eq!(with("port", &number.into()), Port::try_from(number).is_ok(), "port {number}");
        assert_eq!(with("replicas", &number.into()), Replicas::try_from(number).is_ok(), "replicas {number}");
    }
    for runtime in ["python", "go", "Go", "rust", ""] {
        assert_eq!(with("runtime", &runtime.into()), runtime.parse::<Runtime>().is_ok(), "{runtime}");
    }
}
