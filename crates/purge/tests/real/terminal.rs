//! The commands that pages show do in a terminal what the purge does.

use crate::server::{PASSWORD, Server, borrowed, hostile_names, matching, prefix};
use crate::several::{Cluster, Encrypted, Watched};
use fairway_domain::{KeyFilter, KeyNames, PurgeSelection};
use fairway_purge::{Pace, Terminal, count_command, purge_command};
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

#[tokio::test]
async fn the_commands_for_a_terminal_count_and_remove_the_same() {
    let (server, twin) = (Server::start(), Server::start());
    let (namespace, service) = ("staging".parse().unwrap(), "orders".parse().unwrap());
    let terminal = Terminal::Pod(&namespace, &service);
    for selection in selections() {
        for one in [&server, &twin] {
            one.fill(borrowed(&hostile_names()));
            one.fill_kinds();
        }
        let mut redis = twin.purgeable().await;
        let expected = redis.count(&selection, Pace::Full).await.unwrap().matching.to_string();
        redis.purge(&selection, Pace::Full, |_| ControlFlow::Continue(())).await.unwrap();

        let count = in_a_terminal(&server, count_command(terminal, &selection).as_str());
        assert_eq!(count, expected, "{selection}");
        let removed = in_a_terminal(&server, purge_command(terminal, &selection).as_str());
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
pub(crate) fn in_a_terminal(server: &Server, line: &str) -> String {
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

/// Runs a command that reaches a named Redis without a Secret: the password is the terminal's own.
fn at_a_named_redis(line: &str) -> String {
    let output = Command::new("sh").args(["-c", line]).env("REDISCLI_AUTH", PASSWORD).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn the_commands_for_a_redis_of_several_servers_reach_all_its_keys() {
    let namespace = "staging".parse().unwrap();
    let (cluster, watched) = (Cluster::start(0), Watched::start());
    let keys = || {
        (0..200).map(|number| format!("app:{number}")).chain((0..20).map(|number| format!("kept:{number}")))
    };
    cluster.fill(keys());
    watched.primary.fill(keys());
    let hashless = PurgeSelection {
        filter: serde_json::from_str::<KeyFilter>(r#"{"withoutExpiry":true}"#).unwrap(),
        ..matching("app:*")
    };
    for url in [cluster.url(), watched.url(), format!("redis://{}", watched.primary.address())] {
        let named = url.parse().unwrap();
        let terminal = Terminal::Named(&namespace, &named);
        let run = |command: fairway_domain::ShellCommand| at_a_named_redis(command.as_str());
        assert_eq!(run(count_command(terminal, &hashless)), "200", "{url}");
        assert_eq!(run(purge_command(terminal, &hashless)), "200", "{url}");
        assert_eq!(run(count_command(terminal, &PurgeSelection::EVERYTHING)), "20", "{url}");
        watched.primary.fill(keys());
    }
    assert_eq!(cluster.names().len(), 20);
}

#[test]
fn what_a_secret_holds_is_taken_from_there_by_the_command_itself() {
    let folder = std::env::temp_dir().join(format!("fairway-purge-secret-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let server = Encrypted::start();
    std::fs::write(folder.join("ca.crt"), &server.authority).unwrap();
    std::fs::write(folder.join("username"), "fairway").unwrap();
    std::fs::write(folder.join("password"), "pass word").unwrap();
    // Which value is asked for stands in the template.
    let kubectl = "case \"$*\" in *'\"ca.crt\"'*) cat ca.crt ;; *'\"username\"'*) cat username ;; *'\"password\"'*) cat password ;; esac";
    std::fs::write(folder.join("kubectl"), format!("#!/bin/sh\ncd {}\n{kubectl}\n", folder.display()))
        .unwrap();
    std::fs::set_permissions(folder.join("kubectl"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let (namespace, named) =
        ("staging".parse().unwrap(), format!("{}?secret=orders-cache", server.url()).parse().unwrap());
    let count = count_command(Terminal::Named(&namespace, &named), &PurgeSelection::EVERYTHING);
    let output = Command::new("sh").args(["-c", count.as_str()]).env("PATH", path).output().unwrap();
    let _ = std::fs::remove_dir_all(&folder);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "0");
}
