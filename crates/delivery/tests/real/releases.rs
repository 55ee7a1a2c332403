use crate::surroundings::{
    Place, commit, folder, helm, helm_of, registry, registry_address, service, tool, tool_command, unique,
};
use fairway_delivery::{Error, Helm, Release, Revision};
use fairway_domain::{CommitSha, EnvironmentName, ImageReference, ServiceName};
use serde_json::Value;
use std::{path::Path, path::PathBuf, time::Duration};
use tempfile::TempDir;

/// A service with everything that a release of it takes.
struct Case {
    helm: Helm,
    home: TempDir,
    place: Place,
    service: ServiceName,
    environment: EnvironmentName,
    chart_version: String,
    values_file: PathBuf,
    image: ImageReference,
    commit: CommitSha,
    redis_image: String,
}

impl Case {
    async fn new() -> Self {
        let home = folder();
        let (helm, service) = (helm(home.path()), service());
        let values_file = home.path().join("fairway.yaml");
        write_values(&values_file, &service, "");
        Self {
            chart_version: helm.publish_chart().await.unwrap(),
            place: Place::new(),
            environment: "staging".parse().unwrap(),
            image: ImageReference {
                repository: registry().image(&service),
                digest: format!("sha256:{}", "0".repeat(64)).parse().unwrap(),
            },
            commit: commit(),
            redis_image: format!("{}/base/redis:7", registry_address()),
            helm,
            home,
            service,
            values_file,
        }
    }

    fn release<'a>(&'a self, description: &'a str) -> Release<'a> {
        Release {
            service: &self.service,
            environment: &self.environment,
            namespace: &self.place.0,
            chart_version: &self.chart_version,
            values_file: &self.values_file,
            image: &self.image,
            commit: &self.commit,
            description,
            redis_image: &self.redis_image,
        }
    }

    async fn upgrade(&self, description: &str) -> Result<i64, Error> {
        self.helm.upgrade(&self.release(description), |_| {}).await
    }

    async fn history(&self) -> Vec<Revision> {
        self.helm.history(&self.place.0, &self.service).await.unwrap()
    }

    fn kubectl(&self, arguments: &[&str]) -> String {
        tool("kubectl", &[&["-n", self.place.0.as_str()], arguments].concat())
    }

    /// The process id of the Helm at work, if one is.
    fn at_work(&self) -> Option<String> {
        let mark = self.home.path().join("running").join(format!("{}.{}", self.place.0, self.service));
        let mark = std::fs::read_to_string(mark).ok()?;
        mark.split_once(' ').map(|(pid, _)| pid.to_owned())
    }
}

fn write_values(path: &Path, service: &ServiceName, more: &str) {
    let values = format!(
        "name: {service}\nteam: checkout\nruntime: python\nport: 8080\nreplicas: 1\ncomponents:\n  redis: true\n{more}"
    );
    std::fs::write(path, values).unwrap();
}

fn object<'a>(objects: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let is = |object: &&Value| object["kind"] == kind && object["metadata"]["name"] == name;
    objects.iter().find(is).unwrap_or_else(|| panic!("no {kind} {name}"))
}

fn done<'a>(history: &'a [Revision], description: &str) -> Vec<&'a Revision> {
    history.iter().filter(|revision| revision.description == description).collect()
}

#[tokio::test]
async fn the_chart_is_published_once_under_a_version_of_its_content() {
    let (home, other_home) = (folder(), folder());
    let (one, other) = (helm(home.path()), helm(other_home.path()));
    let version = one.publish_chart().await.unwrap();
    let digest = registry().digest("charts/service", &version.replace('+', "_")).await.unwrap();
    assert!(digest.is_some(), "{version}");
    assert_eq!(other.publish_chart().await.unwrap(), version);
    // Packing again would give another digest: a package holds the time.
    assert_eq!(registry().digest("charts/service", &version.replace('+', "_")).await.unwrap(), digest);
}

#[tokio::test]
async fn a_preview_needs_neither_cluster_nor_registry_and_names_what_the_schema_forbids() {
    let mut case = Case::new().await;
    case.helm = helm_of(case.home.path(), "/nonexistent".into());
    let objects = case.helm.template(&case.release("")).await.unwrap();
    let app = object(&objects, "Deployment", case.service.as_str());
    assert_eq!(app["spec"]["template"]["spec"]["containers"][0]["image"], case.image.to_string());
    object(&objects, "Secret", &format!("{}-redis", case.service));

    write_values(&case.values_file, &case.service, "description: [1]\nnonsense: true\n");
    let error = case.helm.template(&case.release("")).await.unwrap_err();
    let Error::Values(sentences) = &error else { panic!("{error}") };
    assert!(sentences.iter().any(|sentence| sentence.starts_with("description: ")), "{sentences:?}");
    assert!(sentences.iter().any(|sentence| sentence.contains("nonsense")), "{sentences:?}");
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let case = Case::new().await;
    let objects = case.helm.dry_run(&case.release("")).await.unwrap();
    object(&objects, "Deployment", case.service.as_str());
    assert_eq!(case.history().await.len(), 0);
    assert_eq!(case.helm.manifest(&case.place.0, &case.service).await.unwrap(), None);
    assert_eq!(case.kubectl(&["get", "deployments,services", "--output", "name"]), "");
}

