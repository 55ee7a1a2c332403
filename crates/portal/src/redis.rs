//! Which Redis a service has in an environment, and the way to it.

use crate::refusal::done;
use crate::{Answer, Error, Portal, Purgeability, Refusal};
use fairway_domain::{Environment, EnvironmentName, RedisRunId, ServiceName};
use fairway_kubernetes::PodStream;
use fairway_purge::{Login, PurgeableRedis, Redis};
use futures::future::join_all;

/// The port that the chart's Redis listens on.
const REDIS_PORT: u16 = 6379;

impl Portal {
    /// The environment, if the service's Redis may be purged there. Asked by the server's own configuration, whatever the request says.
    pub(crate) async fn purgeable(
        &self,
        service: &ServiceName,
        environment: &EnvironmentName,
    ) -> Result<Answer<&Environment>, Error> {
        let (_, environment) = done!(self.known(service, environment).await?);
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

    /// The service's Redis, to be counted and purged: connected, and known to be no other environment's.
    pub(crate) async fn redis_to_purge(
        &self,
        service: &ServiceName,
        environment: &Environment,
    ) -> Result<Answer<PurgeableRedis>, Error> {
        let Some((stream, login)) = self.way_to_redis(service, environment).await? else {
            return Ok(Answer::Refused(Refusal::NoRedis(service.clone(), environment.name.clone())));
        };
        let redis = PurgeableRedis::connect(stream, &login, environment).await?;
        Ok(match self.shared_with(service, environment, redis.run_id()).await {
            Some(other) => Answer::Refused(Refusal::SharedRedis(environment.name.clone(), other)),
            None => Answer::Done(redis),
        })
    }

    /// The other environment in which the service has the very same Redis, if there is one.
    async fn shared_with(
        &self,
        service: &ServiceName,
        environment: &Environment,
        run_id: &RedisRunId,
    ) -> Option<EnvironmentName> {
        let others = self.environments().iter().filter(|other| other.name != environment.name);
        let asked = others.map(|other| async move {
            // A pod of another namespace that can't be asked is none of this environment's: it is left out.
            let run_id = self.run_id(service, other).await.unwrap_or_else(|error| {
                tracing::warn!(%service, environment = %other.name, %error, "a Redis can't be asked which one it is");
                None
            });
            (other, run_id)
        });
        let same = join_all(asked).await.into_iter().find(|(_, other)| other.as_ref() == Some(run_id));
        same.map(|(other, _)| other.name.clone())
    }

    async fn run_id(
        &self,
        service: &ServiceName,
        environment: &Environment,
    ) -> Result<Option<RedisRunId>, Error> {
        let Some((stream, login)) = self.way_to_redis(service, environment).await? else { return Ok(None) };
        Ok(Some(Redis::connect(stream, &login).await?.run_id().clone()))
    }

    /// A stream to the service's Redis, as a developer's laptop would have it: forwarded to its pod. Nothing, if there is none.
    async fn way_to_redis(
        &self,
        service: &ServiceName,
        environment: &Environment,
    ) -> Result<Option<(PodStream, Login)>, Error> {
        let namespace = &environment.namespace;
        let pods = self.inner.state.namespace(namespace).service(service).redis_pods;
        let running = |pod: &&std::sync::Arc<k8s_openapi::api::core::v1::Pod>| {
            pod.metadata.deletion_timestamp.is_none()
                && pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Running")
        };
        let Some(pod) = pods.iter().find(running).and_then(|pod| pod.metadata.name.clone()) else {
            return Ok(None);
        };
        let secret = format!("{service}-redis");
        let Some(password) = self.inner.cluster.secret_value(namespace, &secret, "password").await? else {
            return Ok(None);
        };
        let stream = self.inner.cluster.port_forward(namespace, &pod, REDIS_PORT).await?;
        Ok(Some((stream, Login { user: None, password })))
    }
}
