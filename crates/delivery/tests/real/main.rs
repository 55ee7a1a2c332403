//! The real buildah, registry, Helm and Kubernetes, as `cluster/` starts them. Where they are is told by the environment:
//! see [`surroundings`].

// Outside of `#[test]` functions the lint doesn't see that this is a test.
#![allow(clippy::unwrap_used)]

mod builds;
mod releases;
mod surroundings;
