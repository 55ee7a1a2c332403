//! A Redis of several servers is counted and purged as one, also while they change places.

use crate::encrypted::Encrypted;
use crate::purging::{PATTERNS, purged};
use crate::server::{REDIS, environment, hostile_names, matching, prefix, valkey};
use crate::several::{Cluster, Member, Watched, credentials, reach, until};
use fairway_domain::{NamedRedis, PurgeCounts, PurgeSelection};
use fairway_purge::{Credentials, Error, Login, Pace, PurgeableRedis, Redis};
use std::ops::ControlFlow;
use std::time::Duration;

/// As the configuration's own is.
const GENTLE: Pace = Pace::Gentle(Duration::from_micros(250));

#[tokio::test]
async fn keys_of_a_cluster_are_counted_and_removed_on_every_primary() {
    on_every_primary(REDIS).await;
}

#[tokio::test]
async fn so_are_those_of_a_valkey_cluster() {
    on_every_primary(valkey()).await;
}

async fn on_every_primary(program: &str) {
    let cluster = Cluster::of(program, 0);
    cluster.fill((1..=20).map(|number| format!("app:{number}")).chain(["other:{app}:1".into()]));
    let mut redis = reach(&cluster.url(), credentials()).await;
    let count = redis.count(&prefix("app:"), Pace::Full).await.unwrap();
    assert_eq!((count.matching, count.total, count.sample.len()), (20, 21, 20));
    assert_eq!(count.nodes.len(), 3);
    assert!(count.nodes.iter().all(|node| node.matching > 0), "they are spread: {:?}", count.nodes);
    assert_eq!(count.nodes.iter().map(|node| node.matching).sum::<u64>(), 20);

    let report = purged(&mut redis, &prefix("app:")).await;
    assert_eq!(report.counts, PurgeCounts { found: 20, removed: 20, already_gone: 0 });
    assert_eq!(cluster.names().into_iter().collect::<Vec<_>>(), [b"other:{app}:1".to_vec()]);
}

#[tokio::test]
async fn of_a_cluster_the_same_is_counted_and_removed_as_by_an_independent_script() {
    let (cluster, twin) = (Cluster::start(0), Cluster::start(0));
    let script = "local found = redis.call('KEYS', ARGV[1]) for _, key in ipairs(found) do redis.call('DEL', key) end return #found";
    for pattern in PATTERNS {
        for one in [&cluster, &twin] {
            for name in hostile_names() {
                one.put(&name);
            }
        }
        let on_each = |member: &Member| -> u64 {
            redis::cmd("EVAL").arg(script).arg(0).arg(pattern).query(&mut member.admin()).unwrap()
        };
        let expected: u64 = twin.members.iter().map(on_each).sum();
        let mut redis = reach(&cluster.url(), credentials()).await;
        let count = redis.count(&matching(pattern), Pace::Full).await.unwrap();
        assert_eq!((count.matching, count.total), (expected, hostile_names().len() as u64), "{pattern}");
        let removed = purged(&mut redis, &matching(pattern)).await.counts;
        assert_eq!(removed, PurgeCounts { found: expected, removed: expected, already_gone: 0 }, "{pattern}");
        assert_eq!(cluster.names(), twin.names(), "{pattern}");
    }
}

#[tokio::test]
async fn keys_of_one_slot_and_of_many_go_alike() {
    let cluster = Cluster::start(0);
    let of_one_slot = (0..3_000).map(|number| format!("cart:{{same}}:{number}"));
    cluster.fill(of_one_slot.chain((0..3_000).map(|number| format!("cart:{number}"))));
    let mut redis = reach(&cluster.url(), credentials()).await;
    assert_eq!(purged(&mut redis, &matching("cart:*")).await.counts.removed, 6_000);
    assert!(cluster.names().is_empty());
}

#[tokio::test]
async fn what_one_server_of_a_cluster_refuses_is_told_and_nothing_counts_as_done() {
    let cluster = Cluster::start(0);
    cluster.fill((0..300).map(|number| format!("app:{number}")));
    for (at, member) in cluster.members.iter().enumerate() {
        let right = if at == 1 { "-unlink" } else { "+unlink" };
        let rights = ["SETUSER", "fairway", "on", ">pass word", "~*", "+@all", right];
        redis::cmd("ACL").arg(&rights).exec(&mut member.admin()).unwrap();
    }
    let login = Login { user: Some("fairway".into()), password: "pass word".into() };
    let mut redis = reach(&cluster.url(), Credentials { login, ..Credentials::default() }).await;
    let result = redis.purge(&matching("app:*"), Pace::Full, |_| ControlFlow::Continue(())).await;
    let left = cluster.names().len() as u64;
    let removed = match result {
        Err(Error::Interrupted { removed, unconfirmed: 0, cause }) => {
            assert!(matches!(*cause, Error::NoPermission(_)), "{cause}");
            removed
        }
        Err(Error::NoPermission(_)) => 0,
        other => panic!("{other:?}"),
    };
    assert!(left > 0 && removed + left == 300, "{removed} {left}");
}

