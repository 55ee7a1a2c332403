//! Several real servers that belong together: a cluster, a trio of sentinels. On ports of this machine.

use crate::server::{PASSWORD, REDIS, environment};
use fairway_domain::NamedRedis;
use fairway_purge::{Credentials, Login, PurgeableRedis};
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Servers that start in no time wait for each other for some seconds; a loaded machine takes longer.
const WITHIN: Duration = Duration::from_secs(120);

/// Two ports that nobody listens on, the second 10,000 above the first, as a cluster needs them. Both are below those that the system gives
/// to whoever connects, so that no client takes one before the server does.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(11_000 + (std::process::id().wrapping_mul(37) + step) % 9_000).unwrap();
        let free = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
        if free(port) && free(port + 10_000) {
            return port;
        }
    }
}

/// Asks until it is so.
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < WITHIN, "{what}: not within {WITHIN:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// One of several, on a port.
pub(crate) struct Member {
    process: Child,
    pub(crate) port: u16,
}

impl Member {
    pub(crate) fn start(program: &str, folder: &Path, port: u16, arguments: &[&str]) -> Self {
        let log = folder.join(format!("{port}.log"));
        let said = File::create(&log).unwrap();
        let process = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .stderr(said.try_clone().unwrap())
            .stdout(said)
            .spawn()
            .expect("Debian's redis-server is installed");
        let mut member = Self { process, port };
        until("redis-server listens", || {
            let ended = member.process.try_wait().unwrap();
            assert!(ended.is_none(), "{program} ended: {}", std::fs::read_to_string(&log).unwrap());
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        member
    }

    /// A server that keeps nothing on disk.
    fn plain(program: &str, folder: &Path, more: &[&str]) -> Self {
        let port = free_port();
        let number = port.to_string();
        let mut arguments =
            vec!["--port", &number, "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"];
        arguments.extend(["--requirepass", PASSWORD, "--masterauth", PASSWORD]);
        arguments.extend(more);
        Self::start(program, folder, port, &arguments)
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A connection for what the tests themselves do and look at.
    pub(crate) fn admin(&self) -> redis::Connection {
        admin(self.port).unwrap()
    }

    pub(crate) fn says(&self, section: &str, what: &str) -> bool {
        info(self.port, section).is_some_and(|info| info.contains(what))
    }

    pub(crate) fn names(&self) -> BTreeSet<Vec<u8>> {
        redis::cmd("KEYS").arg("*").query(&mut self.admin()).unwrap()
    }

    pub(crate) fn fill(&self, names: impl Iterator<Item = String>) {
        let mut pipeline = redis::pipe();
        for name in names {
            pipeline.cmd("SET").arg(name).arg(1).ignore();
        }
        pipeline.query::<()>(&mut self.admin()).unwrap();
    }

    /// Waits until its replica has all that was written so far.
    pub(crate) fn has_told_its_replica(&self) {
        until("the replica has everything", || {
            let told = info(self.port, "replication").unwrap();
            let at = told.lines().find_map(|line| line.strip_prefix("master_repl_offset:")).unwrap().trim();
            told.contains(&format!(",offset={at},"))
        });
    }

    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.kill();
    }
}

fn admin(port: u16) -> redis::RedisResult<redis::Connection> {
    let identity = redis::RedisConnectionInfo::default().set_password(PASSWORD);
    let address = redis::ConnectionAddr::Tcp("127.0.0.1".into(), port);
    let info = redis::IntoConnectionInfo::into_connection_info(address)?.set_redis_settings(identity);
    redis::Client::open(info)?.get_connection_with_timeout(Duration::from_secs(5))
}

fn info(port: u16, section: &str) -> Option<String> {
    redis::cmd("INFO").arg(section).query(&mut admin(port).ok()?).ok()
}

/// A folder of a test's own.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("fairway-purge-several-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn credentials() -> Credentials {
    Credentials { login: Login { user: None, password: PASSWORD.into() }, ..Credentials::default() }
}

pub(crate) async fn reach(url: &str, credentials: Credentials) -> PurgeableRedis {
    let named: NamedRedis = url.parse().unwrap();
    PurgeableRedis::reach(&named, credentials, &environment(true)).await.unwrap()
}

fn in_a_cluster(program: &str, folder: &Path, number: usize, timeout: &str, more: &[&str]) -> Member {
    let file = format!("nodes-{number}.conf");
    let fixed =
        ["--cluster-enabled", "yes", "--cluster-node-timeout", timeout, "--cluster-config-file", &file];
    Member::plain(program, folder, &[&fixed[..], more].concat())
}

/// Three primaries, each with as many replicas as are asked for.
pub(crate) struct Cluster {
    pub(crate) members: Vec<Member>,
    folder: Folder,
}

impl Cluster {
    pub(crate) fn start(replicas: usize) -> Self {
        Self::of(REDIS, replicas)
    }

