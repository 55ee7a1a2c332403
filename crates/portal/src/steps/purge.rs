//! Removing keys.

use super::{Performed, StepFailure, StepRun};
use crate::{Answer, Refusal};
use fairway_domain::{Purge, PurgeCounts, ShellCommand};
use fairway_purge::{Error, PurgeReport, PurgeableRedis, unconfirmed_words};
use fairway_store::{PurgeLock, PurgeLocked};
use serde_json::json;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// How often progress is written down.
const REPORT: Duration = Duration::from_millis(500);

/// How long a Redis may be away, and how long the cluster that leads to it, before it is no longer waited for; and how often they are
/// looked for.
const REDIS_BACK_WITHIN: Duration = Duration::from_secs(60);
const CLUSTER_BACK_WITHIN: Duration = Duration::from_secs(600);
const LOOK: Duration = Duration::from_secs(1);

/// The Redis of an attempt, the proof that nobody else purges it, and what is on record.
type Begun = (PurgeableRedis, PurgeLock, Purge);

/// Why an attempt can't begin, and how long that is worth waiting for.
struct NotBegun {
    failure: StepFailure,
    patience: Duration,
}

/// How far this attempt is, and whether it is to stop.
struct Underway {
    counts: watch::Sender<PurgeCounts>,
    stop: AtomicBool,
    begun: Instant,
}

