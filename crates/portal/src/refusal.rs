//! An answer that isn't what was asked for, and isn't an error either.

use fairway_domain::{
    Build, BuildId, Deploy, DeployNumber, EnvironmentName, FieldError, Freshness, Job, JobId, KeyName,
    LogFilter, LogRequest, Purge, PurgeCount, ScheduleId, SecretName, ServiceName,
};
use fairway_lines::FilterError;
use std::fmt;

/// What a use case answers: what was asked for, or why not. Nothing was changed by a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<T> {
    /// As asked.
    Done(T),
    /// Not so; why.
    Refused(Refusal),
}

/// What was answered; a refusal becomes the whole answer: `?` for an [`Answer`].
macro_rules! done {
    ($answer:expr) => {
        match $answer {
            $crate::Answer::Done(value) => value,
            $crate::Answer::Refused(refusal) => return Ok($crate::Answer::Refused(refusal)),
        }
    };
}
pub(crate) use done;

/// Why something isn't done. Its `Display` is the sentence for the person; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such service.
    NoSuchService(ServiceName),
    /// The configuration names no such environment.
    NoSuchEnvironment(EnvironmentName),
    /// The service has no such build.
    NoSuchBuild(BuildId),
    /// The service has no such deploy.
    NoSuchDeploy(DeployNumber),
    /// There is no such job.
    NoSuchJob(JobId),
    /// There is no such schedule, or no longer.
    NoSuchSchedule(ScheduleId),
    /// Somebody else has begun or removed what was scheduled.
    NotDue,
    /// The service has no such object there.
    NoSuchObject(String),
    /// The cluster doesn't have that log line, or no longer.
    NoSuchLine,
    /// The answers don't hold; every field at once.
    Invalid(Vec<FieldError>),
    /// The filter of log lines isn't understood; where and why.
    WrongFilter(LogFilter, FilterError),
    /// So many of a log's last lines are more than can be asked for.
    TooManyLast(u32),
    /// The build has no image: it is still being made, or failed.
    NoImage(Box<Build>),
    /// Somebody else's deploy of the same service runs there; one at a time.
    Held(Box<Deploy>),
    /// A newer deploy came after the one that is to be retried.
    Superseded(Box<Deploy>),
    /// The job didn't fail, so there is nothing to retry.
    NotFailed(Box<Job>),
    /// The service isn't deployed there.
    NotDeployed(ServiceName, EnvironmentName),
    /// The environment isn't marked purgeable.
    NotPurgeable(EnvironmentName),
    /// The service declares no Redis.
    NoRedis(ServiceName, EnvironmentName),
    /// The service's Redis has no pod that runs.
    RedisNotRunning(ServiceName, EnvironmentName),
    /// Its Redis has no such key, or no longer.
    NoSuchKey(KeyName),
    /// The service has the very same Redis in the other environment.
    SharedRedis(EnvironmentName, EnvironmentName),
    /// The service's Redis can't be logged in to: the Secret that the chart makes for it has no password.
    NoPassword(ServiceName, EnvironmentName),
    /// The Secret that the configuration names for a Redis isn't in the environment's namespace.
    NoSecret(SecretName, EnvironmentName),
    /// Whether the Redis is the other environment's isn't known: what this service has there can't be asked, or without one, what runs
    /// there isn't known.
    PerhapsShared(EnvironmentName, Option<ServiceName>, EnvironmentName),
    /// Another purge of the same Redis runs; one at a time.
    PurgeHeld(Box<Purge>),
    /// A purge as large as that needs the service's name typed.
    NameNeeded(ServiceName),
    /// A purge needs a reason.
    ReasonNeeded,
    /// The job has ended, so there is nothing to stop.
    NotRunning(Box<Job>),
    /// A job of this kind goes on to its end.
    NotStoppable(Box<Job>),
    /// More keys match by now than were agreed to.
    CountChanged {
        /// How many the person agreed to.
        expected: u64,
        /// What there is now.
        now: PurgeCount,
    },
    /// The change isn't accepted by the chart or the cluster; what they said.
    Unacceptable(Vec<String>),
    /// The cluster can't be asked.
    ClusterAway(EnvironmentName, Freshness),
}

impl Refusal {
    /// Whether the same may be done within minutes, without anybody changing anything.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::ClusterAway(..) | Self::RedisNotRunning(..) | Self::PerhapsShared(..) | Self::PurgeHeld(_)
        )
    }
}

