//! Each line once, whatever happens between the first and the last.

use crate::fixture::{Fixture, in_namespace, kubeconfig, names, orders, running, take_until};
use fairway_domain::{LogEntry, LogMarker, LogMoment, LogPosition, LogRequest, Timestamp};
use fairway_kubernetes::{Cluster, Keep};
use futures::StreamExt;
use kube::ResourceExt;
use std::collections::{BTreeMap, HashMap};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) type Got = Vec<(LogPosition, LogEntry)>;

/// Numbers its lines, about 100 a second, half of them to each stream, and says goodbye.
pub(crate) const NUMBERS: &str = r#"
import itertools, signal, sys, time
over = []
signal.signal(signal.SIGTERM, lambda *_: over.append(1))
for number in itertools.count():
    print(number, file=(sys.stdout, sys.stderr)[number % 2], flush=True)
    if over:
        print("goodbye", flush=True)
        sys.exit(0)
    time.sleep(0.01)
"#;

/// Each pod's lines, in the order in which they came.
fn by_pod(got: &Got) -> BTreeMap<&str, Vec<&str>> {
    let mut pods: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (_, entry) in got.iter().filter(|(_, entry)| entry.marker.is_none()) {
        pods.entry(&entry.pod).or_default().push(&entry.text);
    }
    pods
}

/// None is missing and none comes twice. Stdout and stderr are two pipes, whose lines may trade places; those of each are in order. Of a
/// pod that goes on, the last ones of one pipe may still be coming.
pub(crate) fn assert_each_number_once(got: &Got) {
    let gaps: Vec<_> = got.iter().filter(|(_, e)| e.marker == Some(LogMarker::Gap)).collect();
    assert!(gaps.is_empty(), "{gaps:?}");
    for (pod, lines) in by_pod(got) {
        let mut numbers: Vec<u64> = lines.iter().filter_map(|line| line.parse().ok()).collect();
        for pipe in [0, 1] {
            let of_pipe: Vec<_> = numbers.iter().filter(|number| *number % 2 == pipe).collect();
            let wrong = of_pipe.windows(2).find(|pair| pair[0] >= pair[1]);
            assert!(wrong.is_none(), "{pod}: out of order: {wrong:?}");
        }
        if !lines.contains(&"goodbye") {
            let last =
                |pipe| numbers.iter().filter(|number| *number % 2 == pipe).max().copied().unwrap_or_default();
            let (one, other) = (last(0), last(1));
            assert!(one.abs_diff(other) < 100, "{pod}: of one pipe a second is missing: {one} {other}");
            numbers.retain(|number| *number <= one.min(other) + 1);
        }
        numbers.sort_unstable();
        let expected: Vec<u64> = (0..numbers.len() as u64).collect();
        let wrong = numbers.iter().zip(&expected).find(|(got, expected)| got != expected);
        assert!(wrong.is_none(), "{pod}: first wrong (got, expected): {wrong:?} of {}", numbers.len());
        assert!(numbers.len() > 20, "{pod} said only {}", numbers.len());
    }
}

fn entries(got: &[(LogPosition, LogEntry)]) -> Vec<&LogEntry> {
    got.iter().map(|(_, entry)| entry).collect()
}

fn texts(got: &[(LogPosition, LogEntry)]) -> Vec<String> {
    got.iter().map(|(_, entry)| entry.text.clone()).collect()
}

/// What a container itself did: without what Kubernetes says of it.
fn told(entry: &LogEntry) -> bool {
    matches!(entry.marker, None | Some(LogMarker::Ended | LogMarker::Restarted))
}

fn count_goodbyes(got: &[(LogPosition, LogEntry)]) -> usize {
    got.iter().filter(|(_, entry)| entry.text == "goodbye").count()
}

pub(crate) fn follow_all() -> LogRequest {
    LogRequest { since: Some(3600), follow: true, ..LogRequest::default() }
}

pub(crate) fn follow_after(got: &Got) -> LogRequest {
    LogRequest {
        after: got.last().map(|(position, _)| position.clone()),
        follow: true,
        ..LogRequest::default()
    }
}

