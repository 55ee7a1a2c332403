//! The two databases.

use fairway_store::Store;
use sqlx::{Connection, Executor, PgConnection};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A database of a test's own, gone with it.
pub(crate) struct Database {
    pub(crate) url: String,
    _keep: Box<dyn std::any::Any + Send + Sync>,
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("fairway.db").display());
        Self { url, _keep: Box::new(folder) }
    }

    pub(crate) async fn postgres() -> Self {
        let server = tokio::task::spawn_blocking(Server::shared).await.unwrap();
        let name = format!("t{}", uuid::Uuid::now_v7().simple());
        let mut connection = PgConnection::connect(&server.url("postgres")).await.unwrap();
        let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        connection.execute(sqlx::raw_sql(create)).await.unwrap();
        Self { url: server.url(&name), _keep: Box::new(server) }
    }

    /// A store on it; a second one is what a second process would be.
    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.url).await.unwrap()
    }

    /// Runs SQL behind the store's back.
    pub(crate) async fn execute(&self, sql: &str) {
        sqlx::any::install_default_drivers();
        let mut connection = sqlx::AnyConnection::connect(&self.url).await.unwrap();
        connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))).await.unwrap();
        connection.close().await.unwrap();
    }
}

/// A `PostgreSQL` in a temporary folder that listens on a socket there and nowhere else.
struct Server {
    process: Child,
    folder: TempDir,
}

impl Server {
    /// The one that runs, or a new one.
    fn shared() -> Arc<Self> {
        static RUNNING: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut running = RUNNING.lock().unwrap();
        running.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start());
            *running = Arc::downgrade(&server);
            server
        })
    }

    fn start() -> Self {
        let folder = TempDir::with_prefix("fairway-pg-").unwrap();
        if is_root() {
            run(Command::new("chown").arg("postgres:").arg(folder.path()));
        }
        let data = folder.path().join("data");
        run(as_nobody_special("initdb")
            .args([
                "--auth=trust",
                "--username=postgres",
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "-D",
            ])
            .arg(&data));
        let process = as_nobody_special("postgres")
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=300"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self { process, folder };
        server.wait_until_it_answers();
        server
    }

    fn wait_until_it_answers(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            let mut ask = Command::new(binary("pg_isready"));
            let asked = ask.arg("-q").arg("-h").arg(self.folder.path()).status().unwrap();
            if asked.success() {
                return;
            }
            assert!(self.process.try_wait().unwrap().is_none(), "PostgreSQL ended at its start");
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("PostgreSQL doesn't answer");
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost/{database}?host={}", self.folder.path().display())
    }
}

impl Drop for Server {
    /// SIGINT is `PostgreSQL`'s fast shutdown: it ends every session, then itself.
    fn drop(&mut self) {
        let id = self.process.id().to_string();
        let asked = Command::new("kill").args(["-s", "INT", &id]).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}

fn binary(name: &str) -> PathBuf {
    let folder = std::env::var_os("FAIRWAY_TEST_POSTGRES").unwrap_or("/usr/lib/postgresql/15/bin".into());
    let path = PathBuf::from(folder).join(name);
    assert!(path.exists(), "{} isn't there: install postgresql-15", path.display());
    path
}

/// `PostgreSQL` refuses to run as root. `setpriv` becomes the program that it starts, so the process id is the server's own.
fn as_nobody_special(name: &str) -> Command {
    let program = binary(name);
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/").env("LC_ALL", "C.UTF-8");
    command
}

fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    status.lines().any(|line| line.starts_with("Uid:") && line.split_whitespace().nth(2) == Some("0"))
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
