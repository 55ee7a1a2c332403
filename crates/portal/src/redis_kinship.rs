//! Whether a Redis that is to be purged is another environment's too.

use crate::redis::is_running;
use crate::{Answer, Portal, Refusal};
use fairway_domain::{Environment, NamedRedis, ServiceName};
use fairway_purge::Redis;
use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use std::pin::pin;
use std::sync::Arc;

/// So many are asked at once which one they are.
const AT_ONCE: usize = 8;

/// A Redis of another environment.
struct Elsewhere<'a> {
    environment: &'a Environment,
    service: ServiceName,
    place: Place<'a>,
}

enum Place<'a> {
    Pod(Arc<Pod>),
    Named(&'a NamedRedis),
}

impl Portal {
    /// Why another environment speaks against purging: it has the very same Redis, or one that can't be asked which it is.
    pub(crate) async fn shared_with(&self, environment: &Environment, redis: &Redis) -> Option<Refusal> {
        let others = || self.environments().iter().filter(|other| other.name != environment.name);
        // Of one that isn't seen yet, no pod is known, and that says nothing.
        if let Some(unseen) = others().find(|other| self.away(other).is_some()) {
            return Some(Refusal::PerhapsShared(environment.name.clone(), None, unseen.name.clone()));
        }
        let elsewhere: Vec<Elsewhere<'_>> = others().flat_map(|other| self.redis_there(other)).collect();
        let asked: Vec<_> =
            elsewhere.iter().map(|one| self.speaks_against(environment, redis, one)).collect();
        let mut refusals = pin!(stream::iter(asked).buffered(AT_ONCE).filter_map(std::future::ready));
        refusals.next().await
    }

    async fn speaks_against(
        &self,
        environment: &Environment,
        redis: &Redis,
        other: &Elsewhere<'_>,
    ) -> Option<Refusal> {
        let (here, there) = (environment.name.clone(), other.environment.name.clone());
        match self.look_elsewhere(other).await {
            Ok(other) => redis.is_same(&other).then_some(Refusal::SharedRedis(here, there)),
            // One that doesn't say which it is may be the same.
            Err(why) => {
                let service = other.service.clone();
                tracing::warn!(%service, environment = %there, why, "a Redis can't be asked which one it is");
                Some(Refusal::PerhapsShared(here, Some(service), there))
            }
        }
    }

    /// Every Redis that services have there, whoever's it is: what the chart brought, and what the configuration names.
    fn redis_there<'a>(&'a self, environment: &'a Environment) -> Vec<Elsewhere<'a>> {
        let pods = self.inner.state.namespace(&environment.namespace).redis_pods().into_iter();
        let running = pods.filter(|(_, pod)| is_running(pod));
        let pods = running.map(|(service, pod)| Elsewhere { environment, service, place: Place::Pod(pod) });
        let named = self.inner.settings.redis.iter().filter(|one| one.environment == environment.name);
        let named = named.map(|one| {
            let place = Place::Named(&one.named);
            Elsewhere { environment, service: one.service.clone(), place }
        });
        pods.chain(named).collect()
    }

    /// Connected; or why it can't be, for the log.
    async fn look_elsewhere(&self, one: &Elsewhere<'_>) -> Result<Redis, String> {
        let way = match &one.place {
            Place::Pod(pod) => self.way_to_pod(&one.service, one.environment, pod).await,
            Place::Named(named) => self.way_to_named(named, one.environment).await,
        };
        match way {
            Ok(Answer::Done(way)) => way.look().await.map_err(|error| error.to_string()),
            Ok(Answer::Refused(refusal)) => Err(refusal.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }
}
