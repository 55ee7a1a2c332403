use crate::{Error, Registry, mark::Mark, process::Invocation};
use fairway_domain::{CommitSha, ImageDigest, ImageReference, ServiceName, ShellCommand};
use std::{collections::BTreeMap, path::Path, path::PathBuf, sync::Arc, time::Duration};
use tokio::{fs, sync::Mutex};

/// How images are built.
#[derive(Clone, Debug)]
pub struct BuilderSettings {
    /// `buildah`, as a path or a name on the `PATH`.
    pub program: PathBuf,
    /// A folder of Fairway's own for what a running build leaves there.
    pub home: PathBuf,
    /// Where buildah keeps layers; its own default if `None`.
    pub root: Option<PathBuf>,
    /// Where buildah keeps what lasts until the next boot; its own default if `None`.
    pub run_root: Option<PathBuf>,
    /// Arguments that every build gets, such as the address of a mirror.
    pub build_arguments: BTreeMap<String, String>,
    /// Files and folders of this machine that every build sees, read-only, and where it sees them.
    pub read_only_mounts: Vec<(PathBuf, PathBuf)>,
    /// How long one build may take.
    pub limit: Duration,
}

impl BuilderSettings {
    /// `buildah` from the `PATH`, with its own folders, no extra arguments or mounts, and 30 minutes a build.
    pub fn new(home: PathBuf) -> Self {
        Self {
            program: "buildah".into(),
            home,
            root: None,
            run_root: None,
            build_arguments: BTreeMap::new(),
            read_only_mounts: Vec::new(),
            limit: Duration::from_mins(30),
        }
    }
}

/// Makes images from commits and brings them to the registry, one at a time.
#[derive(Clone, Debug)]
pub struct Builder {
    settings: Arc<BuilderSettings>,
    registry: Registry,
    turn: Arc<Mutex<()>>,
}

impl Builder {
    /// A builder that pushes to `registry`. Only one may use a `root`.
    pub fn new(settings: BuilderSettings, registry: Registry) -> Self {
        Self { settings: Arc::new(settings), registry, turn: Arc::default() }
    }

    /// The image of `commit`, if it was built before.
    pub async fn built(
        &self,
        service: &ServiceName,
        commit: &CommitSha,
    ) -> Result<Option<ImageReference>, Error> {
        let digest = self.registry.digest(service.as_str(), commit.as_str()).await?;
        Ok(digest.map(|digest| self.reference(service, digest)))
    }

    /// Builds `context_dir`, which holds `commit`'s files and their Dockerfile, and pushes the image. A commit is built once: if
    /// the registry has its image, that is the answer. Each line that the build writes goes to `log`. Waits for its turn while
    /// another build runs. Dropping the future ends the build.
    pub async fn build(
        &self,
        service: &ServiceName,
        commit: &CommitSha,
        context_dir: &Path,
        mut log: impl FnMut(String) + Send,
    ) -> Result<ImageReference, Error> {
        let _turn = if let Ok(turn) = self.turn.try_lock() {
            turn
        } else {
            log("Waiting for another build to end.".into());
            self.turn.lock().await
        };
        let mark = Mark::at(self.settings.home.join("building"));
        if mark.wait(Duration::ZERO).await {
            log("Ended a build that an earlier Fairway left behind.".into());
        }
        if let Some(image) = self.built(service, commit).await? {
            log(format!("{image} was built before."));
            return Ok(image);
        }
        let build = self.build_invocation(service, commit, context_dir);
        let (mut status, mut tail) = self.run(&build, &mark, &mut log).await?;
        if !status && failed_silently(&tail) {
            log("The step that failed said nothing. It is run once more, to hear why.".into());
            (status, tail) = self.run(&build, &mark, &mut log).await?;
        }
        if !status {
            let command = self.command(service, commit);
            return Err(Error::Build { service: service.clone(), commit: commit.clone(), tail, command });
        }
        let digest = self.push(service, commit, &mark, &mut log).await?;
        Ok(self.reference(service, digest))
    }

    /// What does the same from a terminal, in a checkout of the service's repository.
    pub fn command(&self, service: &ServiceName, commit: &CommitSha) -> ShellCommand {
        let checkout = ShellCommand::new("git", ["checkout", "--quiet", commit.as_str()]);
        let build = ShellCommand::new("buildah", self.build_arguments(service, commit, "."));
        checkout.and_then(&build).and_then(&self.push_command(service, commit))
    }

