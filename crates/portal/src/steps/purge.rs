//! Removing keys.

use super::{Performed, StepFailure, StepRun};
use crate::{Answer, Refusal};
use fairway_domain::{Actor, Purge, PurgeCounts, ShellCommand};
use fairway_purge::{Error, PurgeReport, PurgeableRedis};
use fairway_store::{PurgeLock, PurgeLocked};
use serde_json::json;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// How often progress is written down.
const REPORT: Duration = Duration::from_millis(500);

/// How long a Redis that was lost in the middle may be away, and how often it is looked for.
const BACK_WITHIN: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_secs(1);

/// The Redis of an attempt, the proof that nobody else purges it, and what is on record.
type Begun = (PurgeableRedis, PurgeLock, Purge);

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
        if let Some(by) = &asked.stopped_by {
            return Ok(stopped(&asked, &outcome(&asked), by));
        }
        let mut begun = self.begin_purge().await.map_err(|failure| failure.before_another_attempt(&asked))?;
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
            let again = if lost { self.begin_purge_again().await? } else { None };
            let Some(again) = again else { return self.result(&purge, report).await };
            begun = again;
        }
    }

    /// Goes on where the connection was lost, as when the kubelet through which it was forwarded is restarted. Nothing if Redis doesn't
    /// answer for too long, or if it is to stop.
    async fn begin_purge_again(&self) -> Result<Option<Begun>, StepFailure> {
        self.log("The connection to Redis was lost; waiting for it to go on.").await?;
        let lost = Instant::now();
        while lost.elapsed() < BACK_WITHIN && self.purge_on_record().await?.stopped_by.is_none() {
            tokio::time::sleep(LOOK).await;
            if let Ok(begun) = self.begin_purge().await {
                return Ok(Some(begun));
            }
        }
        Ok(None)
    }

    /// The Redis, checked anew, and the proof that nobody else purges it.
    async fn begin_purge(&self) -> Result<Begun, StepFailure> {
        let redis = match self.portal.redis_to_purge(self.service(), self.environment()?).await? {
            Answer::Done(redis) => redis,
            Answer::Refused(refusal) => return Err(StepFailure::new(refusal.to_string())),
        };
        match self.portal.inner.store.lock_purge(self.claim, redis.as_redis().id()).await? {
            PurgeLocked::Yes(lock, purge) => Ok((redis, lock, *purge)),
            PurgeLocked::Held(holder) => Err(StepFailure::new(Refusal::PurgeHeld(holder).to_string())),
        }
    }

    /// What came of it, in words.
    async fn result(
        &self,
        purge: &Purge,
        report: Result<PurgeReport, Error>,
    ) -> Result<Performed, StepFailure> {
        let report = report.map_err(|error| failure(purge, error))?;
        let seconds = report.elapsed.as_secs_f64();
        let removed = format!("{}{}", outcome(purge), perhaps(report.unconfirmed));
        if report.stopped {
            let nobody = Actor { name: "somebody".into() };
            return Ok(stopped(purge, &removed, purge.stopped_by.as_ref().unwrap_or(&nobody)));
        }
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

/// What was removed, in words.
fn outcome(purge: &Purge) -> String {
    let PurgeCounts { removed, already_gone, .. } = purge.counts;
    let least = if purge.attempts > 1 { "at least " } else { "" };
    let gone = if already_gone > 0 { format!("; {already_gone} had gone meanwhile") } else { String::new() };
    let keys = if removed == 1 { "key" } else { "keys" };
    format!("{least}{removed} {keys} removed: {}{gone}", purge.selection)
}

/// Keys whose removal a server that went away didn't confirm.
fn perhaps(unconfirmed: u64) -> String {
    match unconfirmed {
        0 => String::new(),
        some => format!(", and at most {some} more without a confirmation"),
    }
}

fn stopped(purge: &Purge, removed: &str, by: &Actor) -> Performed {
    let detail =
        format!("{removed}; stopped before its end, of {} expected. Why: {}", purge.expected, purge.reason);
    Performed::Stopped { detail, by: by.name.clone() }
}

/// Why it couldn't go on, and what had been removed until then.
fn failure(purge: &Purge, error: Error) -> StepFailure {
    let (cause, unconfirmed) = match error {
        Error::Interrupted { unconfirmed, cause, .. } => (*cause, unconfirmed),
        cause => (cause, 0),
    };
    let unconfirmed = perhaps(unconfirmed);
    StepFailure::new(match (removed_before(purge), unconfirmed.as_str()) {
        (None, "") => format!("{cause} Nothing was removed."),
        (None, _) => format!("{cause} No key was confirmed to be removed{unconfirmed}. {GOES_ON}"),
        (Some(removed), _) => format!("{cause} {removed} until then{unconfirmed}. {GOES_ON}"),
    })
}

const GOES_ON: &str = "Retry counts again and goes on with what is left.";

/// What all attempts together removed, if it may be any key at all.
fn removed_before(purge: &Purge) -> Option<String> {
    let removed = purge.counts.removed;
    let least = if purge.attempts > 1 { "at least " } else { "" };
    let (keys, were) = if removed == 1 { ("key", "was") } else { ("keys", "were") };
    (removed > 0 || purge.attempts > 1).then(|| format!("{least}{removed} {keys} {were} removed"))
}

impl StepFailure {
    /// Said of a purge that couldn't even begin, but may have removed keys in an attempt before.
    fn before_another_attempt(self, asked: &Purge) -> Self {
        if asked.attempts == 0 {
            return self;
        }
        let removed = asked.counts.removed;
        Self::new(format!(
            "{} Attempts before had removed at least {removed} of the keys. {GOES_ON}",
            self.error
        ))
    }
}
