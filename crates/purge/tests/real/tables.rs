//! Redis makes the table of its keys smaller while they are counted: it then tells of some keys twice, and each counts once.

use crate::server::{REDIS, Server, borrowed, matching, valkey};
use crate::several::until;
use crate::wire::Wire;
use fairway_purge::Pace;

const KEPT: u64 = 300;
const OTHERS: u64 = 20_000;

/// Before which question the table gets smaller: in one round after the other, somewhere in the middle.
const ROUNDS: std::ops::Range<u32> = 8..58;

fn names(prefix: &str, count: u64) -> Vec<Vec<u8>> {
    (0..count).map(|number| format!("{prefix}:{number}").into_bytes()).collect()
}

/// How many places the smaller of its tables has; it has two while it goes over from one to the other.
fn places(admin: &mut redis::Connection) -> u64 {
    let told: String = redis::cmd("DEBUG").arg("HTSTATS").arg(0).query(admin).unwrap();
    let sizes = told.lines().filter_map(|line| line.trim().strip_prefix("table size:")?.trim().parse().ok());
    sizes.min().unwrap_or(u64::MAX)
}

/// Counts what is kept while so much of the rest goes that the table gets much smaller; gives how many keys the server told of, and
/// how many were counted.
async fn count_meanwhile(server: &Server, question: u32) -> (u64, u64) {
    let others = names("other", OTHERS);
    redis::cmd("FLUSHALL").exec(&mut server.admin()).unwrap();
    server.fill(borrowed(&names("kept", KEPT)));
    server.fill(borrowed(&others));
    let mut admin = server.admin();
    let before = places(&mut admin);
    let shrink = move |number| {
        if number == question {
            for some in others.chunks(1000) {
                redis::cmd("UNLINK").arg(some).exec(&mut admin).unwrap();
            }
            until("the table gets smaller", || places(&mut admin) <= before / 8);
        }
    };
    let wire = Wire::default();
    let mut redis = wire.purgeable(server, shrink).await;
    let counted = redis.count(&matching("kept:*"), Pace::Full).await.unwrap().matching;
    (wire.count(b"\r\nkept:") as u64, counted)
}

async fn each_counts_once(program: &str) {
    let server = Server::with(program, &["--enable-debug-command", "yes"]);
    for question in ROUNDS {
        let (told, counted) = count_meanwhile(&server, question).await;
        assert_eq!(counted, KEPT, "told of {told}, with the table made smaller before question {question}");
        if told > KEPT {
            return;
        }
    }
    panic!("no key was told of twice, so nothing was tried");
}

#[tokio::test]
async fn a_key_that_redis_tells_of_twice_counts_once() {
    each_counts_once(REDIS).await;
}

#[tokio::test]
async fn a_key_that_valkey_tells_of_twice_counts_once() {
    each_counts_once(valkey()).await;
}
