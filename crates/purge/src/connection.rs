//! The connection that only a purgeable environment's Redis gets.

use crate::Error;
use fairway_domain::Environment;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisConnectionInfo};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// Redis answers within milliseconds, unless it is loading its data or a fork of a large one stands in the way.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A stream that was just opened carries the greeting within this time.
const GREETING_WITHIN: Duration = Duration::from_secs(5);

/// A Redis of an environment whose policy allows purging. Holding one is the right to count and to remove its keys.
pub struct PurgeableRedis {
    pub(crate) connection: MultiplexedConnection,
}

impl PurgeableRedis {
    /// Greets the Redis at the other end of `stream`, after checking that `environment` may be purged: where it may not, the
    /// stream is dropped unused.
    pub async fn connect<S>(stream: S, password: &str, environment: &Environment) -> Result<Self, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        if !environment.policy.purgeable {
            return Err(Error::NotPurgeable(environment.name.clone()));
        }
        let silent = |_| Error::Unreachable(format!("no greeting within {} s", GREETING_WITHIN.as_secs()));
        tokio::time::timeout(GREETING_WITHIN, greet(stream, password)).await.map_err(silent)?
    }
}

async fn greet<S>(stream: S, password: &str) -> Result<PurgeableRedis, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let identity = RedisConnectionInfo::default().set_password(password).set_skip_set_lib_name();
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(ANSWER_WITHIN));
    let connected = MultiplexedConnection::new_with_config(&identity, stream, config).await;
    let (mut connection, driver) = connected.map_err(|error| Error::before_any_change(&error))?;
    // The driver ends by itself once the connection is dropped.
    tokio::spawn(driver);
    let answer: redis::RedisResult<()> = redis::cmd("PING").query_async(&mut connection).await;
    answer.map_err(|error| Error::before_any_change(&error))?;
    Ok(PurgeableRedis { connection })
}
