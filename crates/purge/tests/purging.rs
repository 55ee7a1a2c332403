//! What is counted and removed, on a real Redis.

// Clippy's leave to unwrap in tests ends at the test functions themselves; these are what they call.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod server;

use fairway_domain::PurgeSelection;
use fairway_purge::{Error, PurgeableRedis, count_command, purge_command};
use server::{PASSWORD, Server, environment, hostile_names, matching};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use tokio::io::AsyncReadExt;

const PATTERNS: [&str; 13] = [
    "session:*",
    "a*c",
    "a?c",
    "a\\*c",
    "a[b]c",
    "a\\[b\\]c",
    "[^a]*",
    "\\\\",
    "*\\n*",
    "k*",
    "it's",
    "-n",
    "nothing",
];

fn borrowed(names: &[Vec<u8>]) -> impl Iterator<Item = &[u8]> {
    names.iter().map(Vec::as_slice)
}

#[tokio::test]
async fn what_is_counted_is_removed_and_nothing_else_whatever_the_names_are() {
    let (server, twin) = (Server::start(), Server::start());
    twin.fill(borrowed(&hostile_names()));
    let mut redis = server.purgeable().await;
    for pattern in PATTERNS {
        server.fill(borrowed(&hostile_names()));
        let (all, expected) = (twin.names("*"), twin.names(pattern));
        let count = redis.count(&matching(pattern)).await.unwrap();
        assert_eq!((count.matching, count.total), (expected.len() as u64, all.len() as u64), "{pattern}");
        assert_eq!(count.sample.len(), expected.len().min(20), "{pattern}");
        assert_eq!(server.names("*"), all, "counting {pattern} changed something");

        let report = redis.purge(&matching(pattern), |_| ControlFlow::Continue(())).await.unwrap();
        assert_eq!(
            (report.found, report.removed, report.already_gone),
            (count.matching, count.matching, 0),
            "{pattern}"
        );
        let left: BTreeSet<Vec<u8>> = all.difference(&expected).cloned().collect();
        assert_eq!(server.names("*"), left, "{pattern}");
    }
}

#[tokio::test]
async fn everything_is_everything_the_empty_name_included() {
    let server = Server::start();
    let names = hostile_names();
    server.fill(borrowed(&names));
    let mut redis = server.purgeable().await;
    let count = redis.count(&PurgeSelection::Everything).await.unwrap();
    assert_eq!((count.matching, count.total), (names.len() as u64, names.len() as u64));
    assert!(
        count.sample.iter().all(|name| !name.is_empty() && !name.chars().any(char::is_control)),
        "{count:?}"
    );
    let report = redis.purge(&PurgeSelection::Everything, |_| ControlFlow::Continue(())).await.unwrap();
    assert_eq!(report.removed, names.len() as u64);
    assert!(server.names("*").is_empty());
}

#[tokio::test]
async fn an_empty_redis_has_nothing_to_remove() {
    let server = Server::start();
    let mut redis = server.purgeable().await;
    let count = redis.count(&PurgeSelection::Everything).await.unwrap();
    assert_eq!((count.matching, count.total, count.sample.len()), (0, 0, 0));
    let report = redis.purge(&PurgeSelection::Everything, |_| ControlFlow::Continue(())).await.unwrap();
    assert_eq!((report.found, report.removed, report.stopped), (0, 0, false));
}

#[tokio::test]
async fn a_hundred_thousand_keys_are_counted_once_and_removed_with_progress() {
    let server = Server::start();
    let names: Vec<Vec<u8>> = (0..100_000)
        .map(|number| format!("{}:{number}", if number % 4 == 0 { "cart" } else { "session" }).into_bytes())
        .collect();
    server.fill(borrowed(&names));
    let mut redis = server.purgeable().await;
    let count = redis.count(&matching("session:*")).await.unwrap();
    assert_eq!((count.matching, count.total, count.sample.len()), (75_000, 100_000, 20));

    let mut told = Vec::new();
    let report = redis
        .purge(&matching("session:*"), |progress| {
            told.push(progress);
            ControlFlow::Continue(())
        })
        .await
        .unwrap();
    assert_eq!(
        (report.found, report.removed, report.already_gone, report.stopped),
        (75_000, 75_000, 0, false)
    );
    assert!(told.len() > 50 && told.is_sorted_by_key(|progress| progress.removed));
    assert_eq!(told.last().unwrap().removed, 75_000);
    assert_eq!(server.names("*").len(), 25_000);
}

#[tokio::test]
async fn keys_that_go_by_themselves_meanwhile_are_told_apart() {
    let server = Server::start();
    let names: Vec<Vec<u8>> = (0..20_000).map(|number| format!("session:{number}").into_bytes()).collect();
    server.fill(borrowed(&names));
    let (mut redis, mut other) = (server.purgeable().await, server.admin());
    let mut emptied = false;
    let report = redis
        .purge(&matching("session:*"), |_| {
            if !std::mem::replace(&mut emptied, true) {
                redis::cmd("FLUSHDB").query::<()>(&mut other).unwrap();
            }
            ControlFlow::Continue(())
        })
        .await
        .unwrap();
    assert!(report.removed > 0 && report.already_gone > 0, "{report:?}");
    assert_eq!(report.removed + report.already_gone, report.found);
}

