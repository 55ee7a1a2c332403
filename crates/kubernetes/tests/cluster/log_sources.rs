//! Everything that a service's pods say: all their containers, whatever becomes of them.

use crate::fixture::{deployment, in_namespace, take_until};
use fairway_domain::{LogEntry, LogMarker, LogPosition, LogRequest};
use futures::StreamExt;
use serde_json::json;

fn follow_all() -> LogRequest {
    LogRequest { since: Some(3600), follow: true, ..LogRequest::default() }
}

/// The lines of a container, and how it ended.
fn of<'a>(got: &'a [(LogPosition, LogEntry)], container: &str) -> Vec<&'a str> {
    let shown = |entry: &&LogEntry| matches!(entry.marker, None | Some(LogMarker::Ended));
    got.iter()
        .map(|(_, entry)| entry)
        .filter(shown)
        .filter(|entry| entry.container == container)
        .map(|entry| &*entry.text)
        .collect()
}

#[test]
fn all_containers_of_a_pod_are_read_those_that_run_first_too_and_each_says_its_revision() {
    in_namespace(|fixture| async move {
        let state = fixture.watch();
        let mut manifest = deployment(1, "import time; print('serving', flush=True); time.sleep(3600)");
        let spec = &mut manifest["spec"]["template"]["spec"];
        let image = spec["containers"][0]["image"].clone();
        let container = |name: &str, program: &str| json!({ "name": name, "image": image, "command": ["python3", "-u", "-c", program] });
        spec["initContainers"] = json!([container("migrate", "print('one'); print('two')")]);
        let sidecar = container("proxy", "import time; print('listening', flush=True); time.sleep(3600)");
        spec["containers"].as_array_mut().unwrap().push(sidecar);
        fixture.apply(manifest).await;

        let mut stream = Box::pin(fixture.logs(&state, follow_all()));
        let all_spoke = |got: &[(LogPosition, LogEntry)]| {
            !of(got, "app").is_empty() && !of(got, "proxy").is_empty() && of(got, "migrate").len() == 3
        };
        let got = take_until(&mut stream, all_spoke).await;
        assert_eq!(of(&got, "migrate"), ["one", "two", "exited with code 0 (Completed)"]);
        assert_eq!(of(&got, "app"), ["serving"]);
        assert_eq!(of(&got, "proxy"), ["listening"]);
        let lines = got.iter().filter(|(_, entry)| entry.marker.is_none());
        assert!(lines.clone().all(|(_, entry)| entry.revision == Some(1)), "{got:?}");

        // Who resumes in the middle gets the rest of each container, once.
        let all: Vec<_> = fixture.logs(&state, LogRequest::default()).collect().await;
        for cut in 0..all.len() {
            let after = LogRequest { after: Some(all[cut].0.clone()), ..LogRequest::default() };
            let rest: Vec<_> = fixture.logs(&state, after).map(|(_, entry)| entry.text).collect().await;
            let expected: Vec<_> = all[cut + 1..].iter().map(|(_, entry)| entry.text.clone()).collect();
            assert_eq!(rest, expected, "after entry {cut}");
        }
    });
}
