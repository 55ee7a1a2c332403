//! Fairway's words as types: services, environments, builds, deploys, jobs, findings and what a person may ask.
//!
//! No I/O and no async here; the crate compiles to WebAssembly. A value that breaks a rule can't be built: each type parses at
//! the edge (`FromStr`, `TryFrom<String>`, serde) and its error is a sentence that a person can act on.

mod activity;
mod build;
mod command;
mod deploy;
mod environment;
mod finding;
mod job;
mod key_value;
mod keys;
mod keyspace;
mod log;
mod log_history;
mod log_place;
mod names;
mod number;
mod parameters;
mod purge;
mod redis;
mod schedule;
mod service;

pub use activity::{Action, Activity, Actor, Outcome};
pub use build::{Build, BuildId, BuildState, Commit, CommitSha, ImageDigest, ImageReference};
pub use command::ShellCommand;
pub use deploy::{Change, Deploy, DeployId, DeployNumber, DeployState, DiffLine, ObjectDiff, Risk};
pub use environment::{Environment, EnvironmentPolicy, Freshness};
pub use finding::{Cause, Evidence, Finding, ObjectReference};
pub use job::{Job, JobEvent, JobEventKind, JobId, JobKind, JobState, Step, StepName, StepState};
pub use key_value::{KeyElement, KeyPosition, KeyValue, ShownBytes, whole_characters};
pub use keys::{IdleTime, KeyName, KeyPattern, KeyPrefix, KeyType};
pub use keyspace::{
    Expiry, ExpiryShare, KeySample, KeyShare, KeyUsage, PrefixShare, RedisDatabase, RedisOverview,
    RedisServer, SampledKey, TypeShare,
};
pub use log::{Level, LogEntry, LogFilter, LogGap, LogMarker, LogPosition, LogRequest, LogStatus};
pub use log_history::{LogHistory, StoredLine, Stretch};
pub use log_place::{LogMoment, LogPlace, push_hex};
pub use names::{
    EnvironmentName, Invalid, Namespace, SERVICE_NAME_LIMIT, ServiceName, TeamName, VariableName,
};
pub use number::grouped;
pub use parameters::{
    Components, Field, FieldError, Parameters, ParametersDraft, Port, Replicas, Runtime, Variable,
};
pub use purge::{
    KeyFilter, KeyMemory, KeyNames, NodeCount, Purge, PurgeCount, PurgeCounts, PurgeReason, PurgeSelection,
    RedisRunId,
};
pub use redis::{NamedRedis, RedisAddress, RedisTopology, SecretName};
pub use schedule::{PurgeSchedule, ScheduleId, TimeOfDay};
pub use service::{EnvironmentStatus, Health, PodStatus, Service};

/// An instant; serialized as RFC 3339 in UTC.
pub use jiff::Timestamp;
