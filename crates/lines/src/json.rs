//! The fields of a line that is a JSON object, read only as far as they are asked for.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// How deep a dotted name leads into objects; what is deeper is one field, as JSON.
const DEEPEST: usize = 8;

/// As many fields as most lines have at most.
const USUAL: usize = 8;

/// An object's fields in their order. The values are as they were written, so that numbers keep all their digits.
#[derive(Debug)]
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    /// The object that a text is; nothing if it is anything else.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        if !(text.starts_with('{') && text.ends_with('}')) {
            return None;
        }
        serde_json::from_str(text).ok()
    }

    /// The value of a field, a dot leading into an object. Names are compared whatever their case.
    pub(crate) fn field(&self, name: &str) -> Option<Cow<'a, str>> {
        self.raw(name, DEEPEST).map(text_of)
    }

    fn raw(&self, name: &str, deep: usize) -> Option<&'a str> {
        self.0.iter().find_map(|(key, value)| {
            let start = name.get(..key.len()).filter(|start| start.eq_ignore_ascii_case(key))?;
            let rest = &name[start.len()..];
            if rest.is_empty() {
                return Some(value.get());
            }
            let inner = Object::parse(value.get()).filter(|_| deep > 0)?;
            inner.raw(rest.strip_prefix('.')?, deep - 1)
        })
    }

    /// Each field with its dotted name and its text, those of objects within it too.
    pub(crate) fn each(&self, take: &mut impl FnMut(&str, Cow<'a, str>)) {
        self.each_under("", DEEPEST, take);
    }

    fn each_under(&self, above: &str, deep: usize, take: &mut impl FnMut(&str, Cow<'a, str>)) {
        for (key, value) in &self.0 {
            let name =
                if above.is_empty() { Cow::Borrowed(&**key) } else { Cow::Owned(format!("{above}.{key}")) };
            match Object::parse(value.get()).filter(|inner| deep > 0 && !inner.0.is_empty()) {
                Some(inner) => inner.each_under(&name, deep - 1, take),
                None => take(&name, text_of(value.get())),
            }
        }
    }
}

/// A text without its quotation marks; any other value as JSON.
fn text_of(raw: &str) -> Cow<'_, str> {
    if !raw.starts_with('"') {
        return Cow::Borrowed(raw);
    }
    let inner = raw.get(1..raw.len() - 1).unwrap_or_default();
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    serde_json::from_str(raw).map_or(Cow::Borrowed(raw), Cow::Owned)
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut fields = Vec::with_capacity(USUAL);
        while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
            fields.push((key, value));
        }
        Ok(Object(fields))
    }
}
