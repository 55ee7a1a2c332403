use fairway_domain::{CommitSha, ServiceName, ShellCommand};
use std::{path::PathBuf, time::Duration};

/// Why an image, a chart or a release couldn't be made or read. Each is a sentence that a person can act on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program isn't there, or may not be run.
    #[error("“{}” can't be started: {source}. Install it, or set its path in Fairway's configuration.", program.display())]
    Start {
        /// What was to be run.
        program: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// The program was ended because it took too long.
    #[error("“{command}” was ended after {} s without a result. See what it waits for, and try again.", limit.as_secs())]
    TimedOut {
        /// What was run.
        command: String,
        /// How long it was given.
        limit: Duration,
    },
    /// The program's output is larger than anything that it should say.
    #[error("“{command}” answered with more than {limit} bytes; its answer was not used.")]
    TooLong {
        /// What was run.
        command: String,
        /// The bound in bytes.
        limit: usize,
    },
    /// A folder or file of Fairway's own can't be used.
    #[error("{} can't be used: {source}. Check that it is there, that Fairway may write to it, and that the disk isn't full.", path.display())]
    Folder {
        /// Where.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// The image can't be built from the commit.
    #[error("The image of {service} can't be built from {}: {}", commit.short(), last_lines(tail))]
    Build {
        /// Whose.
        service: ServiceName,
        /// From what.
        commit: CommitSha,
        /// The last lines that the build wrote.
        tail: Vec<String>,
        /// What does the same from a terminal.
        command: ShellCommand,
    },
    /// The image was built but the registry didn't take it.
    #[error("The image of {service} was built but can't be pushed: {}", last_lines(tail))]
    Push {
        /// Whose.
        service: ServiceName,
        /// The last lines that the push wrote.
        tail: Vec<String>,
        /// What does the same from a terminal.
        command: ShellCommand,
    },
    /// The registry can't be asked.
    #[error(
        "The registry at {address} can't be asked: {reason}. Check that it runs and that its address is right."
    )]
    Registry {
        /// The registry's address.
        address: String,
        /// What happened.
        reason: String,
    },
    /// `fairway.yaml` isn't what the chart's schema allows: one sentence for each place that is wrong.
    #[error("fairway.yaml isn't what the chart allows: {}", .0.join("; "))]
    Values(Vec<String>),
    /// Kubernetes doesn't answer Helm. Nothing was changed.
    #[error("The cluster can't be reached: {0}. Nothing was changed.")]
    ClusterAway(String),
    /// Helm refused; its own words.
    #[error("Helm refused: {message}")]
    Helm {
        /// What Helm said.
        message: String,
        /// What does the same from a terminal.
        command: ShellCommand,
    },
    /// What a program answered isn't what it is documented to answer.
    #[error("{what} can't be read: {reason}.")]
    Unreadable {
        /// Whose answer.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
}

fn last_lines(tail: &[String]) -> String {
    let said: Vec<&str> = tail.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
    match said.as_slice() {
        [] => "it ended without a word.".to_owned(),
        lines => lines[lines.len().saturating_sub(3)..].join(" / "),
    }
}
