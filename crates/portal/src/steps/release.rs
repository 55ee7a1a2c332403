//! From an image to a Helm release.

use super::{StepFailure, StepRun};
use crate::create::{VALUES_FILE, write};
use fairway_delivery::Release;
use fairway_domain::{Deploy, JobKind, ShellCommand};
use fairway_store::{Begun, DeployJob, DeployLock, DeployRequest, Locked};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;

/// What the release step leaves for the next one.
#[derive(Serialize, Deserialize)]
pub(super) struct Released {
    revision: i64,
    /// The Deployment's generation. What the watch shows of an earlier one isn't this rollout.
    pub(super) generation: i64,
}

impl StepRun<'_> {
    /// Installs or upgrades the release. The deploy's id stands in the revision's description, so that a repeat after a kill finds its own
    /// revision and makes no second one.
    pub(super) async fn release(&self) -> Result<Value, StepFailure> {
        let (lock, deploy) = self.lock().await?;
        let deploy = &deploy;
        let folder = self.portal.scratch_folder("release").await?;
        let values_file = folder.path().join(VALUES_FILE);
        write(&values_file, &self.values(deploy).await?).await?;
        let description = description(deploy);
        let release = self.release_of(deploy, &values_file, &description)?;
        let helm = &self.portal.inner.helm;
        let outcome = async {
            self.portal.inner.helm.publish_chart().await?;
            self.logged(async |lines| {
                let log = move |line: String| {
                    let _ = lines.send(line);
                };
                helm.upgrade(&release, log).await
            })
            .await
        }
        .await;
        match outcome {
            Ok(revision) => {
                self.portal.inner.store.deploy_released(&lock, revision).await?;
                Ok(serde_json::to_value(Released { revision, generation: self.generation().await? })
                    .map_err(crate::Error::from)?)
            }
            Err(failure) => {
                self.portal.inner.store.finish_deploy(lock, Err(None)).await?;
                Err(failure)
            }
        }
    }

    /// Puts a creation's first deploy on record; any other job's is already.
    pub(super) async fn prepare_release(&self) -> Result<ShellCommand, StepFailure> {
        if self.job().kind == JobKind::Create {
            self.begin_first_deploy().await?;
        }
        let deploy = self.deploy().await?;
        let release = self.release_of(&deploy, Path::new(VALUES_FILE), "")?;
        Ok(self.portal.inner.helm.command(&release))
    }

    /// The right to change the service in its environment: this job's own, or taken again after a failure.
    pub(super) async fn lock(&self) -> Result<(DeployLock, Deploy), StepFailure> {
        match self.portal.inner.store.lock_deploy(self.claim).await? {
            Locked::Yes(lock, deploy) => Ok((lock, deploy)),
            Locked::Held(holder) => Err(StepFailure::new(crate::Refusal::Held(Box::new(holder)).to_string())),
        }
    }

    async fn begin_first_deploy(&self) -> Result<(), StepFailure> {
        let store = &self.portal.inner.store;
        let commit = self.commit().await?;
        let build = store.build_of(self.service(), &commit.sha).await?;
        let build = build.ok_or_else(|| StepFailure::new("The build of this job is not on record."))?;
        let image =
            build.image.clone().ok_or_else(|| StepFailure::new("The build of this job has no image."))?;
        let environment = self.environment()?;
        let chart_version = self.portal.inner.helm.publish_chart().await?;
        let request = DeployRequest {
            service: self.service(),
            environment: &environment.name,
            build: &build,
            image: &image,
            chart_version: &chart_version,
            rollback_of: None,
            changes: &[],
            actor: &self.job().actor,
            job: DeployJob::Existing(self.claim),
        };
        match store.begin_deploy(&request).await? {
            Begun::New(..) => Ok(()),
            Begun::Held(holder) => Err(StepFailure::new(crate::Refusal::Held(Box::new(holder)).to_string())),
        }
    }

    fn release_of<'r>(
        &'r self,
        deploy: &'r Deploy,
        values_file: &'r Path,
        description: &'r str,
    ) -> Result<Release<'r>, StepFailure> {
        let environment = self.environment()?;
        Ok(Release {
            service: &deploy.service,
            environment: &environment.name,
            namespace: &environment.namespace,
            chart_version: &deploy.chart_version,
            values_file,
            image: &deploy.image,
            commit: &deploy.commit.sha,
            description,
            redis_image: &self.portal.inner.settings.redis_image,
        })
    }

    /// The Deployment's generation after the release.
    async fn generation(&self) -> Result<i64, StepFailure> {
        let namespace = &self.environment()?.namespace;
        let cluster = &self.portal.inner.cluster;
        let deployment = cluster.get(namespace, "apps/v1", "Deployment", self.service().as_str()).await?;
        let generation = deployment.and_then(|object| object.pointer("/metadata/generation")?.as_i64());
        generation
            .ok_or_else(|| StepFailure::new("The release has no Deployment any more: somebody removed it."))
    }

    async fn values(&self, deploy: &Deploy) -> Result<String, StepFailure> {
        let commit = &deploy.commit.sha;
        let values = self.portal.inner.repositories.read_file(&deploy.service, commit, VALUES_FILE).await?;
        values.ok_or_else(|| StepFailure::new(format!("{} holds no {VALUES_FILE}.", commit.short())))
    }
}

fn description(deploy: &Deploy) -> String {
    let what = if deploy.rollback_of.is_some() { "Roll back to" } else { "Deploy" };
    format!("{what} {} ({})", deploy.commit.sha.short(), deploy.id)
}
