use super::*;

fn line(number: usize) -> LogLineView {
    LogLineView {
        pod: format!("orders-{}", number % 3),
        container: "app".into(),
        text: number.to_string(),
        ..LogLineView::default()
    }
}

fn texts(held: &HeldLines) -> Vec<&str> {
    held.iter_from(0).map(|(_, entry)| &*entry.text).collect()
}

#[test]
fn the_newest_lines_are_held_and_the_others_counted() {
    let mut held = HeldLines::default();
    held.extend((0..LIMIT).map(line).collect(), usize::MAX);
    assert_eq!(held.first(), FIRST);
    let came = held.extend((0..10).map(|number| line(LIMIT + number)).collect(), usize::MAX);
    assert_eq!(came, Came { lines: 10, inserted: Vec::new() });
    assert_eq!((held.len(), held.first()), (LIMIT, FIRST + 10));
    assert_eq!(held.heights.total(), ROW * u32::try_from(LIMIT).unwrap());
    assert_eq!(held.get(FIRST + 10).map(|entry| &*entry.text), Some("10"));
    assert!(held.get(FIRST + 9).is_none());
    assert_eq!(
        held.account(),
        "200,000 lines held from 3 pods, the oldest of 00:00:00 UTC · 10 older lines no longer held · none lost"
    );
}

#[test]
fn where_lines_may_be_missing_none_lost_is_not_claimed() {
    let mut held = HeldLines::default();
    held.extend(vec![line(0), LogLineView { marker: Some(LogMarker::Gap), ..line(0) }], usize::MAX);
    assert!(!held.account().contains("none lost"));
    assert!(held.account().contains("may be missing at 1 place"));
}

#[test]
fn what_is_reported_of_no_pod_counts_as_none() {
    let mut held = HeldLines::default();
    held.extend(
        vec![line(0), LogLineView { marker: Some(LogMarker::Event), ..LogLineView::default() }],
        usize::MAX,
    );
    assert!(held.account().starts_with("1 line held from 1 pod,"), "{}", held.account());
}

#[test]
fn a_gap_is_told_of_also_when_its_lines_are_no_longer_held() {
    let mut held = HeldLines::default();
    held.extend(vec![LogLineView { marker: Some(LogMarker::Gap), ..line(0) }], usize::MAX);
    held.extend((0..=LIMIT).map(line).collect(), usize::MAX);
    let told =
        "1 older line no longer held · lines may be missing at 1 place, marked in the list or no longer held";
    assert!(held.account().ends_with(told), "{}", held.account());
    held.put(Vec::new(), None, -1);
    assert!(held.account().ends_with(told), "{}", held.account());
    held.cut(1);
    assert!(held.account().ends_with("none lost"), "{}", held.account());
}

#[test]
fn long_lines_are_let_go_before_there_are_too_many_of_them() {
    let long = |number: usize| LogLineView { text: "x".repeat(40_000), ..line(number) };
    let fit = BYTES / (40_000 + size_of::<Entry>());
    let mut held = HeldLines::default();
    held.extend((0..fit).map(long).collect(), usize::MAX);
    assert_eq!((held.len(), held.is_full(), held.is_at_limit()), (fit, false, true));
    held.extend((0..10).map(long).collect(), usize::MAX);
    assert_eq!(held.len(), fit);
    let told = format!("{} held from 3 pods", counted(fit as u64, "line"));
    assert!(held.account().starts_with(&told), "{}", held.account());
    assert!(held.account().contains(" · 10 older lines no longer held · "), "{}", held.account());
    let trace = |number: usize| LogLineView { continues: true, ..long(number) };
    held.extend((0..10).map(trace).collect(), usize::MAX);
    assert_eq!(held.len(), fit - 10, "a trace takes its room too");
    held.put(Vec::new(), None, -1);
    held.extend(vec![long(0)], usize::MAX);
    assert_eq!(held.len(), fit - 10, "and what is held is known anew");
    held.cut(0);
    held.extend((0..fit).map(long).collect(), usize::MAX);
    assert_eq!(held.len(), fit);
}

#[test]
fn a_late_line_stands_at_its_time_and_the_numbers_after_it_move() {
    let mut held = HeldLines::default();
    held.extend(vec![at(0, 10), at(1, 20), at(2, 30)], usize::MAX);
    let came = held.extend(vec![LogLineView { late: true, ..at(3, 20) }, at(4, 40)], usize::MAX);
    assert_eq!(came.inserted, [FIRST + 2]);
    assert_eq!(texts(&held), ["0", "1", "3", "2", "4"]);
}

