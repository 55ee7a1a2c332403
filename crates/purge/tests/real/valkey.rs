//! What stands alone is a Valkey like it is a Redis: the same is seen, counted and removed. Several of them: see the topologies.

use crate::purging::purged;
use crate::server::{Server, borrowed, hostile_names, matching, prefix, valkey};
use fairway_domain::{KeyFilter, KeyNames, PurgeSelection};
use fairway_purge::{Pace, Redis};
use std::collections::BTreeSet;

#[tokio::test]
async fn a_valkey_calls_itself_so_and_tells_of_its_keys() {
    let server = Server::of(valkey());
    server.fill_kinds();
    let login = crate::server::login(crate::server::PASSWORD);
    let mut redis = Redis::connect(server.stream().await, &login).await.unwrap();
    let overview = redis.overview().await.unwrap();
    assert!(overview.servers[0].version.starts_with("Valkey "), "{overview:?}");
    assert_eq!(overview.servers[0].mode, "standalone");
    assert_eq!(
        (overview.sample.total, overview.sample.every_key, overview.sample.types.len()),
        (12, true, 6)
    );
    assert!(overview.sample.largest.iter().all(|key| key.memory.is_some() && key.usage.is_some()));
    for kind in ["string", "list", "set", "zset", "hash", "stream"] {
        let key = redis.key(&format!("kind:{kind}:kept").parse().unwrap(), None).await.unwrap().unwrap();
        assert_eq!((key.facts.r#type.as_str(), key.length, key.look_counts), (kind, Some(1), false));
    }
}

#[tokio::test]
async fn what_is_counted_in_a_valkey_is_removed_and_nothing_else() {
    let (server, twin) = (Server::of(valkey()), Server::start());
    let filter = |json: &str| {
        let filter: KeyFilter = serde_json::from_str(json).unwrap();
        PurgeSelection { names: KeyNames::Everything, filter }
    };
    let selections = [
        matching("session:*"),
        matching("[^a]*"),
        prefix("abc*"),
        prefix("u:\\x92"),
        filter(r#"{"type":"zset"}"#),
        filter(r#"{"withoutExpiry":true}"#),
        PurgeSelection::EVERYTHING,
    ];
    for selection in selections {
        for one in [&server, &twin] {
            one.fill(borrowed(&hostile_names()));
            one.fill_kinds();
        }
        let count = server.purgeable().await.count(&selection, Pace::Full).await.unwrap();
        assert!(count.memory.is_some(), "{count:?}");
        let removed = purged(&mut server.purgeable().await, &selection).await.counts.removed;
        let of_twin = purged(&mut twin.purgeable().await, &selection).await.counts.removed;
        assert_eq!((count.matching, removed), (of_twin, of_twin), "{selection}");
        assert_eq!(server.names("*"), twin.names("*"), "{selection}");
    }
}

#[tokio::test]
async fn a_hundred_thousand_keys_of_a_valkey_are_counted_once_and_removed_once() {
    let server = Server::of(valkey());
    let names = crate::purging::sessions(100_000);
    server.fill(borrowed(&names));
    server.fill([b"kept".as_slice()]);
    let mut redis = server.purgeable().await;
    assert_eq!(redis.count(&matching("session:*"), Pace::Full).await.unwrap().matching, 100_000);
    let counts = purged(&mut redis, &matching("session:*")).await.counts;
    assert_eq!((counts.found, counts.removed, counts.already_gone), (100_000, 100_000, 0));
    assert_eq!(server.names("*"), BTreeSet::from([b"kept".to_vec()]));
}
