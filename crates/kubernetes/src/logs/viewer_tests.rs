use super::super::events::Report;
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
    let unknown = Missed::new();
    assert_eq!(lost(&position, &nobody, &it, &unknown), []);
    assert_eq!(lost(&position, &it, &nobody, &unknown), []);
    let gaps = lost(&position, &nobody, &nobody, &unknown);
    assert_eq!(gaps.len(), 1);
    position.advance(&Item { what: What::Closed(None), ..gaps[0].clone() });
    assert_eq!(lost(&position, &nobody, &nobody, &unknown), []);
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

#[test]
fn how_many_lines_of_a_pod_that_is_gone_are_missing_is_told_where_it_is_known() {
    let mut position = Position::default();
    position.advance(&line(5));
    let told = |place, lines| {
        let missed = Missed::from([(SourceId(1), (place, lines))]);
        let gaps = lost(&position, &HashSet::new(), &HashSet::new(), &missed);
        gaps.into_iter().map(|gap| gap.what).collect::<Vec<_>>()
    };
    let gap = |end: &str| vec![What::Gap(format!("A pod that was being read is gone: {end} missing here."))];
    assert_eq!(told((5, 1), 7), gap("7 lines are"));
    assert_eq!(told((5, 1), 1), gap("1 line is"));
    assert_eq!(told((5, 1), 0), []);
    assert_eq!(told((4, 1), 7), gap("its last lines may be"), "they had more from elsewhere");
}

#[test]
fn a_line_is_late_after_a_later_one_and_a_report_neither_is_nor_makes_one_so() {
    let report = |at| {
        let report = Report { version: 1, at, warning: false, text: String::new() };
        Item { source: EVENTS, what: What::Event(report), ..line(at) }
    };
    let mut latest = i64::MIN;
    let items = [line(5), report(3), report(9), line(7), line(6), report(2), line(7), line(8)];
    let late = items.map(|item| {
        let mut entry = item.entry().unwrap();
        mark_late(&mut entry, &mut latest);
        entry.late
    });
    assert_eq!(late, [false, false, false, false, true, false, false, false]);
}
