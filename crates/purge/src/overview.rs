//! A Redis at a glance.

use crate::{Error, connection::Redis, info, sample};
use fairway_domain::RedisOverview;

impl Redis {
    /// What each server that holds keys says of itself, and a sample of the keys in its database 0. Changes nothing; takes some tens of
    /// milliseconds of Redis's time, in pieces of one or two.
    pub async fn overview(&mut self) -> Result<RedisOverview, Error> {
        let mut servers = Vec::with_capacity(self.nodes.len());
        for node in &mut self.nodes {
            let info: String = node.ask(&redis::cmd("INFO")).await?;
            servers.push(info::server(node.name(), &info));
        }
        let policies: Vec<&str> = servers.iter().map(|server| server.eviction_policy.as_str()).collect();
        let sample = sample::of(&mut self.nodes, &policies).await?;
        Ok(RedisOverview { servers, sample })
    }
}
