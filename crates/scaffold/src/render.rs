//! The template and the answers become files.

use crate::{Error, quoting};
use fairway_domain::Parameters;
use include_dir::{Dir, File, include_dir};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, syntax::SyntaxConfig, value::Serde};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

static TEMPLATE: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../templates/service");

/// A file of a repository that is about to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderedFile {
    /// Where it stands, with `/` between folders.
    pub path: String,
    /// Whether its mode is 0755; otherwise it is 0644.
    pub executable: bool,
    /// Its text.
    pub contents: String,
}

/// The images that a service's Dockerfile starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseImages {
    /// Python 3 with `FastAPI`, uvicorn, redis and prometheus-client.
    pub python: String,
    /// Go 1.23 or later, to build with.
    pub go_builder: String,
}

impl BaseImages {
    /// The base images of the local cluster in `registry`, such as `127.0.0.1:5000`.
    pub fn in_registry(registry: &str) -> Self {
        Self {
            python: format!("{registry}/base/python:3"),
            go_builder: format!("{registry}/base/go-builder:1.23"),
        }
    }
}

/// `template.yaml`: what belongs to which runtime.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    folders: BTreeMap<String, Vec<String>>,
    executable: Vec<String>,
}

/// What a `.jinja` file can name.
#[derive(Serialize)]
struct Answers<'a> {
    #[serde(flatten)]
    parameters: &'a Parameters,
    runtime_title: &'a str,
    redis: bool,
    metrics: bool,
    images: &'a BaseImages,
}

/// The files of a service's first commit, sorted by path. The same answers give the same files.
pub fn render(parameters: &Parameters, images: &BaseImages) -> Result<Vec<RenderedFile>, Error> {
    let manifest = manifest()?;
    let runtime = parameters.runtime.as_str();
    let folders = manifest
        .folders
        .get(runtime)
        .ok_or_else(|| Error::Template(format!("template.yaml names no folders for {runtime}")))?;
    let answers = Answers {
        parameters,
        runtime_title: parameters.runtime.title(),
        redis: parameters.components.redis,
        metrics: parameters.components.metrics,
        images,
    };
    let jinja = environment().map_err(|error| Error::Template(error.to_string()))?;
    let mut files = Vec::new();
    for folder in folders {
        let folder =
            TEMPLATE.get_dir(folder).ok_or_else(|| Error::Template(format!("it has no folder {folder}")))?;
        for file in files_below(folder) {
            files.push(render_file(&jinja, folder, file, &answers, &manifest)?);
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn manifest() -> Result<Manifest, Error> {
    let text = TEMPLATE
        .get_file("template.yaml")
        .and_then(File::contents_utf8)
        .ok_or_else(|| Error::Template("it has no template.yaml".to_owned()))?;
    serde_norway::from_str(text).map_err(|error| Error::Template(format!("template.yaml: {error}")))
}

fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut jinja = Environment::new();
    jinja.set_undefined_behavior(UndefinedBehavior::Strict);
    jinja.set_auto_escape_callback(|_| AutoEscape::None); // no file is HTML; each place names its own quoting
    let mut syntax = SyntaxConfig::builder();
    syntax.keep_trailing_newline(true).trim_blocks(true).lstrip_blocks(true);
    jinja.set_syntax(syntax.build()?);
    jinja.add_filter("quoted", |text: &str| quoting::quoted(text));
    jinja.add_filter("prose", |text: &str| quoting::prose(text));
    Ok(jinja)
}

fn files_below(folder: &'static Dir<'static>) -> Vec<&'static File<'static>> {
    let mut files: Vec<_> = folder.files().collect();
    files.extend(folder.dirs().flat_map(files_below));
    files
}

fn render_file(
    jinja: &Environment<'_>,
    folder: &Dir<'_>,
    file: &File<'_>,
    answers: &Answers<'_>,
    manifest: &Manifest,
) -> Result<RenderedFile, Error> {
    let source = file.path().display().to_string();
    let text = file.contents_utf8().ok_or_else(|| Error::Template(format!("{source} isn't text")))?;
    let path = file
        .path()
        .strip_prefix(folder.path())
        .ok()
        .and_then(|path| path.to_str())
        .ok_or_else(|| Error::Template(format!("{source} has a path that can't be used")))?;
    let (path, contents) = match path.strip_suffix(".jinja") {
        Some(path) => {
            let contents = jinja
                .render_named_str(&source, text, Serde(answers))
                .map_err(|error| Error::Template(format!("{error:#}")))?;
            (path, contents)
        }
        None => (path, text.to_owned()),
    };
    let executable = manifest.executable.iter().any(|listed| listed == path);
    Ok(RenderedFile { path: path.to_owned(), executable, contents })
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
