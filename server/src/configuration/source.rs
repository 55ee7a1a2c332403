//! Where values come from: the file and the variables, with the place of each for the errors.

use super::KEYS;
use super::names::{collect_unknown, variable_of};
use super::section::Section;
use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// Everything that is wrong with a configuration; `Display` is a text for the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConfigurationErrors(Vec<String>);

impl ConfigurationErrors {
    pub(super) fn one(sentence: impl Into<String>) -> Self {
        Self(vec![sentence.into()])
    }
}

impl Display for ConfigurationErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Fairway can't start with this configuration:")?;
        self.0.iter().try_for_each(|error| writeln!(f, "  {error}"))?;
        f.write_str("Every value is described in docs/configuration.md.")
    }
}

impl std::error::Error for ConfigurationErrors {}

/// What a value has to be in the file, where a variable has only text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Flag,
    Number,
}

/// Where a value stands.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// In the file, at this byte; the key.
    File(usize, String),
    /// In this variable.
    Variable(String),
    /// Nowhere, though it is needed; the key.
    Nowhere(String),
}

/// An environment as it is written.
pub(super) struct EnvironmentFields {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) purgeable: bool,
    pub(super) history: Option<Section>,
}

/// The file and the variables, and what was found wrong so far.
pub(super) struct Source<'a> {
    file: Option<&'a Path>,
    text: &'a str,
    table: DeTable<'a>,
    variables: &'a BTreeMap<String, String>,
    errors: Vec<(usize, String)>,
}

impl<'a> Source<'a> {
    pub(super) fn new(
        file: Option<&'a Path>,
        text: &'a str,
        variables: &'a BTreeMap<String, String>,
    ) -> Self {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut source = Self { file, text, table: table.into_inner(), variables, errors: Vec::new() };
        for error in &errors {
            let at = error.span().map_or(0, |span| span.start);
            source.wrong(&Place::File(at, String::new()), format!("This isn't TOML: {}.", error.message()));
        }
        if !errors.is_empty() {
            source.table = DeTable::new(); // What was recovered from broken text would be judged wrongly.
        }
        source
    }

    /// Notes every key and variable that isn't known.
    pub(super) fn check_names(&mut self) {
        let mut unknown = Vec::new();
        collect_unknown(&self.table, "", &mut unknown);
        for (place, sentence) in unknown {
            self.wrong(&place, sentence);
        }
        // A pod's environment has FAIRWAY_PORT and the like from Kubernetes, so only what looks mistyped is an error.
        let names: Vec<String> = KEYS.iter().map(|key| variable_of(key)).collect();
        let variables = self.variables;
        for given in variables.keys().filter(|name| name.starts_with("FAIRWAY_") && !names.contains(name)) {
            let near = names.iter().find(|name| strsim::damerau_levenshtein(name, given) == 1);
            if let Some(near) = near {
                self.wrong(&Place::Variable(given.clone()), format!("isn't known. Did you mean {near}?"));
            }
        }
    }

    /// The configuration, if nothing was wrong with it.
    pub(super) fn finish<T>(mut self, value: T) -> Result<T, ConfigurationErrors> {
        if self.errors.is_empty() {
            return Ok(value);
        }
        self.errors.sort();
        Err(ConfigurationErrors(self.errors.into_iter().map(|(_, sentence)| sentence).collect()))
    }

    /// Notes an error. In the file's order of lines; variables after them.
    pub(super) fn wrong(&mut self, place: &Place, sentence: impl Display) {
        let error = match place {
            Place::File(at, key) => {
                let line = self.text[..(*at).min(self.text.len())].matches('\n').count() + 1;
                let file = self.file.map_or_else(String::new, |path| path.display().to_string());
                let key = if key.is_empty() { String::new() } else { format!("{key}: ") };
                (line, format!("{file}:{line}: {key}{sentence}"))
            }
            Place::Variable(name) => (usize::MAX, format!("{name}: {sentence}")),
            Place::Nowhere(key) => (usize::MAX, format!("{key} ({}): {sentence}", variable_of(key))),
        };
        self.errors.push(error);
    }

    /// The value, or `None` with the error noted.
    pub(super) fn note<T>(&mut self, place: &Place, result: Result<T, String>) -> Option<T> {
        result.map_err(|sentence| self.wrong(place, sentence)).ok()
    }

