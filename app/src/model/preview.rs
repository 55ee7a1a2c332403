//! What the answers would create.

use fairway_domain::{Field, FieldError};
use serde::{Deserialize, Serialize};

/// The answer of `POST /api/v1/preview`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PreviewView {
    pub errors: Vec<FieldError>,
    pub files: Vec<PreviewFileView>,
    pub manifests: Vec<ManifestView>,
    pub names: Vec<(String, String)>,
}

/// A file of the first commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PreviewFileView {
    pub path: String,
    pub executable: bool,
    pub contents: String,
}

/// An object that the chart makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ManifestView {
    pub kind: String,
    pub name: String,
    pub yaml: String,
}

impl PreviewView {
    /// What is wrong with a field.
    pub(crate) fn error(&self, field: Field) -> Option<&str> {
        self.errors.iter().find(|error| error.field == field).map(|error| error.message.as_str())
    }

    /// Everything that is shown, files first, manifests after them, in one shape.
    pub(crate) fn documents(&self) -> impl Iterator<Item = PreviewFileView> + '_ {
        let manifests = self.manifests.iter().map(|manifest| PreviewFileView {
            path: format!("{} {}", manifest.kind, manifest.name),
            executable: false,
            contents: manifest.yaml.clone(),
        });
        self.files.iter().cloned().chain(manifests)
    }
}

#[cfg(feature = "ssr")]
impl From<fairway_portal::Preview> for PreviewView {
    fn from(preview: fairway_portal::Preview) -> Self {
        let file = |file: fairway_portal::PreviewFile| PreviewFileView {
            path: file.path,
            executable: file.executable,
            contents: file.contents,
        };
        let manifest = |manifest: fairway_portal::Manifest| ManifestView {
            kind: manifest.kind,
            name: manifest.name,
            yaml: manifest.yaml,
        };
        Self {
            errors: preview.errors,
            files: preview.files.into_iter().map(file).collect(),
            manifests: preview.manifests.into_iter().map(manifest).collect(),
            names: preview.names,
        }
    }
}

/// The lines of `now` that differ from `before`: from the first to the last that isn't the same, counted from 0.
pub(crate) fn changed_lines(before: &str, now: &str) -> std::ops::Range<usize> {
    let before: Vec<&str> = before.lines().collect();
    let now: Vec<&str> = now.lines().collect();
    let same_start = before.iter().zip(&now).take_while(|(a, b)| a == b).count();
    let same_end = before[same_start..]
        .iter()
        .rev()
        .zip(now[same_start..].iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    same_start..now.len() - same_end
}

#[cfg(test)]
mod tests {
    use super::changed_lines;

    #[test]
    fn only_the_lines_between_the_common_start_and_end_are_changed() {
        assert_eq!(changed_lines("a\nb\nc", "a\nx\ny\nc"), 1..3);
        assert_eq!(changed_lines("a\nb", "a\nb"), 2..2);
        assert_eq!(changed_lines("a\na", "a\na\na"), 2..3);
        assert_eq!(changed_lines("a\nb", "a"), 1..1);
        assert_eq!(changed_lines("", "a"), 0..1);
    }
}
