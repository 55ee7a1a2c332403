//! Where the real things are, and places of each test's own in them.

use fairway_delivery::{Builder, BuilderSettings, Helm, HelmSettings, Registry};
use fairway_domain::{CommitSha, ServiceName};
use std::{path::Path, path::PathBuf, process::Command, sync::OnceLock};
use tempfile::TempDir;

/// A variable that the test run has to be given.
fn given(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!(
            "{name} isn't set. These tests need the running local cluster: FAIRWAY_TEST_KUBECONFIG, FAIRWAY_BIN (the folder of \
             helm and kubectl), FAIRWAY_TEST_REGISTRY (such as 127.0.0.1:5000), FAIRWAY_BUILDAH_ROOT, FAIRWAY_BUILDAH_RUNROOT."
        )
    })
}

pub(crate) fn registry_address() -> String {
    given("FAIRWAY_TEST_REGISTRY")
}

pub(crate) fn registry() -> Registry {
    Registry::new(registry_address(), true)
}

/// One for all tests: only one may use a root.
pub(crate) fn builder() -> Builder {
    static BUILDER: OnceLock<Builder> = OnceLock::new();
    let make = || {
        let settings = BuilderSettings {
            root: Some(given("FAIRWAY_BUILDAH_ROOT").into()),
            run_root: Some(given("FAIRWAY_BUILDAH_RUNROOT").into()),
            ..BuilderSettings::new(folder().keep())
        };
        Builder::new(settings, registry())
    };
    BUILDER.get_or_init(make).clone()
}

pub(crate) fn helm(home: &Path) -> Helm {
    helm_of(home, given("FAIRWAY_TEST_KUBECONFIG").into())
}

pub(crate) fn helm_of(home: &Path, kubeconfig: PathBuf) -> Helm {
    let program = Path::new(&given("FAIRWAY_BIN")).join("helm");
    Helm::new(
        HelmSettings { program, kubeconfig: Some(kubeconfig), ..HelmSettings::new(home.to_owned()) },
        registry(),
    )
}

/// What a tool of the cluster answers; it has to succeed.
pub(crate) fn tool(name: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(Path::new(&given("FAIRWAY_BIN")).join(name));
    let output =
        command.args(arguments).env("KUBECONFIG", given("FAIRWAY_TEST_KUBECONFIG")).output().unwrap();
    assert!(output.status.success(), "{name} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn tool_command(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(Path::new(&given("FAIRWAY_BIN")).join(name));
    command.args(arguments).env("KUBECONFIG", given("FAIRWAY_TEST_KUBECONFIG"));
    command
}

/// A namespace that goes when the test ends.
pub(crate) struct Place(pub(crate) fairway_domain::Namespace);

impl Place {
    pub(crate) fn new() -> Self {
        let name = unique("delivery-");
        tool("kubectl", &["create", "namespace", &name]);
        Self(name.parse().unwrap())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        tool("kubectl", &["delete", "namespace", self.0.as_str(), "--wait=false"]);
    }
}

pub(crate) fn unique(prefix: &str) -> String {
    format!("{prefix}{}", &uuid::Uuid::new_v4().simple().to_string()[..8])
}

pub(crate) fn service() -> ServiceName {
    unique("t").parse().unwrap()
}

pub(crate) fn commit() -> CommitSha {
    let digits = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
    digits[..40].parse().unwrap()
}

/// A folder of its own, which goes with it.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}
