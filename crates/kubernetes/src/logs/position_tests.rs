use super::super::line::Numbering;
use super::*;
use std::sync::Arc;

/// Lines of two pods with equal stamps, within a pod and between pods, and a pair stamped out of order.
fn log() -> Vec<Item> {
    let stamps = [(1, 10), (2, 10), (1, 10), (1, 10), (2, 11), (1, 12), (1, 11), (2, 11), (2, 15), (1, 15)];
    let mut numberings = [Numbering::default(), Numbering::default()];
    let line = |(index, (source, nanos)): (usize, (u64, i64))| {
        let (nanos, ordinal) = numberings[usize::try_from(source - 1).unwrap()].place(nanos);
        item(source, 0, nanos, ordinal, What::Line(index.to_string()))
    };
    stamps.into_iter().enumerate().map(line).collect()
}

fn item(source: u64, restart: u32, nanos: i64, ordinal: u32, what: What) -> Item {
    Item { source: SourceId(source), origin: Arc::default(), restart, nanos, ordinal, beyond: 0, what }
}

fn carried(position: &Position) -> Position {
    Position::decode(&Texts::default().of(position).unwrap()).unwrap()
}

#[test]
fn wherever_a_reader_stops_they_get_every_later_line_once() {
    let log = log();
    for cut in 0..=log.len() {
        let mut position = Position::default();
        log[..cut].iter().for_each(|item| position.advance(item));
        let mut position = carried(&position);
        let mut got = Vec::new();
        // Everything is offered twice, as where the past and the present overlap.
        for item in log.iter().chain(&log) {
            if !position.passed(item) {
                position.advance(item);
                got.push(item.clone());
            }
        }
        assert_eq!(got, log[cut..], "after {cut} lines");
    }
}

#[test]
fn a_position_survives_its_text() {
    let mut position = Position::since(123_456_789);
    for item in &log() {
        position.advance(item);
    }
    position.advance(&item(1, 0, 20, 1, What::Ended(String::new())));
    position.advance(&item(2, 0, 20, 1, What::Closed(None)));
    assert_eq!(carried(&position), position);
    position.advance(&item(1, 1, 20, 1, What::Restarted(String::new())));
    assert_eq!(carried(&position), position);
    assert_eq!(position.open_sources().len(), 1);
}

#[test]
fn text_that_is_no_position_is_refused() {
    for text in ["1", "1.", "2.0", "1.0,x", "1.0,1.2", "1.zz", "1.0,1.2.3", "nonsense"] {
        assert_eq!(Position::decode(&text.parse().unwrap()), None, "{text}");
    }
}

#[test]
fn however_many_pods_there_were_a_position_stays_small_and_repeats_nothing() {
    let mut position = Position::default();
    let lines: Vec<_> = (1..500_u32)
        .map(|n| {
            item(
                u64::from(n) << 40,
                0,
                1_800_000_000_000_000_000 + i64::from(n),
                n,
                What::Line(String::new()),
            )
        })
        .collect();
    let mut texts = Texts::default();
    for line in &lines {
        position.advance(line);
        let text = texts.of(&position).unwrap();
        assert!(text.as_str().len() <= 4096);
        assert_eq!(Texts::default().of(&position), Some(text), "whatever was written before");
    }
    // Nothing is forgotten while it needn't be written down.
    let next = |line: &Item| Item { ordinal: line.ordinal + 1, ..line.clone() };
    assert!(lines.iter().all(|line| position.passed(line) && !position.passed(&next(line))));
    let mut position = carried(&position);
    assert!(lines.iter().all(|line| position.passed(line)));
    assert!(matches!(position.take_untold(), Some(Item { what: What::Gap(_), .. })), "some may be missing");
    assert_eq!(position.take_untold(), None, "which is told once");
    assert!(!position.passed(&item(7, 0, 1_800_000_000_000_001_000, 1, What::Line(String::new()))));
}

#[test]
fn an_end_is_told_once_and_a_gap_only_to_who_stands_before_it() {
    let mut position = Position::default();
    position.advance(&item(1, 0, 10, 1, What::Line(String::new())));
    let gap = item(1, 0, 10, 1, What::Gap(String::new()));
    let end = item(1, 0, 11, 1, What::Ended(String::new()));
    assert!(!position.passed(&gap) && !position.passed(&end));
    position.advance(&end);
    assert!(position.passed(&end));
    let restarted = item(1, 1, 11, 1, What::Restarted(String::new()));
    assert!(!position.passed(&restarted));
    position.advance(&restarted);
    assert!(carried(&position).passed(&restarted) && position.passed(&end));
    position.advance(&item(1, 1, 12, 1, What::Line(String::new())));
    assert!(position.passed(&restarted));
    assert!(position.passed(&gap));
}

#[test]
fn lines_from_before_what_was_asked_for_count_as_read() {
    let position = Position::since(100);
    assert!(position.passed(&item(1, 0, 99, 1, What::Line(String::new()))));
    assert!(!position.passed(&item(1, 0, 100, 1, What::Line(String::new()))));
}

#[test]
fn a_gap_that_may_be_anywhere_is_told_once_to_all_who_are_in_the_source() {
    let gap = item(1, 0, 50, Item::ANYWHERE, What::Gap(String::new()));
    let mut position = Position::default();
    assert!(position.passed(&gap), "who has read nothing of it misses nothing");
    position.advance(&item(1, 0, 10, 3, What::Line(String::new())));
    assert!(!position.passed(&gap));
    position.advance(&gap);
    position.advance(&item(1, 0, 50, 0, What::Closed(None)));
    assert!(carried(&position).passed(&gap));
}

#[test]
fn closed_sources_make_room_for_those_that_may_go_on() {
    let mut position = Position::default();
    for number in 1..=120 {
        let line = item(number << 44, 0, 1_800_000_000_000_000_000, 1, What::Line(String::new()));
        position.advance(&line);
        if number <= 5 {
            position.advance(&Item { what: What::Closed(None), ..line });
        }
    }
    let mut carried = carried(&position);
    assert_eq!(carried.open_sources(), position.open_sources());
    assert_eq!(carried.take_untold(), None);
}

#[test]
fn a_reader_who_will_not_resume_is_given_no_text() {
    let mut texts = Texts::wanted_by(&LogRequest { bare: true, ..LogRequest::default() });
    assert_eq!(texts.of(&Position::since(5)), Some(LogPosition::NONE));
    let mut texts = Texts::wanted_by(&LogRequest::default());
    assert_ne!(texts.of(&Position::since(5)), Some(LogPosition::NONE));
}