impl StepRun<'_> {
    /// Scans and unlinks. A repeat after a kill, or after the connection was lost, removes what is left.
    pub(super) async fn purge(&self) -> Result<Performed, StepFailure> {
        let asked = self.purge_on_record().await?;
        let begun = self.begin_in_time().await.map_err(|failure| failure.before_another_attempt(&asked))?;
        let Some(mut begun) = begun else {
            let purge = self.purge_on_record().await?;
            let purge = if purge.attempts > 0 { cut_off(&purge) } else { purge };
            return Ok(stopped(&purge, 0));
        };
        loop {
            let (mut redis, lock, purge) = begun;
            let underway = Underway {
                counts: watch::Sender::new(PurgeCounts::default()),
                stop: AtomicBool::new(false),
                begun: Instant::now(),
            };
            let report = tokio::select! {
                report = remove(&mut redis, &purge, &underway, self.portal.inner.settings.purge.pace) => report,
                failure = self.keep_record(&lock, &purge, &underway) => return Err(failure),
            };
            let purge = self.record(&lock, purge, &underway).await?;
            // A connection that breaks whenever it is made brings nobody further.
            let lost = report.as_ref().is_err_and(Error::is_lost) && underway.counts.borrow().found > 0;
            let unconfirmed = match &report {
                Err(Error::Interrupted { unconfirmed, .. }) if lost => *unconfirmed,
                _ if lost => 0,
                _ => return self.result(&purge, report).await,
            };
            self.log("The connection to Redis was lost; waiting for it to go on.").await?;
            let again = self.begin_in_time().await;
            begun = match again.map_err(|why| failure(&purge, &why.error, unconfirmed))? {
                Some(again) => again,
                None => return Ok(stopped(&self.purge_on_record().await?, unconfirmed)),
            };
        }
    }

    /// Begins an attempt as soon as that can be done: where Fairway has just started, it hasn't seen the cluster yet, and a kubelet or
    /// a Redis may be restarted at any time. Nothing if it is to stop before.
    async fn begin_in_time(&self) -> Result<Option<Begun>, StepFailure> {
        let (mut said, mut waiting) = (String::new(), (Duration::ZERO, Instant::now()));
        while self.purge_on_record().await?.stopped_by.is_none() {
            let NotBegun { failure, patience } = match self.begin_purge().await {
                Ok(begun) => return Ok(Some(begun)),
                Err(why) => why,
            };
            // A cluster that is back may still have to start its Redis.
            if waiting.0 != patience {
                waiting = (patience, Instant::now());
            }
            if waiting.1.elapsed() >= patience {
                return Err(failure);
            }
            self.say(&mut said, format!("Waiting: {}", failure.error)).await?;
            tokio::time::sleep(LOOK).await;
        }
        Ok(None)
    }

    /// The Redis, checked anew, and the proof that nobody else purges it.
    async fn begin_purge(&self) -> Result<Begun, NotBegun> {
        let environment = &self.environment()?.name;
        let mut redis = match self.portal.redis_to_purge(self.service(), environment).await? {
            Answer::Done((_, redis)) => redis,
            Answer::Refused(refusal) => return Err(refusal.into()),
        };
        self.count_anew(&mut redis).await?;
        match self.portal.inner.store.lock_purge(self.claim, redis.as_redis().id()).await? {
            PurgeLocked::Yes(lock, purge) => Ok((redis, lock, *purge)),
            PurgeLocked::Held(holder) => Err(Refusal::PurgeHeld(holder).into()),
        }
    }

    /// Where this isn't the Redis whose keys were counted, as after a restart, a failover or a change of the configuration: only if no
    /// more match there than are left of what was agreed to.
    async fn count_anew(&self, redis: &mut PurgeableRedis) -> Result<(), NotBegun> {
        let purge = self.purge_on_record().await?;
        if purge.redis == *redis.as_redis().id() {
            return Ok(());
        }
        let pace = self.portal.inner.settings.purge.pace;
        let (matching, left) = (redis.count(&purge.selection, pace).await?.matching, purge.left());
        if matching > left {
            let why = format!(
                "This isn't the Redis whose keys were counted, or it was restarted since. {matching} keys match there by now, more than \
                 the {left} that are left of what was agreed to, so none of them was removed."
            );
            return Err(StepFailure::new(why).into());
        }
        self.log(format!("Redis is another one by now, or was restarted: {matching} keys match there."))
            .await?;
        Ok(())
    }

    /// What came of it, in words.
    async fn result(
        &self,
        purge: &Purge,
        report: Result<PurgeReport, Error>,
    ) -> Result<Performed, StepFailure> {
        let report = report.map_err(|error| match error {
            Error::Interrupted { unconfirmed, cause, .. } => failure(purge, &cause, unconfirmed),
            cause => failure(purge, &cause, 0),
        })?;
        let seconds = report.elapsed.as_secs_f64();
        if report.stopped {
            return Ok(stopped(purge, report.unconfirmed));
        }
        let removed = removed_of(purge, report.unconfirmed);
        let again = if purge.attempts > 1 { " since it was taken up again" } else { "" };
        let detail = format!("{removed}, in {seconds:.1} s{again}");
        self.log(&detail).await?;
        let detail = format!("{detail}. Why: {}", purge.reason);
        let PurgeCounts { removed, already_gone, .. } = purge.counts;
        Ok(Performed::Done(json!({ "removed": removed, "alreadyGone": already_gone, "detail": detail })))
    }

    /// Writes down how far it is, and has it stopped once somebody asks for that: within this process at once, from another one by
    /// the next report. Ends only with a failure.
    async fn keep_record(&self, lock: &PurgeLock, purge: &Purge, underway: &Underway) -> StepFailure {
        let store = &self.portal.inner.store;
        let mut changed = store.changed();
        loop {
            let counts = purge.counts + *underway.counts.borrow();
            let written = store.purge_progress(lock, counts, underway.rate()).await;
            let mut asked = match written {
                Ok(stopped_by) => stopped_by.is_some(),
                Err(error) => return error.into(),
            };
            let next = Instant::now() + REPORT;
            while !asked && tokio::time::timeout_at(next, changed.changed()).await.is_ok() {
                match store.purge_of_job(purge.job).await {
                    Ok(now) => asked = now.is_some_and(|now| now.stopped_by.is_some()),
                    Err(error) => return error.into(),
                }
            }
            if asked {
                underway.stop.store(true, Ordering::Relaxed);
            }
            tokio::time::sleep_until(next).await;
        }
    }

    /// Writes down where it ended; gives what is on record then.
    async fn record(
        &self,
        lock: &PurgeLock,
        purge: Purge,
        underway: &Underway,
    ) -> Result<Purge, StepFailure> {
        let counts = purge.counts + *underway.counts.borrow();
        let stopped_by = self.portal.inner.store.purge_progress(lock, counts, underway.rate()).await?;
        Ok(Purge { counts, stopped_by, ..purge })
    }

    pub(super) async fn purge_command(&self) -> Result<ShellCommand, StepFailure> {
        let terminal = self.portal.terminal(self.service(), self.environment()?);
        let purge = self.purge_on_record().await?;
        Ok(fairway_purge::purge_command(terminal, &purge.selection))
    }

    async fn purge_on_record(&self) -> Result<Purge, StepFailure> {
        let purge = self.portal.inner.store.purge_of_job(self.job().id).await?;
        purge.ok_or_else(|| {
            StepFailure::new(
                "This purge was asked for by an earlier version of Fairway. Nothing more is removed: count again and purge anew.",
            )
        })
    }
}

