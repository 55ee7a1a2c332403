//! What has made other viewers lose, repeat or tear lines.

use crate::fixture::{Fixture, in_namespace, names, orders, take_until};
use crate::logs::{Got, NUMBERS, assert_each_number_once, follow_after, follow_all};
use crate::proxy::through_proxy;
use fairway_domain::{LogEntry, LogMarker, LogPlace, LogPosition, LogRequest, LogStatus};
use fairway_kubernetes::ClusterState;
use futures::TryStreamExt;
use std::pin::pin;
use std::time::Duration;

type Entries = [(LogPosition, LogEntry)];

/// Lines that the container runtime writes in parts, each beginning with what it is.
const LONG: &str = r#"
import json, time
print("a" * 18_000, flush=True)
print(json.dumps({"level": "info", "message": "b" * 40_000}), flush=True)
print("c" * 90_000, flush=True)
print("short", flush=True)
time.sleep(3600)
"#;

/// The same, two of them again and again, as somebody's program does.
const LONG_EACH_SECOND: &str = r#"
import itertools, json, time
for number in itertools.count():
    print(("%d " % number).ljust(18_000, "a"), flush=True)
    print(json.dumps({"number": number, "message": "b" * 40_000}), flush=True)
    time.sleep(1)
"#;

/// Lines each of which is more than the kubelet leaves in one file. It looks every ten seconds.
const HUGE: &str = r#"
import time
while True:
    print("d" * 20_000_000, flush=True)
    print("short", flush=True)
    time.sleep(15)
"#;

#[test]
fn a_line_of_any_length_is_one_entry_and_can_be_had_whole() {
    in_namespace(|fixture| async move {
        let state = fixture.watch();
        fixture.deploy(1, LONG).await;
        let mut stream = Box::pin(fixture.logs(&state, follow_all()));
        let short = |got: &Entries| got.iter().any(|(_, entry)| entry.text == "short");
        let got = take_until(&mut stream, short).await;
        let lines = written(&got);
        let told: Vec<_> = lines.iter().map(|line| (line.bytes, line.text.len())).collect();
        let json = 40_000 + r#"{"level": "info", "message": ""}"#.len();
        assert_eq!(told, [18_000, json, 90_000, 5].map(cut));
        let parsed: serde_json::Value = serde_json::from_str(&lines[1].text).unwrap();
        assert_eq!(parsed["message"].as_str().unwrap().len(), 40_000, "nothing stands between the parts");

        for (index, length, letter) in [(0, 18_000, "a"), (2, 90_000, "c")] {
            let place = lines[index].place.unwrap();
            let whole = whole(&fixture, &state, place).await.unwrap();
            assert!(whole == (letter.repeat(length), 0), "{letter}: {}", whole.0.len());
            assert_eq!(None, self::whole(&fixture, &state, LogPlace { ordinal: 99, ..place }).await);
        }
    });
}

#[test]
fn long_lines_each_second_are_each_one_entry_live_and_afterwards() {
    in_namespace(|fixture| async move {
        let state = fixture.watch();
        fixture.deploy(1, LONG_EACH_SECOND).await;
        let mut stream = Box::pin(fixture.logs(&state, follow_all()));
        let live = take_until(&mut stream, |got| written(got).len() == 24).await;
        let once = LogRequest::default();
        let afterwards: Got = futures::StreamExt::collect(fixture.logs(&state, once)).await;
        for got in [written(&live), written(&afterwards)[..24].to_vec()] {
            for (number, pair) in got.chunks(2).enumerate() {
                let [plain, json] = pair else { panic!("{number} stands alone") };
                assert!(
                    plain.text == format!("{:a<18000}", format!("{number} ")),
                    "{number}: {}",
                    plain.bytes
                );
                let parsed: serde_json::Value = serde_json::from_str(&json.text).unwrap();
                assert_eq!(parsed["number"], number);
                let message = parsed["message"].as_str().unwrap();
                assert!(message == "b".repeat(40_000), "{number}: {}", message.len());
            }
        }
        assert!(!live.iter().any(|(_, entry)| entry.marker == Some(LogMarker::Gap)));
    });
}

