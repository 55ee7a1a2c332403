use super::super::instances::{End, Instance};
use super::super::kept::{Keeper, LogKeeping};
use super::super::line::{Origin, Source};
use super::super::read::Reading;
use super::*;
use fairway_domain::{LogMoment, LogPlace, LogRequest, Namespace, ServiceName, Timestamp};
use futures::{TryStreamExt, future::join_all};
use kube::client::Body;
use std::ops;
use std::sync::Arc;

const BEGUN: i64 = 1_800_000_000_000_000_000;

/// When each line was written, in nanoseconds, as the runtime wrote it down: two streams, so not always in order.
const STAMPS: [i64; 14] = [100, 100, 130, 120, 120, 131, 140, 150, 160, 155, 170, 180, 180, 190];

/// What a container wrote, as it is followed from its beginning by who writes it down.
struct Written {
    source: Source,
    items: Vec<Item>,
    /// How many of them its first instance wrote; then it was restarted.
    first_instance: usize,
    folder: tempfile::TempDir,
}

fn names() -> (Namespace, ServiceName) {
    ("staging".parse().unwrap(), "orders".parse().unwrap())
}

/// The text of a line says nothing of when it was written.
fn text(index: usize) -> String {
    format!("line {}", "abcdefghijklmnopq".chars().nth(index).unwrap())
}

impl Written {
    fn new(stamps: &[i64], first_instance: usize) -> Self {
        let origin = Arc::new(Origin { pod: "orders-1".into(), container: "app".into(), revision: Some(1) });
        let source =
            Source { id: SourceId(1), namespace: names().0, uid: "uid".into(), origin, made: Some(BEGUN) };
        let mut numbering = Numbering::default();
        let mut items: Vec<Item> = Vec::new();
        for (index, stamp) in stamps.iter().enumerate() {
            let restart = u32::from(index >= first_instance);
            if index == first_instance && index > 0 {
                let place = (items[index - 1].nanos, items[index - 1].ordinal);
                items.push(Item::happened(&source, 0, place, What::Ended("exited".into())));
                numbering = Numbering::default();
            }
            let place = numbering.place(BEGUN + stamp);
            items.push(Item::happened(&source, restart, place, What::Line(text(index))));
        }
        Self { source, items, first_instance, folder: tempfile::tempdir().unwrap() }
    }

    fn keeping(&self) -> LogKeeping {
        LogKeeping { folder: self.folder.path().to_owned(), bytes: 1 << 20, age: Duration::from_secs(3600) }
    }

    async fn keep(&self, items: &[Item]) {
        let (namespace, service) = names();
        let items: Vec<_> = items.iter().cloned().map(Arc::new).collect();
        Keeper::open(&self.keeping(), &namespace, &service).await.append(&items).await;
    }

    /// Reads after so many items what the kubelet and the disk have.
    async fn read(&self, logs: [Vec<u8>; 2], after: usize, range: Range, last: Option<u32>) -> Vec<Item> {
        let answer = move |request: http::Request<Body>| {
            let previous = request.uri().query().is_some_and(|query| query.contains("previous=true"));
            let log = logs[usize::from(!previous)].clone();
            async move { Ok::<_, std::io::Error>(http::Response::new(Body::from(log))) }
        };
        let mut cursor = (after > 0).then(Cursor::start);
        for item in &self.items[..after] {
            cursor.get_or_insert_default().advance(item);
        }
        let instance = |restart, end: Option<End>| Instance {
            id: format!("containerd://{restart}"),
            restart,
            previous: end.is_some(),
            started: None,
            end,
        };
        let end = End { nanos: 0, text: "exited".into() };
        let restarted = self.first_instance > 0;
        let (namespace, service) = names();
        let kept = Kept::of(&self.keeping(), &namespace, &service);
        let reading = Reading {
            client: kube::Client::new(tower::service_fn(answer), "staging"),
            source: Source { made: None, ..self.source.clone() },
            instances: if restarted {
                vec![instance(0, Some(end)), instance(1, None)]
            } else {
                vec![instance(1, None)]
            },
            cursor,
            floor: range.floor(),
            tail: None,
            kept: Some(KeptLines { kept, range, last }),
            follow: false,
            read_before: None,
        };
        reading.chunks().try_concat().await.unwrap()
    }
}

/// What the kubelet gives, if its log has these lines.
fn log(stamps: &[i64], lines: ops::Range<usize>) -> Vec<u8> {
    let line = |index: usize| {
        let at = Timestamp::from_nanosecond((BEGUN + stamps[index]).into()).unwrap();
        format!("{at:.9} {}\n", text(index))
    };
    lines.map(line).collect::<String>().into_bytes()
}

