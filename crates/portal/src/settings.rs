//! What a portal is told at its start.

use crate::{
    BaseImages, BuilderSettings, HelmSettings, HistorySettings, LogKeeping, Masks, PurgeSettings,
    RedisOfService, Secrets,
};
use fairway_domain::{Environment, EnvironmentName};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where everything is that a portal works with. The server makes it from the configuration, already checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where people reach Fairway, without a slash at the end: `http://127.0.0.1:3000`.
    pub public_url: String,
    /// The folder of repositories and caches.
    pub data: PathBuf,
    /// `sqlite:` or `postgres:`.
    pub database_url: String,
    /// The kubeconfig; the usual places if none is named.
    pub kubeconfig: Option<PathBuf>,
    /// The kubeconfig's context; its current one if none is named.
    pub context: Option<String>,
    /// Where services run. The first is where new ones go. Never empty.
    pub environments: Vec<Environment>,
    /// The registry, as images name it: `127.0.0.1:5000`.
    pub registry: String,
    /// Whether it speaks plain HTTP.
    pub registry_plain_http: bool,
    /// What images are built from.
    pub base_images: BaseImages,
    /// The image of the Redis that the chart gives a service.
    pub redis_image: String,
    /// How images are built.
    pub builder: BuilderSettings,
    /// How Helm is run.
    pub helm: HelmSettings,
    /// What is hidden in the lines of services.
    pub redact: Masks,
    /// What is hidden in the values of their keys.
    pub secrets: Secrets,
    /// How log lines are kept beyond the life of their pods, if they are.
    pub log_keeping: Option<LogKeeping>,
    /// Redis that the chart doesn't bring.
    pub redis: Vec<RedisOfService>,
    /// How purges are done.
    pub purge: PurgeSettings,
    /// Where the older log lines of environments are, if anywhere.
    pub histories: BTreeMap<EnvironmentName, HistorySettings>,
    /// The program that a repository's hook runs: Fairway itself.
    pub hook_program: PathBuf,
}