#[test]
fn a_report_stands_at_its_time_and_so_do_lines_after_one_of_a_clock_that_is_ahead() {
    let report =
        |at: i64| LogLineView { marker: Some(LogMarker::Event), at, text: at.to_string(), ..line(0) };
    let mut held = HeldLines::default();
    let came =
        held.extend(vec![at(1, 10), at(2, 30), report(20), report(50), at(4, 40), at(6, 60)], usize::MAX);
    assert_eq!(texts(&held), ["1", "20", "2", "4", "50", "6"]);
    assert_eq!(came.inserted, [FIRST + 1, FIRST + 3]);
}

#[test]
fn a_trace_belongs_to_the_entry_of_its_own_pod_however_lines_are_mixed() {
    let trace = |pod: usize, text: &str| LogLineView { continues: true, text: text.into(), ..line(pod) };
    let late = LogLineView { late: true, at: -5, ..line(2) };
    let mut held = HeldLines::default();
    held.extend(
        vec![line(0), line(1), trace(0, "at a"), late, trace(0, "at b"), trace(1, "at c")],
        usize::MAX,
    );
    assert_eq!(texts(&held), ["2", "0", "1"]);
    let traces: Vec<Vec<&str>> =
        held.iter_from(0).map(|(_, entry)| entry.trace().iter().map(|(line, _)| &**line).collect()).collect();
    assert_eq!(traces, [vec![], vec!["at a", "at b"], vec!["at c"]]);
    assert!(held.account().starts_with("6 lines held from 3 pods"), "{}", held.account());
}

#[test]
fn a_trace_whose_entry_is_no_longer_held_is_shown_all_the_same() {
    let mut held = HeldLines::default();
    held.extend(vec![LogLineView { continues: true, ..line(7) }], usize::MAX);
    assert_eq!(texts(&held), ["7"]);
}

#[test]
fn wrapped_lines_take_the_rows_that_they_need_and_never_too_many() {
    let long = |bytes: usize| LogLineView { text: "x".repeat(bytes), ..line(0) };
    let mut held = HeldLines::default();
    held.extend(vec![long(10), long(81)], usize::MAX);
    assert_eq!(held.heights.total(), 2 * ROW);
    held.wrap(Some(40));
    assert_eq!(held.heights.total(), 4 * ROW);
    held.extend(vec![long(60_000)], usize::MAX);
    assert_eq!(held.heights.total(), 12 * ROW, "the rest is shown once the entry is opened");
    held.wrap(None);
    assert_eq!(held.heights.total(), 3 * ROW);
}

#[test]
fn what_somebody_reads_is_kept_although_there_is_no_room() {
    let mut held = HeldLines::default();
    held.extend((0..LIMIT).map(line).collect(), usize::MAX);
    held.extend((0..10).map(line).collect(), FIRST + 4);
    assert_eq!((held.first(), held.len(), held.is_full()), (FIRST + 4, LIMIT + 6, true));
    held.extend(Vec::new(), usize::MAX);
    assert_eq!((held.first(), held.len(), held.is_full()), (FIRST + 10, LIMIT, false));
}

fn at(number: usize, at: i64) -> LogLineView {
    LogLineView { at, ..line(number) }
}

#[test]
fn what_a_search_finds_stands_among_what_was_held_of_that_time_each_once() {
    let known = |number: usize, time: i64| LogLineView {
        place: Some(LogPlace { source: 7, restart: 0, nanos: time, ordinal: 1 }),
        ..at(3 * number, time)
    };
    let mut held = HeldLines::default();
    held.extend(vec![known(1, 10), known(2, 20), known(4, 40), known(6, 60), known(7, 70)], usize::MAX);
    let number = held.at(60).unwrap();
    held.put(vec![known(3, 30), known(4, 40), known(5, 50)], Some(15), 60);
    assert_eq!(texts(&held), ["3", "6", "9", "12", "15", "18", "21"]);
    assert_eq!(held.at(60), Some(number), "what was held after it keeps its number");
    held.put(vec![known(0, 0), LogLineView { continues: true, ..known(0, 1) }], None, 15);
    assert_eq!(texts(&held), ["0", "3", "6", "9", "12", "15", "18", "21"]);
    assert!(held.account().starts_with("9 lines held"), "{}", held.account());
    held.extend(vec![LogLineView { continues: true, ..known(7, 71) }], usize::MAX);
    assert_eq!(held.iter_back(8).next().unwrap().1.trace().len(), 1, "a trace goes on at its line");
}

/// Shows what has the words of a filter, the newest first, and asks all entries.
fn show_only(held: &mut HeldLines, filter: &str) {
    held.show_only(Words::of(filter).unwrap(), usize::MAX);
    held.ask_all();
}

