//! Commits, and the images made from them.

use crate::{
    Invalid, JobId, ServiceName, Timestamp,
    names::{parsed_text, uuid_id},
};
use serde::{Deserialize, Serialize};

parsed_text! {
    /// A Git commit's full id: 40 lower-case hexadecimal digits.
    CommitSha, check_commit_sha
}
parsed_text! {
    /// An image's content address: `sha256:` and 64 lower-case hexadecimal digits.
    ImageDigest, check_image_digest
}

impl CommitSha {
    /// The first seven digits, as people quote a commit.
    pub fn short(&self) -> &str {
        &self.as_str()[..7]
    }
}

fn check_commit_sha(text: &str) -> Result<(), Invalid> {
    if text.len() == 40 && is_hexadecimal(text) {
        return Ok(());
    }
    Err(Invalid::new("A commit is 40 lower-case hexadecimal digits."))
}

fn check_image_digest(text: &str) -> Result<(), Invalid> {
    let digits = text.strip_prefix("sha256:").unwrap_or_default();
    if digits.len() == 64 && is_hexadecimal(digits) {
        return Ok(());
    }
    Err(Invalid::new("A digest is sha256: and 64 lower-case hexadecimal digits."))
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// A commit, as people need to recognise it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Commit {
    /// Its id.
    pub sha: CommitSha,
    /// The first line of its message.
    pub subject: String,
    /// Who wrote it.
    pub author: String,
    /// When it was committed.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
}

uuid_id! {
    /// A build's id: a UUID, version 7, as text.
    BuildId, "A build's id is a UUID."
}

/// An image made from one commit of a service. There is one build of a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Build {
    /// Its id.
    pub id: BuildId,
    /// Whose.
    pub service: ServiceName,
    /// From what.
    pub commit: Commit,
    /// How far it is.
    pub state: BuildState,
    /// The image, once it stands in the registry.
    pub image: Option<ImageReference>,
    /// The job that makes it.
    pub job: JobId,
    /// When it was asked for.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    /// When it ended, well or not.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub finished_at: Option<Timestamp>,
}

/// How far a build is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum BuildState {
    /// Asked for, or being made.
    Running,
    /// The image stands in the registry.
    Succeeded,
    /// The commit can't be built; its job says why.
    Failed,
}

/// An image by its digest: `127.0.0.1:5000/orders@sha256:…`. What runs is what was built, whatever a tag says later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImageReference {
    /// Registry and name, without a tag.
    pub repository: String,
    /// The content.
    pub digest: ImageDigest,
}

impl std::fmt::Display for ImageReference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.repository, self.digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_of_digits_only_is_text_like_any_other() {
        let sha: CommitSha = "6180689618068961806896180689618068961806".parse().unwrap();
        assert_eq!(sha.short(), "6180689");
        assert_eq!(serde_json::to_string(&sha).unwrap(), r#""6180689618068961806896180689618068961806""#);
    }

    #[test]
    fn what_is_no_commit_or_digest_is_refused() {
        for text in ["", "HEAD", "abc", "6180689618068961806896180689618068961806 ", &"G".repeat(40)] {
            assert!(text.parse::<CommitSha>().is_err(), "{text:?}");
        }
        for text in ["", "latest", "sha256:abc", &"a".repeat(64)] {
            assert!(text.parse::<ImageDigest>().is_err(), "{text:?}");
        }
    }
}
