//! A value that is large: it is neither loaded to be looked at nor freed while others wait.

use crate::purging::purged;
use crate::server::{Server, matching, valkey};
use crate::several::until;
use crate::wire::Wire;
use fairway_purge::{KeyPage, Pace};
use std::collections::BTreeSet;

/// A hash of 350 MB, a thousand bytes a field.
const FIELDS: u32 = 350_000;

fn fill(server: &Server) {
    let filling =
        "local text = string.rep('x', 1000) for i = 1, ARGV[1] do redis.call('HSET', 'cart:1', i, text) end";
    redis::cmd("EVAL").arg(filling).arg(0).arg(FIELDS).exec(&mut server.admin()).unwrap();
}

/// Every command from now on, with what it was asked for.
fn listen(server: &Server) {
    let mut admin = server.admin();
    redis::cmd("SLOWLOG").arg("RESET").exec(&mut admin).unwrap();
    for (setting, value) in [("slowlog-max-len", "100000"), ("slowlog-log-slower-than", "0")] {
        redis::cmd("CONFIG").arg(&["SET", setting, value]).exec(&mut admin).unwrap();
    }
}

/// The commands that the server was asked, in capitals, each with its first word behind it that isn't a key.
fn asked(server: &Server) -> BTreeSet<String> {
    let log: Vec<Vec<redis::Value>> =
        redis::cmd("SLOWLOG").arg("GET").arg(-1).query(&mut server.admin()).unwrap();
    let words =
        |entry: Vec<redis::Value>| -> Vec<String> { redis::from_redis_value(entry[3].clone()).unwrap() };
    let command = |entry| words(entry).join(" ").to_uppercase();
    log.into_iter()
        .map(command)
        .filter(|line| !line.starts_with("CONFIG") && !line.starts_with("AUTH"))
        .collect()
}

#[tokio::test]
async fn a_hash_of_350_mb_is_counted_and_removed_without_being_read_and_freed_by_another_thread() {
    let server = Server::start();
    fill(&server);
    listen(&server);
    let wire = Wire::default();
    let mut redis = wire.purgeable(&server, |_| ()).await;
    let count = redis.count(&matching("cart:*"), Pace::Full).await.unwrap();
    assert_eq!(count.matching, 1);
    assert!(count.memory.unwrap().bytes > 350_000_000, "{:?}", count.memory);
    assert_eq!(purged(&mut redis, &matching("cart:*")).await.counts.removed, 1);
    assert!(wire.size() < 20_000, "{} bytes were answered", wire.size());
    until("it is freed by another thread", || server.info("memory").contains("lazyfreed_objects:1\r"));

    // Of a hash of any size these take the same: of MEMORY USAGE, as long as it doesn't ask for every element.
    let harmless = ["DBSIZE", "INFO", "MEMORY USAGE CART:1", "SCAN", "SLOWLOG", "TIME", "UNLINK CART:1"];
    for line in asked(&server) {
        assert!(harmless.iter().any(|command| line.starts_with(command)), "{line}");
        assert!(!line.contains("SAMPLES 0"), "{line}");
    }
}

/// A hash of so many small fields and one of 30 MB is looked at from its first page to its last.
async fn one_field_is_huge(server: &Server, fields: u32) {
    let filling = "for i = 1, ARGV[1] do redis.call('HSET', KEYS[1], i, 'small') end \
         redis.call('HSET', KEYS[1], 'huge', string.rep('x', 30000000))";
    redis::cmd("EVAL").arg(filling).arg(1).arg("cart:1").arg(fields).exec(&mut server.admin()).unwrap();
    let wire = Wire::default();
    let mut redis = wire.look(server).await;
    let (mut next, mut names, mut left_out) = (None, BTreeSet::new(), BTreeSet::new());
    loop {
        let read = redis.key(&"cart:1".parse().unwrap(), next.as_ref()).await.unwrap().unwrap();
        let KeyPage::Elements(elements) = read.page else { panic!("{read:?}") };
        for one in elements {
            let small = one.value == b"small" && one.left_out == 0;
            if !small {
                left_out.insert((one.field.clone().unwrap(), one.value.len(), one.left_out));
            }
            names.insert(one.field.unwrap());
        }
        next = read.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(names.len(), fields as usize + 1);
    assert_eq!(left_out, BTreeSet::from([(b"huge".to_vec(), 0, 30_000_000)]));
    assert!(wire.size() < 500_000, "{} bytes were answered", wire.size());
}

#[tokio::test]
async fn a_huge_field_of_a_hash_is_not_loaded_and_its_size_is_said() {
    one_field_is_huge(&Server::start(), 300).await;
    one_field_is_huge(&Server::of(valkey()), 300).await;
    one_field_is_huge(&Server::of(valkey()), 3_000).await;
}

#[tokio::test]
async fn a_hash_of_350_mb_is_looked_at_page_by_page() {
    let server = Server::start();
    fill(&server);
    listen(&server);
    let wire = Wire::default();
    let mut redis = wire.look(&server).await;
    let overview = redis.overview().await.unwrap();
    assert!(overview.sample.largest[0].memory.is_some_and(|bytes| bytes > 350_000_000));
    let first = redis.key(&"cart:1".parse().unwrap(), None).await.unwrap().unwrap();
    assert_eq!(first.length, Some(FIELDS.into()));
    let next = first.next.unwrap();
    assert!(redis.key(&"cart:1".parse().unwrap(), Some(&next)).await.unwrap().is_some());
    assert!(wire.size() < 2_000_000, "{} bytes were answered", wire.size());
    for line in asked(&server) {
        let whole = ["HGETALL", "HVALS", "HKEYS", "DUMP", "KEYS", "SORT", "EVAL"];
        assert!(!whole.iter().any(|command| line.starts_with(command)), "{line}");
        assert!(!line.contains("SAMPLES 0"), "{line}");
    }
}
