//! Which Redis a service has in an environment, and the way to it.

use crate::refusal::done;
use crate::{Answer, Error, Portal, Purgeability, Refusal};
use fairway_domain::{Environment, EnvironmentName, NamedRedis, ServiceName};
use fairway_kubernetes::PodStream;
use fairway_purge::{Credentials, Login, PurgeableRedis, Redis, Terminal};
use futures::future::join_all;

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
enum Way {
    /// Forwarded to its pod, as a developer's laptop would have it.
    Pod(PodStream, Login),
    /// Where the configuration says that it is.
    Named(NamedRedis, Credentials),
}

impl Way {
    async fn look(self) -> Result<Redis, Error> {
        Ok(match self {
            Self::Pod(stream, login) => Redis::connect(stream, &login).await?,
            Self::Named(named, credentials) => Redis::reach(&named, credentials).await?,
        })
    }
}

/// What another environment's Redis is to the one that is to be purged.
enum Kinship {
    Other,
    Same,
    Unknown,
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
        let redis = match self.way_to_redis(service, environment).await? {
            None => {
                let (service, environment) = (service.clone(), environment.name.clone());
                return Ok(Answer::Refused(Refusal::RedisNotRunning(service, environment)));
            }
            Some(Way::Pod(stream, login)) => PurgeableRedis::connect(stream, &login, environment).await?,
            Some(Way::Named(named, credentials)) => {
                PurgeableRedis::reach(&named, credentials, environment).await?
            }
        };
        Ok(match self.shared_with(service, environment, redis.as_redis()).await {
            Some(refusal) => Answer::Refused(refusal),
            None => Answer::Done((environment, redis)),
        })
    }

    /// The service's Redis, to be looked at and nothing else; nothing, if none runs.
    pub(crate) async fn redis_to_see(
        &self,
        service: &ServiceName,
        environment: &Environment,
    ) -> Result<Option<Redis>, Error> {
        match self.way_to_redis(service, environment).await? {
            Some(way) => Ok(Some(way.look().await?)),
            None => Ok(None),
        }
    }

    /// Why another environment speaks against purging: it reaches the very same Redis, or one that can't be asked which it is.
    async fn shared_with(
        &self,
        service: &ServiceName,
        environment: &Environment,
        redis: &Redis,
    ) -> Option<Refusal> {
        let asked = self.elsewhere(service, environment).into_iter().map(|(service, other)| async move {
            // One that doesn't say which it is may be the same: it is refused, wherever it runs.
            let kinship = self.kinship(&service, other, redis).await.unwrap_or_else(|error| {
                tracing::warn!(%service, environment = %other.name, %error, "a Redis can't be asked which one it is");
                Kinship::Unknown
            });
            let (here, there) = (environment.name.clone(), other.name.clone());
            match kinship {
                Kinship::Other => None,
                Kinship::Same => Some(Refusal::SharedRedis(here, there)),
                Kinship::Unknown => Some(Refusal::PerhapsShared(here, service, there)),
            }
        });
        join_all(asked).await.into_iter().flatten().next()
    }

    /// What may have the same Redis: the service in every other environment, and whatever else the configuration names there.
    fn elsewhere(
        &self,
        service: &ServiceName,
        environment: &Environment,
    ) -> Vec<(ServiceName, &Environment)> {
        let mut elsewhere = Vec::new();
        for other in self.environments().iter().filter(|other| other.name != environment.name) {
            let named = self.inner.settings.redis.iter().filter(|one| one.environment == other.name);
            let named = named.map(|one| one.service.clone()).filter(|one| one != service);
            elsewhere.extend(named.chain([service.clone()]).map(|service| (service, other)));
        }
        elsewhere
    }

    async fn kinship(
        &self,
        service: &ServiceName,
        environment: &Environment,
        redis: &Redis,
    ) -> Result<Kinship, Error> {
        let Some(way) = self.way_to_redis(service, environment).await? else { return Ok(Kinship::Other) };
        Ok(if redis.is_same(&way.look().await?) { Kinship::Same } else { Kinship::Other })
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

    /// Nothing, if there is no Redis.
    async fn way_to_redis(
        &self,
        service: &ServiceName,
        environment: &Environment,
    ) -> Result<Option<Way>, Error> {
        if let Some(named) = self.named_redis(service, environment) {
            return Ok(Some(Way::Named(named.clone(), self.credentials(named, environment).await?)));
        }
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
        Ok(Some(Way::Pod(stream, Login { user: None, password })))
    }

    /// What the Secret of a named Redis holds.
    async fn credentials(&self, named: &NamedRedis, environment: &Environment) -> Result<Credentials, Error> {
        let Some(secret) = &named.secret else { return Ok(Credentials::default()) };
        let (cluster, namespace, secret) = (&self.inner.cluster, &environment.namespace, secret.as_str());
        let login = Login {
            user: cluster.secret_value(namespace, secret, "username").await?,
            password: cluster.secret_value(namespace, secret, "password").await?.unwrap_or_default(),
        };
        let password = cluster.secret_value(namespace, secret, "sentinel-password").await?;
        let sentinels = Login { user: None, password: password.unwrap_or_default() };
        let authority = cluster.secret_value(namespace, secret, "ca.crt").await?;
        Ok(Credentials { login, authority, sentinels })
    }
}