#[tokio::test]
async fn a_stopped_purge_says_how_many_went_and_leaves_the_rest() {
    let server = Server::start();
    let names: Vec<Vec<u8>> = (0..20_000).map(|number| format!("session:{number}").into_bytes()).collect();
    server.fill(borrowed(&names));
    let mut redis = server.purgeable().await;
    let report = redis
        .purge(&PurgeSelection::Everything, |progress| match progress.removed {
            0..5_000 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        })
        .await
        .unwrap();
    assert!(report.stopped && (5_000..8_000).contains(&report.removed), "{report:?}");
    assert_eq!(server.names("*").len() as u64, 20_000 - report.removed);
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_middle_tells_what_is_certain() {
    let server = Server::start();
    let names: Vec<Vec<u8>> = (0..20_000).map(|number| format!("session:{number}").into_bytes()).collect();
    server.fill(borrowed(&names));
    let (mut redis, mut other) = (server.purgeable().await, server.admin());
    let result = redis
        .purge(&PurgeSelection::Everything, |progress| {
            if progress.removed > 5_000 {
                redis::cmd("CLIENT").arg(&["KILL", "TYPE", "normal"]).query::<()>(&mut other).unwrap();
            }
            ControlFlow::Continue(())
        })
        .await;
    let Err(Error::Interrupted { removed, unconfirmed, .. }) = result else { panic!("{result:?}") };
    let went = 20_000 - server.names("*").len() as u64;
    assert!(
        removed > 5_000 && (removed..=removed + unconfirmed).contains(&went),
        "{removed} {unconfirmed} {went}"
    );
    let sentence = result.unwrap_err().to_string();
    assert!(
        sentence.contains(&format!("{removed} keys were removed")) && sentence.contains("Purge again"),
        "{sentence}"
    );
}

#[tokio::test]
async fn only_commands_that_look_at_one_page_at_a_time_are_used() {
    let server = Server::start();
    let names: Vec<Vec<u8>> = (0..3_000).map(|number| format!("session:{number}").into_bytes()).collect();
    server.fill(borrowed(&names));
    let mut admin = server.admin();
    redis::cmd("CONFIG").arg("RESETSTAT").query::<()>(&mut admin).unwrap();
    let mut redis = server.purgeable().await;
    redis.count(&matching("session:*")).await.unwrap();
    redis.purge(&PurgeSelection::Everything, |_| ControlFlow::Continue(())).await.unwrap();

    let statistics: String = redis::cmd("INFO").arg("commandstats").query(&mut admin).unwrap();
    let used = statistics.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(':'));
    let used: BTreeSet<&str> =
        used.map(|(command, _)| command).filter(|command| *command != "config|resetstat").collect();
    assert_eq!(used, BTreeSet::from(["auth", "dbsize", "ping", "scan", "unlink"]));
}

#[tokio::test]
async fn a_wrong_password_is_named_as_such() {
    let server = Server::start();
    for password in ["wrong", ""] {
        let refused = PurgeableRedis::connect(server.stream().await, password, &environment(true)).await;
        let Err(error) = refused else { panic!("{password:?} was taken") };
        assert!(matches!(error, Error::WrongPassword), "{error}");
        assert!(error.to_string().contains("refused the password"), "{error}");
    }
}

#[tokio::test]
async fn a_redis_that_does_not_answer_is_not_waited_for_for_ever() {
    let (stream, _other_end) = tokio::io::duplex(4096);
    let silent = PurgeableRedis::connect(stream, PASSWORD, &environment(true)).await;
    assert!(matches!(silent, Err(Error::Unreachable(_))));
    let (stream, other_end) = tokio::io::duplex(4096);
    drop(other_end);
    let closed = PurgeableRedis::connect(stream, PASSWORD, &environment(true)).await;
    assert!(matches!(closed, Err(Error::Unreachable(_))));
}

#[tokio::test]
async fn an_environment_that_is_not_purgeable_never_gets_a_single_byte() {
    let (stream, mut other_end) = tokio::io::duplex(4096);
    let refused = PurgeableRedis::connect(stream, PASSWORD, &environment(false)).await;
    let Err(error) = refused else { panic!("production was taken") };
    assert!(
        matches!(error, Error::NotPurgeable(_)) && error.to_string().contains("Redis on production"),
        "{error}"
    );
    let mut sent = Vec::new();
    other_end.read_to_end(&mut sent).await.unwrap();
    assert_eq!(sent, b"");
}

#[tokio::test]
async fn the_commands_for_a_terminal_count_and_remove_the_same() {
    let (server, twin) = (Server::start(), Server::start());
    twin.fill(borrowed(&hostile_names()));
    let (namespace, service) = ("staging".parse().unwrap(), "orders".parse().unwrap());
    for selection in PATTERNS.map(matching).into_iter().chain([PurgeSelection::Everything]) {
        server.fill(borrowed(&hostile_names()));
        let expected = twin.names(selection.glob());
        let count = in_a_terminal(&server, count_command(&namespace, &service, &selection).as_str());
        assert_eq!(count, expected.len().to_string(), "{selection}");
        let removed = in_a_terminal(&server, purge_command(&namespace, &service, &selection).as_str());
        assert_eq!(removed, expected.len().to_string(), "{selection}");
        let left: BTreeSet<Vec<u8>> = twin.names("*").difference(&expected).cloned().collect();
        assert_eq!(server.names("*"), left, "{selection}");
    }
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