impl Underway {
    /// Keys a second.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    fn rate(&self) -> u64 {
        (self.counts.borrow().removed as f64 / self.begun.elapsed().as_secs_f64().max(0.001)) as u64
    }
}

async fn remove(
    redis: &mut PurgeableRedis,
    purge: &Purge,
    underway: &Underway,
    pace: fairway_purge::Pace,
) -> Result<PurgeReport, Error> {
    let progress = |counts| {
        underway.counts.send_replace(counts);
        if underway.stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    redis.purge(&purge.selection, pace, progress).await
}

/// What was removed, and of which keys.
fn removed_of(purge: &Purge, unconfirmed: u64) -> String {
    format!("{}{}: {}", purge.outcome(), unconfirmed_words(unconfirmed), purge.selection)
}

/// As it is where the attempt before was cut off: what that one removed in its last moments isn't on record.
fn cut_off(purge: &Purge) -> Purge {
    Purge { attempts: purge.attempts + 1, ..purge.clone() }
}

fn stopped(purge: &Purge, unconfirmed: u64) -> Performed {
    let removed = removed_of(purge, unconfirmed);
    let detail =
        format!("{removed}; stopped before its end, of {} expected. Why: {}", purge.expected, purge.reason);
    let by = purge.stopped_by.as_ref().map_or("somebody", |actor| actor.name.as_str());
    Performed::Stopped { detail, by: by.to_owned() }
}

/// Why it couldn't go on, and what had been removed until then.
fn failure(purge: &Purge, cause: &dyn fmt::Display, unconfirmed: u64) -> StepFailure {
    let removed = (purge.counts.removed > 0 || purge.attempts > 1).then(|| purge.outcome());
    let unconfirmed = unconfirmed_words(unconfirmed);
    StepFailure::new(match (removed, unconfirmed.as_str()) {
        (None, "") => format!("{cause} Nothing was removed."),
        (None, _) => format!("{cause} No key was confirmed to be removed{unconfirmed}. {GOES_ON}"),
        (Some(removed), _) => format!("{cause} Until then: {removed}{unconfirmed}. {GOES_ON}"),
    })
}

const GOES_ON: &str = "Retry counts again and goes on with what is left.";

impl From<Refusal> for NotBegun {
    fn from(refusal: Refusal) -> Self {
        let patience = match &refusal {
            Refusal::ClusterAway(..) => CLUSTER_BACK_WITHIN,
            refusal if refusal.may_pass() => REDIS_BACK_WITHIN,
            _ => Duration::ZERO,
        };
        Self { failure: StepFailure::new(refusal.to_string()), patience }
    }
}

impl<E: Into<crate::Error>> From<E> for NotBegun {
    fn from(error: E) -> Self {
        let error = error.into();
        let patience = if error.may_pass() { REDIS_BACK_WITHIN } else { Duration::ZERO };
        Self { failure: error.into(), patience }
    }
}

impl From<StepFailure> for NotBegun {
    fn from(failure: StepFailure) -> Self {
        Self { failure, patience: Duration::ZERO }
    }
}

impl StepFailure {
    /// Said of a purge that couldn't even begin, but may have removed keys in an attempt before.
    fn before_another_attempt(self, asked: &Purge) -> Self {
        if asked.attempts == 0 {
            return self;
        }
        Self::new(format!("{} By the attempts before: {}. {GOES_ON}", self.error, cut_off(asked).outcome()))
    }
}
