//! What runs where.

use crate::refusal::done;
use crate::{
    Answer, EnvironmentDetail, Error, Portal, Purgeability, Refusal, ServiceDetail, ServiceSummary,
    activity::ActivityFilter,
};
use fairway_domain::{
    Action, Actor, Build, Deploy, Environment, EnvironmentName, EnvironmentStatus, Job, ObjectReference,
    Outcome, Service, ServiceName, Timestamp,
};
use fairway_store::NewActivity;
use futures::future::{join_all, try_join_all};
use std::collections::HashMap;

/// How many builds, deploys and activities a service's page shows.
const SHOWN: u32 = 50;

impl Portal {
    /// Every service, with how it is in each environment.
    pub async fn services(&self, _actor: &Actor) -> Result<Vec<ServiceSummary>, Error> {
        let store = &self.inner.store;
        let services = store.services().await?;
        let mut deploys: HashMap<ServiceName, Deploy> = store
            .newest_deploys()
            .await?
            .into_iter()
            .map(|deploy| (deploy.service.clone(), deploy))
            .collect();
        let mut creations: HashMap<ServiceName, Job> =
            store.unfinished_creations().await?.into_iter().map(|job| (job.service.clone(), job)).collect();
        let summaries = services.into_iter().map(|service| {
            let last_deploy = deploys.remove(&service.parameters.name);
            let creation = creations.remove(&service.parameters.name);
            self.summary(service, last_deploy, creation)
        });
        Ok(join_all(summaries).await)
    }

    /// One service, whole.
    pub async fn service(&self, actor: &Actor, name: &ServiceName) -> Result<Answer<ServiceDetail>, Error> {
        let Some(service) = self.inner.store.service(name).await? else {
            return Ok(Answer::Refused(Refusal::NoSuchService(name.clone())));
        };
        let environments = try_join_all(
            self.environments().iter().map(|environment| self.environment_detail(&service, environment)),
        )
        .await?;
        let filter =
            ActivityFilter { service: Some(name.clone()), limit: Some(SHOWN), ..ActivityFilter::default() };
        Ok(Answer::Done(ServiceDetail {
            clone_url: self.clone_url(name),
            creation: self.creation(name).await?,
            environments,
            builds: self.inner.store.builds(name, SHOWN).await?,
            deploys: self.inner.store.deploys(name, None, SHOWN).await?,
            activity: self.activity(actor, &filter).await?,
            service,
        }))
    }

    /// A service's builds, newest first.
    pub async fn builds(&self, _actor: &Actor, name: &ServiceName) -> Result<Answer<Vec<Build>>, Error> {
        if self.inner.store.service(name).await?.is_none() {
            return Ok(Answer::Refused(Refusal::NoSuchService(name.clone())));
        }
        Ok(Answer::Done(self.inner.store.builds(name, SHOWN).await?))
    }

    /// How a service is in an environment, and why it doesn't move if it doesn't.
    pub async fn diagnosis(
        &self,
        _actor: &Actor,
        service: &ServiceName,
        environment: &EnvironmentName,
    ) -> Result<Answer<EnvironmentStatus>, Error> {
        Ok(match self.known(service, environment).await? {
            Answer::Done((_, environment)) => Answer::Done(self.status(service, environment).await),
            Answer::Refused(refusal) => Answer::Refused(refusal),
        })
    }

    /// Replaces a service's pods one by one, as `kubectl rollout restart` does.
    pub async fn restart(
        &self,
        actor: &Actor,
        service: &ServiceName,
        environment: &EnvironmentName,
    ) -> Result<Answer<()>, Error> {
        let (_, environment) = done!(self.deployed(service, environment).await?);
        let restarted =
            self.inner.cluster.restart(&environment.namespace, service.as_str(), Timestamp::now()).await;
        let outcome = match &restarted {
            Ok(()) => Outcome::Succeeded,
            Err(error) => Outcome::Failed(error.to_string()),
        };
        let store = &self.inner.store;
        store
            .record(&NewActivity {
                actor,
                action: Action::Restart,
                service,
                environment: Some(&environment.name),
                detail: "",
                outcome,
                job: None,
            })
            .await?;
        restarted?;
        Ok(Answer::Done(()))
    }

    /// The YAML of one of a service's objects as it is in the cluster; a secret's values are hidden.
    pub async fn object_yaml(
        &self,
        _actor: &Actor,
        service: &ServiceName,
        environment: &EnvironmentName,
        object: &ObjectReference,
    ) -> Result<Answer<String>, Error> {
        let environment = match self.known(service, environment).await? {
            Answer::Done((_, environment)) => environment,
            Answer::Refused(refusal) => return Ok(Answer::Refused(refusal)),
        };
        let missing = || Answer::Refused(Refusal::NoSuchObject(format!("{} {}", object.kind, object.name)));
        if !self.objects(service, environment).contains(object) {
            return Ok(missing());
        }
        let yaml = self.inner.cluster.object_yaml(&environment.namespace, &object.kind, &object.name).await?;
        Ok(yaml.map_or_else(missing, Answer::Done))
    }

