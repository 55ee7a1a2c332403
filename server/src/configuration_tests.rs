use super::names::variable_of;
use super::*;
use fairway_portal::{HistoryKind, LokiCredentials};
use tempfile::TempDir;

const DOCUMENTATION: &str = include_str!("../../docs/configuration.md");

fn variables(given: &[(&str, &str)]) -> BTreeMap<String, String> {
    let home = [("HOME", "/home/ada")];
    home.iter().chain(given).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn by_variables(given: &[(&str, &str)]) -> Result<Configuration, String> {
    Configuration::load(&[], &variables(given)).map_err(|errors| errors.to_string())
}

/// The file's lines as Fairway sees them; in errors the file is called `fairway.toml`.
fn by_file(text: &str, given: &[(&str, &str)]) -> Result<Configuration, String> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("fairway.toml");
    std::fs::write(&path, text).unwrap();
    let arguments = ["--config".to_owned(), path.display().to_string()];
    Configuration::load(&arguments, &variables(given))
        .map_err(|errors| errors.to_string().replace(&path.display().to_string(), "fairway.toml"))
}

fn refused(result: Result<Configuration, String>) -> String {
    match result {
        Ok(configuration) => panic!("accepted: {configuration:?}"),
        Err(text) => text,
    }
}

fn in_words(environments: &[Environment]) -> Vec<String> {
    environments.iter().map(|e| format!("{}={}:{}", e.name, e.namespace, e.policy.purgeable)).collect()
}

#[test]
fn nothing_given_means_the_local_cluster() {
    let configuration = by_variables(&[]).unwrap();
    assert_eq!(configuration.listen.to_string(), "127.0.0.1:3000");
    assert_eq!(configuration.public_url, "http://127.0.0.1:3000");
    assert_eq!(configuration.data, Path::new("/home/ada/.local/share/fairway"));
    assert_eq!(configuration.database_url, "sqlite:///home/ada/.local/share/fairway/fairway.db?mode=rwc");
    assert_eq!(
        in_words(&configuration.environments),
        ["staging=staging:true", "production=production:false"]
    );
    assert_eq!(configuration.registry, "127.0.0.1:5000");
    assert!(configuration.registry_plain_http);
    assert_eq!(configuration.base_images.python, "127.0.0.1:5000/base/python:3");
    assert_eq!(configuration.redis_image, "127.0.0.1:5000/base/redis:7");
    assert_eq!(configuration.log_format, LogFormat::Text);
    assert_eq!(configuration.heartbeat, Duration::from_secs(15));
    let keeping = configuration.log_keeping.unwrap();
    assert_eq!(keeping.folder, Path::new("/home/ada/.local/share/fairway/logs"));
    assert_eq!((keeping.bytes, keeping.age), (64 * 1024 * 1024, Duration::from_hours(24)));
}

#[test]
fn log_lines_are_kept_within_bounds_or_not_at_all() {
    let kept = |bytes| by_variables(&[("FAIRWAY_LOGS_KEEP_BYTES", bytes)]);
    assert_eq!(kept("0").unwrap().log_keeping, None);
    assert_eq!(kept("2000000").unwrap().log_keeping.unwrap().bytes, 2_000_000);
    assert!(refused(kept("1000")).contains("FAIRWAY_LOGS_KEEP_BYTES: is a whole number of bytes"));
    let error = refused(by_file("[logs]\nkeep_hours = 0\n", &[]));
    assert!(
        error.contains("fairway.toml:2: logs.keep_hours: is a whole number of hours from 1 to 8760."),
        "{error}"
    );
}

#[test]
fn a_heart_beats_often_enough_for_proxies() {
    let beating = |seconds| by_variables(&[("FAIRWAY_HEARTBEAT_SECONDS", seconds)]);
    assert_eq!(beating("60").unwrap().heartbeat, Duration::from_secs(60));
    for wrong in ["0", "61", "1.5"] {
        assert!(refused(beating(wrong)).contains("is a whole number of seconds from 1 to 60."), "{wrong}");
    }
}

