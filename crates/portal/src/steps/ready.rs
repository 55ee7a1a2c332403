//! From a release to pods that serve.

use super::release::Released;
use super::{StepFailure, StepRun};
use fairway_diagnosis::Rollout;
use fairway_domain::{Cause, Deploy, Finding, StepName};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long a rollout may take in all. A cluster that is away stops the clock.
const DEADLINE: Duration = Duration::from_secs(300);
/// How long a cause has to stand before the rollout is called failed by it.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same for a probe that fails: a slow start looks so too.
const PATIENCE_WITH_PROBES: Duration = Duration::from_secs(45);
/// How long all pods have to be available before that is believed: one that crashes right after its start is ready for a moment.
const SETTLE: Duration = Duration::from_secs(1);
/// How often to look when nothing announces a change: causes also ripen by time alone.
const LOOK: Duration = Duration::from_secs(1);

impl StepRun<'_> {
    /// Waits until the pods of the new revision are available and run the image that was asked for, or until a cause why they won't stands
    /// long enough.
    pub(super) async fn wait_until_ready(&self) -> Result<Value, StepFailure> {
        let (lock, deploy) = self.lock().await?;
        let Err(finding) = self.watch_rollout(&deploy).await? else {
            // The end of the job is also the deploy's, in one write.
            return Ok(
                json!({ "detail": format!("{} {}", deploy.commit.sha.short(), deploy.commit.subject) }),
            );
        };
        self.portal.inner.store.finish_deploy(lock, Err(finding.as_ref())).await?;
        Err(match finding {
            Some(finding) => StepFailure::found(&finding),
            None => StepFailure::new(format!(
                "Not ready within {} minutes, and Kubernetes names no cause.",
                DEADLINE.as_secs() / 60
            )),
        })
    }

    /// The verdict: done, or the cause if there is one.
    async fn watch_rollout(&self, deploy: &Deploy) -> Result<Result<(), Option<Finding>>, StepFailure> {
        let environment = self.environment()?;
        let generation = self.released().await?.generation;
        let mut settled: Option<Instant> = None;
        let mut changed = self.portal.inner.state.changed();
        let mut said = String::new();
        let mut stuck = Stuck::default();
        let mut waited = Duration::ZERO;
        loop {
            let looked = Instant::now();
            match self.portal.rollout(&deploy.service, environment, &deploy.image.digest).await {
                // The watch may still show what was before the release.
                _ if self.portal.generation(&deploy.service, environment) < generation => {}
                Rollout::Done if settled.is_some_and(|since| since.elapsed() >= SETTLE) => return Ok(Ok(())),
                Rollout::Done => settled = settled.or_else(|| Some(Instant::now())),
                Rollout::Waiting { sentence, .. } => {
                    settled = None;
                    stuck = Stuck::default();
                    self.say(&mut said, sentence).await?;
                }
                Rollout::Stuck(finding) => {
                    settled = None;
                    self.say(&mut said, finding.title.clone()).await?;
                    if stuck.stands_long_enough(finding.cause) {
                        return Ok(Err(Some(*finding)));
                    }
                }
            }
            if waited > DEADLINE {
                return Ok(Err(None));
            }
            let pause = if settled.is_some() { SETTLE } else { LOOK };
            let _ = tokio::time::timeout(pause, changed.changed()).await;
            if self.portal.away(environment).is_none() {
                waited += looked.elapsed();
            }
        }
    }

    async fn released(&self) -> Result<Released, StepFailure> {
        let output = self.portal.inner.store.step_output(self.job().id, StepName::Release).await?;
        Ok(serde_json::from_value(output.unwrap_or_default()).map_err(crate::Error::from)?)
    }
}

/// Since when which cause stands.
#[derive(Default)]
struct Stuck(Option<(Cause, Instant)>);

impl Stuck {
    fn stands_long_enough(&mut self, cause: Cause) -> bool {
        let since = match self.0 {
            Some((same, since)) if same == cause => since,
            _ => Instant::now(),
        };
        self.0 = Some((cause, since));
        let patience = if cause == Cause::NeverReady { PATIENCE_WITH_PROBES } else { PATIENCE };
        since.elapsed() >= patience
    }
}
