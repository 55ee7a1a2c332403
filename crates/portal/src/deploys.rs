//! Bringing a build to an environment: what would change, and the deploy itself.

use crate::refusal::done;
use crate::{
    Answer, DeployDetail, DeployPreview, Error, Portal, Refusal, create::VALUES_FILE, create::write,
};
use fairway_delivery::Release;
use fairway_domain::{
    Actor, Build, BuildId, Commit, Deploy, DeployNumber, DeployState, Environment, EnvironmentName,
    ImageReference, ObjectDiff, Risk, ServiceName,
};
use fairway_store::{Begun, DeployJob, DeployRequest};
use futures::future::try_join_all;
use serde_json::Value;

/// What to bring where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeployOrder {
    /// Which service.
    pub service: ServiceName,
    /// Where.
    pub environment: EnvironmentName,
    /// What.
    pub target: DeployTarget,
}

/// What is to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeployTarget {
    /// This build.
    Build(BuildId),
    /// What this earlier deploy brought, with the chart it was brought with.
    BackTo(DeployNumber),
}

/// An order whose parts were all found.
struct Resolved<'a> {
    environment: &'a Environment,
    build: Build,
    image: ImageReference,
    chart_version: String,
    rollback_of: Option<Deploy>,
}

impl Portal {
    /// What a deploy would change, object by object, by a server-side dry run. Nothing is changed.
    pub async fn deploy_preview(
        &self,
        _actor: &Actor,
        order: &DeployOrder,
    ) -> Result<Answer<DeployPreview>, Error> {
        let resolved = done!(self.resolve(order).await?);
        let (objects, risks, command) = done!(self.changes(order, &resolved).await?);
        let (service, environment) = (&order.service, &order.environment);
        let live = self.inner.store.last_succeeded_deploy(service, environment, None).await?;
        let held_by = self.inner.store.running_deploy(service, environment).await?;
        let (commits, backwards) =
            self.commits_between(&order.service, live.as_ref(), &resolved.build).await?;
        Ok(Answer::Done(DeployPreview {
            environment: resolved.environment.clone(),
            build: resolved.build,
            rollback_of: resolved.rollback_of,
            held_by,
            live,
            commits,
            backwards,
            objects,
            risks,
            command,
        }))
    }

    /// Begins a deploy, or says why not: one runs already, the image isn't there, the cluster refuses it.
    pub async fn deploy(&self, actor: &Actor, order: &DeployOrder) -> Result<Answer<Deploy>, Error> {
        let resolved = done!(self.resolve(order).await?);
        let (changes, _, _) = done!(self.changes(order, &resolved).await?);
        let commit = &resolved.build.commit;
        let detail = format!("{} {}", commit.sha.short(), commit.subject);
        let request = DeployRequest {
            service: &order.service,
            environment: &order.environment,
            build: &resolved.build,
            image: &resolved.image,
            chart_version: &resolved.chart_version,
            rollback_of: resolved.rollback_of.as_ref().map(|deploy| deploy.number),
            changes: &changes,
            actor,
            job: DeployJob::New { request: &Value::Null, detail: &detail },
        };
        Ok(match self.inner.store.begin_deploy(&request).await? {
            Begun::New(deploy, _) => Answer::Done(deploy),
            Begun::Held(holder) => Answer::Refused(Refusal::Held(Box::new(holder))),
        })
    }

    /// A deploy, what its job did, and how the service is there now.
    pub async fn deploy_detail(
        &self,
        actor: &Actor,
        service: &ServiceName,
        number: DeployNumber,
    ) -> Result<Answer<DeployDetail>, Error> {
        let Some(deploy) = self.inner.store.deploy_by_number(service, number).await? else {
            return Ok(Answer::Refused(Refusal::NoSuchDeploy(number)));
        };
        let (_, environment) = done!(self.known(service, &deploy.environment).await?);
        let job = done!(self.job(actor, deploy.job).await?);
        let status = self.status(service, environment).await;
        let earlier = self.inner.store.deploys(service, Some(&deploy.environment), 50).await?;
        let rollback_target = earlier.into_iter().find(|earlier| {
            earlier.number < number
                && earlier.state == DeployState::Succeeded
                && earlier.build != deploy.build
        });
        Ok(Answer::Done(DeployDetail { deploy, job, status, rollback_target }))
    }

