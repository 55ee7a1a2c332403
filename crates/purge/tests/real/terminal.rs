//! The commands that pages show do in a terminal what the purge does.

use crate::server::{PASSWORD, Server, borrowed, hostile_names, matching, prefix};
use fairway_domain::{KeyFilter, KeyNames, PurgeSelection};
use fairway_purge::{Pace, count_command, purge_command};
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

#[tokio::test]
async fn the_commands_for_a_terminal_count_and_remove_the_same() {
    let (server, twin) = (Server::start(), Server::start());
    let (namespace, service) = ("staging".parse().unwrap(), "orders".parse().unwrap());
    for selection in selections() {
        for one in [&server, &twin] {
            one.fill(borrowed(&hostile_names()));
            one.fill_kinds();
        }
        let mut redis = twin.purgeable().await;
        let expected = redis.count(&selection).await.unwrap().matching.to_string();
        redis.purge(&selection, Pace::Full, |_| ControlFlow::Continue(())).await.unwrap();

        let count = in_a_terminal(&server, count_command(&namespace, &service, &selection).as_str());
        assert_eq!(count, expected, "{selection}");
        let removed = in_a_terminal(&server, purge_command(&namespace, &service, &selection).as_str());
        assert_eq!(removed, expected, "{selection}");
        assert_eq!(server.names("*"), twin.names("*"), "{selection}");
    }
}

fn selections() -> Vec<PurgeSelection> {
    let globs = ["session:*", "a*c", "a\\*c", "[^a]*", "*\\n*", "it's", "-n", "nothing"].map(matching);
    let prefixes = ["abc*", "a[b]", "u:\\x92", "\\xac\\xed\\0", "\\n", "\"", "it's", "back\\\\"].map(prefix);
    let filters =
        [r#"{"type":"hash"}"#, r#"{"withoutExpiry":true}"#, r#"{"type":"string","withoutExpiry":true}"#];
    let filters = filters.map(|json| {
        let filter: KeyFilter = serde_json::from_str(json).unwrap();
        PurgeSelection { names: KeyNames::Everything, filter }
    });
    globs.into_iter().chain(prefixes).chain(filters).chain([PurgeSelection::EVERYTHING]).collect()
}

/// Runs a command with a `kubectl` that goes no further than into this machine, where `redis-cli` finds the test's Redis.
fn in_a_terminal(server: &Server, line: &str) -> String {
    let programs = server.folder.join("programs");
    std::fs::create_dir_all(&programs).unwrap();
    let kubectl = "while [ \"$1\" != -- ]; do shift; done; shift; exec \"$@\"".to_owned();
    let redis_cli = format!("exec /usr/bin/redis-cli -s '{}' \"$@\"", server.socket().display());
    for (name, script) in [("kubectl", kubectl), ("redis-cli", redis_cli)] {
        let path = programs.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-c", line])
        .env("PATH", path)
        .env("REDIS_PASSWORD", PASSWORD)
        .output()
        .unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