#[tokio::test]
async fn a_release_is_made_once_for_each_description_and_helm_lists_it() {
    let case = Case::new().await;
    assert_eq!(case.upgrade("deploy one").await.unwrap(), 1);
    assert_eq!(case.upgrade("deploy one").await.unwrap(), 1);
    assert_eq!(case.upgrade("deploy two").await.unwrap(), 2);
    // A repeat that comes late doesn't go back either.
    assert_eq!(case.upgrade("deploy one").await.unwrap(), 1);
    let history = case.history().await;
    let words: Vec<(&str, &str)> =
        history.iter().map(|revision| (revision.status.as_str(), revision.description.as_str())).collect();
    assert_eq!(words, [("superseded", "deploy one"), ("deployed", "deploy two")]);
    let list = tool("helm", &["list", "-n", case.place.0.as_str(), "--short"]);
    assert_eq!(list.trim(), case.service.as_str());
    let app =
        case.kubectl(&["get", "deployment", case.service.as_str(), "-o", "json", "--show-managed-fields"]);
    let app: Value = serde_json::from_str(&app).unwrap();
    let managers = app["metadata"]["managedFields"].as_array().unwrap();
    assert!(
        managers.iter().any(|entry| entry["manager"] == "helm" && entry["operation"] == "Apply"),
        "{managers:?}"
    );
}

#[tokio::test]
async fn the_password_of_redis_stays_in_dry_runs_and_releases() {
    let case = Case::new().await;
    let redis = format!("{}-redis", case.service);
    case.upgrade("deploy one").await.unwrap();
    let first = case.helm.manifest(&case.place.0, &case.service).await.unwrap().unwrap();
    let planned = case.helm.dry_run(&case.release("deploy two")).await.unwrap();
    case.upgrade("deploy two").await.unwrap();
    let second = case.helm.manifest(&case.place.0, &case.service).await.unwrap().unwrap();
    let password = |objects: &[Value]| object(objects, "Secret", &redis)["data"]["password"].clone();
    assert!(password(&first).is_string());
    assert_eq!((password(&planned), password(&second)), (password(&first), password(&first)));
}

#[tokio::test]
async fn what_somebody_changed_by_hand_does_not_stop_a_release() {
    let case = Case::new().await;
    case.upgrade("deploy one").await.unwrap();
    case.kubectl(&["scale", "deployment", case.service.as_str(), "--replicas=0"]);
    case.upgrade("deploy two").await.unwrap();
    let replicas =
        case.kubectl(&["get", "deployment", case.service.as_str(), "-o", "jsonpath={.spec.replicas}"]);
    assert_eq!(replicas, "1");
}

#[tokio::test]
async fn an_object_that_belongs_to_somebody_else_is_named_before_and_nothing_is_changed() {
    let case = Case::new().await;
    case.kubectl(&["create", "service", "clusterip", case.service.as_str(), "--tcp=80"]);
    let error = case.helm.dry_run(&case.release("")).await.unwrap_err();
    assert!(matches!(&error, Error::Helm { message, .. } if message.contains("Service")), "{error}");
    assert_eq!(case.history().await.len(), 0);
}

#[tokio::test]
async fn a_cluster_that_is_away_is_called_so() {
    let case = Case::new().await;
    let kubeconfig = case.home.path().join("away");
    let text = "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{name: a, cluster: {server: 'https://127.0.0.1:9'}}]\n\
        contexts: [{name: a, context: {cluster: a, user: a}}]\nusers: [{name: a, user: {}}]\n";
    std::fs::write(&kubeconfig, text).unwrap();
    let away = helm_of(case.home.path(), kubeconfig);
    let error = away.history(&case.place.0, &case.service).await.unwrap_err();
    assert!(matches!(error, Error::ClusterAway(_)), "{error}");
    let error = away.upgrade(&case.release("deploy one"), |_| {}).await.unwrap_err();
    assert!(matches!(error, Error::ClusterAway(_)), "{error}");
}

/// Whatever was interrupted when, the repeat ends as one deployed release that has been made once.
async fn ends_well(case: &Case, description: &str, when: &str) {
    let revision = case.upgrade(description).await.unwrap_or_else(|error| panic!("{when}: {error}"));
    let history = case.history().await;
    assert_eq!(done(&history, description).len(), 1, "{when}: {history:#?}");
    let last = history.last().unwrap();
    assert_eq!((last.revision, last.status.as_str()), (revision, "deployed"), "{when}: {history:#?}");
    case.kubectl(&["get", "deployment", case.service.as_str(), &format!("{}-redis", case.service)]);
}

