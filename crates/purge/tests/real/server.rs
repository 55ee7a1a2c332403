//! A real Redis of a test's own, in a folder of its own, reached by a socket there so that no port is taken.

use fairway_domain::{Environment, EnvironmentPolicy, KeyFilter, KeyNames, PurgeSelection};
use fairway_purge::{Login, PurgeableRedis};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::net::UnixStream;

pub(crate) const PASSWORD: &str = "s3cret & 'quoted'";

pub(crate) struct Server {
    process: Child,
    pub(crate) folder: PathBuf,
}

impl Server {
    pub(crate) fn start() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("fairway-purge-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let socket = folder.join("socket");
        let process = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--requirepass", PASSWORD])
            .arg("--dir")
            .arg(&folder)
            .arg("--unixsocket")
            .arg(&socket)
            .stdout(Stdio::null())
            .spawn()
            .expect("Debian's redis-server is installed");
        let server = Self { process, folder };
        let begun = Instant::now();
        while std::os::unix::net::UnixStream::connect(server.socket()).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "redis-server doesn't listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        server
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    pub(crate) async fn stream(&self) -> UnixStream {
        UnixStream::connect(self.socket()).await.unwrap()
    }

    pub(crate) async fn purgeable(&self) -> PurgeableRedis {
        PurgeableRedis::connect(self.stream().await, &login(PASSWORD), &environment(true)).await.unwrap()
    }

    /// A connection for what the tests themselves do and look at.
    pub(crate) fn admin(&self) -> redis::Connection {
        let address = redis::ConnectionAddr::Unix(self.socket());
        let identity = redis::RedisConnectionInfo::default().set_password(PASSWORD);
        let info =
            redis::IntoConnectionInfo::into_connection_info(address).unwrap().set_redis_settings(identity);
        redis::Client::open(info).unwrap().get_connection().unwrap()
    }

    pub(crate) fn fill<'a>(&self, names: impl IntoIterator<Item = &'a [u8]>) {
        let names: Vec<&[u8]> = names.into_iter().collect();
        let mut admin = self.admin();
        for some in names.chunks(5000) {
            let mut pipeline = redis::pipe();
            for name in some {
                pipeline.cmd("SET").arg(*name).arg(1).ignore();
            }
            pipeline.query::<()>(&mut admin).unwrap();
        }
    }

    /// A key of each type, with and without an expiry: the name says which.
    pub(crate) fn fill_kinds(&self) {
        let mut pipeline = redis::pipe();
        for when in ["kept", "expiring"] {
            let name = |kind: &str| format!("kind:{kind}:{when}");
            pipeline.cmd("SET").arg(name("string")).arg("x").ignore();
            pipeline.cmd("RPUSH").arg(name("list")).arg("x").ignore();
            pipeline.cmd("SADD").arg(name("set")).arg("x").ignore();
            pipeline.cmd("ZADD").arg(name("zset")).arg(1).arg("x").ignore();
            pipeline.cmd("HSET").arg(name("hash")).arg("x").arg("y").ignore();
            pipeline.cmd("XADD").arg(name("stream")).arg("*").arg("x").arg("y").ignore();
            if when == "expiring" {
                for kind in ["string", "list", "set", "zset", "hash", "stream"] {
                    pipeline.cmd("EXPIRE").arg(name(kind)).arg(100_000).ignore();
                }
            }
        }
        pipeline.query::<()>(&mut self.admin()).unwrap();
    }

    /// All names that match, by the one command that the purge itself never uses.
    pub(crate) fn names(&self, glob: &str) -> BTreeSet<Vec<u8>> {
        redis::cmd("KEYS").arg(glob).query(&mut self.admin()).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn borrowed(names: &[Vec<u8>]) -> impl Iterator<Item = &[u8]> {
    names.iter().map(Vec::as_slice)
}

pub(crate) fn login(password: &str) -> Login {
    Login { user: None, password: password.into() }
}

pub(crate) fn environment(purgeable: bool) -> Environment {
    let name = if purgeable { "staging" } else { "production" };
    Environment {
        name: name.parse().unwrap(),
        namespace: name.parse().unwrap(),
        policy: EnvironmentPolicy { purgeable },
    }
}

pub(crate) fn matching(pattern: &str) -> PurgeSelection {
    PurgeSelection::matching(pattern.parse().unwrap())
}

pub(crate) fn prefix(prefix: &str) -> PurgeSelection {
    let names = KeyNames::Prefix(prefix.parse().unwrap());
    PurgeSelection { names, filter: KeyFilter::default() }
}

/// Names that a careless purge would read as something else.
pub(crate) fn hostile_names() -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = [
        "",
        "*",
        "a*c",
        "abc",
        "a?c",
        "a[b]c",
        "a\\c",
        "[",
        "]",
        "\\",
        "session:1",
        "session:2",
        "sessions",
        "Session:1",
        "with space",
        " ",
        "new\nline",
        "\n",
        "\r\n",
        "tab\t",
        "it's",
        "\"quoted\"",
        "$(id)",
        "`id`",
        "; rm",
        "-n",
        "--",
        "grün",
        "UNLINK abc",
        "null\0byte",
        "\0",
        "session:\0",
        "abc*:k",
        "abcdef:k",
        "a[b]:k",
    ]
    .iter()
    .map(|name| name.as_bytes().to_vec())
    .collect();
    names.push((0..=255).collect());
    names.push(vec![0xff, 0xfe, 0xc3]);
    names.push(b"\x75\x3a\x92\xb5\x78\xc0".to_vec());
    names.push(b"\xac\xed\x00\x05\x74\x00\x03abc".to_vec());
    names.push(vec![b'k'; 100_000]);
    names
}
