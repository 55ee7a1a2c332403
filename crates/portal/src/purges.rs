//! Removing keys from a service's Redis, where that is allowed.

use crate::refusal::done;
use crate::{Answer, Error, Portal, PurgePreview, Purgeability, Refusal};
use fairway_domain::{
    Action, Actor, Environment, EnvironmentName, Job, JobKind, Outcome, PurgeSelection, ServiceName,
};
use fairway_purge::PurgeableRedis;
use fairway_store::{NewActivity, NewJob};
use serde::{Deserialize, Serialize};

/// Which keys of which Redis, and how many the person agreed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurgeOrder {
    /// Whose Redis.
    pub service: ServiceName,
    /// Where.
    pub environment: EnvironmentName,
    /// Which keys.
    pub selection: PurgeSelection,
    /// How many the dry run counted. If more match by now, nothing is removed.
    pub expected: u64,
}

/// What a purge's job has to know.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PurgeRequest {
    pub(crate) selection: PurgeSelection,
}

/// The port that the chart's Redis listens on.
const REDIS_PORT: u16 = 6379;

impl Portal {
    /// Counts what a purge would remove. Nothing is changed.
    pub async fn purge_preview(
        &self,
        _actor: &Actor,
        service: &ServiceName,
        environment: &EnvironmentName,
        selection: &PurgeSelection,
    ) -> Result<Answer<PurgePreview>, Error> {
        let environment = done!(self.purgeable(service, environment).await?);
        let mut redis = done!(self.redis(service, environment).await?);
        let count = redis.count(selection).await?;
        let namespace = &environment.namespace;
        Ok(Answer::Done(PurgePreview {
            count,
            count_command: fairway_purge::count_command(namespace, service, selection),
            command: fairway_purge::purge_command(namespace, service, selection),
        }))
    }

    /// Begins a purge, or says why not. A refusal is on record too.
    pub async fn purge(&self, actor: &Actor, order: &PurgeOrder) -> Result<Answer<Job>, Error> {
        let preview = self.purge_preview(actor, &order.service, &order.environment, &order.selection).await?;
        let count = match preview {
            Answer::Done(preview) => preview.count,
            Answer::Refused(refusal) => return self.refused_purge(actor, order, refusal).await,
        };
        if count.matching > order.expected {
            let refusal = Refusal::CountChanged { expected: order.expected, now: count };
            return self.refused_purge(actor, order, refusal).await;
        }
        let request = serde_json::to_value(PurgeRequest { selection: order.selection.clone() })?;
        let store = &self.inner.store;
        let job = store
            .enqueue(&NewJob {
                kind: JobKind::Purge,
                service: &order.service,
                environment: Some(&order.environment),
                request: &request,
                actor,
                action: Action::Purge,
                detail: &order.selection.to_string(),
            })
            .await?;
        Ok(Answer::Done(job))
    }

    async fn refused_purge(
        &self,
        actor: &Actor,
        order: &PurgeOrder,
        refusal: Refusal,
    ) -> Result<Answer<Job>, Error> {
        // What names no service has no place in the record of services.
        if !matches!(refusal, Refusal::NoSuchService(_) | Refusal::NoSuchEnvironment(_)) {
            let outcome = Outcome::Refused(refusal.to_string());
            let detail = order.selection.to_string();
            let environment = Some(&order.environment);
            let store = &self.inner.store;
            store
                .record(&NewActivity {
                    actor,
                    action: Action::Purge,
                    service: &order.service,
                    environment,
                    detail: &detail,
                    outcome,
                    job: None,
                })
                .await?;
        }
        Ok(Answer::Refused(refusal))
    }

    /// The environment, if the service's Redis may be purged there. Asked by the server's own configuration, whatever the request says.
    async fn purgeable(
        &self,
        service: &ServiceName,
        environment: &EnvironmentName,
    ) -> Result<Answer<&Environment>, Error> {
        let environment = match self.known(service, environment).await? {
            Answer::Done((_, environment)) => environment,
            Answer::Refused(refusal) => return Ok(Answer::Refused(refusal)),
        };
        if !environment.policy.purgeable {
            return Ok(Answer::Refused(Refusal::NotPurgeable(environment.name.clone())));
        }
        if let Some(refusal) = self.away(environment) {
            return Ok(Answer::Refused(refusal));
        }
        Ok(match self.purgeability(service, environment) {
            Purgeability::Allowed => Answer::Done(environment),
            Purgeability::NoRedis => {
                Answer::Refused(Refusal::NoRedis(service.clone(), environment.name.clone()))
            }
            Purgeability::NotPurgeable => Answer::Refused(Refusal::NotPurgeable(environment.name.clone())),
        })
    }

    /// A connection to the service's Redis, as a developer's laptop would have it: forwarded to its pod.
    pub(crate) async fn redis(
        &self,
        service: &ServiceName,
        environment: &Environment,
    ) -> Result<Answer<PurgeableRedis>, Error> {
        let namespace = &environment.namespace;
        let pods = self.inner.state.namespace(namespace).service(service).redis_pods;
        let running = |pod: &&std::sync::Arc<k8s_openapi::api::core::v1::Pod>| {
            pod.metadata.deletion_timestamp.is_none()
                && pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Running")
        };
        let no_redis = || Answer::Refused(Refusal::NoRedis(service.clone(), environment.name.clone()));
        let Some(pod) = pods.iter().find(running).and_then(|pod| pod.metadata.name.clone()) else {
            return Ok(no_redis());
        };
        let secret = format!("{service}-redis");
        let Some(password) = self.inner.cluster.secret_value(namespace, &secret, "password").await? else {
            return Ok(no_redis());
        };
        let stream = self.inner.cluster.port_forward(namespace, &pod, REDIS_PORT).await?;
        Ok(Answer::Done(PurgeableRedis::connect(stream, &password, environment).await?))
    }
}