#[test]
fn a_line_of_20_mb_is_cut_and_can_be_had_whole_while_the_cluster_has_it() {
    in_namespace(|fixture| async move {
        let state = fixture.watch();
        fixture.deploy(1, HUGE).await;
        let mut stream = Box::pin(fixture.logs(&state, follow_all()));
        let short = |got: &Entries| got.last().is_some_and(|(_, entry)| entry.text == "short");
        loop {
            let got = take_until(&mut stream, short).await;
            let [huge, after] = written(&got)[..] else { panic!("{} lines", got.len()) };
            assert_eq!([huge, after].map(|line| (line.bytes, line.text.len())), [20_000_000, 5].map(cut));
            // It may be in the file before already, which nobody can read.
            if let Some(whole) = whole(&fixture, &state, huge.place.unwrap()).await {
                assert!(whole == ("d".repeat(20_000_000), 0), "{}", whole.0.len());
                break;
            }
        }
    });
}

/// What was written, without what happened.
fn written(got: &Entries) -> Vec<&LogEntry> {
    got.iter().map(|(_, entry)| entry).filter(|entry| entry.marker.is_none()).collect()
}

/// How many bytes a line of this length is said to have, and how many of them are told.
fn cut(length: usize) -> (u64, usize) {
    (length as u64, length.min(LogEntry::MOST_BYTES))
}

/// A line's text, and how many bytes more it had that nobody has any more.
pub(crate) async fn whole(fixture: &Fixture, state: &ClusterState, place: LogPlace) -> Option<(String, u64)> {
    let (cluster, ns) = (&fixture.cluster, &fixture.namespace);
    let line = cluster.log_line(state, ns, &orders(), place, None).await.unwrap()?;
    let pieces: Vec<Vec<u8>> = line.bytes.try_collect().await.unwrap();
    Some((String::from_utf8(pieces.concat()).unwrap(), line.lost))
}

#[test]
fn a_reader_cut_in_the_middle_of_a_second_goes_on_in_it() {
    in_namespace(|fixture| async move {
        let state = fixture.watch();
        let program =
            "import itertools, time\nfor n in itertools.count(): print(n, flush=True); time.sleep(0.05)";
        fixture.deploy(1, program).await;
        fixture.until(&state, "a pod", |objects| names(objects).len() == 1).await;
        let mut got: Got = Vec::new();
        for _ in 0..12 {
            let request = if got.is_empty() { follow_all() } else { follow_after(&got) };
            let mut stream = Box::pin(fixture.logs(&state, request));
            got.extend(take_until(&mut stream, |got| got.len() == 7).await);
            drop(stream);
            tokio::time::sleep(Duration::from_millis(170)).await;
            // As somebody who has only just come, and shares nothing with who follows.
            let once = LogRequest { follow: false, ..follow_after(&got) };
            let now: Got = futures::StreamExt::collect(fixture.logs(&state, once)).await;
            got.extend(now);
        }
        assert_each_number_once(&got);
        let numbers: Vec<u64> = written(&got).iter().filter_map(|line| line.text.parse().ok()).collect();
        assert!(numbers.is_sorted(), "one pipe: in order, {numbers:?}");
    });
}

#[test]
fn a_network_that_is_away_for_a_second_again_and_again_costs_no_line() {
    in_namespace(|fixture| async move {
        let (proxy, through) = through_proxy(&fixture).await;
        let state = through.watch();
        fixture.deploy(2, NUMBERS).await;
        through.until(&state, "two pods", |objects| names(objects).len() == 2).await;
        let mut stream = pin!(through.logs(&state, follow_all()));
        let mut got: Got = take_until(&mut stream, |got| got.len() > 50).await;
        for _ in 0..10 {
            proxy.cut();
            tokio::time::sleep(Duration::from_secs(1)).await;
            proxy.open();
            got.extend(take_until(&mut stream, |got| got.len() > 100).await);
        }
        assert_each_number_once(&got);
    });
}

