use super::super::had::Growing;
use super::*;
use futures::TryStreamExt;
use std::sync::Mutex;

fn stored(pod: &str, nanos: i64, text: &str) -> StoredLine {
    StoredLine {
        nanos,
        grain: 1,
        pod: pod.into(),
        container: "app".into(),
        uid: None,
        restart: 0,
        text: text.into(),
        bytes: text.len() as u64,
    }
}

fn had(pod: &str, nanos: i64, text: &str) -> Vec<Item> {
    let origin = Arc::new(Origin { pod: pod.into(), container: "app".into(), revision: Some(3) });
    let what = What::Line(text.into());
    vec![Item { source: SourceId::of(pod, "app"), origin, restart: 0, nanos, ordinal: 1, beyond: 0, what }]
}

/// What is had from these first lines on, up to these last ones.
fn found(first: &[Item], last: Option<&Item>) -> Found {
    let growing = |items: &[Item]| {
        let mut growing = Growing::new(&items[0]).unwrap();
        items[1..].iter().for_each(|item| growing.push(item));
        growing
    };
    let mut had = growing(first);
    if let Some(last) = last {
        had.ends_as(growing(std::slice::from_ref(last)));
    }
    had.found(last.is_none())
}

type Asked = Arc<Mutex<Vec<Stretch>>>;

/// A store that has these lines, in order, and what it was asked.
fn store(lines: Vec<StoredLine>) -> (Older, Asked) {
    let asked = Asked::default();
    let noted = asked.clone();
    let ask: Ask = Arc::new(move |stretch| {
        noted.lock().unwrap().push(stretch.clone());
        let inside = |line: &&StoredLine| {
            let key = (line.pod.clone(), line.container.clone());
            // A time that is cut is of each stretch that it may be of.
            let may_be = line.nanos < stretch.until && line.nanos + line.grain > stretch.from;
            may_be && !stretch.without.contains(&key)
        };
        let found: Vec<_> = lines.iter().filter(inside).cloned().collect();
        let last = stretch.last.map_or(found.len(), |last| found.len().min(last as usize));
        iter(found[found.len() - last..].to_vec()).map(Ok).boxed()
    });
    (Older { ask, reach: Duration::from_hours(1) }, asked)
}

fn past(older: Older, (from, until): (i64, i64), last: Option<(u32, bool)>, had: &[Vec<Item>]) -> Past {
    let mut past = Past {
        older,
        namespace: "staging".parse().unwrap(),
        from,
        until,
        last,
        position: Position::since(from),
        had: AllHad::default(),
        known: HashMap::new(),
    };
    for first in had {
        past.has(found(first, None));
    }
    past
}

async fn texts(past: Past) -> Vec<String> {
    let items: Vec<Item> = past.items().try_collect().await.unwrap();
    items.iter().map(|item| item.clone().entry().unwrap().text).collect()
}

const MILLI: i64 = 1_000_000;

#[tokio::test]
async fn of_each_container_only_what_is_before_its_seam_comes_from_the_store() {
    let lines = ["a", "b", "gone"]
        .into_iter()
        .flat_map(|pod| (1..=9).map(move |at| stored(pod, at * 10 * MILLI, &format!("{pod}{at}"))));
    let mut lines: Vec<StoredLine> = lines.collect();
    lines.sort_by_key(|line| line.nanos);
    let (older, asked) = store(lines);
    let seams = [had("a", 20 * MILLI, "a2"), had("b", 40 * MILLI, "b4")];
    let got = texts(past(older, (20 * MILLI, 60 * MILLI), None, &seams)).await;
    assert_eq!(got, ["b2", "gone2", "b3", "gone3", "gone4", "gone5"]);
    let without: Vec<usize> = asked.lock().unwrap().iter().map(|stretch| stretch.without.len()).collect();
    assert_eq!(without, [1, 2], "what is had anyway isn't fetched");
}