fn is_gap(item: &Item) -> bool {
    matches!(item.what, What::Gap(_))
}

/// Whether all lines from there on were stamped after those before. A reader who stopped between others stands nowhere that is known.
fn in_order_at(stamps: &[i64], rotated: usize) -> bool {
    let before = stamps[..rotated].iter().max();
    before.is_none_or(|before| stamps[rotated..].iter().all(|stamp| stamp > before))
}

#[tokio::test]
async fn wherever_a_log_was_rotated_each_line_comes_once_in_order_and_where_it_always_was() {
    for rotated in 0..STAMPS.len() {
        for kept in rotated.max(1)..=STAMPS.len() {
            let written = Written::new(&STAMPS, 0);
            written.keep(&written.items[..kept]).await;
            for after in 0..STAMPS.len() {
                if after > 0 && !in_order_at(&STAMPS, rotated) {
                    continue;
                }
                // What the kubelet has was written down before it was rotated away, and its first line too.
                if kept == rotated && rotated < STAMPS.len() {
                    continue;
                }
                let log = log(&STAMPS, rotated..STAMPS.len());
                let got = written.read([vec![], log], after, Range::default(), None).await;
                assert_eq!(
                    got,
                    written.items[after..],
                    "rotated before {rotated}, kept {kept}, after {after}"
                );
            }
        }
    }
}

#[tokio::test]
async fn each_life_that_is_only_kept_on_disk_begins_with_its_restart_and_the_last_one_stands_last() {
    let written = Written::new(&[], 0);
    let nanos = |life: u32| BEGUN + i64::from(life) * 10_000_000_000;
    let item = |life, ordinal, what| Item::happened(&written.source, life, (nanos(life), ordinal), what);
    let started = |life| What::Restarted(format!("restarted {life}"));
    let of = |life: u32| {
        let began = (life > 0).then(|| item(life, 0, started(life)));
        let line = item(life, 1, What::Line(format!("life {life}")));
        let ended = item(life, 1, What::Ended(format!("exited {life}")));
        began.into_iter().chain([line, ended])
    };
    let kept: Vec<_> = (0..3).flat_map(of).collect();
    written.keep(&kept).await;
    let log = format!("{} life 3\n", Timestamp::from_nanosecond(nanos(3).into()).unwrap());
    let answer = move |_| {
        let log = log.clone().into_bytes();
        async move { Ok::<_, std::io::Error>(http::Response::new(Body::from(log))) }
    };
    let (namespace, service) = names();
    let kept = Kept::of(&written.keeping(), &namespace, &service);
    let reading = |since: i64| Reading {
        client: kube::Client::new(tower::service_fn(answer.clone()), "staging"),
        source: Source { made: None, ..written.source.clone() },
        instances: vec![Instance {
            id: "containerd://3".into(),
            restart: 3,
            previous: true,
            started: Some(nanos(3)),
            end: Some(End { nanos: nanos(3), text: "exited 3".into() }),
        }],
        cursor: None,
        floor: since,
        tail: None,
        kept: Some(KeptLines { kept: kept.clone(), range: Range::default(), last: None }),
        follow: false,
        read_before: None,
    };
    for since in 0..4 {
        let got: Vec<_> = reading(nanos(since)).chunks().try_concat().await.unwrap();
        let got: Vec<_> =
            got.iter().filter_map(|item| item.clone().entry()).map(|entry| entry.text).collect();
        let mut told = Vec::new();
        for life in since..4 {
            let restarted =
                if life == 3 { "restarted for the 3rd time".into() } else { format!("restarted {life}") };
            told.extend((life > 0).then_some(restarted));
            told.extend([format!("life {life}"), format!("exited {life}")]);
        }
        assert_eq!(got, told, "since {since}");
    }
}

#[tokio::test]
async fn a_restarted_container_of_which_both_logs_were_rotated_is_read_as_it_went_on() {
    let stamps: Vec<i64> = (1..=12).map(|stamp| stamp * 100).collect();
    for (first, second) in (0..=5).flat_map(|first| (6..12).map(move |second| (first, second))) {
        let written = Written::new(&stamps, 6);
        written.keep(&written.items[..=second + 1]).await;
        for after in 0..=written.items.len() {
            let logs = [log(&stamps, first..6), log(&stamps, second..12)];
            let got = written.read(logs, after, Range::default(), None).await;
            assert_eq!(got, written.items[after..], "rotated before {first} and {second}, after {after}");
        }
    }
}

