//! What is counted and removed, on a real Redis.

use crate::server::{PASSWORD, Server, borrowed, environment, hostile_names, login, matching};
use fairway_domain::PurgeSelection;
use fairway_purge::{Error, Pace, PurgeReport, PurgeableRedis};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::AsyncReadExt;

pub(crate) const PATTERNS: [&str; 13] = [
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

/// With hardly any of Redis's time.
pub(crate) const GENTLE: Pace = Pace::Gentle(std::time::Duration::from_micros(1));

/// All of it at full speed.
pub(crate) async fn purged(redis: &mut PurgeableRedis, selection: &PurgeSelection) -> PurgeReport {
    redis.purge(selection, Pace::Full, |_| ControlFlow::Continue(())).await.unwrap()
}

/// So many keys `session:0`, `session:1` …
pub(crate) fn sessions(count: u32) -> Vec<Vec<u8>> {
    (0..count).map(|number| format!("session:{number}").into_bytes()).collect()
}

#[tokio::test]
async fn what_is_counted_is_removed_and_nothing_else_whatever_the_names_are() {
    let (server, twin) = (Server::start(), Server::start());
    twin.fill(borrowed(&hostile_names()));
    let mut redis = server.purgeable().await;
    for pattern in PATTERNS {
        server.fill(borrowed(&hostile_names()));
        let (all, expected) = (twin.names("*"), twin.names(pattern));
        let count = redis.count(&matching(pattern), Pace::Full).await.unwrap();
        assert_eq!((count.matching, count.total), (expected.len() as u64, all.len() as u64), "{pattern}");
        assert_eq!(count.sample.len(), expected.len().min(20), "{pattern}");
        assert_eq!(server.names("*"), all, "counting {pattern} changed something");

        let report = purged(&mut redis, &matching(pattern)).await;
        assert_eq!(
            (report.counts.found, report.counts.removed, report.counts.already_gone),
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
    let count = redis.count(&PurgeSelection::EVERYTHING, Pace::Full).await.unwrap();
    assert_eq!((count.matching, count.total), (names.len() as u64, names.len() as u64));
    assert!(
        count.sample.iter().all(|name| !name.is_empty() && !name.chars().any(char::is_control)),
        "{count:?}"
    );
    let report = purged(&mut redis, &PurgeSelection::EVERYTHING).await;
    assert_eq!(report.counts.removed, names.len() as u64);
    assert!(server.names("*").is_empty());
}

#[tokio::test]
async fn a_gentle_purge_removes_the_same_in_smaller_batches() {
    let server = Server::start();
    server.fill(borrowed(&sessions(5_000)));
    let mut redis = server.purgeable().await;
    let mut told = Vec::new();
    let report = redis
        .purge(&matching("session:*"), GENTLE, |counts| {
            told.push(counts.removed);
            ControlFlow::Continue(())
        })
        .await
        .unwrap();
    assert_eq!((report.counts.removed, server.names("*").len()), (5_000, 0));
    // A page of SCAN may hold some more keys than it was asked for, where several share a place in Redis's table.
    assert!(told.windows(2).skip(3).all(|pair| pair[1] - pair[0] < 200), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_others_keep_busy_is_given_small_batches() {
    let (server, done) = (&Server::start(), &AtomicBool::new(false));
    server.fill(borrowed(&sessions(40_000)));
    let busy = "local begun = redis.call('TIME') repeat local now = redis.call('TIME') \
         until (now[1] - begun[1]) * 1000000 + now[2] - begun[2] > 30000";
    let other = move || {
        let mut admin = server.admin();
        while !done.load(Ordering::Relaxed) {
            redis::cmd("EVAL").arg(busy).arg(0).exec(&mut admin).unwrap();
        }
    };
    let mut redis = server.purgeable().await;
    let (mut told, mut since) = (Vec::new(), 0);
    let (sessions, pace) = (matching("session:*"), Pace::Gentle(Duration::from_millis(20)));
    std::thread::scope(|scope| {
        let purge = redis.purge(&sessions, pace, |counts| {
            told.push(counts.removed);
            if counts.removed > 10_000 {
                since += 1;
            }
            if since == 1 {
                (0..4).for_each(|_| drop(scope.spawn(other)));
            }
            if since > 20 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let report = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(purge));
        done.store(true, Ordering::Relaxed);
        assert!(report.unwrap().stopped);
    });
    let batches: Vec<u64> = told.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let before = told.iter().position(|removed| *removed > 10_000).unwrap();
    assert!(batches[..before].iter().any(|batch| *batch > 500), "at rest they are large: {batches:?}");
    assert!(batches[before + 8..].iter().all(|batch| *batch < 200), "then they are small: {batches:?}");
}

#[tokio::test]
async fn a_gentle_count_looks_at_few_keys_at_a_time() {
    let server = Server::start();
    server.fill(borrowed(&sessions(10_000)));
    let mut redis = server.purgeable().await;
    for (pace, looks) in [(Pace::Full, 10..=12), (GENTLE, 38..=44)] {
        redis::cmd("CONFIG").arg("RESETSTAT").exec(&mut server.admin()).unwrap();
        assert_eq!(redis.count(&matching("session:*"), pace).await.unwrap().matching, 10_000);
        let statistics = server.info("commandstats");
        let scans = statistics.lines().find_map(|line| line.strip_prefix("cmdstat_scan:calls=")).unwrap();
        let scans: u32 = scans.split_once(',').unwrap().0.parse().unwrap();
        assert!(looks.contains(&scans), "{pace:?}: {scans}");
    }
}

#[tokio::test]
async fn an_empty_redis_has_nothing_to_remove() {
    let server = Server::start();
    let mut redis = server.purgeable().await;
    let count = redis.count(&PurgeSelection::EVERYTHING, Pace::Full).await.unwrap();
    assert_eq!((count.matching, count.total, count.sample.len()), (0, 0, 0));
    let report = purged(&mut redis, &PurgeSelection::EVERYTHING).await;
    assert_eq!((report.counts.found, report.counts.removed, report.stopped), (0, 0, false));
}

#[tokio::test]
async fn a_hundred_thousand_keys_are_counted_once_and_removed_with_progress() {
    let server = Server::start();
    let names: Vec<Vec<u8>> = (0..100_000)
        .map(|number| format!("{}:{number}", if number % 4 == 0 { "cart" } else { "session" }).into_bytes())
        .collect();
    server.fill(borrowed(&names));
    let mut redis = server.purgeable().await;
    let count = redis.count(&matching("session:*"), Pace::Full).await.unwrap();
    assert_eq!((count.matching, count.total, count.sample.len()), (75_000, 100_000, 20));

    let mut told = Vec::new();
    let report = redis
        .purge(&matching("session:*"), Pace::Full, |progress| {
            told.push(progress);
            ControlFlow::Continue(())
        })
        .await
        .unwrap();
    assert_eq!(
        (report.counts.found, report.counts.removed, report.counts.already_gone, report.stopped),
        (75_000, 75_000, 0, false)
    );
    assert!(told.len() > 20 && told.is_sorted_by_key(|progress| progress.removed));
    assert_eq!(told.last().unwrap().removed, 75_000);
    assert_eq!(server.names("*").len(), 25_000);
}

#[tokio::test]
async fn keys_that_go_by_themselves_meanwhile_are_told_apart() {
    let server = Server::start();
    server.fill(borrowed(&sessions(20_000)));
    let (mut redis, mut other) = (server.purgeable().await, server.admin());
    let mut emptied = false;
    let report = redis
        .purge(&matching("session:*"), Pace::Full, |counts| {
            if counts.removed > 0 && !std::mem::replace(&mut emptied, true) {
                redis::cmd("FLUSHDB").query::<()>(&mut other).unwrap();
            }
            ControlFlow::Continue(())
        })
        .await
        .unwrap();
    assert!(report.counts.removed > 0 && report.counts.already_gone > 0, "{report:?}");
    assert_eq!(report.counts.removed + report.counts.already_gone, report.counts.found);
}

#[tokio::test]
async fn keys_that_are_written_meanwhile_change_neither_what_went_nor_the_sum() {
    let server = Server::start();
    server.fill(borrowed(&sessions(20_000)));
    let mut redis = server.purgeable().await;
    let mut written = 0;
    let report = redis
        .purge(&matching("session:*"), Pace::Full, |_| {
            let names = (written..written + 100)
                .flat_map(|number| [format!("session:new:{number}"), format!("kept:{number}")]);
            server.fill(borrowed(&names.map(String::into_bytes).collect::<Vec<_>>()));
            written += 100;
            ControlFlow::Continue(())
        })
        .await
        .unwrap();
    let left = server.names("session:*");
    assert!(left.iter().all(|name| name.starts_with(b"session:new:")), "what was there before is gone");
    assert_eq!(report.counts.removed + left.len() as u64, 20_000 + written);
    assert_eq!(report.counts.already_gone, 0);
    assert_eq!(server.names("kept:*").len() as u64, written);
}

#[tokio::test]
async fn a_stopped_purge_says_how_many_went_and_leaves_the_rest() {
    let server = Server::start();
    server.fill(borrowed(&sessions(20_000)));
    let mut redis = server.purgeable().await;
    let report = redis
        .purge(&PurgeSelection::EVERYTHING, Pace::Full, |progress| match progress.removed {
            0..5_000 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        })
        .await
        .unwrap();
    assert!(report.stopped && (5_000..16_000).contains(&report.counts.removed), "{report:?}");
    assert_eq!(server.names("*").len() as u64, 20_000 - report.counts.removed);
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_middle_tells_what_is_certain() {
    let server = Server::start();
    server.fill(borrowed(&sessions(20_000)));
    let (mut redis, mut other) = (server.purgeable().await, server.admin());
    let result = redis
        .purge(&PurgeSelection::EVERYTHING, Pace::Full, |progress| {
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
        sentence.contains(&format!("{removed} keys were removed")) && sentence.contains("doesn't answer"),
        "{sentence}"
    );
}

#[tokio::test]
async fn only_commands_that_look_at_one_page_at_a_time_are_used() {
    let server = Server::start();
    server.fill(borrowed(&sessions(3_000)));
    let mut admin = server.admin();
    redis::cmd("CONFIG").arg("RESETSTAT").query::<()>(&mut admin).unwrap();
    let mut redis = server.purgeable().await;
    redis.count(&matching("session:*"), Pace::Full).await.unwrap();
    redis.purge(&matching("session:1*"), GENTLE, |_| ControlFlow::Continue(())).await.unwrap();
    purged(&mut redis, &PurgeSelection::EVERYTHING).await;

    let statistics: String = redis::cmd("INFO").arg("commandstats").query(&mut admin).unwrap();
    let used = statistics.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(':'));
    let used: BTreeSet<&str> =
        used.map(|(command, _)| command).filter(|command| *command != "config|resetstat").collect();
    assert_eq!(used, BTreeSet::from(["auth", "dbsize", "info", "memory|usage", "scan", "time", "unlink"]));
}

#[tokio::test]
async fn a_wrong_password_is_named_as_such() {
    let server = Server::start();
    for password in ["wrong", ""] {
        let refused =
            PurgeableRedis::connect(server.stream().await, &login(password), &environment(true)).await;
        let Err(error) = refused else { panic!("{password:?} was taken") };
        assert!(matches!(error, Error::WrongPassword), "{error}");
        assert!(error.to_string().contains("refused the password"), "{error}");
    }
}

#[tokio::test]
async fn a_redis_that_does_not_answer_is_not_waited_for_for_ever() {
    let (stream, _other_end) = tokio::io::duplex(4096);
    let silent = PurgeableRedis::connect(stream, &login(PASSWORD), &environment(true)).await;
    assert!(matches!(silent, Err(Error::Unreachable(_))));
    let (stream, other_end) = tokio::io::duplex(4096);
    drop(other_end);
    let closed = PurgeableRedis::connect(stream, &login(PASSWORD), &environment(true)).await;
    assert!(matches!(closed, Err(Error::Unreachable(_))));
}

#[tokio::test]
async fn an_environment_that_is_not_purgeable_never_gets_a_single_byte() {
    let (stream, mut other_end) = tokio::io::duplex(4096);
    let refused = PurgeableRedis::connect(stream, &login(PASSWORD), &environment(false)).await;
    let Err(error) = refused else { panic!("production was taken") };
    assert!(
        matches!(error, Error::NotPurgeable(_)) && error.to_string().contains("Redis on production"),
        "{error}"
    );
    let mut sent = Vec::new();
    other_end.read_to_end(&mut sent).await.unwrap();
    assert_eq!(sent, b"");
}
