//! The watched state follows the cluster, and says how old it is when it can't.

use crate::fixture::{Fixture, in_namespace, names, orders};
use crate::proxy::{Proxy, through_proxy};
use fairway_domain::{Freshness, LogEntry, LogMarker, LogPosition, LogRequest, Timestamp};
use fairway_kubernetes::ClusterState;
use futures::StreamExt;
use kube::ResourceExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

const NUMBERS: &str =
    "import itertools, time\nfor n in itertools.count(): print(n, flush=True); time.sleep(0.02)";

#[test]
fn a_service_appears_with_its_objects_newest_revision_first() {
    in_namespace(|fixture| async move {
        let state = fixture.watch();
        fixture.deploy(1, "import time; time.sleep(3600)").await;
        fixture.until(&state, "a pod", |objects| names(objects).len() == 1).await;
        fixture.deploy(1, "import time; time.sleep(7200)").await;
        fixture.until(&state, "a second revision", |objects| objects.replica_sets.len() == 2).await;
        let now = state.namespace(&fixture.namespace);
        assert_eq!(now.freshness, Freshness::Live);
        let objects = now.service(&orders());
        let revision = |index: usize| {
            objects.replica_sets[index].annotations()["deployment.kubernetes.io/revision"].clone()
        };
        assert_eq!([revision(0), revision(1)], ["2", "1"]);
        fixture
            .until(&state, "its events", |objects| {
                objects.events.iter().any(|e| e.reason.as_deref() == Some("Pulled"))
            })
            .await;
    });
}

async fn until_freshness(
    state: &ClusterState,
    fixture: &Fixture,
    done: impl Fn(Freshness) -> bool,
) -> Duration {
    let began = Instant::now();
    let mut changed = state.changed();
    while !done(state.namespace(&fixture.namespace).freshness) {
        let waited = tokio::time::timeout(Duration::from_secs(20), changed.changed()).await;
        assert!(waited.is_ok(), "stays {:?}", state.namespace(&fixture.namespace).freshness);
    }
    began.elapsed()
}

fn unknown(freshness: Freshness) -> bool {
    matches!(freshness, Freshness::UnknownSince(_))
}

async fn goes_and_comes_back(fixture: Fixture, lose: impl Fn(&Proxy)) {
    let (proxy, through) = through_proxy(&fixture).await;
    let state = through.watch();
    fixture.deploy(2, NUMBERS).await;
    through.until(&state, "two pods", |objects| names(objects).len() == 2).await;
    until_freshness(&state, &fixture, |freshness| freshness == Freshness::Live).await;
    let request = LogRequest { since: Some(3600), follow: true, ..LogRequest::default() };
    let mut logs = Box::pin(through.logs(&state, request));
    let mut lines = crate::fixture::take_until(&mut logs, |got| got.len() > 100).await;

    let before = Timestamp::now();
    lose(&proxy);
    let noticed = until_freshness(&state, &fixture, unknown).await;
    assert!(noticed < Duration::from_secs(12), "noticed after {noticed:?}");
    let away = state.namespace(&fixture.namespace);
    let Freshness::UnknownSince(since) = away.freshness else { panic!("{:?}", away.freshness) };
    // The last answer may still have been on its way.
    let apart = before.duration_since(since).abs();
    assert!(apart.as_secs() < 3, "known good until {since}, lost at {before}");
    assert!(!through.cluster.ready().await);

    // What happens meanwhile is seen afterwards; what was known stays until then.
    let pods = names(&away.service(&orders()));
    fixture.delete_pod(&pods[0]).await;
    fixture.until_gone(&pods[0]).await;
    assert_eq!(names(&state.namespace(&fixture.namespace).service(&orders())), pods);

    proxy.open();
    let back = until_freshness(&state, &fixture, |freshness| freshness == Freshness::Live).await;
    assert!(back < Duration::from_secs(15), "back after {back:?}");
    let now: Vec<String> = state
        .namespace(&fixture.namespace)
        .service(&orders())
        .pods
        .iter()
        .map(|pod| pod.name_any())
        .collect();
    assert!(!now.contains(&pods[0]), "a pod deleted meanwhile is gone: {now:?}");
    through.until(&state, "two pods again", |objects| names(objects).len() == 2).await;

    // The log goes on by itself, for the pod that stayed without a line lost or repeated.
    let stayed = &pods[1];
    let held = lines.len();
    let caught_up = |got: &[(LogPosition, LogEntry)]| {
        let left = got.iter().any(|(_, e)| *e.pod == *pods[0] && e.marker == Some(LogMarker::Left));
        left && got.iter().filter(|(_, entry)| *entry.pod == **stayed).count() > 400 && got.len() + held > 500
    };
    lines.extend(crate::fixture::take_until(&mut logs, caught_up).await);
    let gone = lines.iter().map(|(_, entry)| entry).filter(|entry| *entry.pod == *pods[0]);
    let told: Vec<_> =
        gone.filter_map(|entry| entry.marker).filter(|marker| *marker != LogMarker::Event).collect();
    assert!(
        told.ends_with(&[LogMarker::Gap, LogMarker::Left]),
        "its end was not read, and that is told: {told:?}"
    );
    let of_stayed = lines.iter().filter(|(_, entry)| *entry.pod == **stayed && entry.marker.is_none());
    let wrong = of_stayed.enumerate().find(|(index, (_, entry))| index.to_string() != entry.text);
    assert!(wrong.is_none(), "{wrong:?}");
    drop(logs.next());
}

#[test]
fn a_cluster_that_is_cut_off_is_unknown_and_comes_back_with_what_happened_meanwhile() {
    in_namespace(|fixture| goes_and_comes_back(fixture, Proxy::cut));
}

#[test]
fn a_connection_that_dies_silently_is_noticed_too() {
    in_namespace(|fixture| goes_and_comes_back(fixture, Proxy::silence));
}

#[test]
fn a_cluster_that_was_never_there_is_never_seen_and_its_logs_say_so() {
    in_namespace(|fixture| async move {
        let (proxy, through) = through_proxy(&fixture).await;
        proxy.cut();
        let state = through.watch();
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(state.namespace(&fixture.namespace).freshness, Freshness::NeverSeen);
        let mut logs = Box::pin(through.cluster.logs(
            &state,
            &fixture.namespace,
            &orders(),
            LogRequest::default(),
            Arc::new(|entry| Some((Vec::new(), entry))),
            None,
        ));
        assert!(matches!(logs.next().await, Some(Err(error)) if error.is_transient()));
        proxy.open();
        until_freshness(&state, &fixture, |freshness| freshness == Freshness::Live).await;
    });
}
