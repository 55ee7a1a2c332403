//! A section of the file whose values aren't among those that a variable can give.

use super::source::{Place, Source};
use std::collections::BTreeMap;
use toml::de::DeValue;

/// A table of texts and numbers, as it is written.
pub(super) struct Section {
    pub(super) place: Place,
    values: BTreeMap<String, (Place, String)>,
}

impl Section {
    /// A value as text, if it is given.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|(_, text)| &**text)
    }

    /// Where the value stands; where the section does, if it isn't given.
    pub(super) fn place_of(&self, key: &str) -> &Place {
        self.values.get(key).map_or(&self.place, |(place, _)| place)
    }
}

impl Source<'_> {
    /// The section at `path`; what is no text and no number in it is noted.
    pub(super) fn section(&mut self, path: &str, at: usize, value: &DeValue<'_>) -> Option<Section> {
        let place = Place::File(at, path.to_owned());
        let Some(table) = value.as_table() else {
            self.wrong(&place, format!("is a section: write [{path}] above its values."));
            return None;
        };
        let mut values = BTreeMap::new();
        for (name, value) in table {
            let place = Place::File(value.span().start, format!("{path}.{}", name.get_ref()));
            let text = match value.get_ref() {
                DeValue::String(text) if !text.trim().is_empty() => text.to_string(),
                DeValue::Integer(number) => number.as_str().to_owned(),
                _ => {
                    self.wrong(
                        &place,
                        "is a text in quotes or a number; leave the line out if there is none.",
                    );
                    continue;
                }
            };
            values.insert(name.get_ref().to_string(), (place, text));
        }
        Some(Section { place, values })
    }
}
