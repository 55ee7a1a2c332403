//! Builds: one of each commit of a service.

use crate::claims::{self, Claim};
use crate::jobs::{self, NewJob};
use crate::rows::{Fields, new_id, now, storable};
use crate::{Error, Store};
use fairway_domain::{
    Action, Actor, Build, BuildId, Commit, CommitSha, ImageReference, Job, JobId, JobKind, ServiceName,
};
use serde_json::json;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

/// What came of asking for a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnqueuedBuild {
    /// It is on record; this job makes it.
    New(Build, Job),
    /// There is a build of that commit already, in whatever state.
    Existing(Build),
}

macro_rules! select_builds {
    ($rest:literal) => {
        concat!(
            "SELECT id, service, sha, subject, author, committed_at, state, image, job, created_at, finished_at FROM builds ",
            $rest
        )
    };
}

impl Store {
    /// Asks for the build of a commit. The job's request is `{"build": id}`.
    pub async fn enqueue_build(
        &self,
        service: &ServiceName,
        commit: &Commit,
        actor: &Actor,
    ) -> Result<EnqueuedBuild, Error> {
        if let Some(build) = self.build_of(service, &commit.sha).await? {
            return Ok(EnqueuedBuild::Existing(build));
        }
        let mut write = self.write().await?;
        let id = BuildId(new_id());
        let detail = format!("{} {}", commit.sha.short(), commit.subject);
        let new = NewJob {
            kind: JobKind::Build,
            service,
            environment: None,
            request: &json!({ "build": id }),
            actor,
            action: Action::Build,
            detail: &detail,
        };
        let job = jobs::insert(write.connection(), &new).await?;
        let build = insert(write.connection(), id, service, commit, job.id).await?;
        if build.id != id {
            return Ok(EnqueuedBuild::Existing(build)); // Somebody was quicker: the job is forgotten with the transaction.
        }
        write.commit().await?;
        Ok(EnqueuedBuild::New(build, job))
    }

    /// The build of a commit as a step of another job: the one that is there, or a new one of this job.
    pub async fn begin_build(&self, claim: &Claim, commit: &Commit) -> Result<Build, Error> {
        let mut write = self.write().await?;
        claims::hold(write.connection(), claim.job.id, claim.fence).await?;
        let build =
            insert(write.connection(), BuildId(new_id()), &claim.job.service, commit, claim.job.id).await?;
        write.commit().await?;
        Ok(build)
    }

    /// The build's image stands in the registry, or it failed (`None`). A build that has its image keeps it.
    pub async fn finish_build(
        &self,
        claim: &Claim,
        id: BuildId,
        image: Option<&ImageReference>,
    ) -> Result<(), Error> {
        let mut write = self.write().await?;
        claims::hold(write.connection(), claim.job.id, claim.fence).await?;
        sqlx::query(
            "UPDATE builds SET state = $1, image = $2, finished_at = $3 WHERE id = $4 AND state <> 'succeeded'",
        )
        .bind(if image.is_some() { "succeeded" } else { "failed" })
        .bind(image.map(serde_json::to_string).transpose()?)
        .bind(now())
        .bind(id.to_string())
        .execute(write.connection())
        .await?;
        write.commit().await
    }

    /// The newest `limit` builds of a service, newest first.
    pub async fn builds(&self, service: &ServiceName, limit: u32) -> Result<Vec<Build>, Error> {
        let rows = sqlx::query(select_builds!("WHERE service = $1 ORDER BY id DESC LIMIT $2"))
            .bind(service.as_str())
            .bind(i64::from(limit))
            .fetch_all(&mut *self.read().await?)
            .await?;
        rows.iter().map(build).collect()
    }

    /// The build of that id, if there is one.
    pub async fn build(&self, id: BuildId) -> Result<Option<Build>, Error> {
        let row = sqlx::query(select_builds!("WHERE id = $1"))
            .bind(id.to_string())
            .fetch_optional(&mut *self.read().await?)
            .await?;
        row.as_ref().map(build).transpose()
    }

    /// The build of a commit, if there is one.
    pub async fn build_of(&self, service: &ServiceName, sha: &CommitSha) -> Result<Option<Build>, Error> {
        find(&mut *self.read().await?, service, sha).await
    }
}

/// Inserts the build of a commit unless there is one, and gives the one that is there then.
async fn insert(
    connection: &mut AnyConnection,
    id: BuildId,
    service: &ServiceName,
    commit: &Commit,
    job: JobId,
) -> Result<Build, Error> {
    sqlx::query(
        "INSERT INTO builds (id, service, sha, subject, author, committed_at, state, job, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'running', $7, $8) ON CONFLICT DO NOTHING",
    )
    .bind(id.to_string())
    .bind(service.as_str())
    .bind(commit.sha.as_str())
    .bind(storable(&commit.subject))
    .bind(storable(&commit.author))
    .bind(commit.at.as_millisecond())
    .bind(job.to_string())
    .bind(now())
    .execute(&mut *connection)
    .await?;
    find(connection, service, &commit.sha)
        .await?
        .ok_or_else(|| Error::Missing { table: "builds", id: id.to_string() })
}

async fn find(
    connection: &mut AnyConnection,
    service: &ServiceName,
    sha: &CommitSha,
) -> Result<Option<Build>, Error> {
    let row = sqlx::query(select_builds!("WHERE service = $1 AND sha = $2"))
        .bind(service.as_str())
        .bind(sha.as_str())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(build).transpose()
}

fn build(row: &AnyRow) -> Result<Build, Error> {
    let fields = Fields::of(row, "builds", "id");
    Ok(Build {
        id: fields.parsed("id")?,
        service: fields.parsed("service")?,
        commit: commit(&fields)?,
        state: fields.word("state")?,
        image: fields.maybe_json("image")?,
        job: fields.parsed("job")?,
        created_at: fields.time("created_at")?,
        finished_at: fields.maybe_time("finished_at")?,
    })
}

/// The commit in a row that has a build's columns.
pub(crate) fn commit(fields: &Fields<'_>) -> Result<Commit, Error> {
    Ok(Commit {
        sha: fields.parsed("sha")?,
        subject: fields.get("subject")?,
        author: fields.get("author")?,
        at: fields.time("committed_at")?,
    })
}
