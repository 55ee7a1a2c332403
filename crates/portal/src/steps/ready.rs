//! From a release to pods that serve.

use super::{StepFailure, StepRun};
use fairway_diagnosis::Rollout;
use fairway_domain::{Cause, Deploy, Finding};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long a rollout may take in all. A cluster that is away stops the clock.
const DEADLINE: Duration = Duration::from_secs(300);
/// How long a cause has to stand before the rollout is called failed by it.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same for a probe that fails: a slow start looks so too.
const PATIENCE_WITH_PROBES: Duration = Duration::from_secs(45);
/// How often to look when nothing announces a change: causes also ripen by time alone.
const LOOK: Duration = Duration::from_secs(1);

impl StepRun<'_> {
    /// Waits until the pods of the new revision are available and run the image that was asked for, or until a cause why they won't stands
    /// long enough.
    pub(super) async fn wait_until_ready(&self) -> Result<Value, StepFailure> {
        let deploy = self.deploy().await?;
        if !Self::is_decided(&deploy) {
            let (lock, deploy) = self.lock().await?;
            let verdict = self.watch_rollout(&deploy).await?;
            let record = verdict.as_ref().map(|()| ()).map_err(Option::as_ref);
            self.portal.inner.store.finish_deploy(lock, record).await?;
            if let Err(finding) = verdict {
                return Err(match finding {
                    Some(finding) => StepFailure::found(&finding),
                    None => StepFailure::new(format!(
                        "Not ready within {} minutes, and Kubernetes names no cause.",
                        DEADLINE.as_secs() / 60
                    )),
                });
            }
        }
        Ok(json!({ "detail": format!("{} {}", deploy.commit.sha.short(), deploy.commit.subject) }))
    }

    /// The verdict: done, or the cause if there is one.
    async fn watch_rollout(&self, deploy: &Deploy) -> Result<Result<(), Option<Finding>>, StepFailure> {
        let environment = self.environment()?;
        let mut changed = self.portal.inner.state.changed();
        let mut said = String::new();
        let mut stuck = Stuck::default();
        let mut waited = Duration::ZERO;
        loop {
            let looked = Instant::now();
            match self.portal.rollout(&deploy.service, environment, &deploy.image.digest).await {
                Rollout::Done => return Ok(Ok(())),
                Rollout::Waiting { sentence, .. } => {
                    stuck = Stuck::default();
                    self.say(&mut said, sentence).await?;
                }
                Rollout::Stuck(finding) => {
                    self.say(&mut said, finding.title.clone()).await?;
                    if stuck.stands_long_enough(finding.cause) {
                        return Ok(Err(Some(*finding)));
                    }
                }
            }
            if waited > DEADLINE {
                return Ok(Err(None));
            }
            let _ = tokio::time::timeout(LOOK, changed.changed()).await;
            if self.portal.away(environment).is_none() {
                waited += looked.elapsed();
            }
        }
    }

    async fn say(&self, said: &mut String, sentence: String) -> Result<(), StepFailure> {
        if *said != sentence {
            self.log(sentence.clone()).await?;
            *said = sentence;
        }
        Ok(())
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