#[test]
fn a_container_whose_node_does_not_answer_is_not_told_to_be_read() {
    in_namespace(|fixture| async move {
        let (proxy, through) = through_proxy(&fixture).await;
        // The cluster is known all the time, and the container says nothing, whether or not it is read.
        let state = fixture.watch();
        fixture.deploy(1, "import time; time.sleep(3600)").await;
        fixture.until(&state, "a pod", |objects| names(objects).len() == 1).await;
        proxy.silence();
        let mut statuses = Box::pin(through.cluster.log_status(&state, &fixture.namespace, &orders()));
        let read = |seen: &[LogStatus]| seen.last().is_some_and(|status| status.containers_read == 1);
        let seen = take_until(&mut statuses, |seen| !seen.is_empty()).await;
        assert!(!read(&seen), "nobody has answered: {seen:?}");
        let more = tokio::time::timeout(Duration::from_secs(3), futures::StreamExt::next(&mut statuses));
        let more: Vec<_> = more.await.ok().flatten().into_iter().collect();
        assert!(!read(&more), "nobody has answered: {more:?}");
        proxy.open();
        take_until(&mut statuses, read).await;
    });
}

#[test]
fn a_pod_that_goes_while_only_its_logs_connection_is_dead_leaves_with_a_gap() {
    in_namespace(|fixture| async move {
        let (proxy, through) = through_proxy(&fixture).await;
        // The cluster is known all the time: that the pod goes is seen at once, and never that anything was away.
        let state = fixture.watch();
        fixture.deploy(1, NUMBERS).await;
        fixture.until(&state, "a pod", |objects| names(objects).len() == 1).await;
        let pod = names(&state.namespace(&fixture.namespace).service(&orders())).remove(0);
        let mut stream = pin!(through.logs(&state, follow_all()));
        let mut got: Got = take_until(&mut stream, |got| got.len() > 50).await;
        proxy.silence();
        fixture.delete_pod(&pod).await;
        let left = |got: &Entries| got.iter().any(|(_, entry)| entry.marker == Some(LogMarker::Left));
        got.extend(take_until(&mut stream, left).await);
        let told = got.iter().map(|(_, entry)| entry).filter(|entry| *entry.pod == *pod);
        let told: Vec<_> = told.filter_map(|entry| entry.marker).filter(|m| *m != LogMarker::Event).collect();
        assert_eq!(told, [LogMarker::Joined, LogMarker::Gap, LogMarker::Left]);
    });
}

#[test]
fn a_pod_that_says_one_thing_to_stderr_and_exits_is_followed_into_its_next_life() {
    in_namespace(|fixture| async move {
        let state = fixture.watch();
        fixture.deploy(1, "import sys; print('that was all', file=sys.stderr)").await;
        let mut stream = pin!(fixture.logs(&state, follow_all()));
        let lines = |got: &Entries| got.iter().filter(|(_, entry)| entry.marker.is_none()).count();
        let got = take_until(&mut stream, |got| lines(got) == 3).await;
        let story = got.iter().map(|(_, entry)| entry);
        let own = [None, Some(LogMarker::Ended), Some(LogMarker::Restarted)];
        let story = story.filter(|entry| own.contains(&entry.marker));
        let story: Vec<_> = story.map(|entry| (entry.restart, &*entry.text)).collect();
        let (said, ended) = ("that was all", "exited with code 0 (Completed)");
        let restarted = ["restarted for the 1st time", "restarted for the 2nd time"];
        assert_eq!(
            story,
            [(0, said), (0, ended), (1, restarted[0]), (1, said), (1, ended), (2, restarted[1]), (2, said)]
        );
    });
}
