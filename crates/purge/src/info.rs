//! What a server says of itself.

use fairway_domain::{RedisDatabase, RedisServer};
use std::collections::HashMap;

/// Reads the answer to `INFO`. What isn't there, as in an older or a hosted Redis, is 0 or empty.
pub(crate) fn server(node: String, info: &str) -> RedisServer {
    let fields: HashMap<&str, &str> =
        info.lines().filter_map(|line| line.trim_end().split_once(':')).collect();
    let text = |name: &str| fields.get(name).copied().unwrap_or_default().to_owned();
    let number = |name: &str| fields.get(name).and_then(|text| text.parse().ok()).unwrap_or_default();
    let version = match fields.get("valkey_version") {
        Some(version) => format!("Valkey {version}"),
        None => format!("Redis {}", text("redis_version")),
    };
    RedisServer {
        node,
        version,
        // Valkey 9 has a word of its own.
        mode: text(if fields.contains_key("redis_mode") { "redis_mode" } else { "server_mode" }),
        role: text("role"),
        replicas: number("connected_slaves"),
        uptime_seconds: number("uptime_in_seconds"),
        memory: number("used_memory"),
        memory_peak: number("used_memory_peak"),
        memory_resident: number("used_memory_rss"),
        memory_limit: Some(number("maxmemory")).filter(|limit| *limit > 0),
        eviction_policy: text("maxmemory_policy"),
        evicted: number("evicted_keys"),
        expired: number("expired_keys"),
        hits: number("keyspace_hits"),
        misses: number("keyspace_misses"),
        operations_per_second: number("instantaneous_ops_per_sec"),
        clients: number("connected_clients"),
        blocked_clients: number("blocked_clients"),
        clients_limit: number("maxclients"),
        databases: databases(info),
    }
}

/// Lines such as `db0:keys=3,expires=1,avg_ttl=5000`.
pub(crate) fn databases(info: &str) -> Vec<RedisDatabase> {
    let database = |line: &str| {
        let (number, facts) = line.trim_end().strip_prefix("db")?.split_once(':')?;
        let fact = |name: &str| {
            let mut facts = facts.split(',').filter_map(|fact| fact.split_once('='));
            facts.find(|(known, _)| *known == name)?.1.parse().ok()
        };
        Some(RedisDatabase { number: number.parse().ok()?, keys: fact("keys")?, expiring: fact("expires")? })
    };
    info.lines().filter_map(database).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: &str = "# Server\r\nredis_version:7.2.4\r\nredis_mode:standalone\r\nuptime_in_seconds:86400\r\n\r\n\
        # Clients\r\nconnected_clients:3\r\nmaxclients:10000\r\nblocked_clients:1\r\n# Memory\r\nused_memory:1048576\r\n\
        maxmemory:0\r\nmaxmemory_policy:noeviction\r\n# Stats\r\nkeyspace_hits:30\r\nkeyspace_misses:10\r\n\
        # Replication\r\nrole:master\r\nconnected_slaves:2\r\n# Keyspace\r\n\
        db0:keys=12,expires=3,avg_ttl=5000,subexpiry=0\r\ndb15:keys=1,expires=0,avg_ttl=0\r\n";

    #[test]
    fn a_server_is_read_from_its_own_account() {
        let read = server("Redis".into(), INFO);
        assert_eq!(
            (read.version.as_str(), read.mode.as_str(), read.role.as_str()),
            ("Redis 7.2.4", "standalone", "master")
        );
        assert_eq!((read.replicas, read.clients, read.blocked_clients), (2, 3, 1));
        assert_eq!((read.memory, read.memory_limit), (1_048_576, None));
        assert_eq!(read.hit_rate(), Some(0.75));
        let databases: Vec<_> =
            read.databases.iter().map(|one| (one.number, one.keys, one.expiring)).collect();
        assert_eq!(databases, [(0, 12, 3), (15, 1, 0)]);
    }

    #[test]
    fn valkey_is_called_by_its_name() {
        let valkey = format!("valkey_version:8.1.1\r\nserver_name:valkey\r\n{INFO}");
        assert_eq!(server("Redis".into(), &valkey).version, "Valkey 8.1.1");
    }

    #[test]
    fn what_a_server_leaves_out_is_left_out() {
        assert_eq!(server(String::new(), "").databases, []);
        assert_eq!(
            server(String::new(), "db0:keys=x,expires=1\r\ndbx:keys=1,expires=1\r\nmaxmemory:100")
                .memory_limit,
            Some(100)
        );
    }
}