#[test]
fn every_line_comes_once_across_reconnects_a_deleted_pod_and_a_rollout() {
    in_namespace(|fixture| async move {
        let state = fixture.watch();
        fixture.deploy(2, NUMBERS).await;
        fixture.until(&state, "two pods", |objects| names(objects).len() == 2).await;
        let first = names(&state.namespace(&fixture.namespace).service(&orders()));
        let mut got: Got = Vec::new();

        let mut stream = Box::pin(fixture.logs(&state, follow_all()));
        got.extend(take_until(&mut stream, |got| got.len() > 300).await);
        drop(stream);
        // Written while nobody reads.
        tokio::time::sleep(Duration::from_millis(1500)).await;

        let mut stream = Box::pin(fixture.logs(&state, follow_after(&got)));
        fixture.delete_pod(&first[0]).await;
        got.extend(take_until(&mut stream, |got| count_goodbyes(got) == 1).await);
        let joined = |got: &[(LogPosition, LogEntry)]| {
            got.iter().filter(|(_, entry)| !first.iter().any(|pod| **pod == *entry.pod)).count() > 300
        };
        got.extend(take_until(&mut stream, joined).await);
        drop(stream);

        // As after a restart of Fairway.
        let again =
            Fixture { cluster: Cluster::connect(Some(&kubeconfig()), None).await.unwrap(), ..fixture };
        let state = again.watch();
        let mut stream = Box::pin(again.logs(&state, follow_after(&got)));
        got.extend(take_until(&mut stream, |got| got.len() > 100).await);
        again.cluster.restart(&again.namespace, "orders", Timestamp::now()).await.unwrap();
        got.extend(take_until(&mut stream, |got| count_goodbyes(got) == 2).await);
        got.extend(take_until(&mut stream, |got| got.len() > 500).await);

        assert_each_number_once(&got);
        assert_eq!(by_pod(&got).len(), 5, "two pods, one that replaced one, and two of the rollout");
    });
}

#[test]
fn a_crashed_containers_last_words_come_before_its_end_and_its_successor() {
    in_namespace(|fixture| async move {
        let state = fixture.watch();
        fixture
            .deploy(
                1,
                "import time; print('started', flush=True); time.sleep(1); raise SystemExit('out of luck')",
            )
            .await;
        let mut stream = Box::pin(fixture.logs(&state, follow_all()));
        let starts =
            |got: &[(LogPosition, LogEntry)]| got.iter().filter(|(_, e)| e.text == "started").count();
        let got = take_until(&mut stream, |got| starts(got) == 2).await;
        let story = got.iter().filter(|(_, entry)| told(entry));
        let story: Vec<_> = story.map(|(_, e)| (e.restart, e.text.as_str(), e.marker)).collect();
        let expected = [
            (0, "started", None),
            (0, "out of luck", None),
            (0, "exited with code 1 (Error)", Some(LogMarker::Ended)),
            (1, "restarted for the 1st time", Some(LogMarker::Restarted)),
            (1, "started", None),
        ];
        let all: Vec<_> = got.iter().map(|(_, e)| (e.at, e.restart, &*e.text, e.marker)).collect();
        assert_eq!(story, expected, "{all:?}");

        // Who comes later reads the same, and who resumes in the middle reads the rest.
        fixture.until(&state, "a restart", |objects| restarts(objects) == 1).await;
        let all = LogRequest::default();
        let late: Got = fixture.logs(&state, all).collect().await;
        let late = entries(&late).into_iter().filter(|entry| told(entry)).map(|entry| &*entry.text);
        assert_eq!(late.take(5).collect::<Vec<_>>(), expected.map(|(_, text, _)| text));
        let words = got.iter().position(|(_, entry)| entry.text == "out of luck").unwrap();
        let after = LogRequest { after: Some(got[words].0.clone()), ..LogRequest::default() };
        let rest: Got = fixture.logs(&state, after).collect().await;
        let rest = entries(&rest).into_iter().filter(|entry| told(entry)).map(|entry| &*entry.text);
        let then = ["exited with code 1 (Error)", "restarted for the 1st time", "started"];
        assert_eq!(rest.take(3).collect::<Vec<_>>(), then);
        let pod = &state.namespace(&fixture.namespace).service(&orders()).pods[0].name_any();
        let words = fixture.cluster.container_tail(&fixture.namespace, pod, "app", true, 1).await.unwrap();
        assert_eq!(words, ["out of luck"]);
    });
}

