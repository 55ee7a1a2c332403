//! A service's log: the lines of all its pods in one order, live, and resumable at any line.
//!
//! A reader first gets what has been written (read from the kubelet for this reader alone, bounded by what they asked for), then
//! what comes (from the hub that all readers of the service share). Each line has a place that is the same however often it is
//! read, so the two may overlap: a reader's position says which lines they have had.

mod follow;
mod hub;
mod instances;
mod line;
mod merge;
mod position;
mod read;
mod viewer;

pub(crate) use hub::Hubs;

use crate::{Cluster, ClusterState, Error};
use fairway_domain::{LogEntry, LogPosition, LogRequest, Namespace, ServiceName};
use futures::Stream;
use kube::ResourceExt;
use line::{Source, SourceId};

impl Cluster {
    /// The lines of a service's pods, each with the position right after it: give that back in [`LogRequest::after`] to go on
    /// exactly there, in this process or a later one.
    ///
    /// Without `follow`, the stream ends and is in the exact order of the kubelets' timestamps. With it, lines of different pods
    /// that come within 300 ms are put in order, pods that join are read from their beginning, and what breaks is opened again;
    /// without `since`, `tail` and `after`, it begins 500 lines back. `tail` counts the lines that match `contains`. How a
    /// container ended, and where lines may be missing, are entries of their own, which `contains` never hides.
    pub fn logs(
        &self,
        state: &ClusterState,
        ns: &Namespace,
        service: &ServiceName,
        request: LogRequest,
    ) -> impl Stream<Item = Result<(LogPosition, LogEntry), Error>> + Send + 'static + use<> {
        viewer::Viewer::new(self.clone(), state.clone(), ns.clone(), service.clone(), request).entries()
    }
}

/// The pods of a service whose logs can be read, as far as known.
fn sources(state: &ClusterState, ns: &Namespace, service: &ServiceName) -> Vec<Source> {
    let pods = state.namespace(ns).service(service).pods;
    let source = |pod: &k8s_openapi::api::core::v1::Pod| {
        let uid = pod.uid()?;
        Some(Source {
            id: SourceId::of(&uid),
            namespace: ns.clone(),
            pod: pod.name_any().into(),
            uid: uid.into(),
        })
    };
    pods.iter().filter_map(|pod| source(pod)).collect()
}
