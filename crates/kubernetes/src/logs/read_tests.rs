use super::super::instances::End;
use super::super::line::{SourceId, parse_stamp};
use super::*;
use fairway_domain::LogMarker;
use futures::io::{BufReader, Cursor as Bytes};
use kube::client::Body;
use std::sync::Arc;

/// Reads a log of which so many bytes come at once.
async fn read(log: Vec<u8>, at_once: usize) -> Vec<Item> {
    let log = BufReader::with_capacity(at_once, Bytes::new(log));
    lines(log, Source::of_pod(1, "orders-1"), 0, false).try_concat().await.unwrap()
}

#[tokio::test]
async fn of_a_line_of_any_length_the_beginning_is_kept_with_its_size_and_the_next_one_is_whole() {
    for (length, at_once) in [(18_000, 7), (90_000, 1), (90_000, 100_000), (20_000_000, 16_384)] {
        let mut log = b"2026-11-25T01:00:00Z ".to_vec();
        log.extend("é".bytes().cycle().take(length));
        log.extend(b"\n2026-11-25T01:00:01.123456789Z next\n");
        let items = read(log, at_once).await;
        let entry = items[0].clone().entry().unwrap();
        assert_eq!(entry.bytes, u64::try_from(length).unwrap());
        assert_eq!(entry.text, "é".repeat(length.min(LogEntry::MOST_BYTES) / 2));
        assert_eq!(items[1].what, What::Line("next".into()));
        assert_eq!(items.len(), 2);
    }
}

#[tokio::test]
async fn an_unfinished_line_is_none_yet() {
    let log = b"2026-11-25T01:00:01Z whole\n2026-11-25T01:00:02Z hal".to_vec();
    let texts: Vec<_> = read(log, 7).await.into_iter().map(|item| item.what).collect();
    assert_eq!(texts, [What::Line("whole".into())]);
}

#[test]
fn reading_on_begins_a_whole_second_before() {
    let nanos = 1_800_000_000_900_000_000;
    assert_eq!(second_before(nanos).unwrap().as_second(), 1_799_999_999);
    assert_eq!(second_before(0), None);
}

fn line(nanos: i64, ordinal: u32) -> Item {
    let what = What::Line(String::new());
    Item { source: SourceId(1), origin: Arc::default(), restart: 0, nanos, ordinal, beyond: 0, what }
}

#[test]
fn where_a_tail_was_cut_the_first_place_is_left_out() {
    let read = vec![line(5, 1), line(5, 2), line(6, 1)];
    assert_eq!(surely_whole(read.clone(), 3), Some(vec![line(6, 1)]));
    assert_eq!(surely_whole(read, 4), None, "fewer than asked for: read it whole");
    assert_eq!(surely_whole(vec![line(5, 1), line(5, 2)], 2), None);
}

/// What a follower reads of one instance.
fn following(client: kube::Client, instance: Instance, cursor: Cursor, read_before: bool) -> Reading {
    Reading {
        client,
        source: Source::of_pod(1, "orders-1"),
        read_before: read_before.then(|| instance.id.clone()),
        instances: vec![instance],
        cursor: Some(cursor),
        floor: 0,
        tail: None,
        kept: None,
        follow: true,
    }
}

/// The place of the first line that an instance wrote.
fn first_line() -> Cursor {
    Cursor { nanos: parse_stamp(b"2026-11-25T01:00:00Z").unwrap(), ordinal: 1, ..Cursor::default() }
}

/// What is read of an instance of which one line was read, if the API gives this log.
async fn read_on(log: &'static str, read_before: bool, end: Option<End>) -> Vec<What> {
    read_after(first_line(), log, read_before, end).await.unwrap()
}

async fn read_after(
    cursor: Cursor,
    log: &'static str,
    read_before: bool,
    end: Option<End>,
) -> Result<Vec<What>, Error> {
    let answer = move |_| async move {
        Ok::<_, std::io::Error>(http::Response::new(Body::from(log.as_bytes().to_vec())))
    };
    let client = kube::Client::new(tower::service_fn(answer), "staging");
    let instance = Instance { id: "a".into(), restart: 0, previous: false, started: None, end };
    let reading = following(client, instance, cursor, read_before);
    let items: Chunk = reading.chunks().try_concat().await?;
    Ok(items.into_iter().map(|item| item.what).collect())
}

#[tokio::test]
async fn a_successors_lines_are_not_taken_for_those_of_an_instance_that_was_read_to_its_end() {
    const SUCCESSORS: &str = "2026-11-25T01:00:02Z started again\n";
    const OWN: &str = "2026-11-25T01:00:00Z started\n2026-11-25T01:00:01Z more\n";
    let end = || Some(End { nanos: 0, text: "exited".into() });
    let (more, exited) = (What::Line("more".into()), What::Ended("exited".into()));
    assert_eq!(read_on(SUCCESSORS, true, None).await, []);
    assert_eq!(read_on(SUCCESSORS, true, end()).await, std::slice::from_ref(&exited));
    assert_eq!(read_on(OWN, true, end()).await, [more.clone(), exited]);
    assert_eq!(read_on(OWN, true, None).await, [more]);
    let unsure = read_on(SUCCESSORS, false, None).await;
    assert!(matches!(unsure[..], [What::Gap(_), What::Line(_)]), "{unsure:?}");
}

