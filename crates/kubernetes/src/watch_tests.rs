use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn complete(sync: &mut Sync, second: i64) {
    for kind in ["a", "b", "c", "d", "e"] {
        sync.completed(kind, at(second));
    }
}

#[test]
fn nothing_is_known_before_every_kind_was_listed_and_the_server_answers() {
    let mut sync = Sync::default();
    assert_eq!(sync.freshness(), Freshness::NeverSeen);
    sync.probed(true, at(1));
    for kind in ["a", "b", "c", "d"] {
        sync.completed(kind, at(2));
        assert_eq!(sync.freshness(), Freshness::NeverSeen);
    }
    sync.completed("e", at(3));
    assert_eq!(sync.freshness(), Freshness::Live);
}

#[test]
fn when_the_server_stops_answering_the_last_good_time_stands() {
    let mut sync = Sync::default();
    sync.probed(true, at(1));
    complete(&mut sync, 2);
    sync.probed(true, at(5));
    sync.probed(false, at(6));
    sync.probed(false, at(9));
    assert_eq!(sync.freshness(), Freshness::UnknownSince(at(5)));
}

#[test]
fn after_the_server_was_away_every_kind_has_to_be_listed_anew() {
    let mut sync = Sync::default();
    sync.probed(true, at(1));
    complete(&mut sync, 2);
    sync.probed(false, at(3));
    sync.probed(true, at(4));
    assert_eq!(sync.freshness(), Freshness::UnknownSince(at(2)));
    complete(&mut sync, 5);
    assert_eq!(sync.freshness(), Freshness::Live);
}

#[test]
fn one_watch_that_fails_makes_the_state_doubtful_until_it_is_whole_again() {
    let mut sync = Sync::default();
    sync.probed(true, at(1));
    complete(&mut sync, 2);
    sync.failed("c");
    sync.probed(true, at(3));
    assert_eq!(sync.freshness(), Freshness::UnknownSince(at(2)));
    sync.completed("c", at(4));
    assert_eq!(sync.freshness(), Freshness::Live);
}

#[test]
fn an_object_that_can_not_be_decoded_is_left_out() {
    let broken = serde_json::json!({ "metadata": { "name": "a" }, "spec": { "containers": "none" } });
    assert!(decoded::<Pod>(serde_json::from_value(broken).unwrap()).is_none());
    let whole = serde_json::json!({ "metadata": { "name": "a" }, "spec": { "containers": [] } });
    assert!(decoded::<Pod>(serde_json::from_value(whole).unwrap()).is_some());
}