#[test]
fn every_error_is_named_at_once_with_its_line_or_variable_and_what_is_allowed() {
    let file = r#"listen = "0.0.0.0:3000"
public_url = "fairway.example.com"
log_format = "xml"
databse_url = "sqlite::memory:"

[registry]
adress = "127.0.0.1:5000"
plain_http = "yes"

[[environments]]
name = "Staging"

[[environments]]
namespace = "production"
purgable = true

[builder]
limit_minutes = 0
"#;
    let given = [("FAIRWAY_BUILDER_READ_ONLY_MOUNTS", "etc:/etc"), ("FAIRWAY_DATABASE_URL", "mysql://x")];
    let expected = [
        "Fairway can't start with this configuration:",
        "  fairway.toml:1: listen: can't be 0.0.0.0: nobody signs in to Fairway yet",
        "  fairway.toml:2: public_url: is http:// or https://",
        "  fairway.toml:3: log_format: is text or json.",
        "  fairway.toml:4: databse_url: isn't known. Did you mean database_url?",
        "  fairway.toml:7: registry.adress: isn't known. Did you mean registry.address?",
        "  fairway.toml:8: registry.plain_http: is true or false, without quotes.",
        "  fairway.toml:10: environments: An environment's name is",
        "  fairway.toml:10: environments: A namespace is",
        "  fairway.toml:13: environments: needs a name.",
        "  fairway.toml:15: environments.purgable: isn't known. Did you mean environments.purgeable?",
        "  fairway.toml:18: builder.limit_minutes: is a whole number of minutes from 1 to 1440.",
        "  FAIRWAY_BUILDER_READ_ONLY_MOUNTS: A mount is FROM:TO",
        "  FAIRWAY_DATABASE_URL: is sqlite:///PATH?mode=rwc or postgres://",
        "Every value is described in docs/configuration.md.",
    ];
    let text = refused(by_file(file, &given));
    let lines: Vec<&str> = text.lines().collect();
    for start in expected {
        assert!(lines.iter().any(|line| line.starts_with(start)), "{start}\nisn't in\n{text}");
    }
    assert_eq!(lines.len(), expected.len(), "{text}");
}

#[test]
fn errors_stand_in_the_order_of_lines() {
    let text = refused(by_file(
        "log_format = \"x\"\n\n[helm]\nprogramm = \"a\"\n\n[kubernetes]\ncontext = 1\n",
        &[],
    ));
    let numbers: Vec<&str> = text.lines().filter_map(|line| line.split(':').nth(1)).collect();
    assert_eq!(numbers[1..], ["1", "4", "7"], "{text}");
}

#[test]
fn a_file_that_is_no_toml_is_shown_its_line() {
    let text =
        refused(by_file("listen = \"127.0.0.1:3000\"\npublic_url = \nlisten = \"127.0.0.1:1\"\n", &[]));
    assert!(text.contains("fairway.toml:2: This isn't TOML"), "{text}");
    assert!(text.contains("fairway.toml:3: This isn't TOML"), "{text}");
}

#[test]
fn a_file_that_is_not_there_and_unknown_arguments_are_refused() {
    let load = |arguments: &[&str]| {
        let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
        Configuration::load(&arguments, &variables(&[])).map_err(|errors| errors.to_string())
    };
    assert!(
        refused(load(&["--config", "/nowhere/fairway.toml"])).contains("/nowhere/fairway.toml can't be read")
    );
    assert!(refused(load(&["--config=/nowhere/a.toml"])).contains("/nowhere/a.toml can't be read"));
    assert!(refused(load(&["--config"])).contains("needs the path"));
    assert!(refused(load(&["--port", "1"])).contains("“--port 1” isn't understood"));
    assert!(
        refused(by_variables(&[("FAIRWAY_CONFIG", "/nowhere/b.toml")]))
            .contains("/nowhere/b.toml can't be read")
    );
}

#[test]
fn only_loopback_addresses_are_listened_on() {
    for address in ["127.0.0.1:3000", "127.9.9.9:80", "[::1]:3000"] {
        assert_eq!(by_variables(&[("FAIRWAY_LISTEN", address)]).unwrap().listen.to_string(), address);
    }
    for address in ["0.0.0.0:3000", "192.168.1.2:3000", "[::]:3000", "3000", "localhost:3000", "127.0.0.1:0"]
    {
        assert!(
            refused(by_variables(&[("FAIRWAY_LISTEN", address)])).contains("FAIRWAY_LISTEN: "),
            "{address}"
        );
    }
}

#[test]
fn a_variable_wins_over_the_file_and_an_empty_one_does_not() {
    let file = "log_format = \"json\"\nlisten = \"127.0.0.1:4000\"\n";
    let configuration =
        by_file(file, &[("FAIRWAY_LISTEN", "127.0.0.1:5001"), ("FAIRWAY_LOG_FORMAT", "")]).unwrap();
    assert_eq!(configuration.listen.port(), 5001);
    assert_eq!(configuration.public_url, "http://127.0.0.1:5001");
    assert_eq!(configuration.log_format, LogFormat::Json);
}

