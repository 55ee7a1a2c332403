//! Where a Redis is that Fairway didn't bring itself.

use crate::{Invalid, names::parsed_text};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

parsed_text! {
    /// The name of a Secret in a service's namespace: 1 to 253 lower-case letters, digits, dots and dashes.
    SecretName, check_secret_name
}

fn check_secret_name(text: &str) -> Result<(), Invalid> {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let allowed = |byte: u8| inner(byte) || matches!(byte, b'-' | b'.');
    let bytes = text.as_bytes();
    let ends = [bytes.first(), bytes.last()].into_iter().flatten().all(|byte| inner(*byte));
    if (1..=253).contains(&bytes.len()) && bytes.iter().all(|byte| allowed(*byte)) && ends {
        return Ok(());
    }
    Err(Invalid::new("A Secret's name is lower-case letters, digits, dots and dashes."))
}

/// A host and a port, as Fairway itself reaches them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RedisAddress {
    /// A name, or an address: an IPv6 one without its brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl From<RedisAddress> for String {
    fn from(address: RedisAddress) -> Self {
        address.to_string()
    }
}

impl TryFrom<String> for RedisAddress {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl FromStr for RedisAddress {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rule =
            || Invalid::new(format!("“{text}” isn't a host and a port, such as cache.example.com:6379."));
        let (host, port) = text.rsplit_once(':').ok_or_else(rule)?;
        let port: u16 = port.parse().ok().filter(|port| *port > 0).ok_or_else(rule)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        let named = match bare {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => {
                host.len() <= 253
                    && host.bytes().all(plain)
                    && host.starts_with(|c: char| c.is_ascii_alphanumeric())
            }
        };
        if !named {
            return Err(rule());
        }
        Ok(Self { host: bare.unwrap_or(host).to_owned(), port })
    }
}

/// How a Redis's servers belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisTopology {
    /// One server.
    Standalone,
    /// A Redis Cluster: its primaries share the keys.
    Cluster,
    /// One primary at a time, which sentinels name.
    Sentinel {
        /// What they call it.
        name: String,
    },
}

/// A Redis that the configuration names for a service, outside of what the chart brings. As text a URL: `redis://HOST:PORT`,
/// `redis-cluster://HOST:PORT,HOST:PORT` or `redis-sentinel://HOST:PORT,HOST:PORT/NAME`; `rediss` for TLS; `?secret=NAME` for the
/// Secret that holds `username`, `password`, `ca.crt` and, for sentinels, `sentinel-password`, each only if it is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedRedis {
    /// Of the server, of some of the cluster's, or of the sentinels.
    pub addresses: Vec<RedisAddress>,
    /// How they belong together.
    pub topology: RedisTopology,
    /// Whether they speak TLS.
    pub tls: bool,
    /// The Secret in the service's namespace, if one is needed.
    pub secret: Option<SecretName>,
}

impl FromStr for NamedRedis {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rule = || {
            Invalid::new(
                "Write redis://HOST:PORT, redis-cluster://HOST:PORT,HOST:PORT or redis-sentinel://HOST:PORT,HOST:PORT/NAME, with \
                 rediss instead of redis for TLS, and ?secret=NAME at the end for the Secret with username, password and ca.crt.",
            )
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(rule)?;
        let (place, query) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
        let (addresses, name) =
            place.split_once('/').map_or((place, None), |(addresses, name)| (addresses, Some(name)));
        let (scheme, tls) = match scheme.strip_prefix("rediss") {
            Some(rest) => (rest, true),
            None => (scheme.strip_prefix("redis").ok_or_else(rule)?, false),
        };
        let named =
            name.is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()));
        let topology = match (scheme, name) {
            ("", None) => RedisTopology::Standalone,
            ("-cluster", None) => RedisTopology::Cluster,
            ("-sentinel", Some(name)) if named => RedisTopology::Sentinel { name: name.into() },
            _ => return Err(rule()),
        };
        let secret = match query {
            Some(query) => Some(query.strip_prefix("secret=").ok_or_else(rule)?.parse()?),
            None => None,
        };
        let addresses: Vec<RedisAddress> = addresses.split(',').map(str::parse).collect::<Result<_, _>>()?;
        if topology == RedisTopology::Standalone && addresses.len() > 1 {
            return Err(Invalid::new(
                "A single Redis has one address; for several, write redis-cluster:// or redis-sentinel://.",
            ));
        }
        Ok(Self { addresses, topology, tls, secret })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_redis_is_read_with_its_topology_tls_and_secret() {
        let read = |text: &str| text.parse::<NamedRedis>().unwrap();
        let one = read("redis://cache.example.com:6379");
        assert_eq!(
            (one.topology, one.tls, one.secret, one.addresses.len()),
            (RedisTopology::Standalone, false, None, 1)
        );
        let cluster = read("rediss-cluster://10.0.0.1:6379,[fd00::1]:6380?secret=orders-cache");
        assert_eq!((cluster.topology, cluster.tls), (RedisTopology::Cluster, true));
        assert_eq!(cluster.secret.unwrap().as_str(), "orders-cache");
        let shown: Vec<String> = cluster.addresses.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["10.0.0.1:6379", "[fd00::1]:6380"]);
        let sentinel = read("redis-sentinel://s1:26379,s2:26379/orders");
        assert_eq!(sentinel.topology, RedisTopology::Sentinel { name: "orders".into() });
    }

    #[test]
    fn what_is_not_a_redis_is_refused_with_the_rule() {
        for wrong in [
            "",
            "cache:6379",
            "http://cache:6379",
            "redis://cache",
            "redis://cache:0",
            "redis://cache:99999",
            "redis://a:1,b:2",
            "redis://user:password@cache:6379",
            "redis://cache:6379/0",
            "redis-cluster://",
            "redis-sentinel://s1:26379",
            "redis-sentinel://s1:26379/",
            "redis://cache:6379?password=x",
            "redis://cache:6379?secret=",
            "redis://cache:6379?secret=A_b",
            "redis://-x:1",
        ] {
            assert!(wrong.parse::<NamedRedis>().is_err(), "{wrong}");
        }
    }
}