#[tokio::test]
async fn lines_whose_times_are_cut_short_are_given_once_too() {
    let texts_of = |texts: &[&str]| -> Vec<StoredLine> {
        texts.iter().map(|text| StoredLine { grain: MILLI, ..stored("a", 5 * MILLI, text) }).collect()
    };
    let origin = had("a", 0, "")[0].origin.clone();
    let first = ["c", "d"].into_iter().zip([5 * MILLI + 400, 5 * MILLI + 500]).map(|(text, nanos)| Item {
        nanos,
        origin: origin.clone(),
        what: What::Line(text.into()),
        ..had("a", 0, "")[0].clone()
    });
    let mut lines = texts_of(&["a", "b", "c", "d"]);
    lines.push(StoredLine { grain: MILLI, ..stored("a", 6 * MILLI, "e") });
    let (older, _) = store(lines);
    let got = texts(past(older, (0, 60 * MILLI), None, &[first.collect()])).await;
    assert_eq!(got, ["a", "b"]);
}

#[tokio::test]
async fn where_all_seams_are_passed_no_line_is_on_both_sides() {
    let cut =
        |pod: &str, millis: i64, text: &str| StoredLine { grain: MILLI, ..stored(pod, millis * MILLI, text) };
    let lines = vec![cut("gone", 5, "5"), cut("gone", 6, "6"), cut("gone", 7, "7")];
    for last in [None, Some((9, false))] {
        let (older, _) = store(lines.clone());
        let got = texts(past(older, (0, 60 * MILLI), last, &[had("a", 5 * MILLI + 400, "a")])).await;
        assert_eq!(got, ["5", "6", "7"]);
    }
}

#[tokio::test]
async fn a_line_that_may_stand_after_the_end_is_none_of_the_last_ones() {
    let cut = |millis: i64, text: &str| StoredLine { grain: MILLI, ..stored("gone", millis * MILLI, text) };
    // The store gives what is begun in addition.
    let ask: Ask = Arc::new(move |stretch: Stretch| {
        let all = [cut(1, "1"), cut(2, "2"), cut(8, "8 or later")];
        let (before, begun): (Vec<_>, Vec<_>) = all
            .into_iter()
            .filter(|line| line.nanos < stretch.until && line.nanos + MILLI > stretch.from)
            .partition(|line| line.nanos + MILLI <= stretch.until);
        let last = before.len().saturating_sub(stretch.last.map_or(9, |last| last as usize));
        iter(before.into_iter().skip(last).chain(begun)).map(Ok).boxed()
    });
    let older = Older { ask, reach: Duration::from_hours(1) };
    let got = texts(past(older, (0, 8 * MILLI + 500), Some((2, false)), &[had("a", 4 * MILLI, "a")])).await;
    assert_eq!(got, ["1", "2", "8 or later"]);
}

#[tokio::test]
async fn the_last_lines_are_those_nearest_to_the_end() {
    let lines: Vec<StoredLine> = (1..=9)
        .map(|at| stored(if at < 7 { "a" } else { "gone" }, at * 10 * MILLI, &at.to_string()))
        .collect();
    let (older, _) = store(lines.clone());
    let end = (0, 100 * MILLI);
    assert_eq!(texts(past(older, end, Some((2, false)), &[had("a", 60 * MILLI, "6")])).await, ["8", "9"]);
    let (older, _) = store(lines.clone());
    assert_eq!(
        texts(past(older, end, Some((5, false)), &[had("a", 60 * MILLI, "6")])).await,
        ["5", "7", "8", "9"]
    );
    let (older, _) = store(lines);
    let got = texts(past(older, end, Some((3, true)), &[])).await;
    assert_eq!(got.len(), 4, "{got:?}");
    assert!(got[1].starts_with("Only the last 3 older lines were searched"), "{got:?}");
}

