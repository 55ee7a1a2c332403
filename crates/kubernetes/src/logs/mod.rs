//! A service's log: the lines of all containers of its pods in one order, live, and resumable at any line.
//!
//! A reader first gets what has been written (read from the kubelet for this reader alone, bounded by what they asked for), then
//! what comes (from the hub that all readers of the service share). Each line has a place that is the same however often it is
//! read, so the two may overlap: a reader's position says which lines they have had.

mod account;
mod events;
mod follow;
mod gap;
mod had;
mod hub;
mod instances;
mod keep;
mod kept;
mod line;
mod merge;
mod older;
mod position;
mod range;
mod read;
mod rotated;
mod rotation;
mod seam;
mod tail;
mod taken;
mod thread;
mod viewer;
mod whole;
mod written;

pub(crate) use hub::Hubs;
pub use kept::LogKeeping;
pub use older::{Ask, Older};
pub(crate) use thread::ReadingThread;
pub use whole::LineText;

use crate::{Cluster, ClusterState, Error};
use fairway_domain::{LogEntry, LogPosition, LogRequest, Namespace, ServiceName};
use futures::Stream;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use line::{Origin, Source, SourceId};
use std::sync::Arc;
use std::time::Duration;

/// How long the cluster's first answer is waited for, where an answer can be given without it.
const FIRST_ANSWER: Duration = Duration::from_secs(3);

/// Reads an entry; answers with it if a reader is given it, changed as they are to see it, and with those of the same container that they are
/// only given because of it, oldest first. It is asked of the entries of each container in their order.
pub type Keep = Arc<dyn Fn(LogEntry) -> Option<(Vec<LogEntry>, LogEntry)> + Send + Sync>;

impl Cluster {
    /// The lines of a service's pods that `keep` keeps, those that come at once together, each with the position right after it: give that
    /// back in [`LogRequest::after`] to go on exactly there, in this process or a later one.
    ///
    /// Without `follow`, or with `until` or `head`, the stream ends and is in the exact order of the kubelets' timestamps, but for what
    /// `keep` gives with a later line. With it, lines of different pods
    /// that come within 300 ms are put in order, pods that join are read from their beginning, and what breaks is opened again;
    /// without `since`, `from`, `tail` and `after`, it begins 500 lines back. `tail` counts the lines that are kept; where the request
    /// has no filter, `keep` has to keep all lines. How a
    /// container ended, pods that join and leave, what Kubernetes reports of the service's objects, and where lines may be missing
    /// are entries of their own, which `tail` doesn't count. A line that comes
    /// after one with a later time is marked as late; a report has a time of Kubernetes' own, and stands where it came.
    ///
    /// Lines that neither the cluster nor the disk has any more come from `older`, each once, as far back as the request says: without
    /// any bound there are none of them, and with `follow` only after a beginning. Where they couldn't be had, there is a gap that
    /// says why.
    pub fn logs(
        &self,
        state: &ClusterState,
        ns: &Namespace,
        service: &ServiceName,
        request: LogRequest,
        keep: Keep,
        older: Option<Older>,
    ) -> impl Stream<Item = Result<Vec<(LogPosition, LogEntry)>, Error>> + Send + 'static + use<> {
        viewer::Viewer::new(self.clone(), state.clone(), ns.clone(), service.clone(), request, keep)
            .with_older(older)
            .chunks()
    }
}

/// The containers of a service's pods whose logs can be read, as far as known.
fn sources(state: &ClusterState, ns: &Namespace, service: &ServiceName) -> Vec<Source> {
    let objects = state.namespace(ns).service(service);
    let mut sources = Vec::new();
    for pod in &objects.pods {
        let Some(uid) = pod.uid() else { continue };
        let uid: Arc<str> = uid.into();
        let revision = objects.revision_of(pod);
        let made = pod.creation_timestamp().and_then(|time| i64::try_from(time.0.as_nanosecond()).ok());
        let speaker =
            pod.spec.as_ref().and_then(|spec| spec.containers.first()).map(|container| &*container.name);
        sources.extend(containers(pod).map(|container| Source {
            id: SourceId::of(&uid, container),
            namespace: ns.clone(),
            uid: uid.clone(),
            made: made.filter(|_| speaker == Some(container)),
            origin: Arc::new(Origin { pod: pod.name_any().into(), container: container.into(), revision }),
        }));
    }
    sources
}

/// The names of a pod's containers: those that run once before the others, the others, and those added to look into it.
fn containers(pod: &Pod) -> impl Iterator<Item = &str> {
    let spec = pod.spec.as_ref();
    let initial = spec.and_then(|spec| spec.init_containers.as_ref()).into_iter().flatten();
    let ordinary = spec.into_iter().flat_map(|spec| &spec.containers);
    let ephemeral = spec.and_then(|spec| spec.ephemeral_containers.as_ref()).into_iter().flatten();
    let names = initial.chain(ordinary).map(|container| &*container.name);
    names.chain(ephemeral.map(|container| &*container.name))
}
