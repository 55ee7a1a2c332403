//! The mark of a child at work: a file with its process id, so that a Fairway that was killed finds, when it is started
//! again, the child that outlived it, and never lets two of them work on the same thing.

use crate::{Error, process::Running};
use rustix::process::{Pid, Signal, kill_process_group};
use std::{path::Path, path::PathBuf, time::Duration};
use tokio::{fs, time::Instant};

/// How long a child that was told to end may take.
const GRACE: Duration = Duration::from_secs(5);

/// Where the mark stands.
#[derive(Clone, Debug)]
pub(crate) struct Mark(PathBuf);

impl Mark {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Notes that `child` is at work.
    pub(crate) async fn set(&self, child: &Running) -> Result<(), Error> {
        let Some((pid, born)) = child.group().and_then(|pid| Some((pid, born(pid)?))) else { return Ok(()) };
        if let Some(folder) = self.0.parent() {
            fs::create_dir_all(folder).await.map_err(|source| folder_error(folder, source))?;
        }
        let text = format!("{} {born}", pid.as_raw_pid());
        fs::write(&self.0, text).await.map_err(|source| folder_error(&self.0, source))
    }

    /// Notes that the work is over.
    pub(crate) async fn clear(&self) {
        // A mark that stays names a process that is no more: it misleads nobody.
        let _ = fs::remove_file(&self.0).await;
    }

    /// Returns once no child of an earlier call is at work: it gets `patience` to finish, then is ended.
    /// True if there was one.
    pub(crate) async fn wait(&self, patience: Duration) -> bool {
        let Some((pid, born)) = self.read().await else { return false };
        if !lives(pid, born) {
            return false;
        }
        if !gone(pid, born, patience).await {
            let _ = kill_process_group(pid, Signal::TERM);
            if !gone(pid, born, GRACE).await {
                let _ = kill_process_group(pid, Signal::KILL);
                gone(pid, born, GRACE).await;
            }
        }
        true
    }

    async fn read(&self) -> Option<(Pid, u64)> {
        let text = fs::read_to_string(&self.0).await.ok()?;
        let (pid, born) = text.split_once(' ')?;
        Some((Pid::from_raw(pid.parse().ok()?)?, born.parse().ok()?))
    }
}

async fn gone(pid: Pid, born: u64, patience: Duration) -> bool {
    let end = Instant::now() + patience;
    while lives(pid, born) {
        if Instant::now() >= end {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    true
}

/// Whether it is still that process, not another one that was given the same id.
fn lives(pid: Pid, started: u64) -> bool {
    born(pid) == Some(started)
}

/// When the process started, in the kernel's ticks since boot; `None` if it has ended. See proc(5), `stat`.
fn born(pid: Pid) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_pid())).ok()?;
    // The name in parentheses may hold anything, so the fields are counted from behind it.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    if state == "Z" || state == "X" { None } else { fields.nth(18)?.parse().ok() }
}

fn folder_error(path: &Path, source: std::io::Error) -> Error {
    Error::Folder { path: path.to_owned(), source }
}
