//! Repositories on disk: made once, whatever happens, and read as git reads them.

#![allow(clippy::unwrap_used)] // clippy knows #[test] functions, but not what they call

use fairway_domain::{CommitSha, ParametersDraft, ServiceName, Timestamp};
use fairway_scaffold::{BaseImages, Error, RenderedFile, Repositories, render};
use std::{os::unix::fs::PermissionsExt, path::Path, process::Command};
use tempfile::TempDir;

fn orders() -> ServiceName {
    "orders".parse().unwrap()
}

fn at() -> Timestamp {
    "2026-11-25T01:02:03Z".parse().unwrap()
}

fn files() -> Vec<RenderedFile> {
    let draft =
        ParametersDraft { name: "orders".into(), team: "checkout".into(), ..ParametersDraft::sensible() };
    render(&draft.parse().unwrap(), &BaseImages::in_registry("127.0.0.1:5000")).unwrap()
}

fn repositories(root: &TempDir) -> Repositories {
    Repositories::new(root.path().join("git"), Path::new("/bin/true")).unwrap()
}

async fn create(repositories: &Repositories) -> CommitSha {
    repositories.create(&orders(), &files(), "ada", "Start orders", at()).await.unwrap()
}

fn git(arguments: &[&str]) -> String {
    let output = Command::new("git").args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn the_first_commit_holds_every_file_with_its_mode() {
    let root = TempDir::new().unwrap();
    let repositories = repositories(&root);
    let sha = create(&repositories).await;
    let path = repositories.path(&orders());
    let listed = git(&["--git-dir", path.to_str().unwrap(), "ls-tree", "-r", sha.as_str()]);
    assert_eq!(listed.lines().count(), files().len());
    assert!(listed.lines().any(|line| line.starts_with("100755 ") && line.ends_with("\trun")), "{listed}");
    assert_eq!(listed.lines().filter(|line| line.starts_with("100755 ")).count(), 1, "{listed}");
    for file in files() {
        let read = repositories.read_file(&orders(), &sha, &file.path).await.unwrap();
        assert_eq!(read.as_deref(), Some(file.contents.as_str()), "{}", file.path);
    }
    let commit = repositories.head(&orders()).await.unwrap().unwrap();
    assert_eq!((commit.author.as_str(), commit.subject.as_str(), commit.at), ("ada", "Start orders", at()));
    git(&["--git-dir", path.to_str().unwrap(), "fsck", "--strict"]);
}

#[tokio::test]
async fn creating_again_changes_nothing_and_gives_the_first_commit() {
    let root = TempDir::new().unwrap();
    let repositories = repositories(&root);
    let first = create(&repositories).await;
    let again = repositories.create(&orders(), &[], "eve", "Another", Timestamp::now()).await.unwrap();
    assert_eq!(again, first);
    let elsewhere = TempDir::new().unwrap();
    assert_eq!(create(&self::repositories(&elsewhere)).await, first, "the same answers give the same commit");
}

#[tokio::test]
async fn creating_goes_on_after_being_killed_midway() {
    let root = TempDir::new().unwrap();
    let repositories = repositories(&root);
    let unfinished = root.path().join("git/.orders.new/objects");
    std::fs::create_dir_all(&unfinished).unwrap();
    std::fs::write(unfinished.join("half"), "x").unwrap();
    assert!(!repositories.exists(&orders()).await);
    create(&repositories).await;
    assert!(repositories.exists(&orders()).await);
    assert!(!root.path().join("git/.orders.new").exists());
}

#[tokio::test]
async fn two_who_create_at_once_get_one_repository() {
    let root = TempDir::new().unwrap();
    let repositories = repositories(&root);
    let (one, other) = tokio::join!(create(&repositories), create(&repositories));
    assert_eq!(one, other);
    assert_eq!(repositories.commits(&orders(), 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_file_that_would_leave_the_repository_is_refused_and_nothing_is_made() {
    let root = TempDir::new().unwrap();
    let repositories = repositories(&root);
    for path in ["../evil", "/etc/evil", ".git/config", "a/../../evil"] {
        let file = RenderedFile { path: path.to_owned(), executable: false, contents: String::new() };
        let refused = repositories.create(&orders(), &[file], "ada", "x", at()).await;
        assert!(matches!(refused, Err(Error::FilePath(_))), "{path}");
    }
    assert!(!repositories.exists(&orders()).await);
}

#[tokio::test]
async fn what_is_not_there_is_nothing_or_says_so() {
    let root = TempDir::new().unwrap();
    let repositories = repositories(&root);
    assert!(matches!(repositories.head(&orders()).await, Err(Error::NoRepository(_))));
    let sha = create(&repositories).await;
    let unknown: CommitSha = "0123456789012345678901234567890123456789".parse().unwrap();
    assert_eq!(repositories.commit(&orders(), &unknown).await.unwrap(), None);
    assert!(matches!(repositories.read_file(&orders(), &unknown, "run").await, Err(Error::NoCommit { .. })));
    for path in ["missing", "app", "../config", "/etc/passwd", ":(glob)*", "app/../run", "-x", "r*n"] {
        assert_eq!(repositories.read_file(&orders(), &sha, path).await.unwrap(), None, "{path}");
    }
}

#[tokio::test]
async fn a_check_out_is_the_commits_files_and_nothing_that_was_there_before() {
    let root = TempDir::new().unwrap();
    let repositories = repositories(&root);
    let sha = create(&repositories).await;
    let into = root.path().join("work/orders");
    std::fs::create_dir_all(&into).unwrap();
    std::fs::write(into.join("left-over"), "x").unwrap();
    repositories.check_out(&orders(), &sha, &into).await.unwrap();
    assert!(!into.join("left-over").exists() && !into.join(".git").exists());
    for file in files() {
        let path = into.join(&file.path);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), file.contents);
        assert_eq!(
            path.metadata().unwrap().permissions().mode() & 0o111 != 0,
            file.executable,
            "{}",
            file.path
        );
    }
    let left: Vec<_> =
        std::fs::read_dir(root.path().join("git")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == ".hooks" || name == "orders.git"), "{left:?}");
}

#[tokio::test]
async fn commits_between_two_are_listed_newest_first() {
    let root = TempDir::new().unwrap();
    let repositories = repositories(&root);
    let first = create(&repositories).await;
    let path = repositories.path(&orders());
    let work = root.path().join("work");
    git(&["clone", "-q", path.to_str().unwrap(), work.to_str().unwrap()]);
    for subject in ["Second: ünï | \"x\"", "Third"] {
        git(&[
            "-C",
            work.to_str().unwrap(),
            "-c",
            "user.name=bo",
            "-c",
            "user.email=bo@x",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            &format!("{subject}\n\nA body."),
        ]);
    }
    git(&["-C", work.to_str().unwrap(), "push", "-q"]);
    let head = repositories.head(&orders()).await.unwrap().unwrap();
    let between = repositories.commits_between(&orders(), &first, &head.sha).await.unwrap();
    let subjects: Vec<_> = between.iter().map(|commit| commit.subject.as_str()).collect();
    assert_eq!(subjects, ["Third", "Second: ünï | \"x\""]);
    assert_eq!(between[0].author, "bo");
    assert_eq!(repositories.commits_between(&orders(), &head.sha, &first).await.unwrap(), []);
    assert_eq!(repositories.commits(&orders(), 2).await.unwrap().len(), 2);
    assert_eq!(create(&repositories).await, first, "still the first commit after pushes");
}