#[tokio::test]
async fn what_could_not_be_had_is_a_gap_that_says_why_and_no_place_to_resume_at() {
    let ask: Ask =
        Arc::new(|_| iter([Ok(stored("a", 5, "one")), Err("Loki doesn't answer.".into())]).boxed());
    let older = Older { ask, reach: Duration::from_hours(1) };
    let items: Vec<Item> = past(older, (0, 60), None, &[]).items().try_collect().await.unwrap();
    let gap = items[1].clone().entry().unwrap();
    assert_eq!(gap.marker, Some(fairway_domain::LogMarker::Gap));
    assert_eq!((&*gap.text, items[1].nanos), ("Loki doesn't answer.", 5));
    let mut position = Position::default();
    position.advance(&items[1]);
    assert_eq!(position, Position::default());
    position.advance(&items[0]);
    assert_eq!(position.open_sources(), [], "it can't be asked about later");
    assert!(position.passed(&items[0]));
}

#[tokio::test]
async fn a_container_that_the_cluster_knows_keeps_its_places() {
    let (older, _) =
        store(vec![stored("a", 5, "one"), StoredLine { uid: Some("7b0a".into()), ..stored("b", 6, "two") }]);
    let items: Vec<Item> =
        past(older, (0, 60), None, &[had("a", 50, "")]).items().try_collect().await.unwrap();
    assert_eq!(items[0].source, SourceId::of("a", "app"));
    assert_eq!(items[0].origin.revision, Some(3));
    assert_eq!(items[1].source, SourceId::of("7b0a", "app"));
    let mut position = Position::default();
    for item in &items {
        position.advance(item);
    }
    let open: Vec<SourceId> = position.open_sources().into_iter().map(|(source, _)| source).collect();
    assert_eq!(open, [SourceId::of("a", "app")], "nothing more can come of what only the store knows");
}

#[tokio::test]
async fn a_line_is_found_by_its_place_among_those_of_its_time() {
    let lines = ["one", "two"].map(|text| stored("a", 5 * MILLI, text));
    let other = stored("b", 5 * MILLI, "of another");
    let (older, asked) = store(vec![lines[0].clone(), other, lines[1].clone()]);
    let now = now();
    let (older, namespace) =
        (Older { reach: Duration::from_nanos(now.unsigned_abs()), ..older }, "staging".parse().unwrap());
    let known = || HashMap::from([(("a".into(), "app".into()), (SourceId::of("7b0a", "app"), None))]);
    let place =
        |ordinal| LogPlace { source: SourceId::of("7b0a", "app").0, restart: 3, nanos: 5 * MILLI, ordinal };
    assert_eq!(older.line(&namespace, known(), place(2)).await.unwrap().as_deref(), Some("two"));
    assert_eq!(older.line(&namespace, known(), place(3)).await.unwrap(), None);
    assert!(
        asked.lock().unwrap().iter().all(|stretch| stretch.whole && stretch.until - stretch.from == MILLI)
    );
    let silent: Ask = Arc::new(|_| iter([Err("Loki doesn't answer.".into())]).boxed());
    let silent = Older { ask: silent, ..older.clone() };
    assert!(
        matches!(silent.line(&namespace, known(), place(2)).await, Err(Error::Older(why)) if why.contains("Loki"))
    );
    let near = Older { reach: Duration::from_hours(1), ..older };
    assert_eq!(
        near.line(&namespace, known(), place(2)).await.unwrap(),
        None,
        "it isn't asked further back than it may be"
    );
}

#[tokio::test]
async fn who_resumes_at_an_older_line_goes_on_right_after_it() {
    let lines = vec![stored("a", 5, "one"), stored("a", 5, "two"), stored("b", 6, "three")];
    let all: Vec<Item> =
        past(store(lines.clone()).0, (0, 60), None, &[]).items().try_collect().await.unwrap();
    let mut resumed = past(store(lines).0, (5, 60), None, &[]);
    resumed.position.advance(&all[0]);
    assert_eq!(texts(resumed).await, ["two", "three"]);
}

