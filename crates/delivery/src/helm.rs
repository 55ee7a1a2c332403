use crate::{
    Error, Registry,
    manifest::split_manifest,
    process::{Answer, Invocation},
};
use fairway_domain::{
    CommitSha, EnvironmentName, ImageReference, Namespace, ServiceName, ShellCommand, Timestamp,
};
use serde::Deserialize;
use serde_json::Value;
use std::{path::Path, path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::{Mutex, OnceCell};

/// How long one call may take; without `--wait` it takes seconds.
const LIMIT: Duration = Duration::from_mins(2);

/// How Helm is run.
#[derive(Clone, Debug)]
pub struct HelmSettings {
    /// `helm`, version 4, as a path or a name on the `PATH`.
    pub program: PathBuf,
    /// Which cluster; Helm's own default (a pod's service account, or `~/.kube/config`) if `None`.
    pub kubeconfig: Option<PathBuf>,
    /// Which context of it; its current one if `None`.
    pub context: Option<String>,
    /// A folder of Fairway's own: Helm's caches and settings, the unpacked chart.
    pub home: PathBuf,
}

impl HelmSettings {
    /// `helm` from the `PATH`, the default cluster.
    pub fn new(home: PathBuf) -> Self {
        Self { program: "helm".into(), kubeconfig: None, context: None, home }
    }
}

/// The `helm` binary: what it would release, releases, and has released. Helm alone writes its storage.
#[derive(Clone, Debug)]
pub struct Helm {
    pub(crate) settings: Arc<HelmSettings>,
    pub(crate) registry: Registry,
    pub(crate) unpacked: Arc<OnceCell<PathBuf>>,
    pub(crate) publishing: Arc<Mutex<()>>,
}

/// What is to be released where.
#[derive(Clone, Copy, Debug)]
pub struct Release<'a> {
    /// The service, whose name is the release's.
    pub service: &'a ServiceName,
    /// The environment, whose values the chart picks.
    pub environment: &'a EnvironmentName,
    /// The environment's namespace.
    pub namespace: &'a Namespace,
    /// The chart's version, as [`Helm::publish_chart`] returns it and a deploy keeps it. Not read by [`Helm::template`].
    pub chart_version: &'a str,
    /// The service's `fairway.yaml` at the commit.
    pub values_file: &'a Path,
    /// The image.
    pub image: &'a ImageReference,
    /// The commit that the image was built from.
    pub commit: &'a CommitSha,
    /// What Helm's history says of the revision. It names the deploy: two deploys never share a description.
    pub description: &'a str,
    /// The image that the platform has for a service's Redis.
    pub redis_image: &'a str,
}

/// One revision of a release, as Helm's history has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Revision {
    /// Its number, from 1.
    pub revision: i64,
    /// Helm's word: `deployed`, `superseded`, `failed`, `pending-install`, `pending-upgrade`, `pending-rollback` …
    pub status: String,
    /// What was said of it when it was released.
    pub description: String,
    /// When.
    pub updated: Timestamp,
}

impl Revision {
    /// Whether Helm was at work on it, and is or was interrupted.
    pub fn is_pending(&self) -> bool {
        self.status.starts_with("pending-")
    }
}

impl Helm {
    /// Helm with charts from `registry`. Nothing is run yet.
    pub fn new(settings: HelmSettings, registry: Registry) -> Self {
        Self { settings: Arc::new(settings), registry, unpacked: Arc::default(), publishing: Arc::default() }
    }

    /// The objects that `release` would consist of, from the embedded chart, without cluster or registry: quick enough to
    /// follow typing. What only a cluster knows (a kept password) is made up. A value that the chart's schema
    /// doesn't allow is [`Error::Values`].
    pub async fn template(&self, release: &Release<'_>) -> Result<Vec<Value>, Error> {
        let chart = self.unpacked_chart().await?;
        let mut arguments = vec!["template".into(), release.service.to_string(), text(&chart)];
        arguments.extend(Self::release_flags(release, &text(release.values_file)));
        let answer = self.run(arguments).await?;
        split_manifest(&answer.output)
    }

