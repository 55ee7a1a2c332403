//! A log that is rotated while it is read. Kubernetes can lose lines then, and reads no file but the latest: what isn't there is told.

use crate::fixture::{Fixture, in_namespace, kubeconfig, names, orders, take_until};
use crate::logs::{Got, follow_all};
use fairway_domain::{LogEntry, LogMarker, LogMoment, LogPosition, LogRequest, Timestamp};
use fairway_kubernetes::ClusterState;
use futures::StreamExt;
use kube::ResourceExt;
use std::io::Write;
use std::pin::pin;
use std::process::{Command, Stdio};

/// Where the local cluster's container runtime listens.
const RUNTIME: &str = "/run/fairway-cluster/containerd.sock";

/// Rotates the log of the only pod as the kubelet does, whatever its length: the file gets another name, and the runtime opens it anew.
pub(crate) async fn rotate(fixture: &Fixture, state: &ClusterState, turn: usize) {
    let pod = state.namespace(&fixture.namespace).service(&orders()).pods.remove(0);
    let status = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref()?.first());
    let status = status.unwrap();
    let id = status.container_id.as_ref().unwrap().strip_prefix("containerd://").unwrap().to_owned();
    let folder = std::fs::canonicalize(kubeconfig()).unwrap().with_file_name("pod-logs");
    let of_pod = format!("{}_{}_{}", fixture.namespace.as_str(), pod.name_any(), pod.uid().unwrap());
    let log = folder.join(of_pod).join(format!("app/{}.log", status.restart_count));
    std::fs::rename(&log, log.with_extension(format!("log.{turn}"))).unwrap();
    tokio::task::spawn_blocking(move || open_anew(&id)).await.unwrap();
}

/// Asks the runtime for it: one field of text in a gRPC message.
fn open_anew(id: &str) {
    let length = u8::try_from(id.len()).unwrap();
    let message = [&[0, 0, 0, 0, length + 2, 0x0a, length], id.as_bytes()].concat();
    let mut curl = Command::new("curl")
        .args(["--silent", "--show-error", "--fail", "--http2-prior-knowledge", "--unix-socket", RUNTIME])
        .args(["--header", "content-type: application/grpc", "--header", "te: trailers"])
        .args(["--data-binary", "@-", "--dump-header", "-"])
        .arg("http://localhost/runtime.v1.RuntimeService/ReopenContainerLog")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    curl.stdin.take().unwrap().write_all(&message).unwrap();
    let told = String::from_utf8_lossy(&curl.wait_with_output().unwrap().stdout).into_owned();
    assert!(told.contains("grpc-status: 0"), "{told}");
}

/// About 250 lines a second, long enough that a rotation is looked for every few seconds. Each is written at once: the runtime parts
/// one at a rotation that comes in pieces.
pub(crate) const QUICK: &str = "import itertools, os, time\n\
                     for n in itertools.count(): os.write(1, b'%d %s\\n' % (n, b'x' * 300)); time.sleep(0.004)";

pub(crate) fn number(entry: &LogEntry) -> Option<u64> {
    entry.text.split(' ').next().filter(|_| entry.marker.is_none())?.parse().ok()
}

pub(crate) fn gaps(got: &[(LogPosition, LogEntry)]) -> impl Iterator<Item = &str> {
    got.iter().filter(|(_, entry)| entry.marker == Some(LogMarker::Gap)).map(|(_, entry)| &*entry.text)
}