    async fn push(
        &self,
        service: &ServiceName,
        commit: &CommitSha,
        mark: &Mark,
        log: &mut (impl FnMut(String) + Send),
    ) -> Result<ImageDigest, Error> {
        let folder = &self.settings.home;
        let file = folder.join("digest");
        let mut arguments = self.push_arguments(service, commit);
        arguments.splice(1..1, ["--digestfile".to_owned(), file.to_string_lossy().into_owned()]);
        let (status, tail) = self.run(&self.invocation(arguments), mark, log).await?;
        if !status {
            let command = self.push_command(service, commit);
            return Err(Error::Push { service: service.clone(), tail, command });
        }
        let text = fs::read_to_string(&file).await.map_err(|source| Error::Folder { path: file, source })?;
        text.trim().parse().map_err(|error: fairway_domain::Invalid| Error::Unreadable {
            what: "The digest that buildah wrote".into(),
            reason: error.to_string(),
        })
    }

    /// True if it succeeded, and its last lines.
    async fn run(
        &self,
        invocation: &Invocation,
        mark: &Mark,
        log: &mut (impl FnMut(String) + Send),
    ) -> Result<(bool, Vec<String>), Error> {
        let child = invocation.start()?;
        mark.set(&child).await?;
        let (status, tail) = child.follow(invocation, log).await?;
        mark.clear().await;
        Ok((status.success(), tail))
    }

    fn build_invocation(&self, service: &ServiceName, commit: &CommitSha, context_dir: &Path) -> Invocation {
        self.invocation(self.build_arguments(service, commit, &context_dir.to_string_lossy()))
    }

    fn build_arguments(&self, service: &ServiceName, commit: &CommitSha, context: &str) -> Vec<String> {
        let mut arguments: Vec<String> =
            ["build", "--isolation", "chroot", "--layers", "--force-rm"].map(str::to_owned).to_vec();
        arguments.extend(self.tls());
        for (name, value) in &self.settings.build_arguments {
            arguments.extend(["--build-arg".to_owned(), format!("{name}={value}")]);
        }
        for (here, there) in &self.settings.read_only_mounts {
            arguments.extend(["--volume".to_owned(), format!("{}:{}:ro", here.display(), there.display())]);
        }
        arguments.extend(["--tag".to_owned(), self.tagged(service, commit), context.to_owned()]);
        arguments
    }

    fn push_arguments(&self, service: &ServiceName, commit: &CommitSha) -> Vec<String> {
        let mut arguments = vec!["push".to_owned()];
        arguments.extend(self.tls());
        arguments.push(self.tagged(service, commit));
        arguments
    }

    fn push_command(&self, service: &ServiceName, commit: &CommitSha) -> ShellCommand {
        ShellCommand::new("buildah", self.push_arguments(service, commit))
    }

    /// Where layers are kept is Fairway's own business: it is part of what runs, not of what a person types.
    fn invocation(&self, arguments: Vec<String>) -> Invocation {
        let mut all = vec!["--storage-driver".to_owned(), "overlay".to_owned()];
        for (flag, folder) in [("--root", &self.settings.root), ("--runroot", &self.settings.run_root)] {
            all.extend(
                folder.iter().flat_map(|folder| [flag.to_owned(), folder.to_string_lossy().into_owned()]),
            );
        }
        all.extend(arguments);
        Invocation {
            program: self.settings.program.clone(),
            arguments: all,
            environment: Vec::new(),
            withheld: None,
            limit: self.settings.limit,
        }
    }

    fn tls(&self) -> Option<String> {
        self.registry.plain_http().then(|| "--tls-verify=false".to_owned())
    }

    fn tagged(&self, service: &ServiceName, commit: &CommitSha) -> String {
        format!("{}:{commit}", self.registry.image(service))
    }

    fn reference(&self, service: &ServiceName, digest: ImageDigest) -> ImageReference {
        ImageReference { repository: self.registry.image(service), digest }
    }
}

/// Whether a build failed in a step that wrote nothing. On a busy machine `buildah` may end before it has passed on what a step
/// wrote right before its end.
fn failed_silently(tail: &[String]) -> bool {
    let ended = |line: &String| {
        line.starts_with("subprocess exited ") || line.starts_with("Error: building at STEP ")
    };
    let said = tail.iter().rfind(|line| !ended(line));
    tail.last().is_some_and(ended) && said.is_some_and(|line| line.split(' ').any(|word| word == "STEP"))
}

#[cfg(test)]
#[path = "builder_tests.rs"]
mod tests;
