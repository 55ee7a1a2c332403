use super::*;
use std::sync::Arc;

fn line(nanos: i64, text: &str) -> Item {
    let what = What::Line(text.into());
    Item { source: SourceId(1), origin: Arc::default(), restart: 0, nanos, ordinal: 1, beyond: 0, what }
}

fn stored(nanos: i64, grain: i64, text: &str) -> StoredLine {
    StoredLine {
        nanos,
        grain,
        pod: "a".into(),
        container: "app".into(),
        uid: None,
        restart: 0,
        text: text.into(),
        bytes: 0,
    }
}

#[test]
fn a_seam_holds_the_lines_whose_times_a_store_may_not_tell_apart() {
    let joined = Item { what: What::Joined("a joined".into()), ..line(1, "") };
    let lines = [joined, line(5_200_000, "a"), line(5_900_000, "b"), line(6_000_000, "c")];
    let seam = Seam::of(&lines).unwrap();
    assert_eq!(seam.nanos, 5_200_000);
    assert_eq!(seam.lines.len(), 2);
    assert_eq!(Seam::of(&lines[..1]), None);
}

#[test]
fn as_many_stored_lines_overlap_as_say_the_same_as_the_first_ones() {
    let seam = Seam::of(&[line(5_200_000, "c"), line(5_300_000, "d")]).unwrap();
    let overlap = |texts: &[&str]| {
        let lines: Vec<StoredLine> = texts.iter().map(|text| stored(5_000_000, 1_000_000, text)).collect();
        seam.overlap(&lines)
    };
    assert_eq!(overlap(&["a", "b", "c", "d"]), 2);
    assert_eq!(overlap(&["a", "b", "c"]), 1, "the store may lag behind");
    assert_eq!(overlap(&["a", "b"]), 0);
    assert_eq!(overlap(&["c", "c", "d"]), 2);
    assert_eq!(overlap(&[]), 0);
}

#[test]
fn exact_times_overlap_only_where_they_are_the_same() {
    let seam = Seam::of(&[line(5_200_000, "tick"), line(5_200_001, "tick")]).unwrap();
    assert_eq!(seam.overlap(&[stored(5_200_000, 1, "tick"), stored(5_200_000, 1, "tick")]), 1);
}
