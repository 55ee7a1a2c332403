//! One deploy.

use super::{FindingView, JobView, StatusView, milliseconds};
use fairway_domain::{Commit, DeployState, ObjectDiff};

/// A commit, as people recognise it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommitView {
    pub sha: String,
    pub short: String,
    pub subject: String,
    pub author: String,
    pub at: i64,
}

impl From<Commit> for CommitView {
    fn from(commit: Commit) -> Self {
        Self {
            short: commit.sha.short().to_owned(),
            sha: commit.sha.into(),
            subject: commit.subject,
            author: commit.author,
            at: milliseconds(commit.at),
        }
    }
}

/// A deploy, with its steps and how the service is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeployView {
    pub number: i64,
    pub service: String,
    pub environment: String,
    pub commit: CommitView,
    pub image: String,
    pub rollback_of: Option<i64>,
    pub revision: Option<i64>,
    pub actor: String,
    pub state: DeployState,
    pub changes: Vec<ObjectDiff>,
    /// Frozen at the verdict.
    pub finding: Option<FindingView>,
    pub created: i64,
    pub finished: Option<i64>,
    pub job: JobView,
    /// How the service is there now, whatever came of this deploy.
    pub status: StatusView,
    /// Where *Roll back* leads: the deploy's number and its commit.
    pub back_to: Option<(i64, String)>,
}

impl From<fairway_portal::DeployDetail> for DeployView {
    fn from(detail: fairway_portal::DeployDetail) -> Self {
        let deploy = detail.deploy;
        Self {
            number: deploy.number.0,
            service: deploy.service.into(),
            environment: deploy.environment.into(),
            commit: deploy.commit.into(),
            image: deploy.image.to_string(),
            rollback_of: deploy.rollback_of.map(|number| number.0),
            revision: deploy.revision,
            actor: deploy.actor.name,
            state: deploy.state,
            changes: deploy.changes,
            finding: deploy.finding.map(Into::into),
            created: milliseconds(deploy.created_at),
            finished: deploy.finished_at.map(milliseconds),
            job: detail.job.into(),
            status: detail.status.into(),
            back_to: detail
                .rollback_target
                .map(|target| (target.number.0, target.commit.sha.short().to_owned())),
        }
    }
}
