//! The real buildah, registry, Helm and Kubernetes, as `cluster/` starts them. Where they are is told by the environment:
//! see [`surroundings`].

mod builds;
mod releases;
mod surroundings;
