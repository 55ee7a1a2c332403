//! A namespace of its own for each test, and services in it as the chart labels them.

use fairway_domain::{LogEntry, LogPosition, LogRequest, Namespace, ServiceName};
use fairway_kubernetes::k8s_openapi::api::core::v1::{Namespace as NamespaceObject, Pod};
use fairway_kubernetes::{Cluster, ClusterState, Keep, LogKeeping, Older, ServiceObjects};
use futures::{Stream, StreamExt, stream};
use kube::ResourceExt;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// The image that the tests' pods run.
const PYTHON: &str = "127.0.0.1:5000/base/python:3";
/// How long anything on the cluster may take. A token's file is read again after a minute.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running cluster and a namespace that only one test uses.
#[derive(Clone)]
pub(crate) struct Fixture {
    pub(crate) cluster: Cluster,
    pub(crate) client: kube::Client,
    pub(crate) namespace: Namespace,
}

pub(crate) fn kubeconfig() -> PathBuf {
    let path = std::env::var_os("FAIRWAY_TEST_KUBECONFIG");
    path.expect(
        "set FAIRWAY_TEST_KUBECONFIG to the kubeconfig of a running cluster: these tests ask a real one",
    )
    .into()
}

/// Runs a test in a namespace of its own, which goes whether or not it passes.
pub(crate) fn in_namespace<F>(test: impl FnOnce(Fixture) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let fixture = create().await;
        let outcome = tokio::spawn(test(fixture.clone())).await;
        let namespaces: Api<NamespaceObject> = Api::all(fixture.client.clone());
        let at_once = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::background() };
        namespaces.delete(fixture.namespace.as_str(), &at_once).await.unwrap();
        if let Err(error) = outcome {
            std::panic::resume_unwind(error.into_panic());
        }
    });
}

async fn create() -> Fixture {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("kubernetes-test-{}-{number}", std::process::id());
    let config = Kubeconfig::read_from(kubeconfig()).expect("FAIRWAY_TEST_KUBECONFIG has to be a kubeconfig");
    let config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
    let client = kube::Client::try_from(config).unwrap();
    let object = serde_json::from_value(json!({ "metadata": { "name": name } })).unwrap();
    let namespaces: Api<NamespaceObject> = Api::all(client.clone());
    namespaces.create(&PostParams::default(), &object).await.unwrap();
    let cluster = Cluster::connect(Some(&kubeconfig()), None).await.unwrap();
    Fixture { cluster, client, namespace: name.parse().unwrap() }
}

pub(crate) fn orders() -> ServiceName {
    "orders".parse().unwrap()
}

impl Fixture {
    pub(crate) fn watch(&self) -> ClusterState {
        self.cluster.watch(std::slice::from_ref(&self.namespace))
    }

    pub(crate) async fn apply(&self, manifest: Value) {
        let api = self.api(&manifest);
        let name = manifest["metadata"]["name"].as_str().unwrap();
        api.patch(name, &PatchParams::apply("test").force(), &Patch::Apply(&manifest)).await.unwrap();
    }

    fn api(&self, manifest: &Value) -> Api<DynamicObject> {
        let (version, kind) = (manifest["apiVersion"].as_str().unwrap(), manifest["kind"].as_str().unwrap());
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        let resource = ApiResource::from_gvk(&kube::core::GroupVersionKind::gvk(group, version, kind));
        Api::namespaced_with(self.client.clone(), self.namespace.as_str(), &resource)
    }

    /// A service whose container runs a Python program.
    pub(crate) async fn deploy(&self, replicas: u32, program: &str) {
        self.apply(deployment(replicas, program)).await;
    }

