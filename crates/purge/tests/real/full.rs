//! A disk or a memory that is full, while a purge runs: what went is told exactly, what to do is said, and afterwards it goes on.

use crate::purging::{purged, sessions};
use crate::server::{Server, borrowed, matching};
use crate::several::until;
use fairway_domain::PurgeSelection;
use fairway_purge::{Error, Pace, PurgeReport, PurgeableRedis};
use std::ops::ControlFlow;

const KEYS: u32 = 20_000;

/// Purges all sessions; once a quarter of them has gone, `meanwhile` is done.
async fn purge_while(
    redis: &mut PurgeableRedis,
    meanwhile: impl FnOnce() + Send,
) -> Result<PurgeReport, Error> {
    let mut meanwhile = Some(meanwhile);
    redis
        .purge(&matching("session:*"), Pace::Full, |counts| {
            if counts.removed > u64::from(KEYS) / 4
                && let Some(meanwhile) = meanwhile.take()
            {
                meanwhile();
            }
            ControlFlow::Continue(())
        })
        .await
}

/// Leaves no byte free on the server's own disk.
fn fill_the_disk(server: &Server) {
    let mut file = std::fs::File::create(server.file("filling")).unwrap();
    let full = loop {
        if let Err(error) = std::io::Write::write_all(&mut file, &[b'x'; 4096]) {
            break error;
        }
    };
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
}

fn make_room(server: &Server) {
    std::fs::remove_file(server.file("filling")).unwrap();
}

fn ask(server: &Server, words: &[&str]) {
    redis::cmd(words[0]).arg(&words[1..]).exec(&mut server.admin()).unwrap();
}

/// How many were removed before the disk was full, of a purge that says so and what to do.
fn told(result: Result<PurgeReport, Error>) -> u64 {
    let Err(Error::Interrupted { removed, unconfirmed: 0, cause }) = result else { panic!("{result:?}") };
    assert!(matches!(*cause, Error::DiskFull(_)) && cause.is_away(), "{cause}");
    let sentence = cause.to_string();
    assert!(sentence.contains("MISCONF") && sentence.contains("Make room on the disk"), "{sentence}");
    removed
}

#[tokio::test]
async fn a_disk_that_has_no_room_for_a_snapshot_ends_a_purge_with_an_exact_count_and_then_it_goes_on() {
    let server = Server::with_a_small_disk(4, &["--save", "3600 1000000"]);
    server.fill(borrowed(&sessions(KEYS)));
    server.fill([b"kept".as_slice()]);
    let mut redis = server.purgeable().await;
    let result = purge_while(&mut redis, || {
        fill_the_disk(&server);
        ask(&server, &["BGSAVE"]);
        until("the snapshot has failed", || {
            server.info("persistence").contains("rdb_last_bgsave_status:err")
        });
    })
    .await;
    let removed = told(result);
    assert_eq!(server.names("*").len() as u64, u64::from(KEYS) - removed + 1, "what it says is what went");
    let refused = purge_while(&mut server.purgeable().await, || ()).await;
    assert!(matches!(refused, Err(Error::DiskFull(_))), "nothing went this time: {refused:?}");

    make_room(&server);
    ask(&server, &["BGSAVE"]);
    until("it has been saved", || server.info("persistence").contains("rdb_last_bgsave_status:ok"));
    let rest = purged(&mut redis, &matching("session:*")).await.counts.removed;
    assert_eq!(removed + rest, u64::from(KEYS));
    assert_eq!(server.names("*").len(), 1);
}

#[tokio::test]
async fn a_disk_that_has_no_room_for_the_log_of_writes_does_the_same() {
    let server =
        Server::with_a_small_disk(8, &["--save", "", "--appendonly", "yes", "--appendfsync", "everysec"]);
    server.fill(borrowed(&sessions(KEYS)));
    let mut redis = server.purgeable().await;
    let result = purge_while(&mut redis, || {
        fill_the_disk(&server);
        // It notices by a write of its own.
        until("the log can't be written", || {
            let _ = redis::cmd("SET").arg("other").arg("x".repeat(10_000)).exec(&mut server.admin());
            server.info("persistence").contains("aof_last_write_status:err")
        });
    })
    .await;
    let removed = told(result);
    assert_eq!(server.names("session:*").len() as u64, u64::from(KEYS) - removed);

    make_room(&server);
    until("the log can be written again", || server.info("persistence").contains("aof_last_write_status:ok"));
    let rest = purged(&mut redis, &matching("session:*")).await.counts.removed;
    assert_eq!(removed + rest, u64::from(KEYS));
}

/// With `appendfsync always`, Redis ends itself rather than to confirm what isn't on its disk.
#[tokio::test]
async fn a_redis_that_ends_because_its_disk_is_full_leaves_no_key_unaccounted_for() {
    let mut server =
        Server::with_a_small_disk(8, &["--save", "", "--appendonly", "yes", "--appendfsync", "always"]);
    server.fill(borrowed(&sessions(KEYS)));
    let mut redis = server.purgeable().await;
    let result = purge_while(&mut redis, || fill_the_disk(&server)).await;
    let Err(error @ Error::Interrupted { removed, unconfirmed, .. }) = &result else { panic!("{result:?}") };
    assert!(error.is_lost() && *unconfirmed > 0, "{error}");
    until("it has ended", || server.has_ended());
    assert!(*removed < u64::from(KEYS), "{error}");
}

#[tokio::test]
async fn a_redis_at_its_limit_of_memory_is_still_purged() {
    let server = Server::start();
    server.fill(borrowed(&sessions(KEYS)));
    ask(&server, &["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    ask(&server, &["CONFIG", "SET", "maxmemory", "1mb"]);
    let refused = redis::cmd("SET").arg("more").arg(1).exec(&mut server.admin()).unwrap_err();
    assert_eq!(refused.code(), Some("OOM"), "{refused}");
    let mut redis = server.purgeable().await;
    assert_eq!(redis.count(&PurgeSelection::EVERYTHING, Pace::Full).await.unwrap().matching, u64::from(KEYS));
    assert_eq!(purged(&mut redis, &PurgeSelection::EVERYTHING).await.counts.removed, u64::from(KEYS));
}
