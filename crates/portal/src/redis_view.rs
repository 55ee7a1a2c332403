//! Looking at a service's Redis, in every environment. Nothing here changes it.

use crate::refusal::done;
use crate::secrets::names_a_secret;
use crate::{Answer, Error, Portal, RedisKeyView, RedisView, Refusal};
use fairway_domain::{
    Action, Actor, Environment, EnvironmentName, KeyName, KeyPosition, KeyValue, Outcome, ServiceName,
    Timestamp,
};
use fairway_purge::{KeyRead, Redis};
use fairway_store::{ActivityFilter, NewActivity};
use std::time::Duration;

/// A Redis that is slower than this isn't shown.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// Whoever looks at a key again within this time, in seconds, or at more pages of it, is on record once.
const ONE_LOOK: i64 = 600;

/// So many of a person's latest looks are searched for the same one.
const LATEST: u32 = 50;

impl Portal {
    /// A service's Redis at a glance: what its server says of itself, and a sample of its keys.
    pub async fn redis(
        &self,
        _actor: &Actor,
        service: &ServiceName,
        environment: &EnvironmentName,
    ) -> Result<Answer<RedisView>, Error> {
        let (environment, mut redis) = done!(self.redis_to_look_at(service, environment).await?);
        let overview = in_time(redis.overview()).await?;
        let terminal = self.terminal(service, environment);
        Ok(Answer::Done(RedisView {
            overview,
            at: Timestamp::now(),
            purge: self.purgeability(service, environment),
            info_command: fairway_purge::info_command(terminal),
            sample_command: fairway_purge::sample_command(terminal),
        }))
    }

    /// One key of a service's Redis, with the page of its value that begins at `from`. Secrets are hidden. Who looked is on record.
    pub async fn redis_key(
        &self,
        actor: &Actor,
        service: &ServiceName,
        environment: &EnvironmentName,
        key: &KeyName,
        from: Option<&KeyPosition>,
    ) -> Result<Answer<RedisKeyView>, Error> {
        let (environment, mut redis) = done!(self.redis_to_look_at(service, environment).await?);
        let Some(read) = in_time(redis.key(key, from)).await? else {
            return Ok(Answer::Refused(Refusal::NoSuchKey(key.clone())));
        };
        self.record_look(actor, service, &environment.name, key).await?;
        let kind = &read.facts.r#type;
        let command = fairway_purge::key_command(self.terminal(service, environment), key, kind);
        Ok(Answer::Done(RedisKeyView { key: self.shown(read), command }))
    }

    fn shown(&self, read: KeyRead) -> KeyValue {
        let hidden = names_a_secret(read.facts.name.as_bytes());
        KeyValue {
            name: read.facts.name,
            r#type: read.facts.r#type,
            encoding: read.encoding,
            expires_in_milliseconds: read.facts.expires_in_milliseconds,
            memory: read.facts.memory,
            usage: read.facts.usage,
            look_counts: read.look_counts,
            length: read.length,
            hidden,
            elements: self.inner.settings.secrets.page(read.page, hidden),
            next: read.next,
        }
    }

    /// A connection that may only look, wherever it leads.
    async fn redis_to_look_at(
        &self,
        service: &ServiceName,
        environment: &EnvironmentName,
    ) -> Result<Answer<(&Environment, Redis)>, Error> {
        let (_, environment) = done!(self.known(service, environment).await?);
        if let Some(refusal) = self.away(environment) {
            return Ok(Answer::Refused(refusal));
        }
        let redis = done!(self.way_to_redis(service, environment).await?).look().await?;
        Ok(Answer::Done((environment, redis)))
    }

    async fn record_look(
        &self,
        actor: &Actor,
        service: &ServiceName,
        environment: &EnvironmentName,
        key: &KeyName,
    ) -> Result<(), Error> {
        let store = &self.inner.store;
        let detail = format!("key {}", key.shown());
        let same = ActivityFilter {
            service: Some(service.clone()),
            environment: Some(environment.clone()),
            actor: Some(actor.name.clone()),
            action: Some(Action::Look),
        };
        let since = Timestamp::now().as_second() - ONE_LOOK;
        let looks = store.activity(&same, None, LATEST).await?;
        if looks.iter().any(|look| look.detail == detail && look.at.as_second() >= since) {
            return Ok(());
        }
        let look = NewActivity {
            actor,
            action: Action::Look,
            service,
            environment: Some(environment),
            detail: &detail,
            outcome: Outcome::Succeeded,
            job: None,
        };
        store.record(&look).await?;
        Ok(())
    }
}

/// What Redis answers, unless it takes too long.
async fn in_time<T>(look: impl Future<Output = Result<T, fairway_purge::Error>>) -> Result<T, Error> {
    let silent =
        || fairway_purge::Error::Unreachable(format!("no answer within {} s", ANSWER_WITHIN.as_secs()));
    Ok(tokio::time::timeout(ANSWER_WITHIN, look).await.map_err(|_| silent())??)
}