    /// The objects that `release` would consist of, with what the cluster knows, and everything checked that Helm checks
    /// before it releases. Nothing is changed.
    pub async fn dry_run(&self, release: &Release<'_>) -> Result<Vec<Value>, Error> {
        let latest = self.history(release.namespace, release.service).await?.pop();
        if latest.is_some_and(|revision| revision.is_pending()) {
            // Helm refuses to plan an upgrade of a release that it was interrupted at; the chart can still be asked.
            let mut arguments =
                self.chart_arguments(&["template", "--dry-run=server", "--is-upgrade"], release);
            arguments.extend(Self::release_flags(release, &text(release.values_file)));
            return split_manifest(&self.run(arguments).await?.output);
        }
        let mut arguments = self.upgrade_arguments(release, &text(release.values_file));
        arguments.extend(["--dry-run=server", "--output", "json"].map(str::to_owned));
        let answer = self.run(arguments).await?;
        split_manifest(&released(&answer)?.manifest)
    }

    /// The objects of the newest revision, as the chart rendered them; `None` if there is no release.
    pub async fn manifest(
        &self,
        namespace: &Namespace,
        service: &ServiceName,
    ) -> Result<Option<Vec<Value>>, Error> {
        let arguments = ["get", "manifest", service.as_str(), "--namespace", namespace.as_str()];
        match self.run(arguments).await {
            Err(Error::Helm { message, .. }) if is_absent(&message) => Ok(None),
            answer => split_manifest(&answer?.output).map(Some),
        }
    }

    /// The revisions of a release that Helm still has, oldest first; none if there is no release.
    pub async fn history(
        &self,
        namespace: &Namespace,
        service: &ServiceName,
    ) -> Result<Vec<Revision>, Error> {
        let arguments = ["history", service.as_str(), "--namespace", namespace.as_str(), "--output", "json"];
        match self.run(arguments).await {
            Err(Error::Helm { message, .. }) if is_absent(&message) => Ok(Vec::new()),
            answer => read_json("Helm's history", &answer?.output),
        }
    }

    /// What releases the same from a terminal, in a checkout of the service's repository at the commit. Without the
    /// description, which belongs to Fairway's own deploy.
    pub fn command(&self, release: &Release<'_>) -> ShellCommand {
        ShellCommand::new("helm", self.upgrade_arguments(release, "fairway.yaml"))
    }

    /// `helm upgrade --install`, with the values from `values_file`. Server-side, also where the revision before was made by
    /// Helm 3. Forced, so that a field which somebody changed by hand doesn't make every later deploy fail.
    pub(crate) fn upgrade_arguments(&self, release: &Release<'_>, values_file: &str) -> Vec<String> {
        let mut arguments = self.chart_arguments(&["upgrade", "--install"], release);
        arguments.extend(["--server-side=true", "--force-conflicts"].map(str::to_owned));
        arguments.extend(Self::release_flags(release, values_file));
        arguments
    }

    fn chart_arguments(&self, verb: &[&str], release: &Release<'_>) -> Vec<String> {
        let mut arguments: Vec<String> = verb.iter().map(|&word| word.to_owned()).collect();
        arguments.push(release.service.to_string());
        arguments.push(format!("oci://{}/charts/service", self.registry.address()));
        arguments.extend(["--version".to_owned(), release.chart_version.to_owned()]);
        arguments.extend(self.plain_http().map(str::to_owned));
        arguments
    }

    fn release_flags(release: &Release<'_>, values_file: &str) -> Vec<String> {
        let mut arguments =
            vec!["-n".to_owned(), release.namespace.to_string(), "-f".to_owned(), values_file.to_owned()];
        let (image, commit) = (release.image.to_string(), release.commit.as_str());
        let values = [
            ("environment", release.environment.as_str()),
            ("image", &image),
            ("commit", commit),
            ("images.redis", release.redis_image),
        ];
        for (name, value) in values {
            arguments.extend(["--set-string".to_owned(), format!("{name}={}", escaped(value))]);
        }
        arguments
    }