#[test]
fn what_is_not_asked_for_is_not_shown_and_goes_once_the_answer_comes() {
    let happened = LogLineView { marker: Some(LogMarker::Joined), text: "joined".into(), ..at(0, 1) };
    let mut held = HeldLines::default();
    held.extend(vec![at(0, 0), happened, at(11, 2), at(2, 3), at(12, 4)], usize::MAX);
    show_only(&mut held, "1");
    assert_eq!(texts(&held), ["joined", "11", "12"], "what happened stays");
    assert_eq!((held.heights.total(), held.begins()), (3 * ROW, Some(1)));
    assert!(held.account().starts_with("2 lines held"), "{}", held.account());
    let before: Vec<usize> = held.iter_back(5).map(|(number, _)| number - FIRST).collect();
    assert_eq!(before, [4, 2, 1], "and every entry has the number that it had");
    show_only(&mut held, "2");
    assert_eq!(texts(&held), ["joined", "2", "12"], "others are wanted");
    held.cut(4);
    show_only(&mut held, "");
    assert_eq!(texts(&held), ["joined", "2"]);
    assert!(!held.says_nothing());
    show_only(&mut held, "nobody");
    assert!(held.says_nothing());
}

#[test]
fn those_that_a_reader_is_at_are_asked_first_and_shown_before_the_others_are() {
    let mut held = HeldLines::default();
    held.extend((0..10_000).map(|number| at(number, 0)).collect(), usize::MAX);
    for (near, first) in [(usize::MAX, 9_999), (FIRST + 5_000, 5_009)] {
        held.show_only(Words::of("9").unwrap(), near);
        assert!(held.is_asking() && texts(&held).is_empty() && held.heights.total() == 0);
        assert!(held.ask_some(), "not all at once");
        let numbers: Vec<usize> = texts(&held).iter().map(|text| text.parse().unwrap()).collect();
        assert!(numbers.contains(&first) && !numbers.contains(&9), "{numbers:?}");
        assert_eq!(held.heights.total(), ROW * u32::try_from(numbers.len()).unwrap());
        held.ask_all();
        assert!(!held.is_asking());
        assert_eq!((texts(&held).len(), texts(&held)[0]), (3_439, "9"));
    }
}

#[test]
fn another_filter_begins_before_all_were_asked_and_finds_all_that_it_is_for() {
    let mut held = HeldLines::default();
    held.extend((0..10_000).map(|number| at(number, 0)).collect(), usize::MAX);
    show_only(&mut held, "99");
    // Of these, what was hidden is asked again, also by whoever takes their place.
    for filter in ["1", "12"] {
        held.show_only(Words::of(filter).unwrap(), usize::MAX);
        held.ask_some();
    }
    held.ask_all();
    let shown = texts(&held);
    assert_eq!((shown.len(), shown[0]), (299, "12"));
    show_only(&mut held, "123");
    assert_eq!(texts(&held)[..2], ["123", "1123"]);
}

#[test]
fn what_comes_while_lines_are_asked_finds_all_of_them_asked() {
    let mut held = HeldLines::default();
    held.extend((0..10_000).map(|number| at(number, 0)).collect(), usize::MAX);
    held.show_only(Words::of("999").unwrap(), usize::MAX);
    held.extend(vec![at(1, 0)], usize::MAX);
    assert!(!held.is_asking());
    assert_eq!(texts(&held).last(), Some(&"1"));
    assert_eq!(held.heights.total(), 20 * ROW);
    assert!(held.account().starts_with("20 lines held"), "{}", held.account());
}

#[test]
fn what_was_opened_is_open_again_once_it_is_read_anew() {
    let placed = |number: u32| LogLineView {
        place: Some(LogPlace { source: 7, restart: 0, nanos: 1_000_000, ordinal: number }),
        at: 1,
        ..line(0)
    };
    let lines = || vec![placed(0), placed(1), placed(2)];
    let open = |held: &HeldLines| held.iter_from(0).map(|(_, entry)| entry.open).collect::<Vec<_>>();
    let mut held = HeldLines::default();
    held.extend(lines(), usize::MAX);
    held.toggle(FIRST + 1);
    held.forget();
    assert_eq!(open(&held), [false; 0]);
    held.extend(lines(), usize::MAX);
    assert_eq!(open(&held), [false, true, false]);
    held.put(lines(), None, 2);
    assert_eq!(open(&held), [false, true, false], "also where the past is read");
    held.toggle(held.first() + 1);
    held.forget();
    held.extend(lines(), usize::MAX);
    assert_eq!(open(&held), [false, false, false]);
}
