//! One server, greeted.

use crate::{Error, timed};
use fairway_domain::{RedisAddress, RedisRunId};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, FromRedisValue, Pipeline, RedisConnectionInfo, Value};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// Redis answers within milliseconds, unless it is loading its data or a fork of a large one stands in the way.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A connection that was just opened carries the greeting within this time.
const GREETING_WITHIN: Duration = Duration::from_secs(5);

/// Who Fairway is to a Redis.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Login {
    /// The ACL user; Redis's default one if none is named.
    pub user: Option<String>,
    /// The user's password; empty where none is asked for.
    pub password: String,
}

/// A password isn't for logs.
impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Login {
    pub(crate) fn identity(&self) -> RedisConnectionInfo {
        let mut identity = RedisConnectionInfo::default().set_skip_set_lib_name();
        if !self.password.is_empty() {
            identity = identity.set_password(&self.password);
        }
        match &self.user {
            Some(user) => identity.set_username(user),
            None => identity,
        }
    }
}

/// A connection to one server. A clone shares it.
#[derive(Clone)]
pub(crate) struct Node {
    connection: MultiplexedConnection,
    address: Option<RedisAddress>,
    run_id: RedisRunId,
    ids: BTreeSet<RedisRunId>,
    replicated_before: Option<RedisRunId>,
    is_primary: bool,
    in_cluster: bool,
}

impl Node {
    pub(crate) async fn connect<S>(stream: S, login: &Login) -> Result<Self, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let opening = async {
            let config = config();
            let connected = MultiplexedConnection::new_with_config(&login.identity(), stream, config).await;
            let (connection, driver) = connected.map_err(|error| Error::from(&error))?;
            // The driver ends by itself once the connection is dropped.
            tokio::spawn(driver);
            greet(connection, None).await
        };
        in_time(opening).await
    }

    /// By a client of the library's own, which knows the way to `address`.
    pub(crate) async fn open(client: &redis::Client, address: &RedisAddress) -> Result<Self, Error> {
        let opening = async {
            let config = config().set_connection_timeout(Some(GREETING_WITHIN));
            let connected = client.get_multiplexed_async_connection_with_config(&config).await;
            greet(connected.map_err(|error| Error::from(&error))?, Some(address.clone())).await
        };
        in_time(opening).await.map_err(|error| error.at(address))
    }

    /// How a person tells it from others.
    pub(crate) fn name(&self) -> String {
        self.address.as_ref().map_or_else(|| "Redis".to_owned(), ToString::to_string)
    }

    pub(crate) fn is_at(&self, address: &RedisAddress) -> bool {
        self.address.as_ref() == Some(address)
    }

    pub(crate) fn host(&self) -> Option<&str> {
        self.address.as_ref().map(|address| address.host.as_str())
    }

    pub(crate) fn run_id(&self) -> &RedisRunId {
        &self.run_id
    }

    /// What it and its replicas call themselves.
    pub(crate) fn ids(&self) -> &BTreeSet<RedisRunId> {
        &self.ids
    }

    /// Whether it holds the same keys as what has these ids, as its replica now or until it took its place.
    pub(crate) fn succeeds(&self, ids: &BTreeSet<RedisRunId>) -> bool {
        self.ids.iter().chain(&self.replicated_before).any(|id| ids.contains(id))
    }

    pub(crate) fn is_primary(&self) -> bool {
        self.is_primary
    }

    /// Itself, if it has all the keys there are: a server of a cluster has only its part.
    pub(crate) fn whole(self) -> Result<Self, Error> {
        if self.in_cluster { Err(Error::PartOfCluster(self.name())) } else { Ok(self) }
    }

    pub(crate) async fn ask<T: FromRedisValue>(&mut self, command: &Cmd) -> Result<T, Error> {
        command.query_async(&mut self.connection).await.map_err(|error| self.said(&error))
    }

    /// Sends all of it at once; an answer a command, some of which may be errors. Fails only where there is no answer at all.
    pub(crate) async fn ask_all(&mut self, mut pipeline: Pipeline) -> Result<Vec<Value>, Error> {
        if pipeline.is_empty() {
            return Ok(Vec::new());
        }
        let answers = pipeline.ignore_errors().query_async(&mut self.connection).await;
        answers.map_err(|error| self.said(&error))
    }

    fn said(&self, error: &redis::RedisError) -> Error {
        let error = Error::from(error);
        match &self.address {
            Some(address) => error.at(address),
            None => error,
        }
    }
}

fn config() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new().set_response_timeout(Some(ANSWER_WITHIN))
}

async fn in_time<T>(greeting: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let silent = |_| Error::Unreachable(format!("no greeting within {} s", GREETING_WITHIN.as_secs()));
    tokio::time::timeout(GREETING_WITHIN, greeting).await.map_err(silent)?
}

async fn greet(mut connection: MultiplexedConnection, address: Option<RedisAddress>) -> Result<Node, Error> {
    let mut questions = Pipeline::new();
    questions.cmd("INFO").arg("server");
    questions.cmd("INFO").arg("replication");
    // Each answer by itself: the error of a whole pipeline leaves out what Redis said.
    let answers = questions.ignore_errors().query_async::<Vec<Value>>(&mut connection).await;
    let mut answers = answers.map_err(|error| Error::from(&error))?.into_iter().map(timed::read::<String>);
    let unclear = || Error::Refused("INFO isn't answered".into());
    let (server, replication) = (answers.next().ok_or_else(unclear)??, answers.next().ok_or_else(unclear)??);
    let run_id: RedisRunId = field(&server, "run_id")
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| Error::Refused("INFO server names no run_id".into()))?;
    // A primary and its replicas share the id of what they replicate.
    let id_of = |name| field(&replication, name).and_then(|id| id.parse().ok());
    let ids = id_of("master_replid").into_iter().chain([run_id.clone()]).collect();
    let is_primary = field(&replication, "role").is_none_or(|role| role == "master");
    let replicated_before = id_of("master_replid2");
    // Valkey 9 has a word of its own.
    let in_cluster =
        ["redis_mode", "server_mode"].into_iter().any(|name| field(&server, name) == Some("cluster"));
    Ok(Node { connection, address, run_id, ids, replicated_before, is_primary, in_cluster })
}

/// A value of INFO's.
pub(crate) fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    let value = |line: &'a str| line.strip_prefix(name)?.strip_prefix(':').map(str::trim);
    info.lines().find_map(value)
}
