//! What has made other viewers lose, repeat or tear lines.

use crate::fixture::{in_namespace, names, orders, take_until};
use crate::logs::{Got, NUMBERS, assert_each_number_once, follow_after, follow_all};
use crate::proxy::through_proxy;
use fairway_domain::{LogEntry, LogMarker, LogPosition, LogRequest};
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
print("d" * 20_000_000, flush=True)
print("End", flush=True)
time.sleep(3600)
"#;

#[test]
fn a_line_of_any_length_is_one_entry_and_can_be_had_whole() {
    in_namespace(|fixture| async move {
        let state = fixture.watch();
        fixture.deploy(1, LONG).await;
        let mut stream = Box::pin(fixture.logs(&state, follow_all()));
        let end = |got: &Entries| got.iter().any(|(_, entry)| entry.text == "End");
        let got = take_until(&mut stream, end).await;
        let lines: Vec<&LogEntry> =
            got.iter().map(|(_, entry)| entry).filter(|e| e.marker.is_none()).collect();
        let told: Vec<_> = lines.iter().map(|line| (line.bytes, line.text.len())).collect();
        let json = 40_000 + r#"{"level": "info", "message": ""}"#.len();
        let most = LogEntry::MOST_BYTES;
        let of = |length: usize| (length as u64, length.min(most));
        assert_eq!(told, [18_000, json, 90_000, 5, 20_000_000, 3].map(of));
        let parsed: serde_json::Value = serde_json::from_str(&lines[1].text).unwrap();
        assert_eq!(parsed["message"].as_str().unwrap().len(), 40_000, "nothing stands between the parts");

        for (index, letter) in [(0, "a"), (2, "c"), (4, "d")] {
            let (cluster, ns) = (&fixture.cluster, &fixture.namespace);
            let place = lines[index].place.unwrap();
            let whole = cluster.log_line(&state, ns, &orders(), place).await.unwrap().unwrap();
            let whole: Vec<Vec<u8>> = whole.try_collect().await.unwrap();
            let whole = String::from_utf8(whole.concat()).unwrap();
            assert!(whole == letter.repeat(told[index].0.try_into().unwrap()), "{letter}: {}", whole.len());
            let other = fairway_domain::LogPlace { ordinal: 99, ..place };
            assert!(cluster.log_line(&state, ns, &orders(), other).await.unwrap().is_none());
        }
    });
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
        let told = got.iter().map(|(_, entry)| entry).filter(|entry| entry.pod == pod);
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
        let story = story.filter(|entry| matches!(entry.marker, None | Some(LogMarker::Ended)));
        let story: Vec<_> = story.map(|entry| (entry.restart, &*entry.text)).collect();
        let (said, ended) = ("that was all", "exited with code 0 (Completed)");
        assert_eq!(story, [(0, said), (0, ended), (1, said), (1, ended), (2, said)]);
    });
}
