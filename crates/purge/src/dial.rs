//! The way to a Redis that the configuration names, whichever of its servers hold the keys at present.

use crate::Error;
use crate::node::{Login, Node};
use crate::slots::SLOTS;
use fairway_domain::{NamedRedis, RedisAddress, RedisRunId, RedisTopology};
use redis::{Client, ConnectionAddr, IntoConnectionInfo, TlsCertificates, Value};
use std::collections::BTreeSet;

/// What the Secret of a named Redis holds.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// Who Fairway is to it.
    pub login: Login,
    /// The certificates of whoever signed its own, as PEM; the system's own if none are given.
    pub authority: Option<String>,
    /// Who Fairway is to its sentinels.
    pub sentinels: Login,
}

/// Which server holds which slots of a cluster. One without slots for a Redis that is no cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// From which slot to which, and where; in order.
    ranges: Vec<(u32, u32, RedisAddress)>,
    ids: BTreeSet<RedisRunId>,
}

impl Layout {
    pub(crate) fn is_cluster(&self) -> bool {
        !self.ranges.is_empty()
    }

    /// What the cluster's servers are called in it, which stays over restarts.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &RedisRunId> {
        self.ids.iter()
    }

    fn primaries(&self) -> BTreeSet<&RedisAddress> {
        self.ranges.iter().map(|(_, _, address)| address).collect()
    }
}

pub(crate) struct Dialer {
    named: NamedRedis,
    credentials: Credentials,
}

impl Dialer {
    pub(crate) fn new(named: NamedRedis, credentials: Credentials) -> Self {
        Self { named, credentials }
    }

    pub(crate) fn can_move(&self) -> bool {
        self.named.topology != RedisTopology::Standalone
    }

    pub(crate) async fn dial(&self, address: &RedisAddress) -> Result<Node, Error> {
        Node::open(&self.client(address, &self.credentials.login)?, address).await
    }

    /// Connections to every server that holds keys, and who holds what: as the first of the named servers that can answer says. If
    /// none can, what the last one said.
    pub(crate) async fn primaries(&self) -> Result<(Vec<Node>, Layout), Error> {
        let mut last = Error::Unreachable("no address is named".into());
        for address in &self.named.addresses {
            let answer = match &self.named.topology {
                RedisTopology::Standalone => {
                    self.dial(address).await.and_then(Node::whole).map(|node| (vec![node], Layout::default()))
                }
                RedisTopology::Cluster => self.cluster(address).await,
                RedisTopology::Sentinel { name } => self.sentinels_primary(address, name).await,
            };
            match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn cluster(&self, address: &RedisAddress) -> Result<(Vec<Node>, Layout), Error> {
        let layout = layout(&mut self.dial(address).await?, address).await?;
        let mut nodes = Vec::new();
        for primary in layout.primaries() {
            nodes.push(self.dial(primary).await?);
        }
        Ok((nodes, layout))
    }

    async fn sentinels_primary(
        &self,
        address: &RedisAddress,
        name: &str,
    ) -> Result<(Vec<Node>, Layout), Error> {
        let client = self.client(address, &self.credentials.sentinels)?;
        let mut sentinel = Node::open(&client, address).await?;
        let mut question = redis::cmd("SENTINEL");
        question.arg("get-master-addr-by-name").arg(name);
        let answer: Option<(String, u16)> = sentinel.ask(&question).await?;
        let Some((host, port)) = answer else {
            return Err(Error::Refused(format!("the sentinel at {address} knows no primary called {name}")));
        };
        let node = self.dial(&RedisAddress { host, port }).await?.whole()?;
        if !node.is_primary() {
            return Err(Error::Unsettled(format!("the sentinels name {}, which is a replica", node.name())));
        }
        Ok((vec![node], Layout::default()))
    }

    fn client(&self, address: &RedisAddress, login: &Login) -> Result<Client, Error> {
        let (host, port) = (address.host.clone(), address.port);
        let way = if self.named.tls {
            ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
        } else {
            ConnectionAddr::Tcp(host, port)
        };
        let info = way.into_connection_info().map(|info| info.set_redis_settings(login.identity()));
        let client = info.and_then(|info| match &self.credentials.authority {
            Some(pem) if self.named.tls => {
                let root_cert = Some(pem.clone().into_bytes());
                Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert })
            }
            _ => Client::open(info),
        });
        client.map_err(|error| Error::Untrusted(error.to_string()).at(address))
    }
}

/// Who holds which slots, by the server at `address`. Fails where not every slot is held: its keys would be missed.
async fn layout(node: &mut Node, address: &RedisAddress) -> Result<Layout, Error> {
    let answer: Vec<Vec<Value>> = node.ask(redis::cmd("CLUSTER").arg("SLOTS")).await?;
    let unclear = || Error::Refused(format!("{address} answers CLUSTER SLOTS with something else"));
    let mut layout = Layout::default();
    for range in answer {
        let mut parts = range.into_iter();
        let (Some(first), Some(last), Some(primary)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(unclear());
        };
        let (at, id) = server(primary, address).ok_or_else(unclear)?;
        let (first, last): (u32, u32) = (read(first).ok_or_else(unclear)?, read(last).ok_or_else(unclear)?);
        layout.ranges.push((first, last, at));
        layout.ids.extend(id);
        layout.ids.extend(parts.filter_map(|replica| server(replica, address)?.1));
    }
    layout.ranges.sort();
    let held: u32 = layout.ranges.iter().map(|(first, last, _)| last + 1 - first).sum();
    if held == u32::from(SLOTS) {
        return Ok(layout);
    }
    Err(Error::Unsettled(format!("{held} of {SLOTS} slots are held by a server, so keys would be missed")))
}

/// A server in an answer of CLUSTER SLOTS: host, port and id. Without a host, it is the one that was asked.
fn server(answer: Value, asked: &RedisAddress) -> Option<(RedisAddress, Option<RedisRunId>)> {
    let Value::Array(parts) = answer else { return None };
    let mut parts = parts.into_iter();
    let host: Option<String> = read(parts.next()?)?;
    let port: u16 = read(parts.next()?)?;
    let host = host.filter(|host| !host.is_empty()).unwrap_or_else(|| asked.host.clone());
    let id = parts.next().and_then(read::<String>).and_then(|id| id.parse().ok());
    Some((RedisAddress { host, port }, id))
}

fn read<T: redis::FromRedisValue>(value: Value) -> Option<T> {
    redis::from_redis_value(value).ok()
}

/// Fails while slots move from or to the server: a key that moves may be where nobody looks any more.
pub(crate) async fn check_slots(node: &mut Node) -> Result<(), Error> {
    let nodes: String = node.ask(redis::cmd("CLUSTER").arg("NODES")).await?;
    let itself = nodes.lines().find(|line| line.contains("myself"));
    match itself.and_then(|line| line.split_once('[')) {
        Some(_) => Err(Error::Unsettled(format!("slots are being moved from or to {}", node.name()))),
        None => Ok(()),
    }
}
