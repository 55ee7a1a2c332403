//! Connections: one that may only look, and the one that only a purgeable environment's Redis gets.

use crate::Error;
use fairway_domain::{Environment, RedisRunId};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, FromRedisValue, Pipeline, RedisConnectionInfo, Value};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// Redis answers within milliseconds, unless it is loading its data or a fork of a large one stands in the way.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A stream that was just opened carries the greeting within this time.
const GREETING_WITHIN: Duration = Duration::from_secs(5);

/// Who Fairway is to a Redis.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The ACL user; Redis's default one if none is named.
    pub user: Option<String>,
    /// The user's password.
    pub password: String,
}

/// A password isn't for logs.
impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// A Redis that can be looked at. What changes it needs a [`PurgeableRedis`].
pub struct Redis {
    connection: MultiplexedConnection,
    run_id: RedisRunId,
}

/// A Redis of an environment whose policy allows purging. Holding one is the right to count and to remove its keys.
pub struct PurgeableRedis {
    pub(crate) redis: Redis,
}

impl PurgeableRedis {
    /// Greets the Redis at the other end of `stream`, after checking that `environment` may be purged: where it may not, the
    /// stream is dropped unused.
    pub async fn connect<S>(stream: S, login: &Login, environment: &Environment) -> Result<Self, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        if !environment.policy.purgeable {
            return Err(Error::NotPurgeable(environment.name.clone()));
        }
        Ok(Self { redis: Redis::connect(stream, login).await? })
    }

    /// Which Redis it is.
    pub fn run_id(&self) -> &RedisRunId {
        self.redis.run_id()
    }
}

impl Redis {
    /// Greets the Redis at the other end of `stream`, within five seconds.
    pub async fn connect<S>(stream: S, login: &Login) -> Result<Self, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let silent = |_| Error::Unreachable(format!("no greeting within {} s", GREETING_WITHIN.as_secs()));
        tokio::time::timeout(GREETING_WITHIN, greet(stream, login)).await.map_err(silent)?
    }

    /// Which Redis it is: two connections with the same one lead to the same server.
    pub fn run_id(&self) -> &RedisRunId {
        &self.run_id
    }

    pub(crate) async fn ask<T: FromRedisValue>(&mut self, command: &Cmd) -> Result<T, Error> {
        command.query_async(&mut self.connection).await.map_err(|error| Error::from(&error))
    }

    /// Sends all of it at once; an answer a command, some of which may be errors. Fails only where there is no answer at all.
    pub(crate) async fn ask_all(&mut self, mut pipeline: Pipeline) -> Result<Vec<Value>, Error> {
        if pipeline.is_empty() {
            return Ok(Vec::new());
        }
        let answers = pipeline.ignore_errors().query_async(&mut self.connection).await;
        answers.map_err(|error| Error::from(&error))
    }
}

async fn greet<S>(stream: S, login: &Login) -> Result<Redis, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut identity = RedisConnectionInfo::default().set_password(&login.password).set_skip_set_lib_name();
    if let Some(user) = &login.user {
        identity = identity.set_username(user);
    }
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(ANSWER_WITHIN));
    let connected = MultiplexedConnection::new_with_config(&identity, stream, config).await;
    let (mut connection, driver) = connected.map_err(|error| Error::from(&error))?;
    // The driver ends by itself once the connection is dropped.
    tokio::spawn(driver);
    let answer: redis::RedisResult<String> =
        redis::cmd("INFO").arg("server").query_async(&mut connection).await;
    let server = answer.map_err(|error| Error::from(&error))?;
    let run_id = server.lines().find_map(|line| line.strip_prefix("run_id:")?.trim().parse().ok());
    let run_id = run_id.ok_or_else(|| Error::Refused("INFO server names no run_id".into()))?;
    Ok(Redis { connection, run_id })
}
