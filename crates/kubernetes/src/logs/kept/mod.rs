//! What pods wrote, kept on disk beyond the life of the pods: bounded in size and age.
//!
//! A service has a folder of segments, numbered. A segment begins with every source that is known and how far it had been written,
//! so that reading can begin at any of them; records are only ever added, and a file with a torn end is good up to there. The hub writes
//! (`Keeper`), and goes on after a restart where the files end; readers take from the files alone what the cluster no longer has: all
//! of the containers that went with their pods (`Kept`), and of one that is there what it wrote before (`KeptSource`).

mod index;
mod lanes;
mod read;
mod record;
mod segment;
mod source;
mod write;

pub(super) use index::Indexes;
pub(super) use read::{Beginning, Enough, Kept};
pub(super) use source::{KeptSource, Place};
pub(super) use write::Keeper;

use fairway_domain::{Namespace, ServiceName};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const ENDING: &str = "lines";
/// Into how many segments what is kept is parted: one goes at a time.
const SEGMENTS: u32 = 8;

/// How the lines of each service in each environment are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogKeeping {
    /// The folder of all of them.
    pub folder: PathBuf,
    /// How much is kept of one service in one environment at most, in bytes.
    pub bytes: u64,
    /// How long a line is kept at most, about.
    pub age: Duration,
}

impl LogKeeping {
    pub(super) fn folder_of(&self, namespace: &Namespace, service: &ServiceName) -> PathBuf {
        self.folder.join(namespace.as_str()).join(service.as_str())
    }

    /// How long a segment gets.
    fn segment_bytes(&self) -> u64 {
        self.bytes / u64::from(SEGMENTS)
    }

    /// Removes what is too old, also of services that are gone.
    pub(super) async fn remove_old(&self) {
        let keeping = self.clone();
        let removal = blocking(move || {
            for namespace in folders(&keeping.folder)? {
                for service in folders(&namespace)? {
                    remove_older(&service, keeping.age)?;
                }
            }
            Ok(())
        });
        if let Err(error) = removal.await {
            tracing::warn!(%error, "old log lines can't be removed");
        }
    }
}

/// A number of lines, in words.
fn counted(lines: u64) -> String {
    if lines == 1 { "1 line".to_owned() } else { format!("{lines} lines") }
}

/// Looks after files where nobody else has to wait for it.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// The same as `segments`, while others go on.
async fn listed(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let folder = folder.to_owned();
    blocking(move || segments(&folder)).await
}

/// The folders in a folder; none if it isn't there.
fn folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    Ok(paths.into_iter().filter(|path| path.is_dir()).collect())
}

fn remove_older(folder: &Path, age: Duration) -> io::Result<()> {
    let now = SystemTime::now();
    for (_, path) in segments(folder)? {
        // The hub may remove it at the same time.
        let Ok(metadata) = std::fs::metadata(&path) else { continue };
        if metadata.modified().is_ok_and(|at| now.duration_since(at).is_ok_and(|old| old > age)) {
            remove(&path)?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// A service's segments with their numbers, the oldest first.
fn segments(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut segments = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
        if let Some(number) = number.filter(|_| path.extension().is_some_and(|ending| ending == ENDING)) {
            segments.push((number, path));
        }
    }
    segments.sort();
    Ok(segments)
}

fn segment(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:012}.{ENDING}"))
}

#[cfg(test)]
#[path = "kept_tests.rs"]
mod tests;