#[tokio::test]
async fn why_nothing_can_be_had_is_said_once() {
    let ask: Ask = Arc::new(|_| iter([Err("Loki doesn't answer.".into())]).boxed());
    for last in [None, Some((9, false))] {
        let older = Older { ask: ask.clone(), reach: Duration::from_hours(1) };
        let got = texts(past(older, (0, 60 * MILLI), last, &[had("a", 20 * MILLI, "a")])).await;
        assert_eq!(got, ["Loki doesn't answer."]);
    }
}

#[tokio::test]
async fn what_a_restarted_containers_present_log_lost_comes_from_the_store_and_only_that_and_only_those_gaps_go()
 {
    let lines: Vec<StoredLine> = (1..=9).map(|at| stored("a", at * 10 * MILLI, &at.to_string())).collect();
    let (older, asked) = store(lines);
    let mut past = past(older, (0, 95 * MILLI), None, &[]);
    // The instance before is had from the second to the fourth line, the present one from the seventh on.
    past.has(found(&had("a", 20 * MILLI, "2"), Some(&had("a", 40 * MILLI, "4")[0])));
    past.has(found(&had("a", 70 * MILLI, "7"), None));
    let fills = past.fills();
    let gap = |nanos| Item { what: What::Gap("rotated".into()), ..had("a", nanos, "")[0].clone() };
    assert!(fills(&gap(10 * MILLI)) && fills(&gap(40 * MILLI)), "it is asked for what is missing there");
    assert!(!fills(&gap(30 * MILLI)) && !fills(&gap(80 * MILLI)), "it isn't asked for that");
    assert!(!fills(&had("a", 10 * MILLI, "1")[0]), "a line is no gap");
    assert_eq!(texts(past).await, ["1", "5", "6"]);
    let asked: Vec<_> = asked.lock().unwrap().iter().map(|s| (s.from, s.until, s.without.len())).collect();
    let border = |at: i64| at * 10 * MILLI;
    assert_eq!(
        asked,
        [
            (0, border(2) + MILLI, 0),
            (border(2) + MILLI, border(4), 1),
            (border(4), border(7) + MILLI, 0),
            (border(7) + MILLI, 95 * MILLI, 1)
        ]
    );
}

#[tokio::test]
async fn at_both_sides_of_a_hole_lines_whose_times_are_cut_short_are_given_once() {
    let cut = |millis: i64, text: &str| StoredLine { grain: MILLI, ..stored("a", millis * MILLI, text) };
    let of = |nanos: i64, text: &str| had("a", nanos, text).remove(0);
    let lines = [cut(3, "a"), cut(5, "b"), cut(5, "c"), cut(9, "d"), cut(9, "e"), cut(9, "f")];
    let (older, _) = store(lines.to_vec());
    let mut past = past(older, (0, 60 * MILLI), None, &[]);
    past.has(found(&[of(3 * MILLI + 100, "a")], Some(&of(5 * MILLI + 200, "b"))));
    past.has(found(&[of(9 * MILLI + 800, "f")], None));
    assert_eq!(texts(past).await, ["c", "d", "e"]);
}

#[tokio::test]
async fn who_was_further_in_one_container_than_in_another_is_given_what_that_one_lost() {
    let both =
        (1..=9).flat_map(|at| ["a", "b"].map(|pod| stored(pod, at * 10 * MILLI, &format!("{pod}{at}"))));
    let (older, _) = store(both.collect());
    let mut past = past(older, (80 * MILLI, 95 * MILLI), None, &[]);
    past.has(found(&had("a", 60 * MILLI, "a6"), None));
    past.has(found(&had("b", 10 * MILLI, "b1"), None));
    for line in [had("a", 30 * MILLI, "a3"), had("b", 80 * MILLI, "b8")] {
        past.position.advance(&line[0]);
    }
    past.go_back_to_what_is_missing(0);
    assert_eq!(texts(past).await, ["a4", "a5"]);
}