#[test]
fn environments_are_read_from_the_file_and_from_words() {
    let file = "[[environments]]\nname = \"test\"\npurgeable = true\n[[environments]]\nname = \"live\"\nnamespace = \"shop\"\n";
    let configuration = by_file(file, &[]).unwrap();
    assert_eq!(in_words(&configuration.environments), ["test=test:true", "live=shop:false"]);
    let configuration = by_variables(&[("FAIRWAY_ENVIRONMENTS", "test=a:purgeable, live")]).unwrap();
    assert_eq!(in_words(&configuration.environments), ["test=a:true", "live=live:false"]);
}

#[test]
fn environments_are_at_least_one_and_share_nothing() {
    let cases = [
        ("a,a=b", "The environment a is given twice."),
        ("a=n,b=n", "The namespace n belongs to another environment already."),
        ("a=n:purgable", "“purgable” is no policy."),
        (",", "needs at least one environment."),
        ("A", "An environment's name is"),
    ];
    for (text, part) in cases {
        let error = refused(by_variables(&[("FAIRWAY_ENVIRONMENTS", text)]));
        assert!(error.contains(&format!("FAIRWAY_ENVIRONMENTS: {part}")), "{text}: {error}");
    }
    assert!(
        refused(by_file("environments = []", &[]))
            .contains("fairway.toml:1: environments: needs at least one")
    );
    assert!(refused(by_file("environments = \"a\"", &[])).contains("write [[environments]]"));
}

#[test]
fn build_arguments_and_mounts_are_read_from_both() {
    let file = "[builder]\nread_only_mounts = [\"/etc:/a\", \"/tmp:/b\"]\nbuild_arguments = {A = \"1,2\", B = \"\"}\n";
    let given = [
        ("FAIRWAY_BUILDER_READ_ONLY_MOUNTS", "/etc:/a,/tmp:/b"),
        ("FAIRWAY_BUILDER_BUILD_ARGUMENTS", "A=1,2;B="),
        ("FAIRWAY_BUILDER_LIMIT_MINUTES", "5"),
    ];
    for configuration in [by_file(file, &[]).unwrap(), by_variables(&given).unwrap()] {
        let mounts = [("/etc", "/a"), ("/tmp", "/b")].map(|(from, to)| (from.into(), to.into()));
        assert_eq!(configuration.builder.read_only_mounts, mounts);
        let arguments = [("A", "1,2"), ("B", "")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(configuration.builder.build_arguments, BTreeMap::from(arguments));
    }
    assert_eq!(by_variables(&given).unwrap().builder.limit, Duration::from_secs(300));
    let error = refused(by_variables(&[("FAIRWAY_BUILDER_READ_ONLY_MOUNTS", "/not/there:/a")]));
    assert!(error.contains("/not/there isn't there"), "{error}");
}

#[test]
fn what_is_redacted_is_read_from_both_and_checked() {
    let file = "[logs]\nredact = [\"email\", \"/cust-[0-9]{1,9}/\"]\n";
    let given = [("FAIRWAY_LOGS_REDACT", "email; /cust-[0-9]{1,9}/")];
    for configuration in [by_file(file, &[]).unwrap(), by_variables(&given).unwrap()] {
        assert_eq!(configuration.redact.hide("ada@example.org is cust-17"), "[hidden] is [hidden]");
    }
    assert_eq!(by_variables(&[]).unwrap().redact.hide("ada@example.org"), "ada@example.org");
    let error = refused(by_file("[logs]\nredact = [\n  \"email\",\n  \"emails\",\n  \"/(/\",\n]\n", &[]));
    assert!(error.contains("fairway.toml:4: logs.redact: “emails” is no mask."), "{error}");
    assert!(error.contains("fairway.toml:5: logs.redact: “/(/” is no regular expression"), "{error}");
}

#[test]
fn a_registry_elsewhere_speaks_tls_unless_told_otherwise() {
    let plain = |given: &[(&str, &str)]| by_variables(given).unwrap().registry_plain_http;
    assert!(!plain(&[("FAIRWAY_REGISTRY_ADDRESS", "registry.example.com/team")]));
    assert!(plain(&[
        ("FAIRWAY_REGISTRY_ADDRESS", "registry.example.com"),
        ("FAIRWAY_REGISTRY_PLAIN_HTTP", "true")
    ]));
    assert!(plain(&[("FAIRWAY_REGISTRY_ADDRESS", "localhost:5000")]));
    for address in ["http://127.0.0.1:5000", "a b", ":5000", "host:0", "host/", "host/UPPER", "host:port"] {
        let error = refused(by_variables(&[("FAIRWAY_REGISTRY_ADDRESS", address)]));
        assert!(error.contains("FAIRWAY_REGISTRY_ADDRESS: is "), "{address}: {error}");
    }
}

#[test]
fn a_path_in_the_file_is_relative_to_the_file() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("fairway.toml"), "data = \"d\"\nkubernetes.kubeconfig = \"k\"\n")
        .unwrap();
    std::fs::write(folder.path().join("k"), "").unwrap();
    let arguments = [format!("--config={}/fairway.toml", folder.path().display())];
    let configuration = Configuration::load(&arguments, &variables(&[])).unwrap();
    assert_eq!(configuration.data, folder.path().join("d"));
    assert_eq!(configuration.kubeconfig, Some(folder.path().join("k")));
}