#[tokio::test]
async fn a_line_that_reached_the_log_after_its_stream_had_ended_without_any_is_read_at_the_second_look() {
    const BOTH: &str = "2026-11-25T01:00:01.9Z last words\n2026-11-25T01:00:12Z its successor's\n";
    let nanos = parse_stamp(b"2026-11-25T01:00:01Z").unwrap();
    let end = || Some(End { nanos, text: "exited".into() });
    let (words, exited) = (What::Line("last words".into()), What::Ended("exited".into()));
    let read = async |log, end| read_after(Cursor::start(), log, true, end).await.unwrap();
    assert_eq!(read(BOTH, end()).await, [words, exited.clone()]);
    assert_eq!(read(&BOTH[40..], end()).await, [exited]);
    assert_eq!(read(BOTH, None).await, [], "whose it is can be told once its end is known");
}

#[tokio::test]
async fn a_kubelet_that_has_nothing_yet_of_a_container_that_runs_has_lost_nothing() {
    let outcome = read_after(first_line(), "", false, None).await;
    assert!(outcome.as_ref().is_err_and(Error::is_transient), "{outcome:?}");
    let ended = read_on("", false, Some(End { nanos: 0, text: "exited".into() })).await;
    assert!(matches!(ended[..], [What::Gap(_), What::Ended(_)]), "of one that has ended it has: {ended:?}");
}

#[tokio::test]
async fn a_run_of_which_the_kubelet_has_no_log_leaves_a_gap_unless_it_was_read() {
    let answer = |_| async {
        let status = serde_json::json!({ "kind": "Status", "status": "Failure", "code": 400, "reason": "BadRequest",
            "message": "previous terminated container not found" });
        let answer = http::Response::builder().status(400);
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(
            answer.body(Body::from(serde_json::to_vec(&status)?))?,
        )
    };
    let nanos = |stamp: &[u8]| parse_stamp(stamp).unwrap();
    let read = async |cursor, read_before: bool, ended: bool| {
        let (started, end) = (nanos(b"2026-11-25T01:00:04Z"), nanos(b"2026-11-25T01:00:05Z"));
        let client = kube::Client::new(tower::service_fn(answer), "staging");
        let end = ended.then(|| End { nanos: end, text: "exited".into() });
        let instance = Instance { id: "b".into(), restart: 1, previous: true, started: Some(started), end };
        let reading = following(client, instance, cursor, read_before);
        let items: Result<Chunk, Error> = reading.chunks().try_concat().await;
        items.map(|items| items.into_iter().filter_map(Item::entry).collect::<Vec<_>>())
    };
    let told = async |cursor, read_before| {
        let entries = read(cursor, read_before, true).await.unwrap();
        entries.iter().filter_map(|entry| entry.marker).collect::<Vec<_>>()
    };
    let before =
        Cursor { nanos: nanos(b"2026-11-25T01:00:03Z"), ordinal: 1, instance: 1, fresh: true, begun: false };
    assert_eq!(told(before, false).await, [LogMarker::Restarted, LogMarker::Gap, LogMarker::Ended]);
    assert_eq!(told(before, true).await, [LogMarker::Restarted, LogMarker::Ended]);
    let nowhere = Cursor { nanos: 0, ordinal: 0, ..before };
    let entries = read(nowhere, false, true).await.unwrap();
    assert!(entries.iter().all(|entry| entry.at.as_second() > 1_700_000_000), "{entries:?}");
    assert!(
        read(before, false, false).await.is_err_and(|error| error.is_transient()),
        "of one that runs it comes yet"
    );
}

#[tokio::test]
async fn that_a_container_was_restarted_and_how_often_is_told_once_before_what_it_says_then() {
    const SECOND_LOG: &str = "2026-11-25T01:00:05Z started again\n";
    let answer = |_| async {
        Ok::<_, std::io::Error>(http::Response::new(Body::from(SECOND_LOG.as_bytes().to_vec())))
    };
    let nanos = |stamp: &str| parse_stamp(stamp.as_bytes()).unwrap();
    let read = async |cursor: Option<Cursor>, floor: i64| {
        let started = Some(nanos("2026-11-25T01:00:04Z"));
        let client = kube::Client::new(tower::service_fn(answer), "staging");
        let instance = Instance { id: "b".into(), restart: 3, previous: false, started, end: None };
        let reading =
            Reading { cursor, floor, follow: false, ..following(client, instance, Cursor::start(), false) };
        reading.chunks().try_concat().await.unwrap()
    };
    let ended =
        Cursor { nanos: nanos("2026-11-25T01:00:03.5Z"), ordinal: 1, instance: 3, fresh: true, begun: false };
    let told = What::Restarted("restarted for the 3rd time".into());
    let line = What::Line("started again".into());
    for cursor in [Some(ended), None] {
        let items = read(cursor, 0).await;
        let what: Vec<_> = items.iter().map(|item| item.what.clone()).collect();
        assert_eq!(what, [told.clone(), line.clone()]);
        assert!(items.is_sorted_by_key(|item| item.nanos));
        let mut after = cursor.unwrap_or_else(Cursor::start);
        after.advance(&items[0]);
        assert_eq!(read(Some(after), 0).await, items[1..], "once");
    }
    let later = read(None, nanos("2026-11-25T01:00:05Z")).await;
    assert_eq!(later.len(), 1, "who asks for what came after it isn't told: {later:?}");
}
