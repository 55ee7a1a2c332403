//! From answers to a repository.

use super::{StepFailure, StepRun};
use fairway_domain::{Actor, CommitSha, Parameters};
use fairway_scaffold::RenderedFile;
use serde_json::{Value, json};

/// The message of a repository's first commit.
const FIRST_MESSAGE: &str = "Create the service from Fairway's template";

impl StepRun<'_> {
    /// Renders what the next step commits. Rendering is pure, so the files aren't kept: the next step makes the same ones.
    pub(super) async fn render(&self) -> Result<Value, StepFailure> {
        let files = self.files()?;
        for file in &files {
            let mode = if file.executable { "0755" } else { "0644" };
            self.log(format!("{mode} {} ({} lines)", file.path, file.contents.lines().count())).await?;
        }
        Ok(json!({ "files": files.len() }))
    }

    /// Makes the repository with its first commit, unless a killed attempt already has.
    pub(super) async fn repository(&self) -> Result<Value, StepFailure> {
        let job = self.job();
        let Actor { name: author } = &job.actor;
        let repositories = &self.portal.inner.repositories;
        let commit =
            repositories.create(&job.service, &self.files()?, author, FIRST_MESSAGE, job.created_at).await?;
        self.log(format!("{commit} {FIRST_MESSAGE}")).await?;
        Ok(json!({ "commit": commit }))
    }

    /// The commit that the repository step made.
    pub(super) async fn first_commit(&self) -> Result<CommitSha, StepFailure> {
        let store = &self.portal.inner.store;
        let output = store.step_output(self.job().id, fairway_domain::StepName::Repository).await?;
        let commit = output.and_then(|output| output.get("commit")?.as_str()?.parse().ok());
        commit.ok_or_else(|| StepFailure::new("The repository's first commit is not on record."))
    }

    fn files(&self) -> Result<Vec<RenderedFile>, StepFailure> {
        let parameters: Parameters =
            serde_json::from_value(self.claim.request.clone()).map_err(crate::Error::from)?;
        Ok(fairway_scaffold::render(&parameters, &self.portal.inner.settings.base_images)?)
    }
}
