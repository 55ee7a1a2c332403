//! Bare repositories on disk, one a service.

use crate::{Error, RenderedFile, first_commit, git};
use fairway_domain::{Commit, CommitSha, ServiceName, Timestamp};
use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{fs, sync::Mutex};

/// Added to what `git init` writes. A push can neither rewrite nor remove what was deployed, garbage is collected within the
/// push rather than by a process that outlives Fairway, and hooks are those that Fairway wrote when it started.
const CONFIGURATION: &str = "\
[core]
\thooksPath = ../.hooks
[receive]
\tdenyNonFastForwards = true
\tdenyDeletes = true
\tfsckObjects = true
\tmaxInputSize = 268435456
[gc]
\tautoDetach = false
[http]
\treceivepack = true
\tgetanyfile = false
";

const MAIN: &str = "refs/heads/main";

/// Four lines a commit, a NUL after each: id, author, time, subject.
const LOG_FORMAT: &str = "--format=%H%n%an%n%ct%n%s";

/// Files that are read into memory are at most this long.
const READ_LIMIT_BYTES: u64 = 1024 * 1024;

/// The folder of all repositories: `NAME.git` is the service NAME's. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Repositories {
    root: PathBuf,
    creating: Arc<Mutex<()>>,
    indexes: Arc<AtomicU64>,
}

impl Repositories {
    /// The repositories below `root`, which is made if it is missing. Every push asks `hook_program pre-receive NAME`, which
    /// gives the updates to [`crate::check_push`].
    pub fn new(root: impl Into<PathBuf>, hook_program: &Path) -> Result<Self, Error> {
        let root = root.into();
        let hooks = root.join(".hooks");
        std::fs::create_dir_all(&hooks).map_err(Error::files(&hooks))?;
        let root = root.canonicalize().map_err(Error::files(&root))?;
        write_hook(&root.join(".hooks"), hook_program)?;
        Ok(Self { root, creating: Arc::default(), indexes: Arc::default() })
    }

    /// Where a service's repository stands, or would.
    pub fn path(&self, service: &ServiceName) -> PathBuf {
        self.root.join(format!("{service}.git"))
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Makes the repository with its first commit, and gives that commit. Where the repository exists already nothing is
    /// changed, and its first commit is given. Killed at any instant, it leaves a whole repository or none.
    pub async fn create(
        &self,
        service: &ServiceName,
        files: &[RenderedFile],
        author: &str,
        message: &str,
        at: Timestamp,
    ) -> Result<CommitSha, Error> {
        let stream = first_commit::stream(files, author, message, at)?;
        let _one_at_a_time = self.creating.lock().await;
        if !self.exists(service).await {
            let unfinished = self.root.join(format!(".{service}.new"));
            remove(&unfinished).await?;
            build(&unfinished, &stream).await?;
            let path = self.path(service);
            match fs::rename(&unfinished, &path).await {
                Err(_) if self.exists(service).await => remove(&unfinished).await?,
                renamed => renamed.map_err(Error::files(path))?,
            }
        }
        self.first_commit(service).await
    }

    async fn first_commit(&self, service: &ServiceName) -> Result<CommitSha, Error> {
        let mut command = self.git(service).await?;
        command.args(["rev-list", "--first-parent", "--max-parents=0", MAIN]);
        parse_sha(&git::run(command).await?)
    }

    /// Whether the service has a repository.
    pub async fn exists(&self, service: &ServiceName) -> bool {
        fs::try_exists(self.path(service).join("HEAD")).await.unwrap_or(false)
    }

    pub(crate) async fn git(&self, service: &ServiceName) -> Result<tokio::process::Command, Error> {
        if self.exists(service).await {
            Ok(git::in_repository(&self.path(service)))
        } else {
            Err(Error::NoRepository(service.clone()))
        }
    }

    /// The newest commit of `main`.
    pub async fn head(&self, service: &ServiceName) -> Result<Option<Commit>, Error> {
        match self.resolve(service, MAIN).await? {
            Some(sha) => Ok(self.log(service, &["-1", sha.as_str()]).await?.into_iter().next()),
            None => Ok(None),
        }
    }

    /// One commit.
    pub async fn commit(&self, service: &ServiceName, sha: &CommitSha) -> Result<Option<Commit>, Error> {
        match self.resolve(service, sha.as_str()).await? {
            Some(sha) => Ok(self.log(service, &["-1", sha.as_str()]).await?.into_iter().next()),
            None => Ok(None),
        }
    }

    /// What `new` has and `old` doesn't, newest first; empty where `new` is the older one.
    pub async fn commits_between(
        &self,
        service: &ServiceName,
        old: &CommitSha,
        new: &CommitSha,
    ) -> Result<Vec<Commit>, Error> {
        self.existing(service, old).await?;
        self.existing(service, new).await?;
        self.log(service, &[&format!("{old}..{new}")]).await
    }

    /// The newest commits of `main`, newest first.
    pub async fn commits(&self, service: &ServiceName, limit: usize) -> Result<Vec<Commit>, Error> {
        match self.resolve(service, MAIN).await? {
            Some(sha) => self.log(service, &[&format!("--max-count={limit}"), sha.as_str()]).await,
            None => Ok(Vec::new()),
        }
    }

    /// A file's text in a commit; nothing where it holds no such file. What is longer than 1 MiB isn't read.
    pub async fn read_file(
        &self,
        service: &ServiceName,
        sha: &CommitSha,
        path: &str,
    ) -> Result<Option<String>, Error> {
        self.existing(service, sha).await?;
        blob(|| git::in_repository(&self.path(service)), sha, path).await
    }

    /// Writes a commit's files, with their modes, to the folder `into`. Whatever stood there is removed first, so that what a
    /// killed attempt left behind doesn't count.
    pub async fn check_out(&self, service: &ServiceName, sha: &CommitSha, into: &Path) -> Result<(), Error> {
        self.existing(service, sha).await?;
        remove(into).await?;
        fs::create_dir_all(into).await.map_err(Error::files(into))?;
        let number = self.indexes.fetch_add(1, Ordering::Relaxed);
        let index = self.root.join(format!(".index-{}-{number}", std::process::id()));
        let written = self.write_files(service, sha, into, &index).await;
        let removed = fs::remove_file(&index).await;
        written?;
        removed.map_err(Error::files(index))
    }

    /// `git archive` would leave out what the repository's attributes tell it to; a check-out is what a clone has.
    async fn write_files(
        &self,
        service: &ServiceName,
        sha: &CommitSha,
        into: &Path,
        index: &Path,
    ) -> Result<(), Error> {
        let mut command = self.git(service).await?;
        command.env("GIT_INDEX_FILE", index).args(["read-tree", sha.as_str()]);
        git::run(command).await?;
        let mut command = self.git(service).await?;
        command.env("GIT_INDEX_FILE", index).env("GIT_WORK_TREE", into).current_dir(into);
        command.args(["checkout-index", "--all", "--force"]);
        git::run(command).await.map(drop)
    }

    async fn existing(&self, service: &ServiceName, sha: &CommitSha) -> Result<(), Error> {
        match self.resolve(service, sha.as_str()).await? {
            Some(_) => Ok(()),
            None => Err(Error::NoCommit { service: service.clone(), sha: sha.clone() }),
        }
    }

    async fn resolve(&self, service: &ServiceName, revision: &str) -> Result<Option<CommitSha>, Error> {
        let mut command = self.git(service).await?;
        command.args(["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")]);
        git::ask(command).await?.map(|answer| parse_sha(&answer)).transpose()
    }