fn restarts(objects: &fairway_kubernetes::ServiceObjects) -> i32 {
    let statuses = objects.pods.iter().flat_map(|pod| pod.status.iter());
    statuses.flat_map(|status| status.container_statuses.iter().flatten()).map(|s| s.restart_count).sum()
}

#[test]
fn the_past_is_in_order_and_as_much_of_it_as_was_asked_for() {
    in_namespace(|fixture| async move {
        let state = fixture.watch();
        let program = "import time\nfor n in range(60): print('Number', n, flush=True); time.sleep(0.005)\n\
                       print('x' * 3_000_000, flush=True)\nprint('End', flush=True)\ntime.sleep(3600)";
        fixture.deploy(2, program).await;
        let mut stream = Box::pin(fixture.logs(&state, follow_all()));
        take_until(&mut stream, |got| got.iter().filter(|(_, e)| e.text == "End").count() == 2).await;

        let all: Got = fixture.logs(&state, LogRequest::default()).collect().await;
        let lines: Got = all.iter().filter(|(_, entry)| entry.marker.is_none()).cloned().collect();
        assert_eq!(lines.len(), 124);
        assert!(lines.is_sorted_by_key(|(_, entry)| entry.at), "lines of two pods are in one order");
        let long: Vec<_> =
            lines.iter().map(|(_, e)| (e.bytes, e.text.len())).filter(|(bytes, _)| *bytes > 100).collect();
        assert_eq!(long, [(3_000_000, LogEntry::MOST_BYTES); 2], "a long line is cut, and says so");

        let tail: Got =
            fixture.logs(&state, LogRequest { tail: Some(7), ..LogRequest::default() }).collect().await;
        let tail: Got = tail.into_iter().filter(|(_, entry)| entry.marker.is_none()).collect();
        assert!(entries(&tail) == entries(&lines[117..]), "the last seven of both pods, long lines as one");
        let few =
            LogRequest { tail: Some(3), filter: Some("Number 5".parse().unwrap()), ..LogRequest::default() };
        let few: Vec<_> = fixture
            .logs_kept(&state, few, |entry| entry.text.starts_with("Number 5"))
            .filter_map(async |(_, e)| e.marker.is_none().then_some(e.text))
            .collect()
            .await;
        assert_eq!(few.len(), 3);
        assert!(few.iter().all(|text| text.starts_with("Number 5")), "{few:?}");
        // Resuming at any line gives exactly the rest.
        for cut in [0, 1, 50, 100, all.len() - 2, all.len() - 1] {
            let after = LogRequest { after: Some(all[cut].0.clone()), ..LogRequest::default() };
            let rest: Got = fixture.logs(&state, after).collect().await;
            assert!(entries(&rest) == entries(&all[cut + 1..]), "after line {cut}");
        }
        // What comes before a line and what comes from it on are all lines, and older ones are paged back to.
        for cut in [0, 1, 50, 100, 123] {
            let line = lines[cut].1.place.map(LogMoment::Line);
            let before = fixture.lines(&state, LogRequest { until: line, ..LogRequest::default() }).await;
            let from = fixture.lines(&state, LogRequest { from: line, ..LogRequest::default() }).await;
            assert!(before == texts(&lines[..cut]) && from == texts(&lines[cut..]), "at line {cut}");
            let page = LogRequest { until: line, tail: Some(20), ..LogRequest::default() };
            assert!(
                fixture.lines(&state, page).await == texts(&lines[cut.saturating_sub(20)..cut]),
                "before {cut}"
            );
            let page = LogRequest { from: line, head: Some(20), follow: true, ..LogRequest::default() };
            assert!(
                fixture.lines(&state, page).await == texts(&lines[cut..lines.len().min(cut + 20)]),
                "after {cut}"
            );
        }
        let time = Some(LogMoment::At(lines[50].1.at));
        let since = fixture.lines(&state, LogRequest { from: time, ..LogRequest::default() }).await;
        assert_eq!(since.len(), lines.iter().filter(|(_, entry)| entry.at >= lines[50].1.at).count());
        let nothing = LogRequest { tail: Some(0), ..LogRequest::default() };
        assert_eq!(fixture.logs(&state, nothing).count().await, 0);
    });
}

