//! The live state of a Kubernetes cluster, its logs, and the few things that Fairway asks of it.
//!
//! One watch per kind and namespace feeds a pure index; everything shown is a snapshot of that index with its freshness.
//! One log stream per container is opened, however many people read it, and a reader can resume it at any line.
//! Nothing here knows of deploys, jobs or pages. Install a rustls crypto provider before connecting.

mod client;
mod cluster;
mod error;
mod index;
mod logs;
mod objects;
mod watch;

pub use cluster::{Cluster, PodStream, SecretValues};
pub use error::Error;
pub use index::{NamespaceState, ServiceObjects};
pub use logs::{Ask, Keep, LineText, LogKeeping, Older};
pub use objects::DryRun;
pub use watch::ClusterState;

/// The Kubernetes types that this crate hands out.
pub use k8s_openapi;
