//! A Redis of several servers is counted and purged as one, also while they change places.

use crate::encrypted::Encrypted;
use crate::purging::purged;
use crate::server::{PASSWORD, REDIS, environment, matching, prefix, valkey};
use crate::several::{Cluster, Watched, credentials, reach, until};
use crate::troubles::user_of;
use fairway_domain::{NamedRedis, PurgeCounts, PurgeSelection};
use fairway_purge::{Credentials, Error, Login, Pace, PurgeReport, PurgeableRedis, Redis};
use std::ops::ControlFlow;
use std::sync::Arc;
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

/// Hands a slot with all its keys from one server of the cluster to another.
struct Handing<'a> {
    cluster: &'a Cluster,
    slot: u16,
    from: usize,
    to: usize,
}

impl Handing<'_> {
    fn set_slot(&self, at: usize, words: &[&str]) {
        let slot = self.slot.to_string();
        let mut command = redis::cmd("CLUSTER");
        command.arg("SETSLOT").arg(&slot).arg(words).exec(&mut self.cluster.members[at].admin()).unwrap();
    }

    fn begin(&self) {
        self.set_slot(self.to, &["IMPORTING", &self.cluster.id(self.from)]);
        self.set_slot(self.from, &["MIGRATING", &self.cluster.id(self.to)]);
    }

    fn move_keys(&self) {
        let mut admin = self.cluster.members[self.from].admin();
        let mut asked = redis::cmd("CLUSTER");
        let keys: Vec<Vec<u8>> =
            asked.arg("GETKEYSINSLOT").arg(self.slot).arg(100_000).query(&mut admin).unwrap();
        if keys.is_empty() {
            return;
        }
        let mut migrate = redis::cmd("MIGRATE");
        migrate.arg("127.0.0.1").arg(self.cluster.members[self.to].port).arg("").arg(0).arg(30_000);
        migrate.arg("AUTH").arg(PASSWORD).arg("KEYS").arg(keys).exec(&mut admin).unwrap();
    }

    /// As Valkey can since version 9: the keys are nobody else's until all of them are.
    fn move_in_one_piece(&self) {
        let (mut from, id) = (self.cluster.members[self.from].admin(), self.cluster.id(self.to));
        let mut migrate = redis::cmd("CLUSTER");
        migrate.arg("MIGRATESLOTS").arg("SLOTSRANGE").arg(self.slot).arg(self.slot).arg("NODE").arg(id);
        migrate.exec(&mut from).unwrap();
        until("the slot has moved", || self.cluster.holder(self.slot) == self.to);
    }

    fn end(&self) {
        let id = self.cluster.id(self.to);
        for at in [self.to, self.from] {
            self.set_slot(at, &["NODE", &id]);
        }
    }
}

