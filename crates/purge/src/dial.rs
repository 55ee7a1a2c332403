//! The way to a Redis that the configuration names, whichever of its servers hold the keys at present.

use crate::Error;
use crate::cluster::{Layout, Membership};
use crate::node::{Login, Node};
use fairway_domain::{NamedRedis, RedisAddress, RedisRunId, RedisTopology};
use redis::{Client, ConnectionAddr, IntoConnectionInfo, TlsCertificates};
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

/// Who holds the keys at present.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) nodes: Vec<Node>,
    pub(crate) layout: Layout,
    /// What the cluster's servers are called in it, those without slots too.
    pub(crate) members: BTreeSet<RedisRunId>,
    /// One that hands slots over, or takes some.
    pub(crate) handing_over: Option<String>,
}

impl Found {
    fn alone(node: Node) -> Self {
        Self { nodes: vec![node], ..Self::default() }
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

    /// A server of a cluster, and what it knows of the others.
    pub(crate) async fn member(&self, address: &RedisAddress) -> Result<(Node, Membership), Error> {
        let mut node = self.dial(address).await?;
        let membership = Membership::of(&mut node).await?;
        Ok((node, membership))
    }

    /// Every server that holds keys, and who holds what: as the first of the named servers that can answer says. If none can, what the
    /// last one said.
    pub(crate) async fn primaries(&self) -> Result<Found, Error> {
        let mut last = Error::Unreachable("no address is named".into());
        for address in &self.named.addresses {
            let answer = match &self.named.topology {
                RedisTopology::Standalone => self.dial(address).await.and_then(Node::whole).map(Found::alone),
                RedisTopology::Cluster => self.cluster(address).await,
                RedisTopology::Sentinel { name } => {
                    self.sentinels_primary(address, name).await.map(Found::alone)
                }
            };
            match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn cluster(&self, address: &RedisAddress) -> Result<Found, Error> {
        let (mut node, Membership { members, .. }) = self.member(address).await?;
        let layout = Layout::by(&mut node, address).await?;
        let (mut nodes, mut handing_over) = (Vec::new(), None);
        for primary in layout.primaries() {
            let (node, known) = self.member(&primary.address).await?;
            if known.itself != primary.id {
                let at = &primary.address;
                return Err(Error::Unsettled(format!("{at} isn't the server that {address} takes it for")));
            }
            // They tell each other within a moment who has got which slot.
            if known.hands_over || known.slots != layout.slots_of(&primary.id) {
                handing_over = Some(node.name());
            }
            nodes.push(node);
        }
        Ok(Found { nodes, layout, members, handing_over })
    }

    async fn sentinels_primary(&self, address: &RedisAddress, name: &str) -> Result<Node, Error> {
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
        Ok(node)
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
