//! Brings commits to environments: images (buildah), the registry, releases (Helm) and what a release would change.
//!
//! Everything that is run is what a person would run, and can be shown as that. Everything is safe to repeat and to interrupt:
//! a commit is built once, a deploy is released once. This crate opens no connection to Kubernetes; Helm does.

mod builder;
mod chart;
mod difference;
mod error;
mod helm;
mod manifest;
mod mark;
mod process;
mod registry;
mod release;
mod risk;
mod yaml;

pub use builder::{Builder, BuilderSettings};
pub use difference::{diff, differences, same_object};
pub use error::Error;
pub use helm::{Helm, HelmSettings, Release, Revision};
pub use manifest::{split_manifest, yaml};
pub use registry::Registry;
pub use risk::risks;
