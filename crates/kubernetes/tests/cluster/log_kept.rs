//! What pods wrote outlives them.

use crate::fixture::{Fixture, in_namespace, names, orders, running};
use crate::log_traps::whole;
use crate::logs::{Got, NUMBERS, assert_each_number_once};
use fairway_domain::{LogEntry, LogMarker, LogPlace, LogPosition, LogRequest};
use fairway_kubernetes::ClusterState;
use futures::StreamExt;
use std::time::Duration;

fn of<'a>(got: &'a [(LogPosition, LogEntry)], pod: &str) -> Vec<&'a LogEntry> {
    let of_pod = |entry: &&LogEntry| *entry.pod == *pod && entry.marker != Some(LogMarker::Event);
    got.iter().map(|(_, entry)| entry).filter(of_pod).collect()
}

/// Everything that can be read, once it fulfils a condition.
async fn all_once(
    fixture: &Fixture,
    state: &ClusterState,
    done: impl Fn(&[(LogPosition, LogEntry)]) -> bool,
) -> Got {
    let reading = async {
        loop {
            let got: Got = fixture.logs(state, LogRequest::default()).collect().await;
            if done(&got) {
                return got;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(90), reading).await.expect("never came")
}

/// Whether the last that is told of a pod is that it left.
fn has_left(got: &[(LogPosition, LogEntry)], pod: &str) -> bool {
    of(got, pod).last().is_some_and(|entry| entry.marker == Some(LogMarker::Left))
}

#[test]
fn who_comes_when_a_pod_is_gone_reads_all_that_it_wrote_from_any_line_on() {
    in_namespace(|fixture| async move {
        let folder = tempfile::tempdir().unwrap();
        let state = fixture.kept_on_disk(folder.path(), NUMBERS).await;
        let gone = names(&state.namespace(&fixture.namespace).service(&orders())).remove(0);
        all_once(&fixture, &state, |got| of(got, &gone).len() > 100).await;
        fixture.delete_pod(&gone).await;
        let got = all_once(&fixture, &state, |got| has_left(got, &gone)).await;
        let story = of(&got, &gone);
        assert_eq!(story[0].marker, Some(LogMarker::Joined));
        let goodbyes = story.iter().filter(|entry| entry.text == "goodbye").count();
        assert_eq!(goodbyes, 1, "its last words too");
        fixture.until(&state, "its successor", |objects| objects.pods.iter().any(|pod| running(pod))).await;
        let got = all_once(&fixture, &state, |got| got.len() > story.len() + 100).await;
        assert_each_number_once(&got);

        let of_gone = got.iter().enumerate().filter(|(_, (_, entry))| *entry.pod == *gone);
        for (read, (position, _)) in of_gone.step_by(17) {
            let after = LogRequest { after: Some(position.clone()), ..LogRequest::default() };
            let rest: Got = fixture.logs(&state, after).collect().await;
            assert!(of(&rest, &gone) == of(&got[read + 1..], &gone), "after {read}");
        }
        let tail = LogRequest { tail: Some(10), ..LogRequest::default() };
        let tail: Got = fixture.logs(&state, tail).collect().await;
        let after = LogRequest { after: Some(tail[0].0.clone()), ..LogRequest::default() };
        let rest: Got = fixture.logs(&state, after).collect().await;
        assert_eq!(of(&rest, &gone), Vec::<&LogEntry>::new(), "what a tail leaves out stays read");
    });
}

#[test]
fn a_line_of_a_pod_that_is_gone_is_had_by_its_name_as_far_as_it_is_kept() {
    in_namespace(|fixture| async move {
        let folder = tempfile::tempdir().unwrap();
        let program = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit())\n\
                       print('d' * 100_000, flush=True)\nprint(' short, é', flush=True)\ntime.sleep(3600)";
        let state = fixture.kept_on_disk(folder.path(), program).await;
        let gone = names(&state.namespace(&fixture.namespace).service(&orders())).remove(0);
        let places = |got: &[(LogPosition, LogEntry)]| -> Vec<_> {
            of(got, &gone).into_iter().filter_map(|entry| entry.place).collect()
        };
        let got = all_once(&fixture, &state, |got| places(got).len() == 2).await;
        let [long, short] = places(&got)[..] else { panic!("two lines") };
        let all = whole(&fixture, &state, long).await.unwrap();
        assert_eq!((all.0.len(), all.1), (100_000, 0), "the cluster has all of it");

        fixture.delete_pod(&gone).await;
        all_once(&fixture, &state, |got| has_left(got, &gone)).await;
        assert_eq!(whole(&fixture, &state, short).await, Some((" short, é".to_owned(), 0)));
        let kept = LogEntry::MOST_BYTES;
        assert_eq!(whole(&fixture, &state, long).await, Some(("d".repeat(kept), 100_000 - kept as u64)));
        let another = LogPlace { ordinal: short.ordinal + 1, ..short };
        assert_eq!(whole(&fixture, &state, another).await, None);
    });
}