#[tokio::test]
async fn a_primary_of_a_cluster_that_dies_is_followed_by_its_replica_and_so_is_the_purge() {
    a_primary_dies(REDIS, GENTLE).await;
}

#[tokio::test]
async fn a_primary_of_a_valkey_cluster_that_dies_is_followed_too() {
    a_primary_dies(valkey(), Pace::Full).await;
}

async fn a_primary_dies(program: &str, pace: Pace) {
    let mut cluster = Cluster::of(program, 1);
    cluster.fill(
        (0..9_000)
            .map(|number| format!("session:{number}"))
            .chain((0..30).map(|number| format!("kept:{number}"))),
    );
    let mut redis = reach(&cluster.url(), credentials()).await;
    let primaries = |cluster: &Cluster| -> Vec<usize> {
        (0..6).filter(|at| cluster.members[*at].says("replication", "role:master")).collect()
    };
    let victim = primaries(&cluster)[1];
    let mut killed = false;
    let report = redis
        .purge(&matching("session:*"), pace, |counts| {
            if counts.removed > 500 && !std::mem::replace(&mut killed, true) {
                cluster.members[victim].has_told_its_replica();
                cluster.members[victim].kill();
            }
            ControlFlow::Continue(())
        })
        .await
        .unwrap();
    assert!(killed && !report.stopped);
    let left = cluster.members.iter().enumerate().filter(|(at, _)| *at != victim);
    let left: Vec<_> = left
        .filter(|(_, member)| member.says("replication", "role:master"))
        .flat_map(|(_, member)| member.names())
        .collect();
    assert_eq!(left.len(), 30, "only what was to be kept is left");
    assert!(left.iter().all(|name| name.starts_with(b"kept:")));
    let (removed, unconfirmed) = (report.counts.removed, report.unconfirmed);
    assert!(removed + unconfirmed >= 9_000 && unconfirmed <= 2 * page(pace), "{report:?}");
    assert!(removed <= 9_000 + untold(pace), "{report:?}");
}

#[tokio::test]
async fn what_sentinels_watch_is_purged_also_when_another_server_takes_over() {
    another_server_takes_over(REDIS, GENTLE).await;
}

#[tokio::test]
async fn a_valkey_that_sentinels_watch_is_purged_too_when_another_server_takes_over() {
    another_server_takes_over(valkey(), Pace::Full).await;
}

async fn another_server_takes_over(program: &str, pace: Pace) {
    let mut watched = Watched::of(program);
    let sessions = (0..20_000).map(|number| format!("session:{number}"));
    watched.primary.fill(sessions.chain(["kept".into()]));
    until("the replica has all keys", || watched.replica.names().len() == 20_001);

    let mut redis = reach(&watched.url(), credentials()).await;
    assert_eq!(redis.count(&matching("session:*"), Pace::Full).await.unwrap().matching, 20_000);
    let mut killed = false;
    let result = redis
        .purge(&matching("session:*"), pace, |counts| {
            if counts.removed > 5_000 && !std::mem::replace(&mut killed, true) {
                watched.primary.has_told_its_replica();
                watched.primary.kill();
            }
            ControlFlow::Continue(())
        })
        .await;
    let Err(error @ Error::Interrupted { removed, unconfirmed, cause }) = &result else {
        panic!("{result:?}")
    };
    assert!(matches!(**cause, Error::TakenOver(_)) && error.is_lost() && error.is_away(), "{error}");

    let mut successor = reach(&watched.url(), credentials()).await;
    assert_ne!(redis.as_redis().id(), successor.as_redis().id(), "each is known by its own");
    let rest = purged(&mut successor, &matching("session:*")).await.counts;
    assert_eq!(watched.replica.names().into_iter().collect::<Vec<_>>(), [b"kept".to_vec()]);
    assert!(*unconfirmed <= 2 * page(pace), "{error}");
    let in_all = removed + rest.removed;
    assert!(in_all + unconfirmed >= 20_000 && in_all <= 20_000 + untold(pace), "{error}, then {rest:?}");
}

/// As many keys are under way at a time at most: some more than are asked for, where several share a place in Redis's table.
fn page(pace: Pace) -> u64 {
    if pace == Pace::Full { 4_200 } else { 1_100 }
}

/// Of so many at most a primary that dies between two rounds may not have told its replica. At full speed, a page is under way then.
fn untold(pace: Pace) -> u64 {
    if pace == Pace::Full { 2 * page(pace) } else { 0 }
}

#[tokio::test]
async fn a_server_that_sentinels_name_but_that_never_was_a_replica_is_not_purged() {
    let mut watched = Watched::start();
    let stranger = watched.stranger();
    for server in [&watched.primary, &stranger] {
        server.fill((0..20_000).map(|number| format!("session:{number}")));
    }
    let mut redis = reach(&watched.url(), credentials()).await;
    let mut killed = false;
    let result = redis
        .purge(&matching("session:*"), GENTLE, |counts| {
            if counts.removed > 5_000 && !std::mem::replace(&mut killed, true) {
                watched.watch(&stranger);
                watched.primary.kill();
            }
            ControlFlow::Continue(())
        })
        .await;
    let Err(Error::Interrupted { removed, cause, .. }) = result else { panic!("{result:?}") };
    let sentence = cause.to_string();
    assert!(matches!(*cause, Error::Joined(_)) && !cause.is_away(), "{cause}");
    assert!(sentence.contains(&stranger.address()) && sentence.contains("Count again"), "{sentence}");
    assert!(removed > 5_000);
    assert_eq!(stranger.names().len(), 20_000, "nothing was removed there");
}

