//! Repositories over HTTP, and what a push sets off.

use crate::{Answer, Error, GitRequest, GitResponse, Portal, Refusal};
use fairway_domain::{Action, Actor, Outcome, ServiceName};
use fairway_store::{EnqueuedBuild, NewActivity};
use futures::StreamExt;
use std::path::Path;

/// The check that a repository's pre-receive hook runs; `updates` is what Git gives the hook on standard input. The sentences say
/// what is wrong with the push.
pub async fn check_push(repository: &Path, service: &ServiceName, updates: &str) -> Result<(), Vec<String>> {
    fairway_scaffold::check_push(repository, service, updates).await
}

impl Portal {
    /// Where a service's repository is cloned from and pushed to.
    pub(crate) fn clone_url(&self, service: &ServiceName) -> String {
        format!("{}/git/{service}.git", self.public_url())
    }

    /// Answers one request of a Git client. A push is followed by a build of what it brought.
    pub async fn git(
        &self,
        actor: &Actor,
        service: &ServiceName,
        request: GitRequest,
    ) -> Result<Answer<GitResponse>, Error> {
        if self.inner.store.service(service).await?.is_none() {
            return Ok(Answer::Refused(Refusal::NoSuchService(service.clone())));
        }
        let is_push = request.path_in_repository == "git-receive-pack";
        let mut response = self.inner.repositories.http(service, request).await?;
        if is_push {
            let after = AfterPush { portal: self.clone(), actor: actor.clone(), service: service.clone() };
            // The stream holds it until the client has had the whole answer, or went away.
            response.body = response.body.inspect(move |_| _ = &after).boxed();
        }
        Ok(Answer::Done(response))
    }

    /// Enqueues a build of the newest commit, if there is none yet.
    async fn build_head(&self, actor: &Actor, service: &ServiceName) -> Result<(), Error> {
        let Some(head) = self.inner.repositories.head(service).await? else { return Ok(()) };
        let detail = format!("{} {}", head.sha.short(), head.subject);
        if let EnqueuedBuild::New(_, job) = self.inner.store.enqueue_build(service, &head, actor).await? {
            let store = &self.inner.store;
            store
                .record(&NewActivity {
                    actor,
                    action: Action::Push,
                    service,
                    environment: None,
                    detail: &detail,
                    outcome: Outcome::Succeeded,
                    job: Some(job.id),
                })
                .await?;
        }
        Ok(())
    }

    /// Builds what was pushed just before Fairway was killed.
    pub(crate) async fn catch_up_with_pushes(self) {
        let services = match self.inner.store.services().await {
            Ok(services) => services,
            Err(error) => return tracing::error!(%error, "can't look for pushes that came before the start"),
        };
        for service in services.into_iter().map(|service| service.parameters.name) {
            // A service that is still being created is built by its own job.
            let caught_up = match self.creation_in_the_way(&service).await {
                Ok(true) => Ok(()),
                Ok(false) => self.build_head(&Actor::local(), &service).await,
                Err(error) => Err(error),
            };
            if let Err(error) = caught_up {
                tracing::error!(%error, %service, "can't look for pushes that came before the start");
            }
        }
    }

    /// Whether the service's creation has not yet come to its own first build.
    async fn creation_in_the_way(&self, service: &ServiceName) -> Result<bool, Error> {
        let builds = self.inner.store.builds(service, 1).await?;
        Ok(builds.is_empty())
    }
}

/// Dropped once the client has had the whole answer, or went away: then the push is in the repository or isn't.
struct AfterPush {
    portal: Portal,
    actor: Actor,
    service: ServiceName,
}

impl Drop for AfterPush {
    fn drop(&mut self) {
        let (portal, actor, service) = (self.portal.clone(), self.actor.clone(), self.service.clone());
        self.portal.spawn_to_end(async move {
            if let Err(error) = portal.build_head(&actor, &service).await {
                tracing::error!(%error, %service, "a push came, but its build can't be enqueued; the next start tries again");
            }
        });
    }
}
