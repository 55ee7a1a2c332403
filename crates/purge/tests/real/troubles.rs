//! A Redis that refuses: each reason has its own sentence, and what had been removed until then is told.

use crate::purging::sessions;
use crate::server::{PASSWORD, Server, borrowed, environment, matching};
use crate::several::Cluster;
use fairway_domain::PurgeSelection;
use fairway_purge::{Credentials, Error, Login, Pace, PurgeReport, PurgeableRedis, Redis};
use std::ops::ControlFlow;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn purge(redis: &mut PurgeableRedis) -> Result<PurgeReport, Error> {
    redis.purge(&PurgeSelection::EVERYTHING, Pace::Full, |_| ControlFlow::Continue(())).await
}

/// A user of Redis's with these rights, connected.
async fn as_user(server: &Server, rights: &[&str]) -> Result<PurgeableRedis, Error> {
    let mut admin = server.admin();
    let fixed = ["SETUSER", "fairway", "reset", "on", ">pass word", "~*"];
    redis::cmd("ACL").arg(&fixed).arg(rights).exec(&mut admin).unwrap();
    let login = Login { user: Some("fairway".into()), password: "pass word".into() };
    PurgeableRedis::connect(server.stream().await, &login, &environment(true)).await
}

/// What a purge needs at most, as the documentation and the refusals say.
const RIGHTS: [&str; 8] =
    ["+scan", "+unlink", "+ttl", "+object|idletime", "+memory|usage", "+dbsize", "+info", "+time"];

/// And what it needs besides in a cluster.
const CLUSTER_RIGHTS: [&str; 3] = ["+cluster|slots", "+cluster|nodes", "+asking"];

/// Gives a user of a cluster's who has no right but these.
pub(crate) fn user_of(cluster: &Cluster) -> Credentials {
    for member in &cluster.members {
        let fixed = ["SETUSER", "fairway", "reset", "on", ">pass word", "~*"];
        redis::cmd("ACL").arg(&fixed).arg(&RIGHTS).arg(&CLUSTER_RIGHTS).exec(&mut member.admin()).unwrap();
    }
    let login = Login { user: Some("fairway".into()), password: "pass word".into() };
    Credentials { login, ..Credentials::default() }
}

#[test]
fn the_rights_that_are_needed_are_those_that_are_named() {
    let documented = include_str!("../../../../docs/configuration.md");
    let refusal = Error::NoPermission(String::new()).to_string();
    for right in RIGHTS.iter().chain(&CLUSTER_RIGHTS) {
        assert!(refusal.contains(right) && documented.contains(right), "{right}");
    }
}

#[tokio::test]
async fn a_user_with_the_named_rights_counts_and_purges() {
    let server = Server::start();
    server.fill(borrowed(&sessions(10)));
    let mut redis = as_user(&server, &RIGHTS).await.unwrap();
    let count = redis.count(&matching("session:*"), Pace::Full).await.unwrap();
    assert_eq!((count.matching, count.memory.unwrap().measured), (10, 10));
    assert_eq!(purge(&mut redis).await.unwrap().counts.removed, 10);
}

#[tokio::test]
async fn a_user_who_may_not_unlink_removes_nothing_and_the_right_is_named() {
    let server = Server::start();
    server.fill(borrowed(&sessions(1500)));
    let mut redis = as_user(&server, &["+@read", "+info", "+dbsize"]).await.unwrap();
    assert_eq!(redis.count(&PurgeSelection::EVERYTHING, Pace::Full).await.unwrap().matching, 1500);
    let refused = purge(&mut redis).await;
    let Err(error @ Error::NoPermission(_)) = refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains("+unlink"), "{error}");
    assert_eq!(server.names("*").len(), 1500);
}

#[tokio::test]
async fn a_user_who_may_not_ask_for_memory_learns_the_count_alone() {
    let server = Server::start();
    server.fill(borrowed(&sessions(10)));
    let mut redis = as_user(&server, &["+scan", "+info", "+dbsize"]).await.unwrap();
    let count = redis.count(&PurgeSelection::EVERYTHING, Pace::Full).await.unwrap();
    assert_eq!((count.matching, count.memory), (10, None));
}

#[tokio::test]
async fn a_user_who_may_not_even_look_is_told_which_right_is_missing() {
    let server = Server::start();
    let refused = as_user(&server, &["+scan"]).await;
    assert!(matches!(refused, Err(Error::NoPermission(_))), "without INFO it isn't known which Redis it is");
    let mut redis = as_user(&server, &["+info"]).await.unwrap();
    let refused = redis.count(&PurgeSelection::EVERYTHING, Pace::Full).await;
    assert!(matches!(refused, Err(Error::NoPermission(_))), "{refused:?}");
}

#[tokio::test]
async fn a_right_that_is_taken_away_in_the_middle_leaves_an_exact_count() {
    let server = Server::start();
    server.fill(borrowed(&sessions(20_000)));
    let (mut redis, mut other) = (as_user(&server, &["+@all"]).await.unwrap(), server.admin());
    let mut told = 0;
    let result = redis
        .purge(&PurgeSelection::EVERYTHING, Pace::Full, |counts| {
            told = counts.removed;
            if counts.removed > 5_000 {
                redis::cmd("ACL").arg(&["SETUSER", "fairway", "-unlink"]).exec(&mut other).unwrap();
            }
            ControlFlow::Continue(())
        })
        .await;
    let Err(Error::Interrupted { removed, unconfirmed: 0, cause }) = result else { panic!("{result:?}") };
    assert!(matches!(*cause, Error::NoPermission(_)), "{cause}");
    assert_eq!(told, removed, "what was removed is told also by a purge that failed");
    assert_eq!(server.names("*").len() as u64, 20_000 - removed);
}

#[tokio::test]
async fn a_replica_takes_no_purge_and_says_so() {
    let server = Server::start();
    server.fill(borrowed(&sessions(10)));
    redis::cmd("REPLICAOF").arg(&["127.0.0.1", "1"]).exec(&mut server.admin()).unwrap();
    let refused = purge(&mut server.purgeable().await).await;
    let Err(error @ Error::NotWritable(_)) = refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains("READONLY"), "{error}");
    assert_eq!(server.names("*").len(), 10);
}

/// Our commands need no memory, so a Redis of the test's own doesn't say this to them; a proxy before one may.
#[tokio::test]
async fn a_full_memory_is_named_as_such() {
    let (stream, other_end) = tokio::io::duplex(4096);
    let answering = tokio::spawn(async move {
        let (mut asked, mut answer) = tokio::io::split(other_end);
        let mut seen = [0; 4096];
        while let Ok(count @ 1..) = asked.read(&mut seen).await {
            let times = |word: &[u8]| seen[..count].windows(4).filter(|some| *some == word).count();
            let refusal = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
            let said = "+OK\r\n".repeat(times(b"AUTH")) + &refusal.repeat(times(b"INFO"));
            if answer.write_all(said.as_bytes()).await.is_err() {
                return;
            }
        }
    });
    let login = Login { user: None, password: PASSWORD.into() };
    let refused = Redis::connect(stream, &login).await;
    let Err(error) = refused else { panic!("it was taken for a Redis that works") };
    assert!(matches!(error, Error::MemoryFull(_)), "{error}");
    answering.abort();
}