    /// The service and the environment, if there are such.
    pub(crate) async fn known(
        &self,
        service: &ServiceName,
        environment: &EnvironmentName,
    ) -> Result<Answer<(Service, &Environment)>, Error> {
        let Some(known) = self.inner.store.service(service).await? else {
            return Ok(Answer::Refused(Refusal::NoSuchService(service.clone())));
        };
        Ok(match self.environment(environment) {
            Some(environment) => Answer::Done((known, environment)),
            None => Answer::Refused(Refusal::NoSuchEnvironment(environment.clone())),
        })
    }

    /// The service and the environment, if it runs there and the cluster can be asked.
    async fn deployed(
        &self,
        service: &ServiceName,
        environment: &EnvironmentName,
    ) -> Result<Answer<(Service, &Environment)>, Error> {
        let (known, environment) = done!(self.known(service, environment).await?);
        if let Some(refusal) = self.away(environment) {
            return Ok(Answer::Refused(refusal));
        }
        let state = self.inner.state.namespace(&environment.namespace);
        Ok(match state.service(service).deployment {
            Some(_) => Answer::Done((known, environment)),
            None => Answer::Refused(Refusal::NotDeployed(service.clone(), environment.name.clone())),
        })
    }

    /// Why the environment's cluster can't be asked, if it can't.
    pub(crate) fn away(&self, environment: &Environment) -> Option<Refusal> {
        let freshness = self.inner.state.namespace(&environment.namespace).freshness;
        let live = matches!(freshness, fairway_domain::Freshness::Live);
        (!live).then(|| Refusal::ClusterAway(environment.name.clone(), freshness))
    }

    async fn summary(
        &self,
        service: Service,
        last_deploy: Option<Deploy>,
        creation: Option<Job>,
    ) -> ServiceSummary {
        let name = &service.parameters.name;
        let statuses = self.environments().iter().map(|environment| self.status(name, environment));
        let environments = join_all(statuses).await;
        ServiceSummary { service, environments, last_deploy, creation }
    }

    async fn creation(&self, service: &ServiceName) -> Result<Option<Job>, Error> {
        Ok(self.inner.store.creation(service).await?)
    }

    async fn environment_detail(
        &self,
        service: &Service,
        environment: &Environment,
    ) -> Result<EnvironmentDetail, Error> {
        let name = &service.parameters.name;
        let status = self.status(name, environment).await;
        let commit = match &status.commit {
            Some(sha) => self.inner.repositories.commit(name, sha).await?,
            None => None,
        };
        let store = &self.inner.store;
        Ok(EnvironmentDetail {
            environment: environment.clone(),
            commit,
            live: store.last_succeeded_deploy(name, &environment.name, None).await?,
            running: store.running_deploy(name, &environment.name).await?,
            purge: self.purgeability(name, environment),
            objects: self.objects(name, environment),
            status,
        })
    }

    pub(crate) fn purgeability(&self, service: &ServiceName, environment: &Environment) -> Purgeability {
        let state = self.inner.state.namespace(&environment.namespace);
        let named = self.named_redis(service, environment).is_some();
        if !named && state.service(service).redis_pods.is_empty() {
            Purgeability::NoRedis
        } else if environment.policy.purgeable {
            Purgeability::Allowed
        } else {
            Purgeability::NotPurgeable
        }
    }

    /// The objects of a service whose YAML can be shown: those of its release, and what Kubernetes made of them.
    fn objects(&self, service: &ServiceName, environment: &Environment) -> Vec<ObjectReference> {
        let objects = self.inner.state.namespace(&environment.namespace).service(service);
        let Some(deployment) = &objects.deployment else { return Vec::new() };
        let named = |kind: &str, name: &str| ObjectReference { kind: kind.into(), name: name.into() };
        let mut references = vec![named("Deployment", service.as_str())];
        references.extend(objects.service.iter().map(|_| named("Service", service.as_str())));
        references.push(named("ServiceAccount", service.as_str()));
        if deployment.spec.as_ref().and_then(|spec| spec.replicas).is_some_and(|replicas| replicas > 1) {
            references.push(named("PodDisruptionBudget", service.as_str()));
        }
        if !objects.redis_pods.is_empty() {
            let redis = format!("{service}-redis");
            references.extend(["Deployment", "Service", "Secret"].map(|kind| named(kind, &redis)));
        }
        let name = |meta: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta| {
            meta.name.clone().unwrap_or_default()
        };
        references.extend(objects.replica_sets.iter().map(|set| named("ReplicaSet", &name(&set.metadata))));
        let pods = objects.pods.iter().chain(&objects.redis_pods);
        references.extend(pods.map(|pod| named("Pod", &name(&pod.metadata))));
        references
    }
}