#[test]
fn a_line_that_is_given_after_a_later_one_is_marked_late_and_no_other() {
    in_namespace(|fixture| async move {
        let state = fixture.watch();
        fixture.deploy(2, NUMBERS).await;
        fixture.until(&state, "two pods", |objects| names(objects).len() == 2).await;
        // Each even number is given with the odd one after it.
        let held: Mutex<HashMap<Arc<str>, LogEntry>> = Mutex::default();
        let keep: Keep = Arc::new(move |entry| {
            let mut held = held.lock().unwrap();
            if entry.text.parse::<u64>().is_ok_and(|number| number % 2 == 0) {
                held.insert(entry.pod.clone(), entry);
                return None;
            }
            Some((held.remove(&entry.pod).into_iter().collect(), entry))
        });
        let mut stream = Box::pin(fixture.logs_as(&state, follow_all(), keep, None));
        let got = take_until(&mut stream, |got| got.len() > 1000).await;
        let mut latest = Timestamp::MIN;
        // What Kubernetes reports has a time of its own.
        for (_, entry) in got.iter().filter(|(_, entry)| entry.marker != Some(LogMarker::Event)) {
            assert_eq!(entry.late, entry.at < latest, "{entry:?}");
            latest = latest.max(entry.at);
        }
        let late = got.iter().filter(|(_, entry)| entry.late).count();
        assert!((1..got.len()).contains(&late), "{late} of {}", got.len());
    });
}

#[test]
fn two_readers_share_a_stream_and_one_who_does_not_read_hinders_nobody() {
    in_namespace(|fixture| async move {
        let state = fixture.watch();
        let program = "import time\nfor n in range(40_000): print(n, 'x' * 50)\ntime.sleep(3600)";
        fixture.deploy(1, program).await;
        fixture.until(&state, "a pod", |objects| objects.pods.iter().any(|pod| running(pod))).await;
        let mut slow = Box::pin(fixture.logs(&state, follow_all()));
        let mut got: Got = take_until(&mut slow, |got| !got.is_empty()).await;
        let last =
            |got: &[(LogPosition, LogEntry)]| got.last().is_some_and(|(_, e)| e.text.starts_with("39999 "));
        let mut quick = Box::pin(fixture.logs_kept(&state, follow_all(), |entry| entry.text.contains("99 ")));
        take_until(&mut quick, last).await;
        // By now the ring has gone past the slow one.
        got.extend(take_until(&mut slow, last).await);
        let numbers =
            got.iter().filter(|(_, e)| e.marker.is_none()).map(|(_, e)| e.text.split(' ').next().unwrap());
        let wrong = numbers.enumerate().find(|(index, number)| index.to_string() != **number);
        assert_eq!(wrong, None);
    });
}

#[test]
fn a_position_that_was_not_given_by_a_stream_is_refused() {
    in_namespace(|fixture| async move {
        let state = fixture.watch();
        let request = LogRequest { after: Some("nonsense".parse().unwrap()), ..LogRequest::default() };
        let mut stream = pin!(fixture.cluster.logs(
            &state,
            &fixture.namespace,
            &orders(),
            request,
            Arc::new(|entry| Some((Vec::new(), entry))),
            None
        ));
        assert!(matches!(stream.next().await, Some(Err(fairway_kubernetes::Error::LogPosition))));
        assert!(stream.next().await.is_none());
    });
}