    /// A variable that isn't Fairway's own.
    pub(super) fn outer_variable(&self, name: &str) -> Option<&'a str> {
        self.variables.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    pub(super) fn is_given(&self, key: &str) -> bool {
        self.variable(key).is_some() || self.in_file(key).is_some()
    }

    pub(super) fn place_of(&self, key: &str) -> Place {
        match (self.variable(key), self.in_file(key)) {
            (Some(_), _) => Place::Variable(variable_of(key)),
            (None, Some((at, _))) => Place::File(at, key.to_owned()),
            (None, None) => Place::Nowhere(key.to_owned()),
        }
    }

    /// The value of a key. An empty variable is none; one in the file is wrong.
    pub(super) fn parsed<T>(
        &mut self,
        key: &str,
        kind: Kind,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let place = self.place_of(key);
        let text = self.scalar(key, kind)?;
        self.note(&place, parse(&text))
    }

    /// A path, whole. In the file it is relative to the file's folder, in a variable to the folder that Fairway was started in.
    pub(super) fn path(&mut self, key: &str) -> Option<PathBuf> {
        let from_variable = self.variable(key).is_some();
        let path = PathBuf::from(self.scalar(key, Kind::Text)?);
        if from_variable {
            return Some(std::path::absolute(&path).unwrap_or(path));
        }
        Some(self.beside_the_file(&path))
    }

    /// The same, where something has to be there.
    pub(super) fn existing_path(&mut self, key: &str) -> Option<PathBuf> {
        let path = self.path(key)?;
        if !path.exists() {
            self.wrong(&self.place_of(key), format!("names {}, which isn't there.", path.display()));
        }
        Some(path)
    }

    /// A program: a name to be found on the `PATH`, or a path at which it is.
    pub(super) fn program(&mut self, key: &str) -> Option<PathBuf> {
        let named = self.scalar(key, Kind::Text)?;
        if named.contains('/') { self.existing_path(key) } else { Some(named.into()) }
    }

    /// The texts of a list; what parts them in a variable is given.
    pub(super) fn list(&mut self, key: &str, separators: &[char]) -> Vec<(String, Place)> {
        if let Some(text) = self.variable(key) {
            return parted(text, separators, key);
        }
        let Some((at, value)) = self.in_file(key) else { return Vec::new() };
        let mut texts = Vec::new();
        let mut wrong = vec![];
        match value {
            DeValue::Array(values) => {
                for value in values {
                    let place = Place::File(value.span().start, key.to_owned());
                    match value.get_ref().as_str() {
                        Some(text) => texts.push((text.to_owned(), place)),
                        None => wrong.push(place),
                    }
                }
            }
            _ => wrong.push(Place::File(at, key.to_owned())),
        }
        for place in wrong {
            self.wrong(&place, "is a list of texts, such as [\"a\", \"b\"].");
        }
        texts
    }

    /// `NAME=value` texts. In the file a table; in a variable semicolons or line ends part them, as values may hold commas.
    pub(super) fn pairs(&mut self, key: &str) -> Vec<(String, Place)> {
        if let Some(text) = self.variable(key) {
            return parted(text, &[';', '\n'], key);
        }
        let Some((at, value)) = self.in_file(key) else { return Vec::new() };
        let mut texts = Vec::new();
        let mut wrong = vec![];
        match value {
            DeValue::Table(table) => {
                for (name, value) in table {
                    let place = Place::File(name.span().start, key.to_owned());
                    match value.get_ref().as_str() {
                        Some(text) => texts.push((format!("{}={text}", name.get_ref()), place)),
                        None => wrong.push(place),
                    }
                }
            }
            _ => wrong.push(Place::File(at, key.to_owned())),
        }
        for place in wrong {
            self.wrong(&place, "is a table of texts, such as {NAME = \"value\"}.");
        }
        texts
    }

    /// The environments as they are written, if any are: tables in the file, `name=namespace:purgeable` in the variable.
    pub(super) fn environments(&mut self) -> Option<Vec<(EnvironmentFields, Place)>> {
        let key = "environments";
        if let Some(text) = self.variable(key) {
            let given = parted(text, &[',', '\n'], key);
            return Some(
                given
                    .into_iter()
                    .filter_map(|(text, place)| self.environment_in_words(&text, place))
                    .collect(),
            );
        }
        let (at, value) = self.in_file(key)?;
        let tables: Option<Vec<_>> = value.as_array().and_then(|values| {
            values
                .iter()
                .map(|value| Some((value.span().start, value.get_ref().as_table()?.clone())))
                .collect()
        });
        let Some(tables) = tables else {
            self.wrong(
                &Place::File(at, key.into()),
                "is a list of tables: write [[environments]] above each.",
            );
            return Some(Vec::new());
        };
        Some(tables.into_iter().filter_map(|(at, table)| self.environment_in_table(at, &table)).collect())
    }

