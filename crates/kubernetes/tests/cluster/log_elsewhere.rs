//! Lines that somebody outside of the cluster keeps: what the cluster and the disk have comes from there, and only the rest from outside.

use crate::fixture::{Fixture, deployment, in_namespace, take_until};
use crate::log_rotation::{QUICK, gaps, number, rotate};
use crate::logs::{Got, follow_all};
use fairway_domain::{LogRequest, StoredLine};
use fairway_kubernetes::{Ask, ClusterState, Older};
use futures::StreamExt;
use serde_json::json;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// A store that has these lines.
fn store(lines: Vec<StoredLine>) -> Older {
    let ask: Ask = Arc::new(move |stretch| {
        let inside = |line: &&StoredLine| (stretch.from..stretch.until).contains(&line.nanos);
        let found: Vec<_> = lines.iter().filter(inside).cloned().map(Ok).collect();
        futures::stream::iter(found).boxed()
    });
    Older { ask, reach: Duration::from_hours(1) }
}

/// What somebody reads who comes now and asks for everything of the last hour.
async fn read(fixture: &Fixture, state: &ClusterState, older: Older) -> Got {
    let request = LogRequest { since: Some(3600), ..LogRequest::default() };
    fixture.logs_as(state, request, Arc::new(|entry| Some((Vec::new(), entry))), Some(older)).collect().await
}

fn numbers(got: &Got) -> Vec<u64> {
    got.iter().filter_map(|(_, entry)| number(entry)).collect()
}

#[test]
fn what_was_rotated_away_is_read_from_the_disk_while_a_store_of_older_lines_is_away() {
    in_namespace(|fixture| async move {
        let folder = tempfile::tempdir().unwrap();
        let state = fixture.kept_on_disk(folder.path(), QUICK).await;
        let mut stream = pin!(fixture.logs(&state, follow_all()));
        let mut live: Got = take_until(&mut stream, |got| got.len() > 300).await;
        rotate(&fixture, &state, 0).await;
        live.extend(take_until(&mut stream, |got| got.len() > 900).await);
        let away: Ask = Arc::new(|_| futures::stream::iter([Err("It doesn't answer.".into())]).boxed());
        let got = read(&fixture, &state, Older { ask: away, reach: Duration::from_hours(1) }).await;
        let (of_live, all) = (numbers(&live), numbers(&got));
        assert_eq!(all[0], 0);
        assert!(all[..of_live.len()] == of_live, "the disk has what was rotated away");
        assert!(gaps(&got).any(|why| why == "It doesn't answer."), "{:?}", gaps(&got).collect::<Vec<_>>());
    });
}

/// A first run that ends after a hundred lines, and a second one that goes on from 1000.
const TWICE: &str = r#"
import itertools, os, sys, time
first = not os.path.exists("/shared/ran")
open("/shared/ran", "w").close()
for n in itertools.count(0 if first else 1000):
    os.write(1, b"%d %s\n" % (n, b"x" * 300))
    if n == 99: sys.exit(1)
    time.sleep(0.004)
"#;

#[test]
fn what_the_present_log_of_a_restarted_container_lost_comes_from_the_store() {
    in_namespace(|fixture| async move {
        let state = fixture.watch();
        let mut manifest = deployment(1, TWICE);
        let spec = &mut manifest["spec"]["template"]["spec"];
        spec["volumes"] = json!([{ "name": "shared", "emptyDir": {} }]);
        spec["containers"][0]["volumeMounts"] = json!([{ "name": "shared", "mountPath": "/shared" }]);
        fixture.apply(manifest).await;
        let mut stream = pin!(fixture.logs(&state, follow_all()));
        let mut live: Got = take_until(&mut stream, |got| {
            got.iter().filter_map(|(_, entry)| number(entry)).any(|number| number > 1200)
        })
        .await;
        rotate(&fixture, &state, 0).await;
        live.extend(take_until(&mut stream, |got| got.len() > 300).await);
        let stored = live.iter().filter_map(|(_, entry)| {
            Some(StoredLine {
                nanos: entry.place?.nanos,
                grain: 1,
                pod: entry.pod.to_string(),
                container: entry.container.to_string(),
                uid: None,
                restart: 0,
                text: entry.text.clone(),
                bytes: entry.bytes,
            })
        });
        let got = read(&fixture, &state, store(stored.collect())).await;
        let (of_live, all) = (numbers(&live), numbers(&got));
        assert_eq!(of_live[..101], (0..100).chain([1000]).collect::<Vec<_>>());
        assert!(all[..of_live.len()] == of_live, "each line of both runs once");
        assert_eq!(gaps(&got).collect::<Vec<_>>(), Vec::<&str>::new());
    });
}