#[tokio::test]
async fn a_purge_that_waits_for_its_servers_can_be_stopped() {
    let mut cluster = Cluster::start(0);
    cluster.fill((0..3_000).map(|number| format!("session:{number}")));
    let mut redis = reach(&cluster.url(), credentials()).await;
    let (mut killed, mut asked_since) = (false, 0);
    let report = redis
        .purge(&PurgeSelection::EVERYTHING, Pace::Full, |_| {
            if !std::mem::replace(&mut killed, true) {
                cluster.members.iter_mut().for_each(crate::several::Member::kill);
            }
            asked_since += 1;
            if asked_since > 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .await
        .unwrap();
    assert!(report.stopped);
}

#[tokio::test]
async fn a_server_with_tls_is_reached_by_its_authoritys_certificate_and_an_acl_user() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let server = Encrypted::start();
    let login = Login { user: Some("fairway".into()), password: "pass word".into() };
    let trusting = Credentials { login, authority: Some(server.authority.clone()), ..Credentials::default() };
    let mut redis = reach(&server.url(), trusting.clone()).await;
    assert_eq!(redis.count(&PurgeSelection::EVERYTHING, Pace::Full).await.unwrap().matching, 0);

    let named: NamedRedis = server.url().parse().unwrap();
    for (credentials, wrong) in [
        (Credentials { authority: None, ..trusting.clone() }, "trusted"),
        (Credentials { authority: Some("no certificate".into()), ..trusting.clone() }, "trusted"),
        (
            Credentials {
                login: Login { user: Some("fairway".into()), password: "wrong".into() },
                ..trusting.clone()
            },
            "password",
        ),
        (Credentials { login: Login::default(), ..trusting.clone() }, "password"),
    ] {
        let Err(error) = Redis::reach(&named, credentials).await else { panic!("{wrong}: it was let in") };
        assert!(error.to_string().contains(wrong), "{error}");
    }
    let plain: NamedRedis = server.url().replace("rediss", "redis").parse().unwrap();
    let refused = Redis::reach(&plain, trusting).await.err().unwrap();
    assert!(matches!(refused, Error::Unreachable(_)), "{refused}");
}

#[tokio::test]
async fn a_replica_and_a_part_of_a_cluster_are_known_for_the_same_redis() {
    let (watched, cluster) = (Watched::start(), Cluster::start(0));
    let at = async |url: String| Redis::reach(&url.parse().unwrap(), credentials()).await.unwrap();
    let primary = at(watched.url()).await;
    let replica = at(format!("redis://{}", watched.replica.address())).await;
    let whole = at(cluster.url()).await;
    let part = at(format!("redis-cluster://{}", cluster.members[2].address())).await;
    assert!(primary.is_same(&replica) && whole.is_same(&part));
    assert!(!primary.is_same(&whole) && !replica.is_same(&part));
    assert_eq!(whole.id(), at(cluster.url()).await.id(), "and it keeps its name");
}

#[tokio::test]
async fn one_server_of_a_cluster_is_not_taken_for_the_whole() {
    for program in [REDIS, valkey()] {
        let cluster = Cluster::of(program, 0);
        cluster.fill((0..300).map(|number| format!("app:{number}")));
        let named = format!("redis://{}", cluster.members[0].address()).parse().unwrap();
        let refused = PurgeableRedis::reach(&named, credentials(), &environment(true)).await;
        let Err(error @ Error::PartOfCluster(_)) = refused else { panic!("a part was taken for the whole") };
        assert!(error.to_string().contains("redis-cluster://"), "{error}");
        let stream = tokio::net::TcpStream::connect(cluster.members[0].address()).await.unwrap();
        let refused = Redis::connect(stream, &credentials().login).await;
        assert!(matches!(refused, Err(Error::PartOfCluster(_))), "nor is it at the end of a stream");
    }
}

#[tokio::test]
async fn a_named_redis_of_an_environment_that_is_not_purgeable_is_not_even_dialled() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let named: NamedRedis = format!("redis://{}", listener.local_addr().unwrap()).parse().unwrap();
    let refused = PurgeableRedis::reach(&named, credentials(), &environment(false)).await;
    assert!(matches!(refused, Err(Error::NotPurgeable(_))));
    assert!(listener.accept().is_err(), "nobody called");
}

#[tokio::test]
async fn the_server_that_does_not_answer_is_named() {
    let named: NamedRedis = "redis-cluster://127.0.0.1:1,127.0.0.1:2".parse().unwrap();
    let Err(error) = Redis::reach(&named, credentials()).await else { panic!("nobody listens there") };
    assert!(error.to_string().contains("127.0.0.1:2"), "{error}");
}