#[test]
fn files_that_are_not_there_are_named() {
    let error = refused(by_variables(&[
        ("FAIRWAY_KUBERNETES_KUBECONFIG", "/not/there"),
        ("FAIRWAY_HELM_PROGRAM", "/not/there/helm"),
    ]));
    assert!(error.contains("FAIRWAY_KUBERNETES_KUBECONFIG: names /not/there, which isn't there."), "{error}");
    assert!(error.contains("FAIRWAY_HELM_PROGRAM: names /not/there/helm, which isn't there."), "{error}");
}

#[test]
fn a_mistyped_variable_is_found_and_one_of_somebody_else_is_not_minded() {
    let error = refused(by_variables(&[("FAIRWAY_DATABSE_URL", "x")]));
    assert!(
        error.contains("FAIRWAY_DATABSE_URL: isn't known. Did you mean FAIRWAY_DATABASE_URL?"),
        "{error}"
    );
    by_variables(&[("FAIRWAY_PORT", "tcp://10.96.0.7:3000"), ("FAIRWAY_STATE", "x"), ("FAIRWAY_CACHE", "x")])
        .unwrap();
}

#[test]
fn a_section_that_is_no_section_and_a_key_in_the_wrong_place_are_explained() {
    assert!(refused(by_file("registry = \"a\"", &[])).contains("registry: is a section: write [registry]"));
    let error = refused(by_file("kubeconfig = \"a\"", &[]));
    assert!(error.contains("Did you mean kubernetes.kubeconfig?"), "{error}");
    assert!(refused(by_file("[helm]\nzzzzzzzzzz = 1", &[])).contains("Known are: helm.program."));
}

#[test]
fn without_a_home_the_data_folder_has_to_be_named() {
    let error = Configuration::load(&[], &BTreeMap::new()).unwrap_err().to_string();
    assert!(error.contains("data (FAIRWAY_DATA): is needed"), "{error}");
    let given = BTreeMap::from([("FAIRWAY_DATA".to_owned(), "/a?b".to_owned())]);
    let configuration = Configuration::load(&[], &given).unwrap();
    assert_eq!(configuration.database_url, "sqlite:///a%3Fb/fairway.db?mode=rwc");
}

#[test]
fn each_value_is_documented_with_its_variable_and_nothing_else_is() {
    let documented: Vec<(&str, &str)> = DOCUMENTATION
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | `"))
        .filter_map(|(key, rest)| Some((key, rest.split_once('`')?.0)))
        .collect();
    let known: Vec<String> = KEYS.iter().map(|key| variable_of(key)).collect();
    let expected: Vec<(&str, &str)> = KEYS.into_iter().zip(known.iter().map(String::as_str)).collect();
    assert_eq!(documented, expected);
}