#[tokio::test]
async fn what_was_not_on_the_disk_yet_is_waited_for() {
    let written = Written::new(&STAMPS, 0);
    written.keep(&written.items[..5]).await;
    let log = log(&STAMPS, 7..STAMPS.len());
    let reading = written.read([vec![], log], 2, Range::default(), None);
    let writing = async {
        tokio::time::sleep(AGAIN.1).await;
        written.keep(&written.items[5..6]).await;
        tokio::time::sleep(AGAIN.1).await;
        written.keep(&written.items[6..8]).await;
    };
    let (got, ()) = tokio::join!(reading, writing);
    assert_eq!(got, written.items[2..]);
}

#[tokio::test]
async fn lines_that_nobody_has_leave_one_gap_right_where_they_were() {
    let gone = async |kept: usize, rotated: usize, after: usize| {
        let written = Written::new(&STAMPS, 0);
        written.keep(&written.items[..kept]).await;
        let log = log(&STAMPS, rotated..STAMPS.len());
        let got = written.read([vec![], log], after, Range::default(), None).await;
        let told = got.iter().position(is_gap);
        let lines: Vec<_> = got.iter().filter(|item| !is_gap(item)).map(|item| item.what.clone()).collect();
        (told, got.iter().filter(|item| is_gap(item)).count(), lines)
    };
    let lines = |range: ops::Range<usize>| range.map(|index| What::Line(text(index)));
    let outcomes = join_all([
        // The last ones before the rotation never came to the disk, and nobody writes them down any more.
        gone(5, 7, 2),
        gone(5, 7, 0),
        // The disk knows nothing of it.
        gone(0, 7, 2),
    ]);
    let outcomes = outcomes.await;
    let all_but = |from: usize, missing: ops::Range<usize>| {
        lines(from..missing.start).chain(lines(missing.end..STAMPS.len())).collect::<Vec<_>>()
    };
    assert_eq!(outcomes[0], (Some(3), 1, all_but(2, 5..7)));
    assert_eq!(outcomes[1], (Some(5), 1, all_but(0, 5..7)));
    assert_eq!(outcomes[2], (Some(0), 1, all_but(2, 2..7)));
}

#[tokio::test]
async fn lines_of_the_kubelets_that_never_came_to_the_disk_are_the_kubelets() {
    // Who wrote it down lost the new file's first two lines; the kubelet has them.
    let stamps: Vec<i64> = (1..=12).map(|stamp| stamp * 5_000_000).collect();
    let written = Written::new(&stamps, 0);
    let kept = [&written.items[..6], &written.items[8..]].concat();
    written.keep(&kept).await;
    for after in [0, 3, 6] {
        let log = log(&stamps, 6..12);
        let got = written.read([vec![], log], after, Range::default(), None).await;
        let lines: Vec<_> = got.iter().filter(|item| !is_gap(item)).cloned().collect();
        assert_eq!(lines, written.items[after..]);
        let told = got.iter().position(is_gap).unwrap();
        assert_eq!(told, 6 - after, "what else may be missing before them is told");
    }
}

#[tokio::test]
async fn between_lines_that_are_apart_something_may_be_missing_at_a_rotation_and_nowhere_else() {
    let stamps: Vec<i64> = (1..=12).map(|stamp| stamp * 5_000_000).collect();
    let written = Written::new(&stamps, 0);
    written.keep(&written.items).await;
    let log = log(&stamps, 6..12);
    let got = written.read([vec![], log], 0, Range::default(), None).await;
    let gaps: Vec<_> = got.iter().enumerate().filter(|(_, item)| is_gap(item)).collect();
    let [(6, Item { what: What::Gap(why), .. })] = gaps[..] else { panic!("{gaps:?}") };
    assert!(why.contains("in the 5 ms before"), "{why}");
}

#[tokio::test]
async fn of_a_range_only_what_stands_in_it_is_read_from_the_disk() {
    let stamps: Vec<i64> = (1..=12).map(|stamp| stamp * 100).collect();
    let written = Written::new(&stamps, 0);
    written.keep(&written.items).await;
    let moment = |index: usize| {
        let Item { source, restart, nanos, ordinal, .. } = written.items[index];
        LogMoment::Line(LogPlace { source: source.0, restart, nanos, ordinal })
    };
    for (from, until) in (0..8).flat_map(|from| (from..12).map(move |until| (from, until))) {
        let request =
            LogRequest { from: Some(moment(from)), until: Some(moment(until)), ..LogRequest::default() };
        let range = Range::of(&request, Timestamp::now());
        let log = log(&stamps, 8..12);
        let got = written.read([vec![], log], 0, range, Some(5)).await;
        let inside: Vec<_> = got.into_iter().filter(|item| !range.ends_before(item)).collect();
        assert_eq!(inside, written.items[from..until], "from {from} until {until}");
    }
}