    pub(crate) fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), self.namespace.as_str())
    }

    pub(crate) async fn delete_pod(&self, name: &str) {
        self.pods().delete(name, &DeleteParams::default()).await.unwrap();
    }

    /// Waits until the API server no longer has a pod of this name.
    pub(crate) async fn until_gone(&self, name: &str) {
        let going = async {
            while self.pods().get_opt(name).await.unwrap().is_some() {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, going).await.is_ok(), "{name} doesn't go");
    }

    /// A pod that runs `program`, and whose log is kept in a folder.
    pub(crate) async fn kept_on_disk(&self, folder: &Path, program: &str) -> ClusterState {
        let state = self.watch();
        let age = Duration::from_secs(3600);
        let keeping = LogKeeping { folder: folder.to_owned(), bytes: 16 << 20, age };
        tokio::spawn(self.cluster.keep_logs(&state, keeping));
        self.deploy(1, program).await;
        self.until(&state, "a pod", |objects| names(objects).len() == 1).await;
        state
    }

    /// Waits until the watched state fulfils a condition.
    pub(crate) async fn until(
        &self,
        state: &ClusterState,
        what: &str,
        done: impl Fn(&ServiceObjects) -> bool,
    ) {
        let mut changed = state.changed();
        let waiting = async {
            while !done(&state.namespace(&self.namespace).service(&orders())) {
                changed.changed().await.unwrap();
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(in_time.is_ok(), "never came: {what}");
    }

    /// The texts of the lines themselves, until the log ends.
    pub(crate) async fn lines(&self, state: &ClusterState, request: LogRequest) -> Vec<String> {
        let line = async |(_, entry): (LogPosition, LogEntry)| entry.marker.is_none().then_some(entry.text);
        self.logs(state, request).filter_map(line).collect().await
    }

    pub(crate) fn logs(
        &self,
        state: &ClusterState,
        request: LogRequest,
    ) -> impl Stream<Item = (LogPosition, LogEntry)> + Send + use<> {
        self.logs_kept(state, request, |_| true)
    }

    pub(crate) fn logs_kept(
        &self,
        state: &ClusterState,
        request: LogRequest,
        keep: fn(&LogEntry) -> bool,
    ) -> impl Stream<Item = (LogPosition, LogEntry)> + Send + use<> {
        self.logs_as(state, request, Arc::new(move |entry| keep(&entry).then(|| (Vec::new(), entry))), None)
    }

    pub(crate) fn logs_as(
        &self,
        state: &ClusterState,
        request: LogRequest,
        keep: Keep,
        older: Option<Older>,
    ) -> impl Stream<Item = (LogPosition, LogEntry)> + Send + use<> {
        let chunks = self.cluster.logs(state, &self.namespace, &orders(), request, keep, older);
        chunks.flat_map(|lines| stream::iter(lines.unwrap()))
    }
}

/// As the chart makes it, as far as this crate looks at it.
pub(crate) fn deployment(replicas: u32, program: &str) -> Value {
    let labels = json!({ "app.kubernetes.io/name": "orders", "app.kubernetes.io/component": "service" });
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": "orders", "labels": labels },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": {
                    "terminationGracePeriodSeconds": 2,
                    "containers": [{ "name": "app", "image": PYTHON, "command": ["python3", "-u", "-c", program] }]
                }
            }
        }
    })
}

pub(crate) fn running(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_none()
        && pod.status.iter().flat_map(|s| s.container_statuses.iter().flatten()).any(|s| s.ready)
}

pub(crate) fn names(objects: &ServiceObjects) -> Vec<String> {
    objects.pods.iter().filter(|pod| running(pod)).map(|pod| pod.name_any()).collect()
}

/// Takes from a stream until an item fulfils the condition; that one included.
pub(crate) async fn take_until<T>(
    stream: &mut (impl Stream<Item = T> + Unpin),
    done: impl Fn(&[T]) -> bool,
) -> Vec<T> {
    let mut taken = Vec::new();
    let taking = async {
        while !done(&taken) {
            taken.push(stream.next().await.expect("the stream goes on"));
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, taking).await.is_ok();
    assert!(in_time, "waited in vain after {} items", taken.len());
    taken
}
