//! The connection to one cluster, and the small things asked of it.

use crate::logs::{Hubs, ReadingThread};
use crate::objects::Discovered;
use crate::{ClusterState, Error, client::client, watch};
use fairway_domain::{Namespace, Timestamp};
use k8s_openapi::ByteString;
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Pod, Secret},
};
use kube::api::{Api, LogParams, Patch, PatchParams, Portforwarder};
use kube::config::{KubeConfigOptions, Kubeconfig};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::{future::Future, path::Path, sync::Arc, time::Duration};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

/// How long a request that should answer at once may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(15);
/// How long `/readyz` may take: as long as a busy API server needs now and then.
const READY_LIMIT: Duration = Duration::from_secs(5);

/// A Kubernetes cluster. Clones share the connection.
#[derive(Clone)]
pub struct Cluster {
    pub(crate) client: kube::Client,
    /// The same, except that each request has a connection of its own, made on the thread that asks. One that was kept would be served
    /// where it was first used.
    pub(crate) unpooled: kube::Client,
    pub(crate) discovered: Arc<Discovered>,
    pub(crate) hubs: Arc<Hubs>,
    pub(crate) reading: Arc<ReadingThread>,
}

impl Cluster {
    /// Reads the kubeconfig (without a path: the usual places, or the pod's own account) and its context. The cluster itself
    /// isn't asked, so this succeeds also while it is away.
    pub async fn connect(kubeconfig: Option<&Path>, context: Option<&str>) -> Result<Self, Error> {
        let mut config = configuration(kubeconfig, context).await?;
        config.connect_timeout = Some(Duration::from_secs(3));
        let (unpooled, client) = (client(config.clone(), 0)?, client(config, usize::MAX)?);
        let reading = Arc::new(ReadingThread::start());
        Ok(Self { client, unpooled, discovered: Arc::default(), hubs: Arc::default(), reading })
    }

    /// Starts watching `namespaces`, for as long as the returned state or a clone of it lives. Call it once per process.
    pub fn watch(&self, namespaces: &[Namespace]) -> ClusterState {
        watch::start(self, namespaces)
    }

    /// Whether the API server answers `/readyz` within five seconds.
    pub async fn ready(&self) -> bool {
        let Ok(request) = http_get("/readyz") else { return false };
        match tokio::time::timeout(READY_LIMIT, self.client.request_text(request)).await {
            Ok(Ok(_)) => true,
            // An API server that forbids the question has answered it.
            Ok(Err(kube::Error::Api(status))) => status.code < 500,
            _ => false,
        }
    }

    /// Replaces a Deployment's pods one by one, as `kubectl rollout restart` does.
    pub async fn restart(&self, ns: &Namespace, deployment: &str, at: Timestamp) -> Result<(), Error> {
        let annotation = serde_json::json!({ "kubectl.kubernetes.io/restartedAt": at.to_string() });
        let patch = serde_json::json!({
            "spec": { "template": { "metadata": { "annotations": annotation } } }
        });
        let deployments: Api<Deployment> = Api::namespaced(self.client.clone(), ns.as_str());
        let parameters = PatchParams { field_manager: Some("fairway".into()), ..PatchParams::default() };
        in_time(deployments.patch(deployment, &parameters, &Patch::Strategic(patch))).await?;
        Ok(())
    }

    /// A stream to `port` of a pod, as `kubectl port-forward` makes it.
    pub async fn port_forward(&self, ns: &Namespace, pod: &str, port: u16) -> Result<PodStream, Error> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), ns.as_str());
        let mut forwarder = in_time(pods.portforward(pod, &[port])).await?;
        let stream = forwarder
            .take_stream(port)
            .ok_or_else(|| Error::Answer(format!("no stream for port {port} of pod {pod}")))?;
        Ok(PodStream { stream, forwarder })
    }

    /// What a Secret holds. `None` if there is no such Secret.
    pub async fn secret(&self, ns: &Namespace, name: &str) -> Result<Option<SecretValues>, Error> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), ns.as_str());
        let secret = in_time(secrets.get_opt(name)).await?;
        Ok(secret.map(|secret| SecretValues { name: name.to_owned(), data: secret.data.unwrap_or_default() }))
    }

    /// The last `lines` lines of a container, or of the instance that ended before it. Empty if there is no such instance.
    pub async fn container_tail(
        &self,
        ns: &Namespace,
        pod: &str,
        container: &str,
        previous: bool,
        lines: i64,
    ) -> Result<Vec<String>, Error> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), ns.as_str());
        let parameters = LogParams {
            container: Some(container.into()),
            previous,
            tail_lines: Some(lines),
            timestamps: true,
            ..LogParams::default()
        };
        // What has no stamp is the kubelet's own word that the log is gone, not the container's.
        let written = |line: &str| {
            let (stamp, line) = line.split_once(' ')?;
            stamp.parse::<Timestamp>().is_ok().then(|| line.to_owned())
        };
        match in_time(pods.logs(pod, &parameters)).await {
            Ok(text) => Ok(text.lines().filter_map(written).collect()),
            // The pod is gone (404), or that instance never ran (400).
            Err(Error::Refused { code: 400 | 404, .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// What a Secret holds, not meant for logs.
pub struct SecretValues {
    name: String,
    data: BTreeMap<String, ByteString>,
}

impl SecretValues {
    /// One value, as text. `None` if the Secret has none of that key.
    pub fn text(&mut self, key: &str) -> Result<Option<String>, Error> {
        let value = self.data.remove(key).map(|value| String::from_utf8(value.0)).transpose();
        value.map_err(|_| Error::Answer(format!("key {key} of Secret {} isn't text", self.name)))
    }
}

async fn configuration(kubeconfig: Option<&Path>, context: Option<&str>) -> Result<kube::Config, Error> {
    let options = KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
    let unusable = |error: kube::config::KubeconfigError| Error::Kubeconfig(error.to_string());
    match (kubeconfig, context) {
        (Some(path), _) => {
            let file = Kubeconfig::read_from(path).map_err(unusable)?;
            kube::Config::from_custom_kubeconfig(file, &options).await.map_err(unusable)
        }
        (None, Some(_)) => kube::Config::from_kubeconfig(&options).await.map_err(unusable),
        (None, None) => kube::Config::infer().await.map_err(|error| Error::Kubeconfig(error.to_string())),
    }
}

pub(crate) fn http_get(path: &str) -> Result<http::Request<Vec<u8>>, Error> {
    http::Request::get(path).body(Vec::new()).map_err(|error| Error::Answer(error.to_string()))
}

/// The request's answer, or [`Error::Unreachable`] where none comes in time.
pub(crate) async fn in_time<T>(request: impl Future<Output = kube::Result<T>>) -> Result<T, Error> {
    match tokio::time::timeout(REQUEST_LIMIT, request).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Error::Unreachable(format!("no answer within {} s", REQUEST_LIMIT.as_secs()))),
    }
}

/// A byte stream to a port of a pod. Dropping it ends the forward.
pub struct PodStream {
    stream: DuplexStream,
    forwarder: Portforwarder,
}

impl Drop for PodStream {
    fn drop(&mut self) {
        self.forwarder.abort();
    }
}

impl AsyncRead for PodStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for PodStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
