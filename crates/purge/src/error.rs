use fairway_domain::{EnvironmentName, PurgeCounts, RedisAddress};

/// Why a Redis wasn't counted or purged, or not to the end. Nothing was removed, unless it says so.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The environment's policy forbids it. Nothing was sent.
    #[error(
        "Redis on {0} can't be purged: the environment isn't marked purgeable. Nothing is sent to it. Whoever runs Fairway \
         can mark it in the configuration."
    )]
    NotPurgeable(EnvironmentName),
    /// The password isn't Redis's.
    #[error(
        "Redis refused the password in the service's Secret. Where Fairway brought the Redis, restart it so that it takes the Secret's \
         present password; elsewhere put its present username and password into the Secret. Then try again."
    )]
    WrongPassword,
    /// The user lacks a right.
    #[error(
        "Redis doesn't let Fairway's user do that: {0}. Whoever runs Redis can allow it with ACL SETUSER: \
         ~* +scan +unlink +ttl +object|idletime +memory|usage +dbsize +info +time, for a cluster also +cluster|slots +cluster|nodes +asking."
    )]
    NoPermission(String),
    /// It can't write its snapshot or log, as when its disk is full, and takes no writes until it can.
    #[error(
        "Redis removes nothing while it can't write to its disk: {0}. Make room on the disk of its server, wait until it has saved \
         (INFO persistence says when), then go on."
    )]
    DiskFull(String),
    /// It has reached its limit of memory and takes no command that might need more.
    #[error("Redis is at its limit of memory: {0}. Raise maxmemory or let keys expire, then go on.")]
    MemoryFull(String),
    /// It is a replica, or a primary that lacks the replicas it is told to have.
    #[error("Redis takes no writes: {0}. Wait until its topology has settled, then go on.")]
    NotWritable(String),
    /// It doesn't know how long keys are idle.
    #[error(
        "Redis doesn't keep how long keys are idle, because its eviction policy counts how often they are used instead: {0}. \
         Choose the keys in another way."
    )]
    IdleUnknown(String),
    /// Nothing came back in time, or the connection couldn't be made.
    #[error("Redis doesn't answer ({0}). Check that it runs and is ready, then try again.")]
    Unreachable(String),
    /// Its certificate, or the authority's that it is checked by, isn't one to be trusted.
    #[error(
        "Redis's certificate can't be trusted: {0}. The Secret that the configuration names for it holds, as ca.crt, the \
         certificate of whoever signed it."
    )]
    Untrusted(String),
    /// It is one server of a cluster and was named as if it stood alone.
    #[error(
        "{0} is one server of a cluster and has only a part of the keys. Whoever runs Fairway can name the whole in the \
         configuration: redis-cluster://HOST:PORT, with rediss for TLS."
    )]
    PartOfCluster(String),
    /// A server of it that wasn't known when it was checked which Redis this is.
    #[error(
        "Another server has come to this Redis since it was checked which one it is: {0}. Nothing is removed there, because it may be \
         another environment's. Count again: then it is checked too."
    )]
    Joined(String),
    /// A replica has become the primary that sentinels name, or the primary was started anew.
    #[error(
        "Another server has taken this Redis over: {0}. Go on: then it is checked again which one it is."
    )]
    TakenOver(String),
    /// Servers are changing places, or some of the keys have none.
    #[error("The servers of this Redis are changing places: {0}. Wait until they have settled, then go on.")]
    Unsettled(String),
    /// Redis answered a question with a refusal.
    #[error("Redis refused: {0}.")]
    Refused(String),
    /// A purge that had begun couldn't go on.
    #[error("The purge ended early, after {removed} keys were removed{}: {cause}", unconfirmed_words(*unconfirmed))]
    Interrupted {
        /// Keys that Redis confirmed to have removed.
        removed: u64,
        /// Keys whose removal was asked for last, and not confirmed.
        unconfirmed: u64,
        /// What came between.
        cause: Box<Self>,
    },
}

/// Said after how many were removed: keys whose removal a server that went away didn't confirm.
pub fn unconfirmed_words(unconfirmed: u64) -> String {
    match unconfirmed {
        0 => String::new(),
        some => format!(", and at most {some} more without a confirmation"),
    }
}

impl Error {
    /// What it means at the end of a purge, when `unconfirmed` keys may or may not have been removed.
    pub(crate) fn after(self, counts: &PurgeCounts, unconfirmed: u64) -> Self {
        match (counts.removed, unconfirmed) {
            (0, 0) => self,
            (removed, _) => Self::Interrupted { removed, unconfirmed, cause: Box::new(self) },
        }
    }

    /// Said of the server at `address`, where more than one may be meant.
    pub(crate) fn at(self, address: &RedisAddress) -> Self {
        let there = |what: String| {
            if what.contains(&address.to_string()) { what } else { format!("{address}: {what}") }
        };
        match self {
            Self::Unreachable(what) => Self::Unreachable(there(what)),
            Self::Untrusted(what) => Self::Untrusted(there(what)),
            Self::Unsettled(what) => Self::Unsettled(there(what)),
            Self::NotWritable(what) => Self::NotWritable(there(what)),
            other => other,
        }
    }

    /// Whether the connection is gone or leads nowhere any more, and a new one may go on.
    pub fn is_lost(&self) -> bool {
        match self {
            Self::Interrupted { cause, .. } => cause.is_lost(),
            error => matches!(error, Self::Unreachable(_) | Self::TakenOver(_)),
        }
    }

    /// Whether it can't be asked, or can't do it, for the time being: the same may well be answered later.
    pub fn is_away(&self) -> bool {
        match self {
            Self::Interrupted { cause, .. } => cause.is_away(),
            Self::TakenOver(_) | Self::DiskFull(_) | Self::MemoryFull(_) => true,
            error => error.may_pass(),
        }
    }

    /// Whether another server may answer better, once the servers have settled.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Unsettled(_) | Self::NotWritable(_))
    }
}

impl From<&redis::RedisError> for Error {
    fn from(error: &redis::RedisError) -> Self {
        use redis::{ErrorKind, ServerErrorKind};
        let said = || {
            let detail = error.detail().unwrap_or_default();
            let said = format!("{} {detail}", error.code().unwrap_or_default());
            said.trim().trim_end_matches('.').to_owned()
        };
        match (error.kind(), error.code()) {
            (ErrorKind::AuthenticationFailed, _) | (_, Some("WRONGPASS" | "NOAUTH")) => Self::WrongPassword,
            (ErrorKind::Server(ServerErrorKind::NoPerm), _) => Self::NoPermission(said()),
            (_, Some("MISCONF")) => Self::DiskFull(said()),
            (_, Some("OOM")) => Self::MemoryFull(said()),
            (_, Some("CLUSTERDOWN" | "MASTERDOWN" | "TRYAGAIN" | "MOVED" | "ASK")) => Self::Unsettled(said()),
            (_, Some("LOADING")) => Self::Unreachable(said()),
            (_, Some("READONLY" | "NOREPLICAS")) => Self::NotWritable(said()),
            (ErrorKind::Server(_) | ErrorKind::Extension, _) if said().contains("LFU") => {
                Self::IdleUnknown(said())
            }
            (ErrorKind::Server(_) | ErrorKind::Extension, _) => Self::Refused(said()),
            _ if error.to_string().contains("certificate") => Self::Untrusted(error.to_string()),
            _ => Self::Unreachable(error.to_string()),
        }
    }
}
