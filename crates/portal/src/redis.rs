//! Which Redis a service has in an environment, and the way to it.

use crate::refusal::done;
use crate::{Answer, Error, Portal, Purgeability, Refusal};
use fairway_domain::{Environment, EnvironmentName, NamedRedis, ServiceName};
use fairway_kubernetes::PodStream;
use fairway_purge::{Credentials, Login, PurgeableRedis, Redis, Terminal};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use std::sync::Arc;

/// The port that the chart's Redis listens on.
const REDIS_PORT: u16 = 6379;

/// A Redis that the configuration names: for which service, where, and how it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisOfService {
    /// In which environment.
    pub environment: EnvironmentName,
    /// Whose.
    pub service: ServiceName,
    /// The way to it.
    pub named: NamedRedis,
}

/// The way to a service's Redis.
pub(crate) enum Way {
    /// Forwarded to its pod, as a developer's laptop would have it.
    Pod(PodStream, Login),
    /// Where the configuration says that it is.
    Named(NamedRedis, Credentials),
}

impl Way {
    pub(crate) async fn look(self) -> Result<Redis, Error> {
        Ok(match self {
            Self::Pod(stream, login) => Redis::connect(stream, &login).await?,
            Self::Named(named, credentials) => Redis::reach(&named, credentials).await?,
        })
    }
}

/// Whether a server may answer in the pod.
pub(crate) fn is_running(pod: &Pod) -> bool {
    let Some(status) = &pod.status else { return false };
    let runs =
        |container: &ContainerStatus| container.state.as_ref().is_some_and(|state| state.running.is_some());
    status.phase.as_deref() == Some("Running") && status.container_statuses.iter().flatten().any(runs)
}

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

    /// The service's Redis, to be counted and purged: where it may be, connected, and known to be no other environment's.
    pub(crate) async fn redis_to_purge(
        &self,
        service: &ServiceName,
        environment: &EnvironmentName,
    ) -> Result<Answer<(&Environment, PurgeableRedis)>, Error> {
        let environment = done!(self.purgeable(service, environment).await?);
        let redis = match done!(self.way_to_redis(service, environment).await?) {
            Way::Pod(stream, login) => PurgeableRedis::connect(stream, &login, environment).await?,
            Way::Named(named, credentials) => PurgeableRedis::reach(&named, credentials, environment).await?,
        };
        Ok(match self.shared_with(environment, redis.as_redis()).await {
            Some(refusal) => Answer::Refused(refusal),
            None => Answer::Done((environment, redis)),
        })
    }

    /// The Redis that the configuration names for the service there.
    pub(crate) fn named_redis(
        &self,
        service: &ServiceName,
        environment: &Environment,
    ) -> Option<&NamedRedis> {
        let of = |one: &&RedisOfService| one.service == *service && one.environment == environment.name;
        self.inner.settings.redis.iter().find(of).map(|one| &one.named)
    }

    /// From where a terminal reaches it.
    pub(crate) fn terminal<'a>(
        &'a self,
        service: &'a ServiceName,
        environment: &'a Environment,
    ) -> Terminal<'a> {
        match self.named_redis(service, environment) {
            Some(named) => Terminal::Named(&environment.namespace, named),
            None => Terminal::Pod(&environment.namespace, service),
        }
    }

    /// The way to the service's Redis, as the configuration names it or else as the chart brought it.
    pub(crate) async fn way_to_redis(
        &self,
        service: &ServiceName,
        environment: &Environment,
    ) -> Result<Answer<Way>, Error> {
        if let Some(named) = self.named_redis(service, environment) {
            return self.way_to_named(named, environment).await;
        }
        let pods = self.inner.state.namespace(&environment.namespace).service(service).redis_pods;
        let stays = |pod: &&Arc<Pod>| pod.metadata.deletion_timestamp.is_none() && is_running(pod);
        let (name, place) = (service.clone(), environment.name.clone());
        match pods.iter().find(stays) {
            Some(pod) => self.way_to_pod(service, environment, pod).await,
            None if pods.is_empty() => Ok(Answer::Refused(Refusal::NoRedis(name, place))),
            None => Ok(Answer::Refused(Refusal::RedisNotRunning(name, place))),
        }
    }

    pub(crate) async fn way_to_pod(
        &self,
        service: &ServiceName,
        environment: &Environment,
        pod: &Pod,
    ) -> Result<Answer<Way>, Error> {
        let (cluster, namespace) = (&self.inner.cluster, &environment.namespace);
        let secret = cluster.secret(namespace, &format!("{service}-redis")).await?;
        let password = secret.map(|mut secret| secret.text("password")).transpose()?.flatten();
        let Some(password) = password else {
            return Ok(Answer::Refused(Refusal::NoPassword(service.clone(), environment.name.clone())));
        };
        let pod = pod.metadata.name.as_deref().unwrap_or_default();
        let stream = cluster.port_forward(namespace, pod, REDIS_PORT).await?;
        Ok(Answer::Done(Way::Pod(stream, Login { user: None, password })))
    }

    pub(crate) async fn way_to_named(
        &self,
        named: &NamedRedis,
        environment: &Environment,
    ) -> Result<Answer<Way>, Error> {
        let credentials = done!(self.credentials(named, environment).await?);
        Ok(Answer::Done(Way::Named(named.clone(), credentials)))
    }

    /// What the Secret of a named Redis holds.
    async fn credentials(
        &self,
        named: &NamedRedis,
        environment: &Environment,
    ) -> Result<Answer<Credentials>, Error> {
        let Some(name) = &named.secret else { return Ok(Answer::Done(Credentials::default())) };
        let Some(mut secret) = self.inner.cluster.secret(&environment.namespace, name.as_str()).await? else {
            return Ok(Answer::Refused(Refusal::NoSecret(name.clone(), environment.name.clone())));
        };
        let user = secret.text("username")?;
        let login = Login { user, password: secret.text("password")?.unwrap_or_default() };
        let password = secret.text("sentinel-password")?.unwrap_or_default();
        let sentinels = Login { user: None, password };
        Ok(Answer::Done(Credentials { login, authority: secret.text("ca.crt")?, sentinels }))
    }
}
