use super::*;

fn line(nanos: i64) -> Item {
    let what = What::Line(nanos.to_string());
    Item { source: SourceId(1), origin: Arc::default(), restart: 0, nanos, ordinal: 1, beyond: 0, what }
}

#[test]
fn a_pod_that_is_gone_leaves_a_gap_once_unless_its_lines_are_still_held() {
    let mut position = Position::default();
    position.advance(&line(5));
    let (nobody, it) = (HashSet::new(), HashSet::from([SourceId(1)]));
    assert_eq!(lost(&position, &nobody, &it), []);
    assert_eq!(lost(&position, &it, &nobody), []);
    let gaps = lost(&position, &nobody, &nobody);
    assert_eq!(gaps.len(), 1);
    position.advance(&Item { what: What::Closed(None), ..gaps[0].clone() });
    assert_eq!(lost(&position, &nobody, &nobody), []);
}

#[test]
fn what_is_held_needs_no_asking_if_it_reaches_back_to_the_readers_place() {
    let mut position = Position::default();
    position.advance(&line(5));
    assert_eq!(covered(&position, &[Arc::new(line(6))]).len(), 0);
    assert_eq!(covered(&position, &[Arc::new(line(5)), Arc::new(line(6))]).len(), 1);
    assert_eq!(covered(&Position::default(), &[Arc::new(line(5))]).len(), 0);
}

#[test]
fn what_is_held_from_an_end_on_that_was_read_needs_no_asking() {
    let end = Arc::new(Item { what: What::Ended("exited with code 0".into()), ..line(7) });
    let closed = Arc::new(Item { what: What::Closed(None), ..line(7) });
    let mut position = Position::default();
    assert_eq!(covered(&position, &[end.clone(), closed.clone()]).len(), 0);
    position.advance(&end);
    assert_eq!(covered(&position, std::slice::from_ref(&closed)).len(), 0);
    assert_eq!(covered(&position, &[end, closed]).len(), 1);
}
