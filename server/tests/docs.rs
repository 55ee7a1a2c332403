//! Texts name files, functions and commands; each of them has to be there.
//!
//! What counts as a path: something in backticks with a slash whose first part stands in the repository or beside the text, or that ends
//! like a file of the sources; and the target of a link. `Portal::create` counts as a function, `make run` as a command.

#![allow(clippy::unwrap_used)] // clippy knows #[test] functions, but not what they call

use std::collections::BTreeSet;
use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

/// Made by builds and by running, so not there in a fresh clone.
const MADE: [&str; 4] = ["target", ".fairway", "node_modules", "results"];

/// Files that are found by their ending wherever a text names them.
const SOURCES: [&str; 7] = [".rs", ".md", ".sh", ".css", ".js", ".mjs", ".sql"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The texts for people: what stands in `docs`, and every README.
fn texts() -> Vec<(PathBuf, String)> {
    let mut paths = Vec::new();
    for_each_file(&root(), &mut |path| {
        let is_readme = path.file_name().is_some_and(|name| name == "README.md");
        let in_docs = path.starts_with(root().join("docs")) && path.extension().is_some_and(|e| e == "md");
        if is_readme || in_docs {
            paths.push(path.to_owned());
        }
    });
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), read_to_string(&path).unwrap())).collect()
}

fn for_each_file(folder: &Path, look: &mut impl FnMut(&Path)) {
    for entry in read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_symlink() || MADE.contains(&name.as_str()) || name == ".git" {
            continue;
        }
        if path.is_dir() {
            for_each_file(&path, look);
        } else {
            look(&path);
        }
    }
}

/// What stands between single backticks, blocks of code left out.
fn quoted(text: &str) -> Vec<&str> {
    let mut in_block = false;
    let prose = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        in_block ^= fence;
        !fence && !in_block && !line.starts_with("    ")
    });
    prose.flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

/// What is typed: the quoted, and the lines of blocks.
fn typed(text: &str) -> Vec<&str> {
    let mut in_block = false;
    let blocks = text.lines().filter(|line| {
        in_block ^= line.trim_start().starts_with("```");
        in_block || line.starts_with("    ")
    });
    quoted(text).into_iter().chain(blocks).collect()
}

/// Where links lead, within the repository.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    targets.map(|(target, _)| target).filter(|target| !target.contains("://")).collect()
}

fn is_path(word: &str, beside: &Path) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let first = word.split('/').next().unwrap();
    let known = root().join(first).exists() || beside.join(first).exists();
    let is_source = SOURCES.iter().any(|ending| word.len() > ending.len() && word.ends_with(ending));
    word.chars().all(plain)
        && !first.is_empty()
        && !MADE.contains(&first)
        && (is_source || (word.contains('/') && known))
}

/// Whether the words of a text name a file: from the top, from beside the text, or a source by its name alone.
fn is_there(word: &str, beside: &Path, sources: &BTreeSet<String>) -> bool {
    root().join(word).exists() || beside.join(word).exists() || sources.contains(word)
}

fn file_names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for_each_file(&root(), &mut |path| {
        names.insert(path.file_name().unwrap().to_string_lossy().into_owned());
    });
    names
}

/// The names of all functions of the sources.
fn functions() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for_each_file(&root(), &mut |path| {
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = read_to_string(path).unwrap();
            for rest in text.split("fn ").skip(1) {
                names.insert(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
            }
        }
    });
    names
}

fn make_targets() -> BTreeSet<String> {
    let makefile = read_to_string(root().join("Makefile")).unwrap();
    let rules = makefile.lines().filter_map(|line| line.split_once(':'));
    rules.map(|(target, _)| target.to_owned()).collect()
}

/// Fails with everything that is missing at once.
fn assert_none_missing(missing: &[String]) {
    assert!(missing.is_empty(), "texts name what isn't there:\n  {}", missing.join("\n  "));
}

#[test]
fn every_file_that_a_text_names_is_there() {
    let names = file_names();
    let mut missing = Vec::new();
    for (path, text) in texts() {
        let beside = path.parent().unwrap();
        for word in quoted(&text) {
            if is_path(word, beside) && !is_there(word, beside, &names) {
                missing.push(format!("{}: {word}", path.display()));
            }
        }
        for link in links(&text) {
            let file = link.split('#').next().unwrap();
            if !beside.join(file).exists() {
                missing.push(format!("{}: the link to {link}", path.display()));
            }
        }
    }
    assert_none_missing(&missing);
}

#[test]
fn every_function_that_a_text_names_is_there() {
    let functions = functions();
    let mut missing = Vec::new();
    for (path, text) in texts() {
        for word in quoted(&text) {
            let Some((_, function)) = word.trim_end_matches("()").rsplit_once("::") else { continue };
            let is_function = function.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            if is_function && !functions.contains(function) {
                missing.push(format!("{}: {word}", path.display()));
            }
        }
    }
    assert_none_missing(&missing);
}

#[test]
fn every_make_target_that_a_text_names_is_there() {
    let targets = make_targets();
    let mut missing = Vec::new();
    for (path, text) in texts() {
        for line in typed(&text) {
            let Some((before, after)) = line.split_once("make ") else { continue };
            // “to make sure” in a comment is no command.
            let is_command = matches!(before.trim(), "" | "$" | "sudo") || before.trim().ends_with("&&");
            let target: String = after.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
            if is_command && !targets.contains(&target) {
                missing.push(format!("{}: make {target}", path.display()));
            }
        }
    }
    assert_none_missing(&missing);
}

#[test]
fn a_name_that_leads_nowhere_is_seen() {
    let docs = root().join("docs");
    let names = file_names();
    for word in ["crates/portal/src/creation.rs", "gone.rs", "server/nothing"] {
        assert!(is_path(word, &docs) && !is_there(word, &docs, &names), "{word}");
    }
    for word in ["/api/v1/services", "text/event-stream", "base/python:3", "target/site", "fairway.yaml"] {
        assert!(!is_path(word, &docs), "{word}");
    }
    assert_eq!(links("a [b](c.md#d) and [e](https://f.example)"), ["c.md#d"]);
    assert_eq!(quoted("a `b` c\n```\n`d`\n```\n    `e`\n`f`"), ["b", "f"]);
}
