//! Removing keys.

use super::{StepFailure, StepRun};
use crate::{Answer, purges::PurgeRequest};
use fairway_domain::ShellCommand;
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// How often progress is written down.
const REPORT: Duration = Duration::from_millis(500);

impl StepRun<'_> {
    /// Scans and unlinks. A repeat after a kill removes what is left.
    pub(super) async fn purge(&self) -> Result<Value, StepFailure> {
        let selection = self.request()?.selection;
        let mut redis = match self.portal.redis(self.service(), self.environment()?).await? {
            Answer::Done(redis) => redis,
            Answer::Refused(refusal) => return Err(StepFailure::new(refusal.to_string())),
        };
        let report = self
            .logged(async |lines| {
                let mut reported = Instant::now();
                let progress = move |progress: fairway_purge::PurgeProgress| {
                    if reported.elapsed() >= REPORT {
                        reported = Instant::now();
                        let _ = lines
                            .send(format!("{} of {} found are removed", progress.removed, progress.found));
                    }
                    ControlFlow::Continue(())
                };
                redis.purge(&selection, progress).await
            })
            .await?;
        let seconds = report.elapsed.as_secs_f64();
        let mut detail = format!("{} keys removed: {selection}", report.removed);
        if report.already_gone > 0 {
            detail = format!("{detail}; {} had gone meanwhile", report.already_gone);
        }
        self.log(format!("{detail}, in {seconds:.1} s")).await?;
        Ok(json!({ "removed": report.removed, "alreadyGone": report.already_gone, "detail": detail }))
    }

    pub(super) fn purge_command(&self) -> Result<ShellCommand, StepFailure> {
        let selection = self.request()?.selection;
        let namespace = &self.environment()?.namespace;
        Ok(fairway_purge::purge_command(namespace, self.service(), &selection))
    }

    fn request(&self) -> Result<PurgeRequest, StepFailure> {
        Ok(serde_json::from_value(self.claim.request.clone()).map_err(crate::Error::from)?)
    }
}
