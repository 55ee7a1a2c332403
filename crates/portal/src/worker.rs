//! Takes up jobs and does their steps.
//!
//! A job is claimed with a lease that is renewed while it is worked on, and a fence that every write checks. Whoever is killed loses
//! the lease, and the next worker goes on from the first step that isn't done.

use crate::{Portal, steps};
use fairway_store::Claim;
use std::{sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a killed worker's job waits for another one.
const LEASE: Duration = Duration::from_secs(10);
/// How often the lease is renewed: often enough that two renewals may be missed.
const RENEWAL: Duration = Duration::from_secs(3);
/// How many jobs are worked on at once.
const AT_ONCE: usize = 4;
/// How often work is looked for when nothing announces it: another process may have left it.
const LOOK: Duration = Duration::from_secs(1);
/// How soon a burst of writes leads to the next look.
const SETTLE: Duration = Duration::from_millis(20);

/// Looks for jobs until the portal closes.
pub(crate) async fn run(portal: Portal) {
    let worker = uuid::Uuid::now_v7().to_string();
    let slots = Arc::new(Semaphore::new(AT_ONCE));
    let mut changed = portal.inner.store.changed();
    loop {
        let Ok(slot) = slots.clone().acquire_owned().await else { return };
        match portal.inner.store.claim(&worker, LEASE).await {
            Ok(Some(claim)) => portal.spawn_to_end(work(portal.clone(), claim, slot)),
            Ok(None) => {
                drop(slot);
                let _ = tokio::time::timeout(LOOK, changed.changed()).await;
                tokio::time::sleep(SETTLE).await;
            }
            Err(error) => {
                tracing::error!(%error, "can't look for jobs; trying again");
                tokio::time::sleep(LOOK).await;
            }
        }
    }
}

/// How working on a job ended.
enum Ended {
    /// Every step is done.
    Succeeded(Option<String>),
    /// A step failed or was stopped; that is on record.
    Early,
    /// Fairway stops; somebody else goes on.
    Stopped,
    /// Not ours any more, or the record can't be written: whoever claims it next goes on.
    Lost,
}

async fn work(portal: Portal, claim: Claim, _slot: OwnedSemaphorePermit) {
    let job = claim.job.id;
    let ended = tokio::select! {
        biased;
        () = portal.stopping().cancelled() => Ended::Stopped,
        () = keep_lease(&portal, &claim) => Ended::Lost,
        outcome = steps::run(&portal, &claim) => match outcome {
            Ok(steps::Outcome::Done(detail)) => Ended::Succeeded(detail),
            Ok(steps::Outcome::Ended) => Ended::Early,
            Err(error) => {
                tracing::error!(%error, %job, "a job's record can't be written; it is taken up again");
                Ended::Lost
            }
        },
    };
    let written = match ended {
        Ended::Succeeded(detail) => portal.inner.store.finish(claim, detail.as_deref()).await,
        Ended::Stopped => portal.inner.store.release(claim).await,
        Ended::Early | Ended::Lost => Ok(()),
    };
    if let Err(error) = written {
        tracing::error!(%error, %job, "a job's end can't be written; it is taken up again");
    }
}

/// Renews until the lease is lost.
async fn keep_lease(portal: &Portal, claim: &Claim) {
    loop {
        tokio::time::sleep(RENEWAL).await;
        match portal.inner.store.renew(claim, LEASE).await {
            Ok(()) => {}
            Err(fairway_store::Error::LeaseLost(_)) => return,
            Err(error) => tracing::warn!(%error, "a lease can't be renewed; trying again"),
        }
    }
}