    async fn log(&self, service: &ServiceName, arguments: &[&str]) -> Result<Vec<Commit>, Error> {
        let mut command = self.git(service).await?;
        command.args(["log", "-z", LOG_FORMAT]).args(arguments);
        let answer = git::run(command).await?;
        let answer = String::from_utf8_lossy(&answer);
        answer.split('\0').filter(|record| !record.is_empty()).map(parse_commit).collect()
    }
}

/// One script for all repositories: it runs in the repository's folder, whose name says the service's.
fn write_hook(hooks: &Path, hook_program: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    let program = hook_program.to_string_lossy().replace('\'', r"'\''");
    let script = format!("#!/bin/sh\nexec '{program}' pre-receive \"$(basename \"$PWD\" .git)\"\n");
    let unfinished = hooks.join(".pre-receive.new");
    std::fs::write(&unfinished, script).map_err(Error::files(&unfinished))?;
    std::fs::set_permissions(&unfinished, std::fs::Permissions::from_mode(0o755))
        .map_err(Error::files(&unfinished))?;
    std::fs::rename(&unfinished, hooks.join("pre-receive")).map_err(Error::files(hooks))
}

async fn build(path: &Path, stream: &[u8]) -> Result<(), Error> {
    let mut command = git::outside();
    command.args(["init", "--quiet", "--bare", "--template=", "--initial-branch=main"]).arg(path);
    git::run(command).await?;
    let file = path.join("config");
    let mut configuration = fs::read_to_string(&file).await.map_err(Error::files(&file))?;
    configuration.push_str(CONFIGURATION);
    fs::write(&file, configuration).await.map_err(Error::files(&file))?;
    let mut command = git::in_repository(path);
    command.args(["fast-import", "--quiet", "--done", "--date-format=raw"]);
    git::run_with_input(command, stream).await.map(drop)
}

async fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(Error::files(path)),
    }
}

/// The text of a regular file; a link or a folder of that name isn't one.
pub(crate) async fn blob(
    git: impl Fn() -> tokio::process::Command,
    sha: &CommitSha,
    path: &str,
) -> Result<Option<String>, Error> {
    if !first_commit::is_inside(path) {
        return Ok(None);
    }
    let mut command = git();
    command.args(["ls-tree", "-z", "--full-tree", "--long", sha.as_str(), "--", path]);
    let listed = git::run(command).await?;
    let listed = String::from_utf8_lossy(&listed);
    // `100644 blob ID    SIZE<tab>path`
    let Some((entry, found)) = listed.split('\0').next().and_then(|line| line.split_once('\t')) else {
        return Ok(None);
    };
    let fields: Vec<&str> = entry.split_whitespace().collect();
    let [mode, "blob", id, size] = fields[..] else { return Ok(None) };
    let readable = mode.starts_with("100") && size.parse::<u64>().is_ok_and(|size| size <= READ_LIMIT_BYTES);
    if found != path || !readable {
        return Ok(None);
    }
    let mut command = git();
    command.args(["cat-file", "blob", id]);
    git::run(command).await.map(|text| String::from_utf8(text).ok())
}

fn parse_sha(answer: &[u8]) -> Result<CommitSha, Error> {
    let text = String::from_utf8_lossy(answer);
    text.trim().parse().map_err(|_| Error::GitAnswer(text.trim().to_owned()))
}

fn parse_commit(record: &str) -> Result<Commit, Error> {
    let unreadable = || Error::GitAnswer(record.to_owned());
    let mut lines = record.splitn(4, '\n');
    let mut next = || lines.next().ok_or_else(unreadable);
    let sha = next()?.parse().map_err(|_| unreadable())?;
    let author = next()?.to_owned();
    let seconds = next()?.parse().map_err(|_| unreadable())?;
    let subject = next()?.trim_end().to_owned();
    let at = Timestamp::from_second(seconds).map_err(|_| unreadable())?;
    Ok(Commit { sha, subject, author, at })
}
