//! Which crate may know which. The map is drawn in docs/ARCHITECTURE.md; here it is kept, by what `cargo metadata` says.

#![allow(clippy::unwrap_used)] // clippy knows #[test] functions, but not what they call

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::LazyLock;

/// A crate for each thing outside, and the pure ones beside them.
const ADAPTERS: [&str; 8] =
    ["kubernetes", "diagnosis", "lines", "history", "scaffold", "delivery", "purge", "store"];

/// Crates that do input and output, or wait for it.
const IO: [&str; 10] =
    ["async-std", "axum", "hyper", "kube", "mio", "redis", "reqwest", "rustls", "sqlx", "tokio"];

/// Read once: cargo takes a second.
static WORKSPACE: LazyLock<Workspace> = LazyLock::new(Workspace::read);

/// What `cargo metadata` says of the workspace, without asking anything outside.
struct Workspace(Value);

impl Workspace {
    fn read() -> Self {
        // Crates that only other systems need may not have been fetched.
        let system = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version=1", "--offline", "--locked", "--filter-platform", &system])
            .arg("--manifest-path")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self(serde_json::from_slice(&output.stdout).unwrap())
    }

    /// The workspace's own crates.
    fn crates(&self) -> impl Iterator<Item = &Value> {
        let members = list(&self.0["workspace_members"]);
        list(&self.0["packages"]).iter().filter(move |package| members.contains(&package["id"]))
    }

    /// The workspace's crates by short name, each with those of the workspace that it names, its tests' ones included.
    fn arrows(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let named = |package| {
            list(package).iter().filter_map(|other| text(&other["name"]).strip_prefix("fairway-")).collect()
        };
        self.crates().map(|package| (short(package), named(&package["dependencies"]))).collect()
    }

    /// Who names `library` outside of tests.
    fn who_names(&self, library: &str) -> Vec<&str> {
        let names = |package: &&Value| {
            list(&package["dependencies"])
                .iter()
                .any(|dependency| dependency["name"] == library && dependency["kind"] != "dev")
        };
        self.crates().filter(names).map(short).collect()
    }

    /// Everything that a crate brings along, at any depth, outside of tests.
    fn brings_along(&self, name: &str) -> BTreeSet<&str> {
        let names: BTreeMap<&str, &str> =
            list(&self.0["packages"]).iter().map(|p| (text(&p["id"]), text(&p["name"]))).collect();
        let nodes: BTreeMap<&str, &Value> =
            list(&self.0["resolve"]["nodes"]).iter().map(|node| (text(&node["id"]), node)).collect();
        let start = self.crates().find(|package| short(package) == name).unwrap();
        let (mut found, mut open) = (BTreeSet::new(), vec![text(&start["id"])]);
        while let Some(id) = open.pop() {
            for dependency in list(&nodes[id]["deps"]) {
                let in_program = list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
                let id = text(&dependency["pkg"]);
                if in_program && found.insert(names[id]) {
                    open.push(id);
                }
            }
        }
        assert!(found.contains("serde"), "{name} brings along only {found:?}: that can't be read rightly");
        found
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn short(package: &Value) -> &str {
    text(&package["name"]).strip_prefix("fairway-").unwrap()
}

#[test]
fn dependencies_point_one_way() {
    let mut may: BTreeMap<&str, Vec<&str>> = BTreeMap::from([
        ("domain", vec![]),
        ("portal", [&["domain"][..], &ADAPTERS].concat()),
        ("app", vec!["domain", "portal"]),
        ("islands", vec!["app"]),
        ("server", vec!["domain", "portal", "app"]),
    ]);
    may.extend(ADAPTERS.map(|adapter| (adapter, vec!["domain"])));
    for (name, known) in WORKSPACE.arrows() {
        let Some(allowed) = may.get(name) else {
            panic!("{name} has no place in the order: give it one here and in docs/ARCHITECTURE.md");
        };
        for other in known {
            assert!(
                allowed.contains(&other),
                "{name} names {other}; it may name {allowed:?}: dependencies point one way, \
                 domain ← adapters ← portal ← app, server"
            );
        }
    }
}

#[test]
fn an_adapter_never_knows_another() {
    let arrows = WORKSPACE.arrows();
    for adapter in ADAPTERS {
        for other in ADAPTERS {
            assert!(
                !arrows[adapter].contains(other),
                "{adapter} names {other}: an adapter never knows another; the portal brings them together"
            );
        }
    }
}

#[test]
fn pages_and_edge_never_reach_past_the_portal() {
    let arrows = WORKSPACE.arrows();
    for outer in ["app", "islands", "server"] {
        for adapter in ADAPTERS {
            assert!(
                !arrows[outer].contains(adapter),
                "{outer} names {adapter}: pages and edge never reach past the portal, where rules, record and locks stand"
            );
        }
    }
}

#[test]
fn the_domain_does_no_io() {
    let brought = WORKSPACE.brings_along("domain");
    for library in IO {
        assert!(
            !brought.contains(library),
            "domain brings {library} along: words and rules do no I/O and wait for nothing"
        );
    }
}

#[test]
fn the_diagnosis_does_no_io() {
    let brought = WORKSPACE.brings_along("diagnosis");
    for library in IO {
        assert!(
            !brought.contains(library),
            "diagnosis brings {library} along: objects in, findings out, so that any moment can be replayed in a test"
        );
    }
}

#[test]
fn the_reading_of_log_lines_does_no_io() {
    let brought = WORKSPACE.brings_along("lines");
    for library in IO {
        assert!(
            !brought.contains(library),
            "lines brings {library} along: text in, answers out, so that any line can be tried in a test"
        );
    }
}

#[test]
fn each_outside_system_is_known_by_one_crate() {
    for (library, owner) in [("sqlx", "store"), ("kube", "kubernetes"), ("redis", "purge")] {
        assert_eq!(
            WORKSPACE.who_names(library),
            [owner],
            "only {owner} names {library}: what an outside system is like is known in one crate"
        );
    }
}

#[test]
fn what_a_browser_loads_has_no_server_in_it() {
    let app = WORKSPACE.crates().find(|package| short(package) == "app").unwrap();
    for dependency in list(&app["dependencies"]) {
        let name = text(&dependency["name"]);
        let of_server = ["fairway-portal", "leptos_axum", "tokio", "tracing"].contains(&name);
        assert!(
            !of_server || dependency["optional"] == true,
            "app names {name} without a feature: what only the server needs stands behind `ssr`"
        );
    }
    for part in list(&app["features"]["hydrate"]) {
        assert!(
            !["dep:fairway-portal", "dep:leptos_axum", "ssr"].contains(&text(part)),
            "`hydrate` brings {part} along: the browser's bundle would hold the server"
        );
    }
}
