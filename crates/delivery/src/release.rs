//! Releasing, so that whatever was interrupted before ends as exactly one release.

use crate::{
    Error, Helm, Release, Revision,
    helm::{refusal, released, text},
    mark::Mark,
    process::Answer,
};
use fairway_domain::{Namespace, ServiceName};
use std::time::Duration;

/// How long a Helm that an earlier Fairway left at work may take; without `--wait` it takes seconds.
const PATIENCE: Duration = Duration::from_secs(30);

impl Helm {
    /// Releases, and returns Helm's revision. It doesn't wait for the rollout.
    ///
    /// Safe to repeat: where Helm's history has a finished revision with this description, that is the answer and nothing is
    /// done. Where an earlier call was interrupted, what it began is finished first, so the release never stays pending.
    /// What somebody changed by hand at a field that the chart sets is set back: the difference shown before says so.
    /// Only one call at a time for a service in a namespace; the caller holds the lock.
    pub async fn upgrade(
        &self,
        release: &Release<'_>,
        mut log: impl FnMut(String) + Send,
    ) -> Result<i64, Error> {
        let mark = self.mark(release.namespace, release.service);
        if mark.wait(PATIENCE).await {
            log("Waited for the Helm that an earlier Fairway left at work.".into());
        }
        let history = self.history(release.namespace, release.service).await?;
        if let Some(done) = finished(&history, release.description) {
            log(format!("Helm released this before, as revision {}.", done.revision));
            return Ok(done.revision);
        }
        if let Some(pending) = history.last().filter(|revision| revision.is_pending()) {
            log(format!(
                "Helm was interrupted at revision {} ({}): finishing it first.",
                pending.revision, pending.status
            ));
            self.finish(release, pending.revision, &mark).await?;
        }
        let mut arguments = self.upgrade_arguments(release, &text(release.values_file));
        arguments.extend(["--description", release.description, "--output", "json"].map(str::to_owned));
        let answer = self.run_marked(arguments, &mark).await?;
        for line in answer.errors.lines() {
            log(line.to_owned());
        }
        let revision = released(&answer)?.version;
        log(format!("Helm released {} in {} as revision {revision}.", release.service, release.namespace));
        Ok(revision)
    }

    /// Helm refuses to upgrade a pending release but rolls "back" to any revision, also to the pending one itself. That applies
    /// what it had begun to apply: no pod is replaced twice, and nothing is removed, in particular no Secret.
    async fn finish(&self, release: &Release<'_>, revision: i64, mark: &Mark) -> Result<(), Error> {
        let (service, namespace) = (release.service.as_str(), release.namespace.as_str());
        let number = revision.to_string();
        let description = format!("Finishes revision {revision}, at which Helm was interrupted");
        let arguments = [
            "rollback",
            service,
            &number,
            "--namespace",
            namespace,
            "--force-conflicts",
            "--description",
            &description,
        ];
        match self.run_marked(arguments, mark).await {
            // What Helm was interrupted at can't be applied. That is on record as failed now, so an upgrade may follow.
            Err(Error::Helm { message, .. }) => {
                tracing::warn!(
                    service,
                    namespace,
                    revision,
                    message,
                    "an interrupted release could not be finished"
                );
                Ok(())
            }
            other => other.map(drop),
        }
    }

    async fn run_marked<A: Into<String>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        mark: &Mark,
    ) -> Result<Answer, Error> {
        let invocation = self.invocation(arguments);
        let child = invocation.start()?;
        mark.set(&child).await?;
        let answer = child.answer(&invocation).await?;
        mark.clear().await;
        if answer.status.success() { Ok(answer) } else { Err(refusal(&invocation, &answer.errors)) }
    }

    fn mark(&self, namespace: &Namespace, service: &ServiceName) -> Mark {
        Mark::at(self.settings.home.join("running").join(format!("{namespace}.{service}")))
    }
}

fn finished<'a>(history: &'a [Revision], description: &str) -> Option<&'a Revision> {
    let done = |revision: &&Revision| matches!(revision.status.as_str(), "deployed" | "superseded");
    history.iter().rev().filter(done).find(|revision| revision.description == description)
}