#[tokio::test]
async fn a_release_that_is_dropped_at_any_moment_is_one_release_after_the_repeat() {
    let case = Case::new().await;
    for milliseconds in [20, 80, 140, 200, 260, 320, 400, 500] {
        let description = format!("deploy dropped after {milliseconds} ms");
        let _ = tokio::time::timeout(Duration::from_millis(milliseconds), case.upgrade(&description)).await;
        ends_well(&case, &description, &description).await;
    }
}

/// When Helm is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    AfterItsStart(u64),
    AfterItBeganToRelease(u64),
}
use Moment::{AfterItBeganToRelease, AfterItsStart};

const MOMENTS: [Moment; 6] = [
    AfterItsStart(30),
    AfterItsStart(150),
    AfterItBeganToRelease(0),
    AfterItBeganToRelease(20),
    AfterItBeganToRelease(60),
    AfterItBeganToRelease(120),
];

#[tokio::test]
async fn a_first_release_whose_helm_is_killed_at_any_moment_is_one_release_after_the_repeat() {
    let mut pending = 0;
    for moment in MOMENTS {
        let case = Case::new().await;
        pending += usize::from(kill_helm(&case, "deploy one", moment).await);
        ends_well(&case, "deploy one", &format!("{moment:?}")).await;
    }
    assert!(pending > 0, "no kill met Helm at work on the release");
}

#[tokio::test]
async fn a_later_release_whose_helm_is_killed_keeps_the_password_of_redis() {
    let case = Case::new().await;
    let redis = format!("{}-redis", case.service);
    case.upgrade("deploy one").await.unwrap();
    let password = || case.kubectl(&["get", "secret", &redis, "-o", "jsonpath={.data.password}"]);
    let before = password();
    let mut pending = 0;
    for moment in MOMENTS {
        let description = format!("deploy killed {moment:?}");
        pending += usize::from(kill_helm(&case, &description, moment).await);
        // A preview can be had also then.
        case.helm.dry_run(&case.release("")).await.unwrap();
        ends_well(&case, &description, &description).await;
        assert_eq!(password(), before);
    }
    assert!(pending > 0, "no kill met Helm at work on the release");
}

/// Kills Helm as a failing machine would. True if it leaves the release pending.
async fn kill_helm(case: &Case, description: &str, moment: Moment) -> bool {
    let (AfterItsStart(milliseconds) | AfterItBeganToRelease(milliseconds)) = moment;
    let mut statuses = statuses(case);
    // So that the watch sees what comes.
    tokio::time::sleep(Duration::from_millis(700)).await;
    let kill = async {
        let pid = loop {
            if let Some(pid) = case.at_work() {
                break pid;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        while let AfterItBeganToRelease(_) = moment {
            match statuses.next_line().await.unwrap() {
                Some(status) if !status.starts_with("pending") => {}
                _ => break,
            }
        }
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        // It may have been quicker.
        let _ = std::process::Command::new("kill").args(["-KILL", &pid]).status();
    };
    let (_, ()) = tokio::join!(case.upgrade(description), kill);
    case.history().await.last().is_some_and(Revision::is_pending)
}

/// The status of the release, a line for each change.
fn statuses(case: &Case) -> tokio::io::Lines<tokio::io::BufReader<tokio::process::ChildStdout>> {
    use tokio::io::AsyncBufReadExt;
    let selector = format!("owner=helm,name={}", case.service);
    let path = "jsonpath={.metadata.labels.status}{\"\\n\"}";
    let arguments =
        ["-n", case.place.0.as_str(), "get", "secrets", "-l", &selector, "--watch-only", "-o", path];
    let mut command: tokio::process::Command = tool_command("kubectl", &arguments).into();
    let mut child = command.stdout(std::process::Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let output = child.stdout.take().unwrap();
    // It ends with its namespace's test, or when nobody reads it any more.
    tokio::spawn(async move { tokio::time::timeout(Duration::from_secs(60), child.wait()).await });
    tokio::io::BufReader::new(output).lines()
}

#[tokio::test]
async fn a_helm_that_outlived_its_fairway_is_waited_for_and_its_release_is_the_one() {
    let case = Case::new().await;
    let description = unique("deploy ");
    let mut call = Box::pin(case.upgrade(&description));
    while case.at_work().is_none() {
        let _ = tokio::time::timeout(Duration::from_millis(5), &mut call).await;
    }
    // A killed process runs no destructors.
    std::mem::forget(call);
    let mut log = Vec::new();
    let revision = case.helm.upgrade(&case.release(&description), |line| log.push(line)).await.unwrap();
    assert_eq!(revision, 1);
    assert_eq!(case.history().await.len(), 1);
    assert!(log.iter().any(|line| line.starts_with("Waited for the Helm")), "{log:#?}");
}
