use super::*;

fn line(nanos: i64) -> Item {
    let what = What::Line(nanos.to_string());
    Item { source: SourceId(1), origin: Arc::default(), restart: 0, nanos, ordinal: 1, beyond: 0, what }
}

fn alone(entry: LogEntry) -> (Vec<LogEntry>, LogEntry) {
    (Vec::new(), entry)
}

#[test]
fn a_tail_is_the_last_lines_that_match_and_ends_after_everything_that_was_read() {
    let mut tail = Tail::new(Position::default(), 2);
    for nanos in 1..=9 {
        let entry = line(nanos).entry().filter(|_| nanos % 2 == 0);
        tail.push(line(nanos).bare(), entry.map(alone));
    }
    let steps: Vec<_> = tail.into_steps().collect();
    let shown: Vec<_> = steps.iter().flat_map(|(_, shown)| shown).collect();
    assert_eq!(shown.iter().map(|(_, entry)| &*entry.text).collect::<Vec<_>>(), ["6", "8"]);
    let between = Position::decode(&shown[0].0).unwrap();
    assert!(between.passed(&line(6)) && !between.passed(&line(8)));
    let (end, nothing) = steps.last().unwrap();
    assert!(nothing.is_empty() && end.passed(&line(9)));
}

#[test]
fn what_is_given_with_a_later_line_stands_before_it_and_can_be_resumed_between() {
    let mut tail = Tail::new(Position::default(), 5);
    tail.push(line(1).bare(), None);
    tail.push(Item { source: SourceId(2), ..line(2) }, line(2).entry().map(alone));
    tail.push(line(3).bare(), Some((vec![line(1).entry().unwrap()], line(3).entry().unwrap())));
    let shown: Vec<_> = tail.into_steps().flat_map(|(_, shown)| shown).collect();
    assert_eq!(shown.iter().map(|(_, entry)| &*entry.text).collect::<Vec<_>>(), ["2", "1", "3"]);
    let between = Position::decode(&shown[1].0).unwrap();
    assert!(between.passed(&line(1)) && !between.passed(&line(3)));
    let mut after = between.clone();
    after.advance(&line(3));
    assert_eq!(after.back_at(shown[1].1.place.unwrap()), between);
}

#[test]
fn a_long_tail_comes_in_pieces() {
    let count = i64::try_from(2 * CHUNK).unwrap() + 1;
    let mut tail = Tail::new(Position::default(), u32::MAX);
    (1..=count).for_each(|nanos| tail.push(line(nanos).bare(), line(nanos).entry().map(alone)));
    let sizes: Vec<_> = tail.into_steps().map(|(_, shown)| shown.len()).collect();
    assert_eq!(sizes, [CHUNK, CHUNK, 1, 0]);
}

#[test]
fn a_tail_of_nothing_still_knows_where_the_log_ends() {
    let mut tail = Tail::new(Position::default(), 0);
    tail.push(line(5), line(5).entry().map(alone));
    let steps: Vec<_> = tail.into_steps().collect();
    assert_eq!(steps.len(), 1);
    assert!(steps[0].0.passed(&line(5)) && !steps[0].0.passed(&line(6)));
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