    pub(crate) fn of(program: &str, replicas: usize) -> Self {
        Self::with(program, replicas, &[])
    }

    /// One whose servers have further options.
    pub(crate) fn with(program: &str, replicas: usize, more: &[&str]) -> Self {
        let folder = Folder::new();
        // Where nobody is to take over, a slow machine isn't to be taken for a dead server.
        let timeout = if replicas == 0 { "60000" } else { "5000" };
        let members: Vec<Member> = (0..3 * (replicas + 1))
            .map(|number| in_a_cluster(program, &folder.0, number, timeout, more))
            .collect();
        let created = Command::new("redis-cli")
            .env("REDISCLI_AUTH", PASSWORD)
            .args(["--cluster", "create"])
            .args(members.iter().map(Member::address))
            .args(["--cluster-replicas", &replicas.to_string(), "--cluster-yes"])
            .output()
            .unwrap();
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stdout));
        let cluster = Self { members, folder };
        until("the cluster is whole", || cluster.is_whole(replicas));
        cluster
    }

    fn is_whole(&self, replicas: usize) -> bool {
        let state = |member: &Member| {
            let asked = redis::cmd("CLUSTER").arg("INFO").query::<String>(&mut member.admin());
            asked.is_ok_and(|state| state.contains("cluster_state:ok"))
        };
        let linked = self.members.iter().filter(|member| member.says("replication", "master_link_status:up"));
        self.members.iter().all(state) && linked.count() == 3 * replicas
    }

    pub(crate) fn url(&self) -> String {
        self.url_of(0..self.members.len())
    }

    /// By some of its servers.
    pub(crate) fn url_of(&self, some: std::ops::Range<usize>) -> String {
        let addresses: Vec<String> = self.members[some].iter().map(Member::address).collect();
        format!("redis-cluster://{}", addresses.join(","))
    }

    /// Starts one more server, which belongs to it only once it has met one of the others. Gives its place.
    pub(crate) fn add(&mut self) -> usize {
        let at = self.members.len();
        self.members.push(in_a_cluster(REDIS, &self.folder.0, at, "60000", &[]));
        at
    }

    pub(crate) fn meet(&self, at: usize) {
        let met = ["MEET", "127.0.0.1", &self.members[at].port.to_string()];
        redis::cmd("CLUSTER").arg(&met).exec(&mut self.members[0].admin()).unwrap();
        let knows = |member: &Member| {
            let nodes: String = redis::cmd("CLUSTER").arg("NODES").query(&mut member.admin()).unwrap();
            nodes.lines().filter(|line| line.contains(" connected")).count() == self.members.len()
                && !nodes.contains("handshake")
        };
        until("all know each other", || self.members.iter().all(knows));
        let serves = |member: &Member| {
            let state: String = redis::cmd("CLUSTER").arg("INFO").query(&mut member.admin()).unwrap();
            state.contains("cluster_state:ok")
        };
        until("all know that every slot is held", || self.members.iter().all(serves));
    }

    pub(crate) fn slot(&self, key: &str) -> u16 {
        redis::cmd("CLUSTER").arg("KEYSLOT").arg(key).query(&mut self.members[0].admin()).unwrap()
    }

    /// Writes keys, each where its slot is.
    pub(crate) fn fill(&self, names: impl Iterator<Item = String>) {
        let lines: Vec<String> = names.map(|name| format!("SET {name} 1\n")).collect();
        let mut child = Command::new("redis-cli")
            .env("REDISCLI_AUTH", PASSWORD)
            .args(["-c", "-p", &self.members[0].port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), lines.concat().as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }

    /// Writes a key of any name, on the server that takes it.
    pub(crate) fn put(&self, name: &[u8]) {
        let set = |member: &Member| redis::cmd("SET").arg(name).arg(1).exec(&mut member.admin()).is_ok();
        assert!(self.members.iter().any(set), "{name:?}");
    }

    /// A tag whose slot that server has.
    pub(crate) fn tag_at(&self, at: usize) -> String {
        let tags = (0..).map(|number| format!("{{{number}}}"));
        tags.into_iter().find(|tag| self.holder(self.slot(tag)) == at).unwrap()
    }

    /// What the primaries that answer hold.
    pub(crate) fn names(&self) -> BTreeSet<Vec<u8>> {
        let primaries = self.members.iter().filter(|member| member.says("replication", "role:master"));
        primaries.flat_map(Member::names).collect()
    }

    /// Which of the servers holds the slot.
    pub(crate) fn holder(&self, slot: u16) -> usize {
        let answer: Vec<Vec<redis::Value>> =
            redis::cmd("CLUSTER").arg("SLOTS").query(&mut self.members[0].admin()).unwrap();
        let ranges = read_ranges(&answer);
        let (_, _, port) = ranges.iter().find(|(first, last, _)| (*first..=*last).contains(&slot)).unwrap();
        self.members.iter().position(|member| member.port == *port).unwrap()
    }

    pub(crate) fn id(&self, at: usize) -> String {
        redis::cmd("CLUSTER").arg("MYID").query(&mut self.members[at].admin()).unwrap()
    }
}