    fn environment_in_words(&mut self, text: &str, place: Place) -> Option<(EnvironmentFields, Place)> {
        let (rest, policy) = text.split_once(':').unwrap_or((text, ""));
        if !matches!(policy, "" | "purgeable") {
            self.wrong(
                &place,
                format!("“{policy}” is no policy. Write name=namespace, or name=namespace:purgeable."),
            );
            return None;
        }
        let (name, namespace) = rest.split_once('=').unwrap_or((rest, rest));
        let fields = EnvironmentFields {
            name: name.to_owned(),
            namespace: namespace.to_owned(),
            purgeable: policy == "purgeable",
            history: None,
        };
        Some((fields, place))
    }

    fn environment_in_table(&mut self, at: usize, table: &DeTable<'_>) -> Option<(EnvironmentFields, Place)> {
        let place = Place::File(at, "environments".into());
        let text = |key: &str| match table.get(key).map(|value| (value.span().start, value.get_ref())) {
            None => Ok(None),
            Some((_, DeValue::String(text))) => Ok(Some(text.to_string())),
            Some((at, _)) => Err(Place::File(at, format!("environments.{key}"))),
        };
        let purgeable = match table.get("purgeable").map(|value| (value.span().start, value.get_ref())) {
            None => Ok(false),
            Some((_, DeValue::Boolean(purgeable))) => Ok(*purgeable),
            Some((at, _)) => Err(Place::File(at, "environments.purgeable".into())),
        };
        if let Err(place) = &purgeable {
            self.wrong(place, "is true or false.");
        }
        let history = table
            .get("history")
            .and_then(|value| self.section("environments.history", value.span().start, value.get_ref()));
        match (text("name"), text("namespace")) {
            (Ok(Some(name)), Ok(namespace)) => {
                let namespace = namespace.unwrap_or_else(|| name.clone());
                let purgeable = purgeable.unwrap_or(false);
                Some((EnvironmentFields { name, namespace, purgeable, history }, place))
            }
            (Ok(None), _) => {
                self.wrong(&place, "needs a name.");
                None
            }
            (Err(place), _) | (_, Err(place)) => {
                self.wrong(&place, "is a text in quotes.");
                None
            }
        }
    }

    /// A path as the file names it, whole: it is relative to the file's folder.
    pub(super) fn beside_the_file(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = self.file.and_then(Path::parent).unwrap_or(Path::new("")).join(path);
        std::path::absolute(&path).unwrap_or(path) // What Fairway starts may run in other folders.
    }

    fn variable(&self, key: &str) -> Option<&'a str> {
        self.outer_variable(&variable_of(key))
    }

    fn in_file(&self, key: &str) -> Option<(usize, &DeValue<'a>)> {
        let value = match key.split_once('.') {
            Some((section, key)) => self.table.get(section)?.get_ref().get(key)?,
            None => self.table.get(key)?,
        };
        Some((value.span().start, value.get_ref()))
    }

    fn scalar(&mut self, key: &str, kind: Kind) -> Option<String> {
        if let Some(text) = self.variable(key) {
            return Some(text.trim().to_owned());
        }
        let (at, value) = self.in_file(key)?;
        let (text, rule) = match (kind, value) {
            (Kind::Text, DeValue::String(text)) if !text.trim().is_empty() => (Some(text.to_string()), ""),
            (Kind::Flag, DeValue::Boolean(flag)) => (Some(flag.to_string()), ""),
            (Kind::Number, DeValue::Integer(number)) => (Some(number.as_str().to_owned()), ""),
            (Kind::Text, _) => {
                (None, "is a text in quotes, and not an empty one; leave the line out instead.")
            }
            (Kind::Flag, _) => (None, "is true or false, without quotes."),
            (Kind::Number, _) => (None, "is a whole number, without quotes."),
        };
        if text.is_none() {
            self.wrong(&Place::File(at, key.to_owned()), rule);
        }
        text
    }
}

fn parted(text: &str, separators: &[char], key: &str) -> Vec<(String, Place)> {
    let parts = text.split(separators).map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| (part.to_owned(), Place::Variable(variable_of(key)))).collect()
}
