//! Whether a push is taken: what the pre-receive hook asks.

use crate::{Error, check_fairway_yaml, git, repositories::blob};
use fairway_domain::{CommitSha, ServiceName};
use std::path::Path;

const MAIN: &str = "refs/heads/main";

/// One line of what git tells the hook; nothing stands for a reference that didn't exist or is to be removed.
struct RefUpdate {
    old: Option<CommitSha>,
    new: Option<CommitSha>,
    name: String,
}

/// Judges a push. `lines` is what the hook got on its standard input: `OLD NEW REFERENCE` a line. To be called in the hook's
/// own process, since the pushed objects can be seen only with the environment that git gave it. A refusal is everything that
/// is wrong, as lines for the person who pushed; git then takes nothing of the push.
///
/// `main` moves only forward, is never removed, and holds a `fairway.yaml` that can be deployed. Other branches and tags are
/// their owners'.
pub async fn check_push(repository: &Path, service: &ServiceName, lines: &str) -> Result<(), Vec<String>> {
    let mut wrong = Vec::new();
    for line in lines.lines() {
        match parse(line) {
            Some(update) => match check_update(repository, service, &update).await {
                Ok(sentences) => wrong.extend(sentences),
                Err(error) => wrong.push(format!("Fairway can't check this push: {error}")),
            },
            None => wrong.push(format!("“{}” is no update that Fairway can read.", line.escape_debug())),
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

fn parse(line: &str) -> Option<RefUpdate> {
    let mut words = line.splitn(3, ' ');
    let old = words.next()?.parse().ok()?;
    let new = words.next()?.parse().ok()?;
    Some(RefUpdate { old: existing(old), new: existing(new), name: words.next()?.to_owned() })
}

/// Git writes forty zeros where there is no commit.
fn existing(sha: CommitSha) -> Option<CommitSha> {
    sha.as_str().bytes().any(|digit| digit != b'0').then_some(sha)
}

async fn check_update(
    repository: &Path,
    service: &ServiceName,
    update: &RefUpdate,
) -> Result<Vec<String>, Error> {
    if update.name != MAIN {
        let theirs = update.name.starts_with("refs/heads/") || update.name.starts_with("refs/tags/");
        return Ok(if theirs {
            Vec::new()
        } else {
            vec![format!("{} is neither a branch nor a tag.", update.name)]
        });
    }
    let Some(new) = &update.new else {
        return Ok(vec!["main can't be removed: it is what gets built and deployed.".to_owned()]);
    };
    if let Some(old) = &update.old {
        let mut command = git::in_hook(repository);
        command.args(["merge-base", "--is-ancestor", old.as_str(), new.as_str()]);
        if git::ask(command).await?.is_none() {
            return Ok(vec![
                "main only moves forward: this push doesn't contain what main holds now. Fetch, rebase or merge, and push again."
                    .to_owned(),
            ]);
        }
    }
    Ok(match blob(|| git::in_hook(repository), new, "fairway.yaml").await? {
        Some(text) => check_fairway_yaml(&text, service).err().unwrap_or_default(),
        None => vec![
            "main needs a fairway.yaml at its root that is a text file of at most 1 MiB: it says what to deploy.".to_owned(),
        ],
    })
}
