//! From a commit to an image.

use super::{StepFailure, StepRun};
use fairway_domain::{Build, BuildId, Commit, JobKind};
use serde::Deserialize;
use serde_json::{Value, json};

/// What a build's job has to know.
#[derive(Deserialize)]
struct BuildRequest {
    build: BuildId,
}

impl StepRun<'_> {
    /// Builds and pushes the commit's image, unless the registry has it already.
    pub(super) async fn build(&self) -> Result<Value, StepFailure> {
        let commit = self.commit().await?;
        let store = &self.portal.inner.store;
        let build = store.begin_build(self.claim, &commit).await?;
        let image = self.image_of(&build).await;
        store.finish_build(self.claim, build.id, image.as_ref().ok()).await?;
        let image = image?;
        Ok(json!({ "image": image }))
    }

    async fn image_of(&self, build: &Build) -> Result<fairway_domain::ImageReference, StepFailure> {
        let (portal, service, commit) = (self.portal, self.service(), &build.commit.sha);
        let folder = portal.scratch_folder("build").await?;
        portal.inner.repositories.check_out(service, commit, folder.path()).await?;
        self.logged(async |lines| {
            let log = move |line: String| {
                // A reader that is gone has failed already, and says so itself.
                let _ = lines.send(line);
            };
            portal.inner.builder.build(service, commit, folder.path(), log).await
        })
        .await
    }

    /// The commit that this job is about.
    pub(super) async fn commit(&self) -> Result<Commit, StepFailure> {
        if self.job().kind == JobKind::Create {
            let sha = self.first_commit().await?;
            let commit = self.portal.inner.repositories.commit(self.service(), &sha).await?;
            return commit.ok_or_else(|| StepFailure::new(format!("The repository doesn't have {sha}.")));
        }
        let request: BuildRequest =
            serde_json::from_value(self.claim.request.clone()).map_err(crate::Error::from)?;
        let build = self.portal.inner.store.build(request.build).await?;
        build
            .map(|build| build.commit)
            .ok_or_else(|| StepFailure::new("The build of this job is not on record."))
    }
}