#[test]
fn across_many_rotations_no_line_comes_twice_and_where_one_may_be_missing_is_told() {
    in_namespace(|fixture| async move {
        let state = fixture.watch();
        fixture.deploy(1, QUICK).await;
        fixture.until(&state, "a pod", |objects| names(objects).len() == 1).await;
        let mut stream = pin!(fixture.logs(&state, follow_all()));
        let mut got: Got = take_until(&mut stream, |got| got.len() > 300).await;
        for turn in 0..6 {
            rotate(&fixture, &state, turn).await;
            got.extend(take_until(&mut stream, |got| gaps(got).count() == 1).await);
        }
        got.extend(take_until(&mut stream, |got| got.len() > 300).await);
        assert_eq!(gaps(&got).count(), 6, "each rotation is told once");
        let lines: Vec<_> = got.iter().filter_map(|(_, entry)| Some((number(entry)?, entry.at))).collect();
        assert_eq!(lines[0].0, 0);
        for pair in lines.windows(2) {
            let ((before, _), (next, at)) = (pair[0], pair[1]);
            assert!(next > before, "{next} comes after {before}");
            let told = gaps(&got).find_map(|gap| told_before(gap, at)).unwrap_or(0);
            let said: Vec<_> = gaps(&got).collect();
            let lost = next - before - 1;
            // There are four milliseconds and more between two lines.
            assert!(lost * 4 <= told, "{lost} lost before {next} at {at}, but {said:?}");
        }
    });
}

/// For how many milliseconds before a line of that time lines may be missing, if that is what is told.
fn told_before(gap: &str, at: Timestamp) -> Option<u64> {
    let (_, told) = gap.split_once("what was written in the ")?;
    let (span, rest) = told.split_once(" ms ")?;
    rest.starts_with(&format!("before {at:.3} ")).then(|| span.parse().unwrap())
}

/// More than the kubelet leaves in one file in the ten seconds after which it looks again: 10 MiB.
const MUCH: &str = "import itertools, os, time\n\
                    for n in itertools.count(): os.write(1, b'%d %s\\n' % (n, b'x' * 4000)); time.sleep(0.002)";

#[test]
fn across_the_kubelets_own_rotations_no_more_is_lost_than_is_told_and_nothing_comes_twice() {
    in_namespace(|fixture| async move {
        let state = fixture.watch();
        fixture.deploy(1, MUCH).await;
        fixture.until(&state, "a pod", |objects| names(objects).len() == 1).await;
        let mut stream = pin!(fixture.logs(&state, follow_all()));
        let mut got: Got = take_until(&mut stream, |got| gaps(got).count() == 3).await;
        got.extend(take_until(&mut stream, |got| got.len() > 300).await);
        let lines: Vec<_> = got.iter().filter_map(|(_, entry)| Some((number(entry)?, entry.at))).collect();
        assert_eq!(lines[0].0, 0);
        let mut all_lost = 0;
        for pair in lines.windows(2) {
            let ((before, _), (next, at)) = (pair[0], pair[1]);
            assert!(next > before, "{next} comes after {before}");
            let told = gaps(&got).find_map(|gap| told_before(gap, at)).unwrap_or(0);
            let (lost, said) = (next - before - 1, gaps(&got).collect::<Vec<_>>());
            assert!(lost * 2 <= told, "{lost} lost before {next} at {at}, but {said:?}");
            all_lost += lost;
        }
        assert!(lines.len() as u64 + all_lost > 7500, "three files of 10 MiB were full: {}", lines.len());
    });
}

/// Ten lines, and after a while many, with a pause between their halves.
const HALVES: &str = r#"
import time
def numbers(first, end):
    for n in range(first, end): print(n)
    print("pause", flush=True)
    time.sleep(6)
numbers(0, 10)
numbers(10, 12_000)
numbers(12_000, 24_000)
print("End", flush=True)
time.sleep(3600)
"#;