/// Purges 2,000 keys of one slot while `meanwhile` is told how often it was asked for more.
async fn purge_while_a_slot_moves(
    cluster: Cluster,
    pace: Pace,
    meanwhile: impl Fn(&Handing<'_>, usize) + Send + Sync,
) {
    cluster.fill((0..2_000).map(|number| format!("cart:{{a}}:{number}")));
    let slot = cluster.slot("{a}");
    let from = cluster.holder(slot);
    let handing = Handing { cluster: &cluster, slot, from, to: (from + 1) % 3 };
    let mut redis = reach(&cluster.url(), user_of(&cluster)).await;
    let mut asked = 0;
    let report = redis
        .purge(&PurgeSelection::EVERYTHING, pace, |_| {
            asked += 1;
            meanwhile(&handing, asked);
            ControlFlow::Continue(())
        })
        .await
        .unwrap();
    assert_eq!((report.counts.found, report.counts.removed, report.unconfirmed), (2_000, 2_000, 0));
    assert!(cluster.names().is_empty());
}

#[tokio::test]
async fn keys_whose_slot_has_moved_are_removed_where_they_are() {
    for pace in [GENTLE, Pace::Full] {
        purge_while_a_slot_moves(Cluster::start(0), pace, |slot, asked| {
            if asked == 1 {
                slot.begin();
                slot.move_keys();
                slot.end();
            }
        })
        .await;
    }
}

#[tokio::test]
async fn so_are_those_of_servers_that_do_not_say_on_which_host_they_are() {
    let cluster = Cluster::with(REDIS, 0, &["--cluster-preferred-endpoint-type", "unknown-endpoint"]);
    purge_while_a_slot_moves(cluster, GENTLE, |slot, asked| {
        if asked == 1 {
            slot.begin();
            slot.move_keys();
            slot.end();
        }
    })
    .await;
}

#[tokio::test]
async fn keys_whose_slot_is_being_moved_are_removed_on_either_side() {
    for (program, pace) in [(REDIS, GENTLE), (valkey(), Pace::Full)] {
        purge_while_a_slot_moves(Cluster::of(program, 0), pace, |slot, asked| match asked {
            1 => {
                slot.begin();
                slot.move_keys();
            }
            3 => slot.end(),
            _ => {}
        })
        .await;
    }
}

#[tokio::test]
async fn keys_whose_slot_a_valkey_moves_in_one_piece_are_removed_where_they_are() {
    purge_while_a_slot_moves(Cluster::of(valkey(), 0), GENTLE, |slot, asked| {
        if asked == 1 {
            slot.move_in_one_piece();
        }
    })
    .await;
}

#[tokio::test]
async fn keys_that_go_to_a_server_that_was_counted_already_are_counted() {
    let cluster = Arc::new(Cluster::start(0));
    // Servers are counted in the order of their ports.
    let mut order = [0, 1, 2];
    order.sort_by_key(|at| cluster.members[*at].address());
    let [first, second, third] = order;
    let (many, moving) = (cluster.tag_at(second), cluster.tag_at(third));
    let names =
        |tag: &str, count: u32| (0..count).map(|number| format!("{tag}:{number}")).collect::<Vec<_>>();
    cluster.fill(names(&many, 20_000).into_iter().chain(names(&moving, 2_000)));
    let mut redis = reach(&cluster.url(), credentials()).await;
    let (moves, slot) = (Arc::clone(&cluster), cluster.slot(&moving));
    let moved = tokio::task::spawn_blocking(move || {
        until("the second is being counted", || {
            moves.members[second].says("commandstats", "cmdstat_scan:calls=")
        });
        let handing = Handing { cluster: &moves, slot, from: third, to: first };
        handing.begin();
        handing.move_keys();
        handing.end();
        moves.members[third].says("commandstats", "cmdstat_scan:calls=")
    });
    let slowly = Pace::Gentle(Duration::from_micros(1));
    let count = redis.count(&PurgeSelection::EVERYTHING, slowly).await.unwrap();
    assert!(!moved.await.unwrap(), "they went before they were counted where they had been");
    assert_eq!(count.matching, 22_000);
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
    assert!(report.counts.removed + report.unconfirmed >= 9_000, "{report:?}");
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
    // What was under way when the primary died: at full speed two pages, of which it may have removed one without telling its replica.
    let page = if pace == Pace::Full { 2_100 } else { 1_100 };
    assert!(*unconfirmed <= 2 * page, "{error}");
    let twice = (removed + rest.removed).checked_sub(20_000).expect("every key was removed");
    assert!(twice <= if pace == Pace::Full { page } else { 0 }, "{twice} were removed twice");
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

/// Gives a slot with 2,000 keys to a server without slots that joined the cluster before it was reached, or after that.
async fn a_slot_moves_to_one_that_joined(early: bool) -> (Cluster, Result<PurgeReport, Error>) {
    let mut cluster = Cluster::start(0);
    cluster.fill((0..2_000).map(|number| format!("cart:{{a}}:{number}")));
    let slot = cluster.slot("{a}");
    let from = cluster.holder(slot);
    let to = cluster.add();
    if early {
        cluster.meet(to);
    }
    let mut redis = reach(&cluster.url_of(0..3), credentials()).await;
    let handing = Handing { cluster: &cluster, slot, from, to };
    let mut asked = 0;
    let result = redis
        .purge(&PurgeSelection::EVERYTHING, GENTLE, |_| {
            asked += 1;
            if asked == 1 {
                if !early {
                    cluster.meet(to);
                }
                handing.begin();
                handing.move_keys();
                handing.end();
            }
            ControlFlow::Continue(())
        })
        .await;
    (cluster, result)
}

#[tokio::test]
async fn a_server_that_joined_a_cluster_after_it_was_checked_is_not_purged() {
    let (cluster, result) = a_slot_moves_to_one_that_joined(false).await;
    let error = result.unwrap_err();
    let cause = match &error {
        Error::Interrupted { cause, .. } => cause.as_ref(),
        cause => cause,
    };
    assert!(matches!(cause, Error::Joined(_)), "{error}");
    assert!(cause.to_string().contains(&cluster.members[3].address()), "{cause}");
    assert!(!cluster.members[3].names().is_empty(), "nothing was removed there");
}

#[tokio::test]
async fn a_server_that_a_cluster_had_and_that_gets_its_first_slot_is_purged() {
    let (cluster, result) = a_slot_moves_to_one_that_joined(true).await;
    assert_eq!(result.unwrap().counts.removed, 2_000);
    assert!(cluster.names().is_empty());
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
