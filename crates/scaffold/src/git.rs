//! Running `git` so that nothing but Fairway's own settings decides what it does.

use crate::Error;
use std::{
    ffi::OsStr,
    path::Path,
    process::{Output, Stdio},
};
use tokio::{io::AsyncWriteExt, process::Command};

/// Where variables such as `GIT_DIR` or `GIT_INDEX_FILE` come from: a shell or a hook that Fairway was started in, say.
const PREFIX: &str = "GIT_";

/// A git command for the repository at `path`, free of what the environment says about other repositories.
pub(crate) fn in_repository(path: &Path) -> Command {
    let mut command = outside();
    command.env("GIT_DIR", path);
    command
}

/// A git command for no repository in particular.
pub(crate) fn outside() -> Command {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with(PREFIX)) {
        command.env_remove(name);
    }
    isolate(&mut command);
    command
}

/// A git command inside of a hook: it sees the pushed objects, which stand in quarantine until the hook agrees.
pub(crate) fn in_hook(repository: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(repository);
    isolate(&mut command);
    command
}

/// Neither the person's nor the machine's configuration counts, nor who owns the folder: it is Fairway's own.
fn isolate(command: &mut Command) {
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .env("GIT_LITERAL_PATHSPECS", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
}

/// Runs it; its standard output.
pub(crate) async fn run(mut command: Command) -> Result<Vec<u8>, Error> {
    let output = command.output().await.map_err(Error::GitMissing)?;
    succeeded(&command, output)
}

/// Runs it with `input` as its standard input.
pub(crate) async fn run_with_input(mut command: Command, input: &[u8]) -> Result<Vec<u8>, Error> {
    let mut child = command.stdin(Stdio::piped()).spawn().map_err(Error::GitMissing)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A git that gave up before it read everything says why on its standard error.
        let _ = stdin.write_all(input).await;
    }
    let output = child.wait_with_output().await.map_err(Error::GitMissing)?;
    succeeded(&command, output)
}

/// Runs a command that says *no* with exit code 1, such as `merge-base --is-ancestor`; its output, or nothing for *no*.
pub(crate) async fn ask(mut command: Command) -> Result<Option<Vec<u8>>, Error> {
    let output = command.output().await.map_err(Error::GitMissing)?;
    if output.status.code() == Some(1) {
        return Ok(None);
    }
    succeeded(&command, output).map(Some)
}

fn succeeded(command: &Command, output: Output) -> Result<Vec<u8>, Error> {
    if output.status.success() {
        return Ok(output.stdout);
    }
    let words: Vec<_> = command.as_std().get_args().take(2).map(OsStr::to_string_lossy).collect();
    let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let message = if message.is_empty() { output.status.to_string() } else { message };
    Err(Error::Git { command: words.join(" "), message })
}