#[test]
fn who_fell_behind_a_rotation_is_told_and_hinders_nobody() {
    in_namespace(|fixture| async move {
        let state = fixture.watch();
        fixture.deploy(1, HALVES).await;
        fixture.until(&state, "a pod", |objects| names(objects).len() == 1).await;
        let pauses = |got: &[(LogPosition, LogEntry)]| got.iter().filter(|(_, e)| e.text == "pause").count();
        let ended = |got: &[(LogPosition, LogEntry)]| got.last().is_some_and(|(_, e)| e.text == "End");
        let mut slow = pin!(fixture.logs(&state, follow_all()));
        let mut of_slow: Got = take_until(&mut slow, |got| pauses(got) == 1).await;
        let mut quick = pin!(fixture.logs(&state, follow_all()));
        let mut of_quick: Got = take_until(&mut quick, |got| pauses(got) == 2).await;
        rotate(&fixture, &state, 0).await;
        of_quick.extend(take_until(&mut quick, ended).await);
        let numbers: Vec<u64> = of_quick.iter().filter_map(|(_, entry)| number(entry)).collect();
        assert!(numbers == (0..24_000).collect::<Vec<_>>(), "who keeps up has every line");

        // By now the ring has gone past the slow one, and the kubelet has the second half alone.
        of_slow.extend(take_until(&mut slow, ended).await);
        let numbers: Vec<u64> = of_slow.iter().filter_map(|(_, entry)| number(entry)).collect();
        assert!(numbers == (0..10).chain(12_000..24_000).collect::<Vec<_>>(), "the rest, each line once");
        let told = of_slow.iter().position(|(_, entry)| entry.marker == Some(LogMarker::Gap)).unwrap();
        assert_eq!(of_slow[..told].iter().filter_map(|(_, entry)| number(entry)).next_back(), Some(9));
    });
}

/// The lines themselves.
fn lines(got: &[(LogPosition, LogEntry)]) -> Vec<&LogEntry> {
    got.iter().map(|(_, entry)| entry).filter(|entry| entry.marker.is_none()).collect()
}

/// What somebody reads who comes now.
async fn read(fixture: &Fixture, state: &ClusterState, request: LogRequest) -> Got {
    fixture.logs(state, request).collect().await
}

#[test]
fn what_was_rotated_away_is_read_afterwards_as_it_was_read_when_it_was_written() {
    in_namespace(|fixture| async move {
        let folder = tempfile::tempdir().unwrap();
        let state = fixture.kept_on_disk(folder.path(), QUICK).await;
        let mut stream = pin!(fixture.logs(&state, follow_all()));
        let mut live: Got = take_until(&mut stream, |got| got.len() > 300).await;
        for turn in 0..4 {
            rotate(&fixture, &state, turn).await;
            // Right after it, some of what was written before is on its way to the disk.
            let now = read(&fixture, &state, LogRequest::default()).await;
            live.extend(take_until(&mut stream, |got| got.len() > 900).await);
            let (now, live) = (lines(&now), lines(&live));
            assert!(now == live[..now.len()], "{} lines right after a rotation", now.len());
        }
        let afterwards = read(&fixture, &state, LogRequest::default()).await;
        let (all, of_live) = (lines(&afterwards), lines(&live));
        assert!(all[..of_live.len()] == of_live, "all that was read live, each line once");
        assert_eq!(number(all[0]), Some(0));
        let holes = all.windows(2).filter(|pair| number(pair[1]) != number(pair[0]).map(|number| number + 1));
        let (holes, told) = (holes.count(), gaps(&afterwards).count());
        assert!(holes <= told, "{holes} holes, but {:?}", gaps(&afterwards).collect::<Vec<_>>());
        assert!(told <= 2 * 4, "{told} places for four rotations");

        for (had, (position, _)) in live.iter().enumerate().step_by(97) {
            let after = LogRequest { after: Some(position.clone()), ..LogRequest::default() };
            let rest = read(&fixture, &state, after).await;
            let expected = lines(&live[had + 1..]);
            assert!(lines(&rest)[..expected.len()] == expected, "going on after {had}");
        }
        let place = |index: usize| all[index].place.map(LogMoment::Line);
        for until in (100..of_live.len()).step_by(331) {
            let page = LogRequest { until: place(until), tail: Some(100), ..LogRequest::default() };
            let page = read(&fixture, &state, page).await;
            assert!(lines(&page) == all[until - 100..until], "the page before {until}");
            let head = LogRequest { from: place(until - 50), head: Some(50), ..LogRequest::default() };
            let head = read(&fixture, &state, head).await;
            assert!(lines(&head) == all[until - 50..until], "the 50 lines before {until}");
        }
        let tail = LogRequest { tail: Some(u32::MAX), ..LogRequest::default() };
        let tail = read(&fixture, &state, tail).await;
        assert!(lines(&tail)[..of_live.len()] == of_live, "a tail that is longer than the log");
    });
}
