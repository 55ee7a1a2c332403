//! A log that is rotated while it is read. Kubernetes can lose lines then, and reads no file but the latest: what isn't there is told.

use crate::fixture::{Fixture, in_namespace, kubeconfig, names, orders, take_until};
use crate::logs::{Got, follow_all};
use fairway_domain::{LogEntry, LogMarker, LogPosition};
use fairway_kubernetes::ClusterState;
use kube::ResourceExt;
use std::io::Write;
use std::pin::pin;
use std::process::{Command, Stdio};

/// Where the local cluster's container runtime listens.
const RUNTIME: &str = "/run/fairway-cluster/containerd.sock";

/// Rotates the log of the only pod as the kubelet does, whatever its length: the file gets another name, and the runtime opens it anew.
async fn rotate(fixture: &Fixture, state: &ClusterState, turn: usize) {
    let pod = state.namespace(&fixture.namespace).service(&orders()).pods.remove(0);
    let status = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref()?.first());
    let id = status.unwrap().container_id.as_ref().unwrap().strip_prefix("containerd://").unwrap().to_owned();
    let folder = std::fs::canonicalize(kubeconfig()).unwrap().with_file_name("pod-logs");
    let of_pod = format!("{}_{}_{}", fixture.namespace.as_str(), pod.name_any(), pod.uid().unwrap());
    let log = folder.join(of_pod).join("app/0.log");
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

/// About 250 lines a second, long enough that a rotation is looked for every few seconds.
const QUICK: &str = "import itertools, time\n\
                     for n in itertools.count(): print(n, 'x' * 300, flush=True); time.sleep(0.004)";

fn number(entry: &LogEntry) -> Option<u64> {
    entry.text.split(' ').next().filter(|_| entry.marker.is_none())?.parse().ok()
}

fn gaps(got: &[(LogPosition, LogEntry)]) -> impl Iterator<Item = &str> {
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
            let ((last, _), (next, at)) = (pair[0], pair[1]);
            assert!(next > last, "{next} comes after {last}");
            let told = gaps(&got).any(|gap| gap.contains(&format!("before {at:.3} ")));
            let said: Vec<_> = gaps(&got).collect();
            assert!(next == last + 1 || told, "from {last} to {next} at {at} nothing is said, but {said:?}");
        }
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