/// From which slot to which, and the port of whoever has them.
fn read_ranges(ranges: &[Vec<redis::Value>]) -> Vec<(u16, u16, u16)> {
    let read = |value: &redis::Value| -> u16 { redis::from_redis_value(value.clone()).unwrap() };
    ranges
        .iter()
        .map(|range| {
            let redis::Value::Array(server) = &range[2] else { panic!("{range:?}") };
            (read(&range[0]), read(&range[1]), read(&server[1]))
        })
        .collect()
}

/// A primary, a replica of it, and three sentinels that watch them as `orders`.
pub(crate) struct Watched {
    pub(crate) primary: Member,
    pub(crate) replica: Member,
    sentinels: Vec<Member>,
    folder: Folder,
}

impl Watched {
    pub(crate) fn start() -> Self {
        Self::of(REDIS)
    }

    pub(crate) fn of(program: &str) -> Self {
        let folder = Folder::new();
        let primary = Member::plain(program, &folder.0, &[]);
        let of = format!("127.0.0.1 {}", primary.port);
        let replica = Member::plain(program, &folder.0, &["--replicaof", &of]);
        until("the replica follows", || replica.says("replication", "master_link_status:up"));
        let sentinels = (0..3).map(|number| sentinel(program, &folder.0, number, primary.port)).collect();
        let watched = Self { primary, replica, sentinels, folder };
        until("the sentinels know each other and the replica", || {
            watched.sentinels.iter().all(|one| {
                let known = sentinel_info(one.port);
                known.contains("slaves=1,sentinels=3") && known.contains("status=ok")
            })
        });
        watched
    }

    pub(crate) fn url(&self) -> String {
        let sentinels: Vec<String> = self.sentinels.iter().map(Member::address).collect();
        format!("redis-sentinel://{}/orders", sentinels.join(","))
    }

    /// A server that has nothing to do with them, and so begins without their file, which would tell it whose successor it is.
    pub(crate) fn stranger(&self) -> Member {
        Member::plain(REDIS, &self.folder.0, &["--dbfilename", "stranger.rdb"])
    }

    /// Has the sentinels take another server for the primary.
    pub(crate) fn watch(&self, other: &Member) {
        let port = other.port.to_string();
        // All forget before one learns: they tell each other, and one that still knows the first would make the other its replica.
        for words in [
            &["REMOVE", "orders"][..],
            &["MONITOR", "orders", "127.0.0.1", &port, "2"],
            &["SET", "orders", "auth-pass", PASSWORD],
        ] {
            for sentinel in &self.sentinels {
                redis::cmd("SENTINEL").arg(words).exec(&mut unprotected(sentinel.port).unwrap()).unwrap();
            }
        }
    }
}

fn sentinel(program: &str, folder: &Path, number: u32, primary: u16) -> Member {
    let port = free_port();
    let file = folder.join(format!("sentinel-{number}.conf"));
    let lines = [
        format!("port {port}\nbind 127.0.0.1\ndir \"{}\"", folder.display()),
        format!("sentinel monitor orders 127.0.0.1 {primary} 2"),
        format!("sentinel auth-pass orders \"{PASSWORD}\""),
        "sentinel down-after-milliseconds orders 1000\nsentinel failover-timeout orders 6000".to_owned(),
    ];
    std::fs::write(&file, lines.join("\n")).unwrap();
    Member::start(program, folder, port, &[file.to_str().unwrap(), "--sentinel"])
}

fn sentinel_info(port: u16) -> String {
    let asked = unprotected(port)
        .and_then(|mut connection| redis::cmd("INFO").arg("sentinel").query(&mut connection));
    asked.unwrap_or_default()
}

fn unprotected(port: u16) -> redis::RedisResult<redis::Connection> {
    let address = redis::ConnectionAddr::Tcp("127.0.0.1".into(), port);
    let info = redis::IntoConnectionInfo::into_connection_info(address)?;
    redis::Client::open(info)?.get_connection_with_timeout(Duration::from_secs(5))
}
