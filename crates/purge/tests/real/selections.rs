//! Prefixes, types, expiry, idle time: each removes what it says.

use crate::purging::purged;
use crate::server::{Server, borrowed, hostile_names, prefix};
use fairway_domain::{KeyFilter, KeyNames, PurgeSelection};
use fairway_purge::{Error, Pace};
use std::collections::BTreeSet;

/// Keys of any name, as far as the filter lets them through.
fn filtered(json: &str) -> PurgeSelection {
    let filter: KeyFilter = serde_json::from_str(json).unwrap();
    PurgeSelection { names: KeyNames::Everything, filter }
}

fn names(texts: &[&str]) -> BTreeSet<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Counts and purges; gives what went, after checking that the count was exact.
async fn went(server: &Server, selection: &PurgeSelection) -> BTreeSet<Vec<u8>> {
    let before = server.names("*");
    let mut redis = server.purgeable().await;
    let count = redis.count(selection, Pace::Full).await.unwrap();
    assert_eq!(server.names("*"), before, "counting {selection} changed something");
    let report = purged(&mut redis, selection).await;
    let went: BTreeSet<Vec<u8>> = before.difference(&server.names("*")).cloned().collect();
    assert_eq!(
        (count.matching, report.counts.removed),
        (went.len() as u64, went.len() as u64),
        "{selection}"
    );
    went
}

#[tokio::test]
async fn a_prefix_is_literal_whatever_a_glob_would_read_in_it() {
    let server = Server::start();
    for (typed, bytes) in [
        ("abc*", b"abc*".as_slice()),
        ("a[b]", b"a[b]"),
        ("a?", b"a?"),
        ("back\\\\", b"back\\"),
        ("session:", b"session:"),
        ("u:\\x92\\xb5", b"u:\x92\xb5"),
        ("\\xac\\xed\\0", b"\xac\xed\x00"),
        ("\\n", b"\n"),
    ] {
        server.fill(borrowed(&hostile_names()));
        let expected: BTreeSet<Vec<u8>> =
            hostile_names().into_iter().filter(|name| name.starts_with(bytes)).collect();
        assert_eq!(went(&server, &prefix(typed)).await, expected, "{typed}");
    }
    server.fill([b"abc*:k".as_slice(), b"abcdef:k"]);
    assert_eq!(went(&server, &prefix("abc*")).await, names(&["abc*:k"]));
}

#[tokio::test]
async fn names_that_are_no_text_are_shown_escaped_and_removed_byte_for_byte() {
    let server = Server::start();
    server.fill([b"\x75\x3a\x92\xb5\x78\xc0".as_slice(), b"\xac\xed\x00\x05\x74\x00\x03abc", b"plain"]);
    let mut redis = server.purgeable().await;
    let mut sample = redis.count(&PurgeSelection::EVERYTHING, Pace::Full).await.unwrap().sample;
    sample.sort();
    assert_eq!(sample, ["\\xac\\xed\\0\\u{5}t\\0\\u{3}abc", "plain", "u:\\x92\\xb5x\\xc0"]);
    assert_eq!(purged(&mut redis, &prefix("u:\\x92\\xb5x\\xc0")).await.counts.removed, 1);
    assert_eq!(purged(&mut redis, &prefix("\\xac\\xed\\0\\u{5}t\\0\\u{3}abc")).await.counts.removed, 1);
    assert_eq!(server.names("*"), names(&["plain"]));
}

#[tokio::test]
async fn a_type_and_a_missing_expiry_are_told_apart() {
    let server = Server::start();
    for kind in ["string", "list", "set", "zset", "hash", "stream"] {
        server.fill_kinds();
        let (kept, expiring) = (format!("kind:{kind}:kept"), format!("kind:{kind}:expiring"));
        let both = filtered(&format!(r#"{{"type":"{kind}","withoutExpiry":true}}"#));
        assert_eq!(went(&server, &both).await, names(&[&kept]));
        assert_eq!(went(&server, &filtered(&format!(r#"{{"type":"{kind}"}}"#))).await, names(&[&expiring]));
    }
    server.fill_kinds();
    let kept = went(&server, &filtered(r#"{"withoutExpiry":true}"#)).await;
    assert!(kept.len() == 6 && kept.iter().all(|name| name.ends_with(b":kept")), "{kept:?}");
}

#[tokio::test]
async fn only_keys_that_nobody_used_for_long_enough_go() {
    let server = Server::start();
    let mut admin = server.admin();
    redis::cmd("SET").arg("used").arg("text").exec(&mut admin).unwrap();
    server.leave_idle("idle");
    assert_eq!(went(&server, &filtered(r#"{"idleSeconds":86400}"#)).await, names(&[]));
    assert_eq!(went(&server, &filtered(r#"{"idleSeconds":3600}"#)).await, names(&["idle"]));

    redis::cmd("CONFIG").arg(&["SET", "maxmemory-policy", "allkeys-lfu"]).exec(&mut admin).unwrap();
    let refused = server.purgeable().await.count(&filtered(r#"{"idleSeconds":3600}"#), Pace::Full).await;
    let Err(error @ Error::IdleUnknown(_)) = refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains("eviction policy"), "{error}");
}

#[tokio::test]
async fn memory_is_measured_for_few_keys_and_reckoned_from_a_thousand_of_many() {
    let server = Server::start();
    let mut admin = server.admin();
    for (from, to) in [(0, 500), (500, 20_000)] {
        let mut pipeline = redis::pipe();
        for number in from..to {
            pipeline.cmd("SET").arg(format!("k:{number}")).arg("x".repeat(100)).ignore();
        }
        pipeline.query::<()>(&mut admin).unwrap();
        let one: u64 = redis::cmd("MEMORY").arg("USAGE").arg("k:499").query(&mut admin).unwrap();
        let memory = server
            .purgeable()
            .await
            .count(&PurgeSelection::EVERYTHING, Pace::Full)
            .await
            .unwrap()
            .memory
            .unwrap();
        assert_eq!(memory.measured, to.min(1000));
        // Names differ by a few characters, so what one key takes may differ by one size of the allocator.
        assert!((one * to * 8 / 10..=one * to * 12 / 10).contains(&memory.bytes), "{one} {memory:?}");
    }
    redis::cmd("FLUSHDB").exec(&mut admin).unwrap();
    assert_eq!(
        server.purgeable().await.count(&PurgeSelection::EVERYTHING, Pace::Full).await.unwrap().memory,
        None
    );
}

#[tokio::test]
async fn keys_of_other_databases_are_told_and_left_alone() {
    let server = Server::start();
    server.fill([b"a".as_slice(), b"b"]);
    let mut other = server.admin();
    redis::cmd("SELECT").arg(3).exec(&mut other).unwrap();
    redis::cmd("MSET").arg(&["a", "1", "c", "1", "d", "1"]).exec(&mut other).unwrap();
    let mut redis = server.purgeable().await;
    let count = redis.count(&PurgeSelection::EVERYTHING, Pace::Full).await.unwrap();
    assert_eq!((count.matching, count.total, count.elsewhere), (2, 2, 3));
    assert_eq!(purged(&mut redis, &PurgeSelection::EVERYTHING).await.counts.removed, 2);
    let left: u64 = redis::cmd("DBSIZE").query(&mut other).unwrap();
    assert_eq!((server.names("*").len(), left), (0, 3));
    assert_eq!(redis.count(&PurgeSelection::EVERYTHING, Pace::Full).await.unwrap().elsewhere, 3);
}