impl fmt::Display for Refusal {
    #[expect(clippy::too_many_lines, reason = "a sentence for each")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchService(name) => write!(f, "There is no service called {name}."),
            Self::NoSuchEnvironment(name) => write!(f, "There is no environment called {name}."),
            Self::NoSuchBuild(id) => write!(f, "This service has no build {id}."),
            Self::NoSuchDeploy(number) => write!(f, "This service has no deploy {number}."),
            Self::NoSuchJob(id) => write!(f, "There is no job {id}."),
            Self::NoSuchLine => {
                f.write_str("Nobody has that line any more: its pod is gone, or the log was rotated.")
            }
            Self::NoSuchSchedule(_) => f.write_str("There is no such schedule, or no longer."),
            Self::NotDue => f.write_str("This was begun or removed meanwhile."),
            Self::NoSuchObject(name) => write!(f, "This service has no {name} there."),
            Self::Invalid(errors) => {
                f.write_str("Some answers need another look:")?;
                errors.iter().try_for_each(|error| write!(f, " {}", error.message))
            }
            Self::WrongFilter(filter, error) => {
                let (first, length) = (error.at.start, error.at.len());
                let part: String = filter.as_str().chars().skip(first).take(length).collect();
                write!(f, "The filter isn't understood at “{part}” (character {}): {error}", first + 1)
            }
            Self::TooManyLast(lines) => write!(
                f,
                "The last {lines} lines are more than can be asked for at once, which is {}. Ask for fewer, or say from when on instead: \
                 everything since then is given, however much it is.",
                LogRequest::MOST_LAST
            ),
            Self::NoImage(build) => {
                write!(f, "{} has no image yet: look at its build, then deploy it.", build.commit.sha.short())
            }
            Self::Held(deploy) => write!(
                f,
                "{} is deploying {} to {} right now (deploy {}). Wait until it has ended, or follow it.",
                deploy.actor.name,
                deploy.commit.sha.short(),
                deploy.environment,
                deploy.number
            ),
            Self::Superseded(deploy) => write!(
                f,
                "Deploy {} came after it, so a retry would bring an older version back. To have that, deploy its build.",
                deploy.number
            ),
            Self::NotFailed(_) => f.write_str("This job didn't fail, so there is nothing to retry."),
            Self::NotDeployed(service, environment) => {
                write!(f, "{service} isn't deployed to {environment}. Deploy it first.")
            }
            Self::RedisNotRunning(service, environment) => write!(
                f,
                "The Redis of {service} on {environment} isn't running: none of its pods is. Among the YAML on the service's page \
                 is its Deployment, {service}-redis. Try again once a pod is ready."
            ),
            Self::NoSuchKey(key) => write!(f, "There is no key {}, or no longer.", key.shown()),
            Self::NotPurgeable(environment) => write!(
                f,
                "Redis on {environment} can't be purged: the environment isn't marked purgeable, so that nobody can empty it by mistake. \
                 Whoever runs Fairway can change that in its configuration."
            ),
            Self::NoRedis(service, environment) => {
                write!(
                    f,
                    "{service} has no Redis on {environment}. Declare it in fairway.yaml: components: {{redis: true}}."
                )
            }
            Self::SharedRedis(environment, other) => write!(
                f,
                "Redis on {environment} is the very same server as the one on {other}, so purging it would take {other}'s keys too. \
                 Give each environment a Redis of its own."
            ),
            Self::NoPassword(service, environment) => write!(
                f,
                "The Secret {service}-redis on {environment} is missing or has no password, so nobody can log in to the Redis of {service}. \
                 Deploying {service} again makes it anew."
            ),
            Self::NoSecret(secret, environment) => write!(
                f,
                "There is no Secret {secret} on {environment}, which the configuration names for this Redis. Whoever runs Redis can make it \
                 there, with the username and password that it takes."
            ),
            Self::PerhapsShared(environment, None, other) => write!(
                f,
                "The cluster doesn't say at present what runs on {other}, so it isn't sure that Redis on {environment} is none of \
                 {other}'s. Try again once it does."
            ),
            Self::PerhapsShared(environment, Some(service), other) => write!(
                f,
                "The Redis of {service} on {other} can't be asked which one it is, so it isn't sure that Redis on {environment} is \
                 another one. Try again once it answers."
            ),
            Self::PurgeHeld(purge) => write!(
                f,
                "{} is purging this Redis right now ({} of {} on {}). Wait until that has ended, or stop it.",
                purge.actor.name, purge.selection, purge.service, purge.environment
            ),
            Self::NameNeeded(service) => {
                write!(f, "Type the service's name, {service}, to agree. Nothing was removed.")
            }
            Self::ReasonNeeded => {
                f.write_str("Say why these keys are removed: it stays on record. Nothing was removed.")
            }
            Self::NotRunning(_) => f.write_str("This job has ended, so there is nothing to stop."),
            Self::NotStoppable(_) => f.write_str("Only a purge can be stopped; this job goes on to its end."),
            Self::CountChanged { expected, now } => write!(
                f,
                "{} keys match by now, more than the {expected} you agreed to. Nothing was removed; look again.",
                now.matching
            ),
            Self::Unacceptable(reasons) => write!(f, "This can't be deployed: {}", reasons.join(" ")),
            Self::ClusterAway(environment, freshness) => match freshness {
                Freshness::UnknownSince(since) => {
                    write!(
                        f,
                        "The cluster of {environment} hasn't answered since {since:.0}. Nothing was changed; try again once it does."
                    )
                }
                _ => write!(
                    f,
                    "The cluster of {environment} doesn't answer. Nothing was changed; try again once it does."
                ),
            },
        }
    }
}
