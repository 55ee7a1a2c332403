//! Slots of a cluster go from one server to another while their keys are counted and purged.

use crate::purging::GENTLE;
use crate::server::{PASSWORD, REDIS, valkey};
use crate::several::{Cluster, credentials, reach, until};
use crate::troubles::user_of;
use fairway_domain::PurgeSelection;
use fairway_purge::{Error, Pace, PurgeReport};
use std::ops::ControlFlow;
use std::sync::Arc;

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
    purge_while_a_slot_moves(Cluster::start(0), GENTLE, |slot, asked| {
        if asked == 1 {
            for member in &slot.cluster.members {
                let kind = ["SET", "cluster-preferred-endpoint-type", "unknown-endpoint"];
                redis::cmd("CONFIG").arg(&kind).exec(&mut member.admin()).unwrap();
            }
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
    let (movers, slot) = (Arc::clone(&cluster), cluster.slot(&moving));
    let moved = tokio::task::spawn_blocking(move || {
        until("the second is being counted", || {
            movers.members[second].says("commandstats", "cmdstat_scan:calls=")
        });
        let handing = Handing { cluster: &movers, slot, from: third, to: first };
        handing.begin();
        handing.move_keys();
        handing.end();
        movers.members[third].says("commandstats", "cmdstat_scan:calls=")
    });
    let count = redis.count(&PurgeSelection::EVERYTHING, GENTLE).await.unwrap();
    assert!(!moved.await.unwrap(), "they went before they were counted where they had been");
    assert_eq!(count.matching, 22_000);
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
