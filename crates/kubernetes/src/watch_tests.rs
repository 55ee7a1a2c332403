use super::*;
use fairway_domain::Freshness::{Live, NeverSeen, UnknownSince};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// How far everything can be trusted at a second.
fn freshness(sync: &Sync, second: i64) -> Freshness {
    sync.state(at(second)).0
}

fn complete(sync: &mut Sync, second: i64) {
    for kind in ["a", "b", "c", "d", "e"] {
        sync.completed(kind, at(second));
    }
}

/// Of a server that answers, and of which everything was listed, at second 2.
fn live() -> Sync {
    let mut sync = Sync::default();
    sync.probed(true, at(1));
    complete(&mut sync, 2);
    sync
}

#[test]
fn nothing_is_known_before_every_kind_was_listed_and_the_server_answers() {
    let mut sync = Sync::default();
    assert_eq!(sync.state(at(0)), (NeverSeen, false));
    sync.probed(true, at(1));
    for kind in ["a", "b", "c", "d"] {
        sync.completed(kind, at(2));
        assert_eq!(sync.state(at(2)), (NeverSeen, false));
    }
    sync.completed("e", at(3));
    assert_eq!(sync.state(at(3)), (Live, true));
}

#[test]
fn when_the_server_stops_answering_the_last_good_time_stands() {
    let mut sync = live();
    sync.probed(true, at(5));
    sync.probed(false, at(11));
    assert_eq!(sync.state(at(11)), (UnknownSince(at(5)), false));
    sync.probed(false, at(14));
    assert_eq!(sync.state(at(14)), (UnknownSince(at(5)), false));
}

#[test]
fn a_server_that_fails_to_answer_once_is_not_away() {
    let mut sync = live();
    sync.probed(false, at(4));
    assert_eq!(sync.state(at(4)), (Live, false));
    sync.probed(true, at(5));
    assert_eq!(sync.state(at(6)), (Live, false));
    complete(&mut sync, 6);
    assert_eq!(sync.state(at(20)), (Live, true));
}

#[test]
fn after_the_server_was_away_every_kind_has_to_be_listed_anew() {
    let mut sync = live();
    sync.probed(false, at(8));
    sync.probed(true, at(9));
    assert_eq!(freshness(&sync, 9), UnknownSince(at(2)));
    complete(&mut sync, 10);
    assert_eq!(freshness(&sync, 10), Live);
}

#[test]
fn one_watch_that_fails_makes_the_state_doubtful_unless_it_is_soon_whole_again() {
    let mut sync = live();
    sync.failed("c", at(30));
    sync.probed(true, at(34));
    assert_eq!(sync.state(at(34)), (Live, false));
    sync.probed(true, at(35));
    assert_eq!(sync.state(at(35)), (UnknownSince(at(30)), false));
    sync.completed("c", at(36));
    assert_eq!(sync.state(at(36)), (Live, true));
}

#[test]
fn an_object_that_can_not_be_decoded_is_left_out() {
    let broken = serde_json::json!({ "metadata": { "name": "a" }, "spec": { "containers": "none" } });
    assert!(decoded::<Pod>(serde_json::from_value(broken).unwrap()).is_none());
    let whole = serde_json::json!({ "metadata": { "name": "a" }, "spec": { "containers": [] } });
    assert!(decoded::<Pod>(serde_json::from_value(whole).unwrap()).is_some());
}
