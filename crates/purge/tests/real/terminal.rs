//! The commands that pages show do in a terminal what the purge does.

use crate::encrypted::{Encrypted, USER, WATCHWORD};
use crate::purging::sessions;
use crate::server::{PASSWORD, Server, borrowed, hostile_names, matching, prefix};
use crate::several::{Cluster, Folder, Watched};
use fairway_domain::{KeyFilter, KeyNames, PurgeSelection, ShellCommand};
use fairway_purge::{Pace, Terminal, count_command, purge_command};
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

#[tokio::test]
async fn the_commands_for_a_terminal_count_and_remove_the_same() {
    let (server, twin) = (Server::start(), Server::start());
    let (namespace, service) = ("staging".parse().unwrap(), "orders".parse().unwrap());
    let terminal = Terminal::Pod(&namespace, &service);
    for selection in selections() {
        for one in [&server, &twin] {
            one.fill(borrowed(&hostile_names()));
            one.fill_kinds();
            one.leave_idle("idle one's");
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
    let filters = [
        r#"{"type":"hash"}"#,
        r#"{"idleSeconds":3600}"#,
        r#"{"type":"string","withoutExpiry":true,"idleSeconds":3600}"#,
        r#"{"withoutExpiry":true}"#,
        r#"{"type":"string","withoutExpiry":true}"#,
    ];
    let filters = filters.map(|json| {
        let filter: KeyFilter = serde_json::from_str(json).unwrap();
        PurgeSelection { names: KeyNames::Everything, filter }
    });
    globs.into_iter().chain(prefixes).chain(filters).chain([PurgeSelection::EVERYTHING]).collect()
}

/// What a command prints that does what it should.
pub(crate) fn in_a_terminal(server: &Server, line: &str) -> String {
    let output = run_in_a_terminal(server, line);
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Runs a command with a `kubectl` that goes no further than into this machine, where `redis-cli` finds the test's Redis.
fn run_in_a_terminal(server: &Server, line: &str) -> Output {
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
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).env("PATH", path).env("REDIS_PASSWORD", PASSWORD).output().unwrap()
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
        let run = |command: ShellCommand| at_a_named_redis(command.as_str());
        assert_eq!(run(count_command(terminal, &hashless)), "200", "{url}");
        assert_eq!(run(purge_command(terminal, &hashless)), "200", "{url}");
        assert_eq!(run(count_command(terminal, &PurgeSelection::EVERYTHING)), "20", "{url}");
        watched.primary.fill(keys());
    }
    assert_eq!(cluster.names().len(), 20);
}

/// Runs a command with a `kubectl` that takes from a folder what a Secret holds.
fn with_a_secret(server: &Encrypted, line: &str) -> String {
    let folder = Folder::new();
    let holds = [
        ("ca.crt", server.authority.as_str()),
        ("username", USER.0),
        ("password", USER.1),
        ("sentinel-password", WATCHWORD),
    ];
    for (name, value) in holds {
        std::fs::write(folder.0.join(name), value).unwrap();
    }
    // Which value is asked for stands in the template.
    let asked = r#"all="$*"; name=${all##*'$k "'}; cat "${name%%\"*}""#;
    let kubectl = folder.0.join("kubectl");
    std::fs::write(&kubectl, format!("#!/bin/sh\ncd {}\n{asked}\n", folder.0.display())).unwrap();
    std::fs::set_permissions(&kubectl, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.0.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh").args(["-c", line]).env("PATH", path).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{line}");
    assert!(output.status.success(), "{line}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn what_a_secret_holds_is_taken_from_there_by_the_command_itself() {
    let namespace = "staging".parse().unwrap();
    for server in [Encrypted::start(), Encrypted::cluster(), Encrypted::watched()] {
        for number in 0..20 {
            server.ask(&server.members[0], &["set", &format!("app:{number}"), "1"]);
        }
        let named = format!("{}?secret=orders-cache", server.url()).parse().unwrap();
        let terminal = Terminal::Named(&namespace, &named);
        let run = |command: ShellCommand| with_a_secret(&server, command.as_str());
        let lasting = PurgeSelection {
            filter: serde_json::from_str(r#"{"withoutExpiry":true}"#).unwrap(),
            ..matching("app:1*")
        };
        assert_eq!(run(count_command(terminal, &lasting)), "11", "{named:?}");
        assert_eq!(run(purge_command(terminal, &lasting)), "11", "{named:?}");
        assert_eq!(run(count_command(terminal, &PurgeSelection::EVERYTHING)), "9", "{named:?}");
    }
}

#[tokio::test]
async fn what_redis_refuses_a_command_is_told_and_never_taken_for_nothing_to_do() {
    let server = Server::start();
    server.fill(borrowed(&sessions(20)));
    let (namespace, service) = ("staging".parse().unwrap(), "orders".parse().unwrap());
    let terminal = Terminal::Pod(&namespace, &service);
    let filter = serde_json::from_str(r#"{"withoutExpiry":true}"#).unwrap();
    let lasting = PurgeSelection { filter, ..PurgeSelection::EVERYTHING };
    for (right, selection) in [("unlink", &PurgeSelection::EVERYTHING), ("ttl", &lasting)] {
        redis::cmd("ACL")
            .arg("SETUSER")
            .arg("default")
            .arg(format!("-{right}"))
            .exec(&mut server.admin())
            .unwrap();
        let output = run_in_a_terminal(&server, purge_command(terminal, selection).as_str());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(told.matches("NOPERM").count(), 1, "{told}");
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "0");
        assert_eq!(output.status.success(), right == "ttl", "{right}");
        redis::cmd("ACL")
            .arg("SETUSER")
            .arg("default")
            .arg(format!("+{right}"))
            .exec(&mut server.admin())
            .unwrap();
    }
    assert_eq!(in_a_terminal(&server, purge_command(terminal, &lasting).as_str()), "20");
}