    pub(crate) fn plain_http(&self) -> Option<&'static str> {
        self.registry.plain_http().then_some("--plain-http")
    }

    pub(crate) async fn run<A: Into<String>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Answer, Error> {
        let invocation = self.invocation(arguments);
        let answer = invocation.start()?.answer(&invocation).await?;
        if answer.status.success() { Ok(answer) } else { Err(refusal(&invocation, &answer.errors)) }
    }

    pub(crate) fn invocation<A: Into<String>>(&self, arguments: impl IntoIterator<Item = A>) -> Invocation {
        let settings = &self.settings;
        let mut arguments: Vec<String> = arguments.into_iter().map(Into::into).collect();
        if let Some(context) = &settings.context {
            arguments.extend(["--kube-context".to_owned(), context.clone()]);
        }
        let mut environment = vec![
            ("HELM_CACHE_HOME", settings.home.join("cache")),
            ("HELM_CONFIG_HOME", settings.home.join("config")),
            ("HELM_DATA_HOME", settings.home.join("data")),
        ];
        environment.extend(settings.kubeconfig.iter().map(|path| ("KUBECONFIG", path.clone())));
        Invocation {
            program: settings.program.clone(),
            arguments,
            environment,
            withheld: Some("HELM_"),
            limit: LIMIT,
        }
    }
}

/// The part of Helm's answer that is used.
#[derive(Deserialize)]
pub(crate) struct Released {
    #[serde(default)]
    pub(crate) manifest: String,
    #[serde(default)]
    pub(crate) version: i64,
}

pub(crate) fn released(answer: &Answer) -> Result<Released, Error> {
    // Helm says on the same stream which chart it pulled, before.
    let json = answer.output.find("\n{").map_or(answer.output.as_str(), |at| &answer.output[at + 1..]);
    read_json("Helm's answer", json)
}

fn read_json<T: serde::de::DeserializeOwned>(what: &str, text: &str) -> Result<T, Error> {
    serde_json::from_str(text)
        .map_err(|error| Error::Unreadable { what: what.to_owned(), reason: error.to_string() })
}

/// `--set` reads commas as separators and a backslash as an escape.
fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace(',', r"\,")
}

pub(crate) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn is_absent(message: &str) -> bool {
    message.contains("release: not found")
}

/// What Helm's words on its standard error mean.
pub(crate) fn refusal(invocation: &Invocation, errors: &str) -> Error {
    let message = errors.rsplit_once("Error: ").map_or(errors, |(_, message)| message).trim();
    if let Some((_, list)) = message.split_once("values don't meet the specifications of the schema(s)") {
        return Error::Values(schema_sentences(list));
    }
    let away =
        ["cluster unreachable", "cluster reachability check failed", "connection refused", "no such host"];
    if let (true, false) = (away.iter().any(|sign| message.contains(sign)), message.contains("/v2/")) {
        return Error::ClusterAway(message.to_owned());
    }
    Error::Helm { message: message.to_owned(), command: invocation.shell() }
}

/// `- at '/port': got string, want integer` → `port: got string, want integer`.
fn schema_sentences(list: &str) -> Vec<String> {
    let sentences = list.lines().filter_map(|line| line.trim().strip_prefix("- "));
    sentences
        .map(|line| match line.strip_prefix("at '").and_then(|rest| rest.split_once("': ")) {
            Some(("", what)) => what.to_owned(),
            Some((place, what)) => format!("{}: {what}", place.trim_start_matches('/').replace('/', ".")),
            None => line.to_owned(),
        })
        .collect()
}

#[cfg(test)]
#[path = "helm_tests.rs"]
mod tests;
