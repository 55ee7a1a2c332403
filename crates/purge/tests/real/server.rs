//! A real Redis of a test's own, in a folder of its own, reached by a socket there so that no port is taken.

use fairway_domain::{Environment, EnvironmentPolicy, KeyFilter, KeyNames, PurgeSelection};
use fairway_purge::{Login, PurgeableRedis};
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::net::UnixStream;

pub(crate) const PASSWORD: &str = "s3cret & 'quoted'";

pub(crate) struct Server {
    process: Child,
    pub(crate) folder: PathBuf,
}

/// The program of Debian's Redis.
pub(crate) const REDIS: &str = "redis-server";

/// The program of a Valkey, which `dev/valkey` gets where there is none yet.
pub(crate) fn valkey() -> &'static str {
    static PROGRAM: LazyLock<String> = LazyLock::new(|| {
        let got = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../dev/valkey")).output().unwrap();
        assert!(got.status.success(), "dev/valkey: {}", String::from_utf8_lossy(&got.stderr));
        String::from_utf8(got.stdout).unwrap().trim().to_owned()
    });
    &PROGRAM
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::of(REDIS)
    }

    pub(crate) fn of(program: &str) -> Self {
        Self::with(program, &[])
    }

    /// One with further options of its configuration.
    pub(crate) fn with(program: &str, options: &[&str]) -> Self {
        let folder = Self::folder();
        let mut command = Command::new(program);
        command.args(["--save", "", "--appendonly", "no", "--dir"]).arg(&folder).args(options);
        Self::run(command, folder)
    }

    /// One that keeps its data on a disk of so many MiB. `options` are further ones of its configuration.
    pub(crate) fn with_a_small_disk(mebibytes: u32, options: &[&str]) -> Self {
        let folder = Self::folder();
        let disk = folder.join("disk");
        std::fs::create_dir(&disk).unwrap();
        let mut command = Command::new("unshare");
        // The disk is seen by the server alone, and gone with it. Only root may mount where it is root already.
        if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
            command.arg("--map-root-user");
        }
        let script =
            format!("mount -t tmpfs -o size={mebibytes}m none \"$1\" && shift && exec {REDIS} \"$@\"");
        command.args(["--mount", "sh", "-c", &script, "sh"]).arg(&disk).arg("--dir").arg(&disk).args(options);
        Self::run(command, folder)
    }

    fn folder() -> PathBuf {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("fairway-purge-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn run(mut command: Command, folder: PathBuf) -> Self {
        let socket = folder.join("socket");
        command.args(["--port", "0", "--requirepass", PASSWORD, "--unixsocket"]).arg(&socket);
        let process = command.stdout(Stdio::null()).spawn().expect("Debian's redis-server is installed");
        let mut server = Self { process, folder };
        let begun = Instant::now();
        while std::os::unix::net::UnixStream::connect(server.socket()).is_err() {
            assert!(server.process.try_wait().unwrap().is_none(), "the server ended at once: {command:?}");
            assert!(begun.elapsed() < Duration::from_secs(60), "the server doesn't listen: {command:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
        server
    }

    /// A file on the server's own disk, as it is seen from outside.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.process.id()));
        root.join(self.folder.join("disk").strip_prefix("/").unwrap()).join(name)
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.process.try_wait().unwrap().is_some()
    }

    pub(crate) fn info(&self, section: &str) -> String {
        redis::cmd("INFO").arg(section).query(&mut self.admin()).unwrap()
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

    /// A key that nobody has used for two hours.
    pub(crate) fn leave_idle(&self, name: &str) {
        let mut admin = self.admin();
        // Not a small number: those, Redis shares between keys, and with them when they were last used.
        redis::cmd("SET").arg(name).arg("text").exec(&mut admin).unwrap();
        // RESTORE is told how long a key has been idle.
        let dump: Vec<u8> = redis::cmd("DUMP").arg(name).query(&mut admin).unwrap();
        let mut restore = redis::cmd("RESTORE");
        restore.arg(name).arg(0).arg(dump).arg("REPLACE").arg("IDLETIME").arg(7200).exec(&mut admin).unwrap();
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
