//! Children: run without a shell, in a process group of their own that is ended when nobody waits for it any more.

use crate::Error;
use fairway_domain::ShellCommand;
use rustix::process::{Pid, Signal, kill_process_group};
use std::{collections::VecDeque, path::PathBuf, process::ExitStatus, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    process::{Child, ChildStderr, ChildStdout, Command},
};

/// How long a child may take to end by itself once it was told to.
const GRACE: Duration = Duration::from_secs(5);
/// The largest answer that is read into memory, in bytes.
const ANSWER_LIMIT: usize = 32 << 20;
/// The longest line that is passed on, in bytes; a longer one is cut.
const LINE_LIMIT: u64 = 16 << 10;
/// How many of a child's last lines an error quotes.
const TAIL_LINES: usize = 20;

/// A program to run, with everything it gets.
#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// Set on top of Fairway's own environment.
    pub(crate) environment: Vec<(&'static str, PathBuf)>,
    /// Variables that don't reach the child if their name starts so, unless set above.
    pub(crate) withheld: Option<&'static str>,
    pub(crate) limit: Duration,
}

impl Invocation {
    /// For messages: the program's name and what it was told to do, without values.
    pub(crate) fn short(&self) -> String {
        let program = self.program.file_name().unwrap_or_default().to_string_lossy();
        let verb = self.arguments.iter().find(|argument| !argument.starts_with('-'));
        verb.map_or_else(|| program.to_string(), |verb| format!("{program} {verb}"))
    }

    /// The same from a terminal.
    pub(crate) fn shell(&self) -> ShellCommand {
        ShellCommand::new(&self.program.to_string_lossy(), &self.arguments)
    }

    /// Starts it. The group ends when the returned value is dropped.
    pub(crate) fn start(&self) -> Result<Running, Error> {
        let mut command = Command::new(&self.program);
        if let Some(prefix) = self.withheld {
            for (name, _) in
                std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with(prefix))
            {
                command.env_remove(name);
            }
        }
        command.args(&self.arguments).envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let child =
            command.spawn().map_err(|source| Error::Start { program: self.program.clone(), source })?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Ok(Running { group, child: Some(child) })
    }
}

/// What a child said in all.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: ExitStatus,
    pub(crate) output: String,
    pub(crate) errors: String,
}

/// A child and its process group.
#[derive(Debug)]
pub(crate) struct Running {
    group: Option<Pid>,
    /// Taken only by drop.
    child: Option<Child>,
}

impl Running {
    /// The group's id, which is the child's process id.
    pub(crate) fn group(&self) -> Option<Pid> {
        self.group
    }

    fn pipes(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        self.child.as_mut().map_or((None, None), |child| (child.stdout.take(), child.stderr.take()))
    }

    async fn ended(&mut self) -> std::io::Result<ExitStatus> {
        match self.child.as_mut() {
            Some(child) => child.wait().await,
            None => Err(std::io::ErrorKind::NotFound.into()),
        }
    }

    /// Waits for the end, and for all it says.
    pub(crate) async fn answer(mut self, of: &Invocation) -> Result<Answer, Error> {
        let (output, errors) = self.pipes();
        let work = async {
            let (output, errors, status) = tokio::join!(all(output), all(errors), self.ended());
            Ok::<_, std::io::Error>((output?, errors?, status?))
        };
        let (output, errors, status) = within(of, work).await?;
        if output.len() > ANSWER_LIMIT {
            return Err(Error::TooLong { command: of.short(), limit: ANSWER_LIMIT });
        }
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Answer { status, output: text(output), errors: text(errors) })
    }

    /// Waits for the end, passing on each line as it is written. Returns the last ones.
    pub(crate) async fn follow(
        mut self,
        of: &Invocation,
        mut log: impl FnMut(String) + Send,
    ) -> Result<(ExitStatus, Vec<String>), Error> {
        let (output, errors) = self.pipes();
        let (sender, mut lines) = tokio::sync::mpsc::channel(64);
        let mut tail = VecDeque::new();
        let work = async {
            let readers = async {
                let (output, errors) =
                    tokio::join!(each_line(output, sender.clone()), each_line(errors, sender));
                output.and(errors)
            };
            let receiver = async {
                while let Some(line) = lines.recv().await {
                    if tail.len() == TAIL_LINES {
                        tail.pop_front();
                    }
                    tail.push_back(String::clone(&line));
                    log(line);
                }
            };
            let (read, (), status) = tokio::join!(readers, receiver, self.ended());
            read.and(status)
        };
        let status = within(of, work).await?;
        Ok((status, tail.into()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let (Some(mut child), Some(group)) = (self.child.take(), self.group) else { return };
        if matches!(child.try_wait(), Ok(Some(_))) {
            return;
        }
        // Asked first: Helm marks its release as failed then, instead of leaving it pending.
        let _ = kill_process_group(group, Signal::TERM);
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            let _ = kill_process_group(group, Signal::KILL);
            return;
        };
        runtime.spawn(async move {
            if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
                let _ = kill_process_group(group, Signal::KILL);
                let _ = child.wait().await;
            }
        });
    }
}

async fn within<T>(of: &Invocation, work: impl Future<Output = std::io::Result<T>>) -> Result<T, Error> {
    match tokio::time::timeout(of.limit, work).await {
        Err(_) => Err(Error::TimedOut { command: of.short(), limit: of.limit }),
        Ok(Err(source)) => Err(Error::Start { program: of.program.clone(), source }),
        Ok(Ok(done)) => Ok(done),
    }
}

async fn all(pipe: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        (&mut pipe).take(ANSWER_LIMIT as u64 + 1).read_to_end(&mut bytes).await?;
        // What comes beyond the bound is read and dropped, so that the child can end.
        tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
    }
    Ok(bytes)
}

async fn each_line(
    pipe: Option<impl AsyncRead + Unpin>,
    sender: tokio::sync::mpsc::Sender<String>,
) -> std::io::Result<()> {
    let Some(pipe) = pipe else { return Ok(()) };
    let mut reader = BufReader::new(pipe);
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut reader).take(LINE_LIMIT).read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned();
        if sender.send(text).await.is_err() {
            return Ok(());
        }
    }
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
