//! The use cases: everything that an actor can ask Fairway for, each one method of [`Portal`].
//!
//! Pages, the REST API and the git endpoint all end here. A method checks what was asked, records the activity, takes the lock where
//! one is needed, calls the adapters and answers with a domain type. Long work is a job: [`worker`] runs its [`steps`], each
//! idempotent, and goes on after a kill where the record says it stopped.

mod activity;
mod create;
mod deploys;
mod error;
mod git;
mod idempotency;
mod jobs;
mod logs;
mod portal;
mod purges;
mod reading;
mod redis;
mod redis_kinship;
mod redis_view;
mod refusal;
mod schedules;
mod secrets;
mod services;
mod settings;
mod status;
mod steps;
mod views;
mod worker;

pub use activity::ActivityFilter;
pub use deploys::{DeployOrder, DeployTarget};
pub use error::Error;
pub use fairway_delivery::{BuilderSettings, HelmSettings};
pub use fairway_history::{
    AwsKey, CloudWatchSettings, HistoryKind, HistorySettings, LokiCredentials, LokiSettings, Template,
};
pub use fairway_kubernetes::LogKeeping;
pub use fairway_lines::{Equivalent, Filter, FilterError, Line, Masks, Style, styled};
pub use fairway_purge::Pace;
pub use fairway_scaffold::{BaseImages, GitRequest, GitResponse};
pub use fairway_store::{Remembered, Reservation, StoredResponse};
pub use git::check_push;
pub use logs::{LogCommands, LogLineStream, LogStatusStream, LogStream};
pub use portal::Portal;
pub use purges::{PurgeOrder, PurgeSettings};
pub use redis::RedisOfService;
pub use refusal::{Answer, Refusal};
pub use secrets::Secrets;
pub use settings::Settings;
pub use views::{
    ClusterStatus, DeployDetail, DeployPreview, EnvironmentDetail, Manifest, Preview, PreviewFile,
    PurgePreview, Purgeability, RedisKeyView, RedisView, ServiceDetail, ServiceSummary,
};
