//! The first commit as one `git fast-import` stream: one process, no work tree, and the same answers give the same commit.

use crate::{Error, RenderedFile};
use fairway_domain::Timestamp;
use std::path::{Component, Path};

/// The stream of a commit on `main` that holds exactly `files`.
pub(crate) fn stream(
    files: &[RenderedFile],
    author: &str,
    message: &str,
    at: Timestamp,
) -> Result<Vec<u8>, Error> {
    let when = at.as_second();
    let author = identity(author);
    let mut stream = Vec::new();
    line(&mut stream, "commit refs/heads/main");
    line(&mut stream, &format!("author {author} <fairway@localhost> {when} +0000"));
    line(&mut stream, &format!("committer Fairway <fairway@localhost> {when} +0000"));
    data(&mut stream, message);
    for file in files {
        let mode = if file.executable { "100755" } else { "100644" };
        line(&mut stream, &format!("M {mode} inline {}", quoted_path(&file.path)?));
        data(&mut stream, &file.contents);
    }
    line(&mut stream, "done");
    Ok(stream)
}

fn line(stream: &mut Vec<u8>, text: &str) {
    stream.extend_from_slice(text.as_bytes());
    stream.push(b'\n');
}

fn data(stream: &mut Vec<u8>, text: &str) {
    line(stream, &format!("data {}", text.len()));
    line(stream, text);
}

/// A name as a commit's header can hold it.
fn identity(name: &str) -> String {
    let plain: String = name.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect();
    let plain = plain.trim();
    if plain.is_empty() { "Fairway".to_owned() } else { plain.to_owned() }
}

/// Whether a path names a file inside of a repository: relative, without detours, outside of git's own folder.
pub(crate) fn is_inside(path: &str) -> bool {
    let plain = Path::new(path)
        .components()
        .all(|part| matches!(part, Component::Normal(name) if !name.eq_ignore_ascii_case(".git")));
    // `a//b` and `a/./b` are normal to Path, but not to git.
    let canonical = path.split('/').all(|part| !part.is_empty() && part != ".");
    plain && canonical && !path.chars().any(char::is_control)
}

fn quoted_path(path: &str) -> Result<String, Error> {
    if !is_inside(path) {
        return Err(Error::FilePath(path.to_owned()));
    }
    Ok(format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leaves_the_repository_is_refused() {
        for path in
            ["", "/etc/passwd", "../x", "a/../../x", ".git/hooks/x", "a/.GIT/x", "a//b", "./a", "a\nb", "a/"]
        {
            assert!(matches!(quoted_path(path), Err(Error::FilePath(_))), "{path:?}");
        }
        assert_eq!(quoted_path("app/\"odd\" name.py").unwrap(), r#""app/\"odd\" name.py""#);
    }

    #[test]
    fn an_author_cannot_write_a_header_of_his_own() {
        assert_eq!(identity("ada <x>\ncommitter eve"), "ada xcommitter eve");
        assert_eq!(identity(" \n"), "Fairway");
    }
}
