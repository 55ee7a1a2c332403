//! What the use cases answer with, where one domain type isn't the whole answer.

use fairway_domain::{
    Activity, Build, Commit, Deploy, Environment, EnvironmentName, EnvironmentStatus, FieldError, Freshness,
    Job, KeyValue, ObjectDiff, ObjectReference, PurgeCount, RedisOverview, Risk, Service, ShellCommand,
    Timestamp,
};
use serde::Serialize;

/// How the cluster of an environment is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClusterStatus {
    /// Which environment.
    pub environment: EnvironmentName,
    /// Whether it answers.
    pub freshness: Freshness,
}

/// A service in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceSummary {
    /// The service.
    pub service: Service,
    /// How it is, an environment each, in the configuration's order.
    pub environments: Vec<EnvironmentStatus>,
    /// The newest deploy, if there was one.
    pub last_deploy: Option<Deploy>,
    /// The job that creates it, while it runs or after it failed.
    pub creation: Option<Job>,
}

/// A service, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceDetail {
    /// The service.
    pub service: Service,
    /// Where its repository is cloned from and pushed to.
    pub clone_url: String,
    /// The job that created it.
    pub creation: Option<Job>,
    /// How it is, an environment each, in the configuration's order.
    pub environments: Vec<EnvironmentDetail>,
    /// Newest first.
    pub builds: Vec<Build>,
    /// Newest first.
    pub deploys: Vec<Deploy>,
    /// Newest first.
    pub activity: Vec<Activity>,
}

/// A service in one environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EnvironmentDetail {
    /// The environment.
    pub environment: Environment,
    /// What the cluster says.
    pub status: EnvironmentStatus,
    /// The commit that the newest revision runs, if the repository has it.
    pub commit: Option<Commit>,
    /// The newest deploy that succeeded there.
    pub live: Option<Deploy>,
    /// The deploy that runs there now.
    pub running: Option<Deploy>,
    /// Whether its Redis can be purged, and why not.
    pub purge: Purgeability,
    /// The objects whose YAML can be shown.
    pub objects: Vec<ObjectReference>,
}

/// Whether a service's Redis can be purged in an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Purgeability {
    /// It can.
    Allowed,
    /// There is none.
    NoRedis,
    /// The environment isn't marked purgeable.
    NotPurgeable,
}

/// What given answers would create.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Preview {
    /// What is wrong with the answers, each at its field. With errors, files and manifests are those of the valid answers, the
    /// wrong ones being replaced by what the form offers at first.
    pub errors: Vec<FieldError>,
    /// The repository's first commit, by path.
    pub files: Vec<PreviewFile>,
    /// What the chart makes of them on the first environment.
    pub manifests: Vec<Manifest>,
    /// The names that will exist: what, and how it is called.
    pub names: Vec<(String, String)>,
}

/// A file of a preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PreviewFile {
    /// Path in the repository.
    pub path: String,
    /// Whether its mode is 0755.
    pub executable: bool,
    /// All of it.
    pub contents: String,
}

/// An object that the chart makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Manifest {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its YAML; a secret's values are hidden.
    pub yaml: String,
}

/// What a deploy would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeployPreview {
    /// Where.
    pub environment: Environment,
    /// What.
    pub build: Build,
    /// The deploy it would go back to, for a rollback.
    pub rollback_of: Option<Deploy>,
    /// What is live there, if anything.
    pub live: Option<Deploy>,
    /// The commits between what is live and what would be, newest first; those that would be taken away, for a step back.
    pub commits: Vec<Commit>,
    /// Whether the commits are taken away rather than added.
    pub backwards: bool,
    /// Object by object, changed ones first.
    pub objects: Vec<ObjectDiff>,
    /// What to read before agreeing.
    pub risks: Vec<Risk>,
    /// The deploy that holds the lock right now.
    pub held_by: Option<Deploy>,
    /// The command that does the same.
    pub command: ShellCommand,
}

/// A deploy, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeployDetail {
    /// The deploy.
    pub deploy: Deploy,
    /// The job that does it.
    pub job: Job,
    /// How the service is there now.
    pub status: EnvironmentStatus,
    /// The deploy that *Roll back* would go back to: the newest earlier one that succeeded.
    pub rollback_target: Option<Deploy>,
}

/// What a purge would remove.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PurgePreview {
    /// The exact count.
    pub count: PurgeCount,
    /// Whether the service's name has to be typed for it.
    pub needs_name: bool,
    /// The command that counts the same.
    pub count_command: ShellCommand,
    /// The command that removes them.
    pub command: ShellCommand,
}

/// A service's Redis at a glance.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RedisView {
    /// What was seen.
    #[serde(flatten)]
    pub overview: RedisOverview,
    /// When.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// Whether it can be purged, and why not.
    pub purge: Purgeability,
    /// The command that prints what the server says of itself.
    pub info_command: ShellCommand,
    /// The command that counts some keys by how their names begin.
    pub sample_command: ShellCommand,
}

/// One key of a service's Redis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RedisKeyView {
    /// The key, with a page of its value.
    #[serde(flatten)]
    pub key: KeyValue,
    /// The command that prints the first of its value.
    pub command: ShellCommand,
}
