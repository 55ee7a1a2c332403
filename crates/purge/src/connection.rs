//! Connections: one that may only look, and the one that only a purgeable environment's Redis gets.

use crate::Error;
use crate::cluster::Layout;
use crate::dial::{Credentials, Dialer, Found};
use crate::node::{Login, Node};
use fairway_domain::{Environment, NamedRedis, RedisAddress, RedisRunId};
use std::collections::{BTreeMap, BTreeSet};
use tokio::io::{AsyncRead, AsyncWrite};

/// A Redis that can be looked at: every server that holds keys of it. What changes it needs a [`PurgeableRedis`].
pub struct Redis {
    pub(crate) nodes: Vec<Node>,
    id: RedisRunId,
    /// What its servers were called when it was reached, and what they replicated: no other server is taken for a part of it.
    ids: BTreeSet<RedisRunId>,
    /// The way to its servers, and who held which slots when that was looked at last; not for the end of a stream.
    named: Option<(Dialer, Layout)>,
    /// Servers that keys were moved to, by their addresses.
    others: BTreeMap<RedisAddress, Node>,
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
        check(environment)?;
        Ok(Self { redis: Redis::connect(stream, login).await? })
    }

    /// Greets every server that holds keys of the named Redis, after checking that `environment` may be purged.
    pub async fn reach(
        named: &NamedRedis,
        credentials: Credentials,
        environment: &Environment,
    ) -> Result<Self, Error> {
        check(environment)?;
        Ok(Self { redis: Redis::reach(named, credentials).await? })
    }

    /// What of it may be looked at without that right.
    pub fn as_redis(&self) -> &Redis {
        &self.redis
    }
}

fn check(environment: &Environment) -> Result<(), Error> {
    if environment.policy.purgeable { Ok(()) } else { Err(Error::NotPurgeable(environment.name.clone())) }
}

impl Redis {
    /// Greets the Redis at the other end of `stream`, within five seconds.
    pub async fn connect<S>(stream: S, login: &Login) -> Result<Self, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let node = Node::connect(stream, login).await?.whole()?;
        let (id, ids) = (node.run_id().clone(), node.ids().clone());
        Ok(Self { nodes: vec![node], id, ids, named: None, others: BTreeMap::new() })
    }

    /// Greets every server that holds keys of the named Redis, each within five seconds.
    pub async fn reach(named: &NamedRedis, credentials: Credentials) -> Result<Self, Error> {
        let dialer = Dialer::new(named.clone(), credentials);
        let Found { nodes, layout, members, .. } = dialer.primaries().await?;
        let id = members.first().or_else(|| nodes.first().map(Node::run_id)).cloned();
        let id = id.ok_or_else(|| Error::Unsettled("none of them holds any keys".into()))?;
        let of_nodes = nodes.iter().flat_map(|node| node.ids().iter().cloned());
        let ids = of_nodes.chain(members).collect();
        Ok(Self { nodes, id, ids, named: Some((dialer, layout)), others: BTreeMap::new() })
    }

    /// Which Redis it is, in one word: of a server its run id, of a cluster the id of one of its nodes. It stays while this is open:
    /// where another server takes the whole of it over, this one is of no use any more.
    pub fn id(&self) -> &RedisRunId {
        &self.id
    }

    /// Whether both are the same Redis, or hold the same keys because one is the other's replica or a part of it.
    pub fn is_same(&self, other: &Self) -> bool {
        !self.ids.is_disjoint(&other.ids)
    }

    /// Whether keys are spread over slots.
    pub(crate) fn is_cluster(&self) -> bool {
        self.named.as_ref().is_some_and(|(_, layout)| layout.is_cluster())
    }

    /// Whether another server may take the place of one.
    pub(crate) fn can_move(&self) -> bool {
        self.named.as_ref().is_some_and(|(dialer, _)| dialer.can_move())
    }

    /// Looks anew which servers hold the keys, and connects to them. Gives whether that has changed. Fails while keys are on the move, and
    /// for good where a server has come that isn't known to be a part of it, or that has taken the whole of it over: whether that one may
    /// be purged has to be asked from the beginning.
    pub(crate) async fn rearranged(&mut self) -> Result<bool, Error> {
        let Some((dialer, before)) = self.named.as_ref().filter(|(dialer, _)| dialer.can_move()) else {
            return Ok(false);
        };
        let Found { nodes, layout, handing_over, .. } = dialer.primaries().await?;
        if layout.is_cluster() {
            for primary in layout.primaries() {
                self.check_known(&primary.id, &primary.address)?;
            }
        } else {
            self.check_same(&nodes)?;
        }
        if let Some(name) = handing_over {
            return Err(Error::Unsettled(format!("slots are being moved from or to {name}")));
        }
        let same = |(one, other): (&Node, &Node)| one.run_id() == other.run_id();
        let changed = layout != *before || !self.nodes.iter().zip(&nodes).all(same);
        self.named = self.named.take().map(|(dialer, _)| (dialer, layout));
        self.nodes = nodes;
        self.others.clear();
        Ok(changed)
    }

    /// A server that joined the cluster later may have brought keys of another Redis.
    fn check_known(&self, id: &RedisRunId, address: &RedisAddress) -> Result<(), Error> {
        if self.ids.contains(id) { Ok(()) } else { Err(Error::Joined(address.to_string())) }
    }

    /// What sentinels name must be what they named before.
    fn check_same(&self, nodes: &[Node]) -> Result<(), Error> {
        match nodes.iter().find(|node| *node.run_id() != self.id) {
            None => Ok(()),
            Some(successor) if successor.succeeds(&self.ids) => Err(Error::TakenOver(successor.name())),
            Some(stranger) => Err(Error::Joined(stranger.name())),
        }
    }

    /// The server at `address`.
    pub(crate) async fn at(&mut self, address: &RedisAddress) -> Result<Node, Error> {
        let known = self.nodes.iter().find(|node| node.is_at(address)).or_else(|| self.others.get(address));
        if let Some(node) = known {
            return Ok(node.clone());
        }
        let Some((dialer, _)) = &self.named else {
            return Err(Error::Unsettled(format!("it names another server, {address}")));
        };
        let (node, membership) = dialer.member(address).await?;
        self.check_known(&membership.itself, address)?;
        self.others.insert(address.clone(), node.clone());
        Ok(node)
    }
}