#[test]
fn the_documented_example_gives_each_value_and_is_accepted() {
    let (_, rest) = DOCUMENTATION.split_once("```toml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let folder = TempDir::new().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, "").unwrap();
    let example = example.replace("/etc/fairway/kubeconfig", &kubeconfig.display().to_string());
    let configuration = by_file(&example, &[]).unwrap();
    assert_eq!(
        in_words(&configuration.environments),
        ["staging=shop-staging:true", "production=shop-production:false"]
    );
    let empty = BTreeMap::new();
    let source = Source::new(None, &example, &empty);
    let missing: Vec<&str> = KEYS.into_iter().filter(|key| !source.is_given(key)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn a_redis_that_the_chart_does_not_bring_is_named_by_environment_and_service() {
    let named = |text: &str| by_variables(&[("FAIRWAY_REDIS", text)]);
    let two = "staging/orders=redis://cache:6379; production/orders=rediss-cluster://a:1,b:2?secret=s=";
    assert!(refused(named(two)).contains("A Secret's name"));
    let redis =
        named("staging/orders=redis://cache:6379;production/orders=rediss-cluster://a:1,b:2?secret=s")
            .unwrap()
            .redis;
    assert_eq!(
        (redis.len(), redis[0].service.as_str(), redis[1].environment.as_str()),
        (2, "orders", "production")
    );
    assert!(redis[1].named.tls && redis[1].named.addresses.len() == 2);
    for (wrong, why) in [
        ("orders=redis://cache:6379", "Write ENVIRONMENT/SERVICE"),
        ("test/orders=redis://cache:6379", "There is no environment test."),
        ("staging/orders=cache:6379", "Write redis://HOST:PORT"),
        ("staging/orders=redis://a:1;staging/orders=redis://b:1", "given twice"),
    ] {
        let error = refused(named(wrong));
        assert!(error.contains(why) && error.contains("FAIRWAY_REDIS"), "{error}");
    }
}

#[test]
fn an_environments_history_is_read_with_it() {
    let text = r#"[[environments]]
name = "staging"
[environments.history]
kind = "loki"
url = "http://loki:3100/"
username = "ada"
password_file = "password"

[[environments]]
name = "production"
"#;
    let configuration = by_file(text, &[]).unwrap();
    let [(environment, history)] = &configuration.histories.iter().collect::<Vec<_>>()[..] else { panic!() };
    assert_eq!((environment.as_str(), history.hours), ("staging", 720));
    let HistoryKind::Loki(loki) = &history.kind else { panic!("{history:?}") };
    assert_eq!(loki.url, "http://loki:3100");
    assert_eq!(loki.query.to_string(), r#"{namespace="$namespace", app="$service"}"#);
    let Some(LokiCredentials::Basic(name, file)) = &loki.credentials else {
        panic!("{:?}", loki.credentials)
    };
    assert_eq!(name, "ada");
    assert!(file.is_absolute() && file.ends_with("password"), "beside the file: {}", file.display());
}

#[test]
fn what_is_wrong_with_a_history_is_named_where_it_stands() {
    let text = r#"[[environments]]
name = "staging"
[environments.history]
kind = "loki"
url = "loki:3100"
query = "{app=\"orders\"}"
hours = 0
token_file = "a"
username = "b"
tennant = "c"

[[environments]]
name = "production"
[environments.history]
kind = "elastic"
"#;
    let error = refused(by_file(text, &[]));
    for expected in [
        "fairway.toml:5: environments.history.url: is http:// or https:// with a host",
        "fairway.toml:6: environments.history.query: is a stream selector that names $service",
        "fairway.toml:7: environments.history.hours: is a whole number of hours from 1 to 87600.",
        "environments.history: takes username and password_file, or token_file",
        "fairway.toml:10: environments.history.tennant: isn't known. Did you mean environments.history.tenant?",
        "fairway.toml:15: environments.history.kind: is loki or cloudwatch.",
    ] {
        assert!(error.contains(expected), "{expected}\nisn't in\n{error}");
    }
}

#[test]
fn a_history_at_cloudwatch_names_a_log_group_and_nothing_of_lokis() {
    let of = |lines: &str| {
        let file = format!(
            "[[environments]]\nname = \"staging\"\n[environments.history]\nkind = \"cloudwatch\"\n{lines}"
        );
        by_file(&file, &[])
    };
    let configuration = of("log_group = \"/aws/eks/$namespace\"\nregion = \"eu-central-1\"\n").unwrap();
    let history = configuration.histories.values().next().unwrap();
    let HistoryKind::CloudWatch(cloud_watch) = &history.kind else { panic!("{history:?}") };
    assert_eq!((cloud_watch.region.as_deref(), &cloud_watch.endpoint), (Some("eu-central-1"), &None));
    let error = refused(of(
        "tenant = \"a\"\nstream_prefix = \"orders-\"\nfilter = '{ $.app = \"orders\" }'\nregion = \"Frankfurt\"\naccess_key_id = \"AKIA\"\n",
    ));
    for expected in [
        "environments.history: needs a value for log_group.",
        "fairway.toml:5: environments.history.tenant: isn't for the kind cloudwatch.",
        "fairway.toml:6: environments.history.stream_prefix: is with what the names",
        "fairway.toml:7: environments.history.filter: is a filter pattern that names $service",
        "fairway.toml:8: environments.history.region: is a region of AWS",
        "environments.history: takes access_key_id and secret_access_key_file, or a profile",
    ] {
        assert!(error.contains(expected), "{expected}\nisn't in\n{error}");
    }
}
