use super::super::line::What;
use super::*;
use futures::{StreamExt, stream};
use proptest::prelude::*;
use std::sync::Arc;

fn item(source: u64, nanos: i64, text: &str) -> Item {
    let what = What::Line(text.into());
    Item { source: SourceId(source), origin: Arc::default(), restart: 0, nanos, ordinal: 1, beyond: 0, what }
}

fn texts(items: &[Item]) -> Vec<&str> {
    items.iter().map(|item| if let What::Line(text) = &item.what { text.as_str() } else { "" }).collect()
}

#[tokio::test]
async fn sources_that_end_are_merged_exactly_by_time() {
    let one = vec![item(1, 1, "a"), item(1, 4, "d"), item(1, 4, "e")];
    let two = vec![item(2, 2, "b"), item(2, 3, "c"), item(2, 9, "f")];
    // However they are parted.
    for (first, second) in [(1, 1), (2, 1), (1, 2), (3, 3)] {
        let parted = |items: &[Item], size: usize| {
            let chunks: Vec<_> = items.chunks(size).map(|chunk| Ok(chunk.to_vec())).collect();
            stream::iter(chunks).boxed()
        };
        let sources = vec![parted(&one, first), parted(&two, second), parted(&[], 1)];
        let all: Vec<Item> = merged(sources).try_concat().await.unwrap();
        assert_eq!(texts(&all), ["a", "b", "c", "d", "e", "f"]);
    }
}

#[tokio::test]
async fn a_source_that_breaks_ends_the_merge() {
    let broken = stream::iter([Ok(vec![item(1, 1, "a")]), Err(Error::Unreachable("cut".into()))]).boxed();
    let outcome: Result<Vec<Item>, Error> = merged(vec![broken]).try_concat().await;
    assert!(outcome.is_err());
}

#[tokio::test]
async fn chunks_are_handed_over_together_also_where_no_more_come() {
    let one = |nanos| Ok(vec![item(1, nanos, "a")]);
    let soon = stream::iter((0..3).map(one));
    let broken = stream::iter([one(3), Err(Error::LogPosition), one(4)]);
    let never = stream::pending();
    let mut gathered = gathered(soon.chain(broken).chain(never)).boxed();
    let mut handed_over = Vec::new();
    for _ in 0..3 {
        handed_over.push(gathered.next().await.unwrap().map(|chunk| chunk.len()).ok());
    }
    assert_eq!(handed_over, [Some(4), None, Some(1)]);
}

#[test]
fn lines_that_come_within_the_window_leave_in_order() {
    let mut window = Window::default();
    let start = Instant::now();
    window.push(item(1, 20, "second"), start);
    window.push(item(2, 10, "first"), start + Duration::from_millis(200));
    assert_eq!(window.release(start + Duration::from_millis(299)), []);
    assert_eq!(texts(&window.release(start + WINDOW)), ["first", "second"]);
    // The earlier one's own time passes with nothing left to release.
    assert_eq!(window.release(start + Duration::from_secs(1)), []);
    assert!(window.held.is_empty() && window.arrivals.is_empty());
}

#[test]
fn a_source_that_lags_delays_the_others_no_longer_than_the_window() {
    let mut window = Window::default();
    let start = Instant::now();
    window.push(item(1, 1000, "live"), start);
    for step in 0..6_u32 {
        window.push(item(2, i64::from(step), "backlog"), start + Duration::from_millis(50) * step);
    }
    let released = window.release(start + WINDOW);
    assert_eq!(texts(&released).last(), Some(&"live"));
}

#[test]
fn one_sources_lines_keep_their_order_even_with_one_stamp() {
    let mut window = Window::default();
    let start = Instant::now();
    for text in ["a", "b", "c"] {
        window.push(item(1, 7, text), start);
    }
    assert_eq!(texts(&window.release(start + WINDOW)), ["a", "b", "c"]);
}

#[test]
fn a_window_that_is_full_has_room_again_once_its_lines_have_left() {
    let mut window = Window::default();
    let start = Instant::now();
    for nanos in 0..16 {
        assert!(window.has_room());
        window.push(item(1, nanos, &"x".repeat(MOST_BYTES / 16)), start);
    }
    assert!(!window.has_room());
    assert_eq!(window.release(start + WINDOW).len(), 16);
    assert!(window.has_room() && window.bytes == 0);
}

/// For each of some lines: by which source it was written, how long after the source's line before, and how long after the line
/// before it came.
fn arrivals() -> impl Strategy<Value = Vec<(u64, i64, u64)>> {
    proptest::collection::vec((1..5_u64, 0..3_i64, 0..400_u64), 0..60)
}

/// These lines, each with a text of its own, and when it comes.
fn lines(arrivals: &[(u64, i64, u64)]) -> Vec<(Item, Duration)> {
    let (mut written, mut came) = ([0; 5], Duration::ZERO);
    let line = |(number, (source, after, later)): (usize, &(u64, i64, u64))| {
        let nanos = &mut written[usize::try_from(*source).unwrap()];
        *nanos += after;
        came += Duration::from_millis(*later);
        (item(*source, *nanos, &number.to_string()), came)
    };
    arrivals.iter().enumerate().map(line).collect()
}

fn in_order(items: &[Item]) -> bool {
    items.is_sorted_by_key(|item| (item.nanos, item.source))
}

proptest! {
    #[test]
    fn however_sources_come_in_pieces_their_merge_is_all_of_them_in_order(
        arrivals in arrivals(),
        sizes in proptest::collection::vec(1..7_usize, 5),
    ) {
        let lines: Vec<Item> = lines(&arrivals).into_iter().map(|(item, _)| item).collect();
        let source = |source: usize| {
            let own = lines.iter().filter(|item| item.source.0 == source as u64).cloned();
            let own: Vec<Item> = own.collect();
            stream::iter(own.chunks(sizes[source]).map(|chunk| Ok(chunk.to_vec())).collect::<Vec<_>>()).boxed()
        };
        let merge = merged((0..5).map(source).collect()).try_concat();
        let all: Vec<Item> = futures::executor::block_on(merge).unwrap();
        let mut expected = lines;
        expected.sort_by_key(|item| (item.nanos, item.source));
        prop_assert_eq!(all, expected);
    }

    #[test]
    fn whatever_comes_leaves_the_window_once_in_time_and_each_source_in_its_order(arrivals in arrivals()) {
        let (mut window, start) = (Window::default(), Instant::now());
        let lines = lines(&arrivals);
        let mut left: Vec<Item> = Vec::new();
        for (number, (item, came)) in lines.iter().enumerate() {
            let now = start + *came;
            let released = window.release(now);
            prop_assert!(in_order(&released));
            left.extend(released);
            let waited = lines[..number].iter().filter(|(_, came)| start + *came + WINDOW <= now);
            for (late, _) in waited {
                prop_assert!(left.contains(late), "{late:?} waits too long");
            }
            window.push(item.clone(), now);
        }
        left.extend(window.release(start + Duration::from_secs(3600)));
        prop_assert_eq!(left.len(), lines.len());
        for source in 1..5 {
            let own = |item: &&Item| item.source == SourceId(source);
            let written: Vec<&Item> = lines.iter().map(|(item, _)| item).filter(own).collect();
            prop_assert_eq!(left.iter().filter(own).collect::<Vec<_>>(), written);
        }
        prop_assert!(window.held.is_empty() && window.arrivals.is_empty() && window.bytes == 0);
    }
}
