use super::*;

const GRAIN: i64 = LONGEST_GRAIN;

fn seam(nanos: i64) -> Seam {
    let what = What::Line(nanos.to_string());
    let item =
        Item { source: SourceId(1), origin: Arc::default(), restart: 0, nanos, ordinal: 1, beyond: 0, what };
    Seam::of([&item]).unwrap()
}

fn key() -> Key {
    ("a".into(), "app".into())
}

/// Stretches by their first and last times, in grains.
fn all(stretches: &[(i64, Option<i64>)]) -> AllHad {
    let mut all = AllHad::default();
    for (first, last) in stretches {
        all.add(key(), Had { first: seam(first * GRAIN), last: last.map(|last| seam(last * GRAIN)) });
    }
    all
}

fn times(all: &AllHad) -> Vec<(i64, Option<i64>)> {
    let stretches = all.0.values().flatten();
    stretches.map(|had| (had.first.nanos / GRAIN, had.last.as_ref().map(|last| last.nanos / GRAIN))).collect()
}

#[test]
fn what_the_cluster_and_the_disk_have_is_one_where_it_overlaps() {
    assert_eq!(
        times(&all(&[(50, None), (10, Some(20)), (30, Some(40))])),
        [(10, Some(20)), (30, Some(40)), (50, None)]
    );
    assert_eq!(times(&all(&[(10, Some(20)), (30, Some(40)), (15, Some(35))])), [(10, Some(40))]);
    assert_eq!(times(&all(&[(10, None), (30, Some(40))])), [(10, None)]);
    assert_eq!(times(&all(&[(10, Some(20)), (21, None)])), [(10, None)], "too narrow to tell lines apart");
}

#[test]
fn what_is_missing_is_before_between_and_after_them() {
    let all = all(&[(10, Some(20)), (30, Some(40))]);
    let missing: Vec<i64> = (0..50).filter(|at| all.is_missing_after(&key(), at * GRAIN)).collect();
    assert_eq!(missing, (0..10).chain(20..30).chain(40..50).collect::<Vec<_>>());
    for (from, until, whole) in
        [(11, 20, true), (11, 21, false), (21, 30, false), (31, 40, true), (41, 50, false)]
    {
        assert_eq!(
            all.without_holes(from * GRAIN, until * GRAIN).len(),
            usize::from(whole),
            "{from} {until}"
        );
    }
    assert!(AllHad::default().is_missing_after(&key(), 5), "of what nobody knows, everything");
}

#[test]
fn of_very_many_holes_the_longest_are_asked_for() {
    let many: Vec<_> = (0..40).map(|at| (at * 100 + at, Some((at + 1) * 100))).collect();
    let mut all = all(&many);
    all.leave_longest_holes();
    assert_eq!(times(&all).len(), MOST_HOLES + 1);
    assert_eq!(times(&all).last().unwrap().0, 39 * 101);
}
