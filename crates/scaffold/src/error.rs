use fairway_domain::{CommitSha, ServiceName};
use std::path::PathBuf;

/// What can go wrong between answers and a repository.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The embedded template doesn't fit the program that embeds it.
    #[error(
        "The template can't be rendered: {0}. Fairway was built with a broken template; nothing was created."
    )]
    Template(String),
    /// A file's path would leave the repository.
    #[error("“{0}” can't be a file of a repository: a path is relative, without “..” and outside of “.git”.")]
    FilePath(String),
    /// The `git` program itself is missing or can't be started.
    #[error("git can't be started: {0}. Install git, and see that it is on the PATH of Fairway.")]
    GitMissing(std::io::Error),
    /// A git command failed.
    #[error("“git {command}” failed: {message}")]
    Git {
        /// The command's first words.
        command: String,
        /// What it wrote to its standard error.
        message: String,
    },
    /// Git's answer isn't one that Fairway can read.
    #[error("git answered “{0}”, which Fairway can't read. Is the repository damaged? Try git fsck.")]
    GitAnswer(String),
    /// There is no such repository.
    #[error("There is no repository of {0}.")]
    NoRepository(ServiceName),
    /// There is no such commit.
    #[error("The repository of {service} has no commit {sha}.")]
    NoCommit {
        /// Whose repository.
        service: ServiceName,
        /// What was asked for.
        sha: CommitSha,
    },
    /// A file or folder can't be read or written.
    #[error("{path}: {source}. Check the folder's owner and that the disk isn't full.")]
    Files {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Error {
    pub(crate) fn files(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Files { path, source }
    }
}