    async fn resolve(&self, order: &DeployOrder) -> Result<Answer<Resolved<'_>>, Error> {
        let (_, environment) = done!(self.known(&order.service, &order.environment).await?);
        let (build, rollback_of) = match order.target {
            DeployTarget::Build(id) => {
                (self.inner.store.build(id).await?.ok_or(Refusal::NoSuchBuild(id)), None)
            }
            DeployTarget::BackTo(number) => {
                match self.inner.store.deploy_by_number(&order.service, number).await? {
                    Some(deploy) if deploy.environment == order.environment => {
                        let build = self.inner.store.build(deploy.build).await?;
                        (build.ok_or(Refusal::NoSuchBuild(deploy.build)), Some(deploy))
                    }
                    _ => return Ok(Answer::Refused(Refusal::NoSuchDeploy(number))),
                }
            }
        };
        let build = match build {
            Ok(build) if build.service == order.service => build,
            Ok(build) => return Ok(Answer::Refused(Refusal::NoSuchBuild(build.id))),
            Err(refusal) => return Ok(Answer::Refused(refusal)),
        };
        let Some(image) = build.image.clone() else {
            return Ok(Answer::Refused(Refusal::NoImage(Box::new(build))));
        };
        if let Some(refusal) = self.away(environment) {
            return Ok(Answer::Refused(refusal));
        }
        let chart_version = match &rollback_of {
            Some(deploy) => deploy.chart_version.clone(),
            None => self.inner.helm.publish_chart().await?,
        };
        Ok(Answer::Done(Resolved { environment, build, image, chart_version, rollback_of }))
    }

    async fn changes(
        &self,
        order: &DeployOrder,
        resolved: &Resolved<'_>,
    ) -> Result<Answer<(Vec<ObjectDiff>, Vec<Risk>, fairway_domain::ShellCommand)>, Error> {
        let commit = &resolved.build.commit.sha;
        let Some(values) = self.inner.repositories.read_file(&order.service, commit, VALUES_FILE).await?
        else {
            let reason = format!("{} holds no {VALUES_FILE}.", commit.short());
            return Ok(Answer::Refused(Refusal::Unacceptable(vec![reason])));
        };
        if let Err(reasons) = fairway_scaffold::check_fairway_yaml(&values, &order.service) {
            return Ok(Answer::Refused(Refusal::Unacceptable(reasons)));
        }
        let folder = self.scratch_folder("deploy").await?;
        let values_file = folder.path().join(VALUES_FILE);
        write(&values_file, &values).await?;
        let release = Release {
            service: &order.service,
            environment: &order.environment,
            namespace: &resolved.environment.namespace,
            chart_version: &resolved.chart_version,
            values_file: &values_file,
            image: &resolved.image,
            commit,
            description: "",
            redis_image: &self.inner.settings.redis_image,
        };
        let namespace = &resolved.environment.namespace;
        let helm = &self.inner.helm;
        let (planned, present) =
            tokio::join!(helm.dry_run(&release), helm.manifest(namespace, &order.service));
        let planned = match planned {
            Ok(planned) => planned,
            Err(fairway_delivery::Error::Values(reasons)) => {
                return Ok(Answer::Refused(Refusal::Unacceptable(reasons)));
            }
            Err(error) => return Err(error.into()),
        };
        let present = present?.unwrap_or_default();
        let mut live: Vec<Value> = present
            .iter()
            .filter(|object| !planned.iter().any(|other| fairway_delivery::same_object(object, other)))
            .cloned()
            .collect();
        let mut applied = Vec::new();
        let dry_runs = planned.iter().map(|object| self.inner.cluster.apply_dry_run(namespace, object));
        for dry_run in try_join_all(dry_runs).await? {
            live.extend(dry_run.live);
            applied.push(dry_run.planned);
        }
        let changes = fairway_delivery::differences(&live, &applied);
        let risks = fairway_delivery::risks(&present, &planned);
        Ok(Answer::Done((changes, risks, self.inner.helm.command(&release))))
    }

    /// The commits that a deploy brings, or those that it takes away.
    async fn commits_between(
        &self,
        service: &ServiceName,
        live: Option<&Deploy>,
        build: &Build,
    ) -> Result<(Vec<Commit>, bool), Error> {
        let Some(live) = live else { return Ok((Vec::new(), false)) };
        let (from, to) = (&live.commit.sha, &build.commit.sha);
        let added = self.inner.repositories.commits_between(service, from, to).await?;
        if !added.is_empty() {
            return Ok((added, false));
        }
        let removed = self.inner.repositories.commits_between(service, to, from).await?;
        let backwards = !removed.is_empty();
        Ok((removed, backwards))
    }
}
