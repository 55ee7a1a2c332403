use super::super::line::SourceId;
use super::*;
use futures::io::Cursor as Bytes;
use std::sync::Arc;

fn source() -> Source {
    Source {
        id: SourceId(1),
        namespace: "staging".parse().unwrap(),
        uid: "uid".into(),
        origin: Arc::default(),
        made: None,
    }
}

async fn read(log: Vec<u8>) -> Vec<Item> {
    lines(Bytes::new(log), source(), 0, false).try_collect().await.unwrap()
}

#[tokio::test]
async fn a_line_of_megabytes_is_read_whole_and_an_unfinished_one_not_at_all() {
    let mut log = b"2026-11-25T01:00:00Z ".to_vec();
    log.extend(std::iter::repeat_n(b'x', 10_000_000));
    log.extend(b"\n2026-11-25T01:00:01Z whole\n2026-11-25T01:00:02Z hal");
    let items = read(log).await;
    let lengths: Vec<_> = items.iter().map(|item| item.weight() - 96).collect();
    assert_eq!(lengths, [10_000_000, 5]);
}

#[tokio::test]
async fn a_line_beyond_all_measure_is_cut_and_the_next_one_is_whole() {
    let mut log = b"2026-11-25T01:00:00Z ".to_vec();
    log.extend(std::iter::repeat_n(b'x', LONGEST_LINE + 5000));
    log.extend(b"\n2026-11-25T01:00:01Z next\n");
    let items = read(log).await;
    assert!(items[0].weight() - 96 < LONGEST_LINE);
    let whole = u64::try_from(LONGEST_LINE + 5000).unwrap();
    assert_eq!(items[0].entry().unwrap().bytes, whole, "its size is told all the same");
    assert_eq!(items[1].what, What::Line("next".into()));
}

#[test]
fn reading_on_begins_a_whole_second_before() {
    let nanos = 1_800_000_000_900_000_000;
    assert_eq!(second_before(nanos).unwrap().as_second(), 1_799_999_999);
    assert_eq!(second_before(0), None);
}

fn line(nanos: i64, ordinal: u32) -> Item {
    let what = What::Line(String::new());
    Item { source: SourceId(1), origin: Arc::default(), restart: 0, nanos, ordinal, beyond: 0, what }
}

#[test]
fn where_a_tail_was_cut_the_first_place_is_left_out() {
    let read = vec![line(5, 1), line(5, 2), line(6, 1)];
    assert_eq!(surely_whole(read.clone(), 3), Some(vec![line(6, 1)]));
    assert_eq!(surely_whole(read, 4), None, "fewer than asked for: read it whole");
    assert_eq!(surely_whole(vec![line(5, 1), line(5, 2)], 2), None);
}

#[test]
fn a_gap_is_told_unless_the_readers_place_was_met_again() {
    let at = |instance, fresh| Cursor { nanos: 5, ordinal: 1, instance, fresh };
    // In the middle of the instance that is read.
    let mut check = GapCheck::new(at(1, false), 1);
    assert!(check.item(&source()).is_some());
    check.saw_the_place();
    assert!(check.item(&source()).is_none());
    // At the beginning of it.
    assert!(GapCheck::new(at(1, true), 1).item(&source()).is_none());
    // An instance between is gone, whatever is met.
    let mut check = GapCheck::new(at(0, false), 2);
    check.saw_the_place();
    assert!(check.item(&source()).is_some());
}
