//! A line as its program meant it.

use crate::json::Object;
use crate::{level, pairs, plain};
use fairway_domain::Level;
use std::borrow::Cow;

/// Under these names programs write the level.
const LEVELS: [&str; 6] = ["level", "severity", "lvl", "log.level", "levelname", "@l"];
/// Under these the message.
const MESSAGES: [&str; 6] = ["message", "msg", "event", "@m", "@mt", "fields.message"];
/// Under these what stands in a column of its own already.
const TIMES: [&str; 6] = ["time", "ts", "timestamp", "@timestamp", "@t", "asctime"];

/// A line of a log, read as far as it is asked for. The text has no control sequences any more: see [`plain`].
#[derive(Debug)]
pub struct Line<'a> {
    text: &'a str,
    shape: Shape<'a>,
}

#[derive(Debug)]
enum Shape<'a> {
    Json(Object<'a>),
    Logfmt(Vec<(&'a str, Cow<'a, str>)>),
    Text,
}

impl<'a> Line<'a> {
    /// Reads a line: a JSON object, logfmt or a text.
    pub fn read(text: &'a str) -> Self {
        let inner = text.trim();
        let json = Object::parse(inner).map(Shape::Json);
        let shape = json.or_else(|| pairs::logfmt(inner).map(Shape::Logfmt)).unwrap_or(Shape::Text);
        Self { text, shape }
    }

    /// The level that the line itself says: in a field of its own, or at its usual place in a text; else unknown.
    pub fn level(&self) -> Level {
        if let Shape::Text = self.shape {
            return level::of_text(self.text);
        }
        let value = LEVELS.iter().find_map(|name| self.structured(name));
        value.map_or(Level::Unknown, |value| named_or_numbered(&value))
    }

    /// What a structured line says; nothing for a text, which says all of itself, and for a line without a message.
    pub fn message(&self) -> Option<Cow<'a, str>> {
        let (_, message) = self.named_message()?;
        Some(message)
    }

    /// The fields of a structured line with their dotted names, without those that have a column of their own: its message, its
    /// level and its time.
    pub fn fields(&self) -> Vec<(String, String)> {
        let message = self.named_message().map(|(name, _)| name);
        let mut fields = Vec::new();
        self.each(&mut |name, value| {
            let is = |known: &&str| known.eq_ignore_ascii_case(name);
            if !message.iter().chain(&LEVELS).chain(&TIMES).any(is) {
                fields.push((plain(name).into_owned(), printable(&value)));
            }
        });
        fields
    }

    /// The value of a field, whatever its name's case: of a structured line, or of a pair `name=value` within its message or text.
    pub fn field(&self, name: &str) -> Option<Cow<'a, str>> {
        self.structured(name).or_else(|| match (&self.shape, self.message()) {
            (Shape::Text, _) => pairs::within(self.text, name),
            (_, Some(Cow::Borrowed(message))) => pairs::within(message, name),
            (_, Some(Cow::Owned(message))) => {
                pairs::within(&message, name).map(|value| value.into_owned().into())
            }
            (_, None) => None,
        })
    }

    /// Whether `asks` holds for one of the texts in a line whose JSON writes them otherwise than they are read.
    pub(crate) fn any_escaped(&self, asks: impl Fn(&str) -> bool) -> bool {
        let mut found = false;
        if self.text.contains('\\') {
            self.each(&mut |_, value| found = found || asks(&value));
        }
        found
    }

    fn named_message(&self) -> Option<(&'static str, Cow<'a, str>)> {
        let found = MESSAGES.iter().find_map(|name| Some((*name, self.structured(name)?)));
        found.filter(|(_, message)| !message.trim().is_empty())
    }

    fn structured(&self, name: &str) -> Option<Cow<'a, str>> {
        match &self.shape {
            Shape::Json(object) => object.field(name),
            Shape::Logfmt(pairs) => {
                let of_name = |(key, _): &&(&str, _)| key.eq_ignore_ascii_case(name);
                pairs.iter().find(of_name).map(|(_, value)| value.clone())
            }
            Shape::Text => None,
        }
    }

    fn each(&self, take: &mut impl FnMut(&str, Cow<'a, str>)) {
        match &self.shape {
            Shape::Json(object) => object.each(take),
            Shape::Logfmt(pairs) => pairs.iter().for_each(|(name, value)| take(name, value.clone())),
            Shape::Text => {}
        }
    }
}

/// A level's word, or one of the numbers that pino and bunyan write.
fn named_or_numbered(value: &str) -> Level {
    match value.parse::<u32>() {
        Ok(60..) => Level::Fatal,
        Ok(50..) => Level::Error,
        Ok(40..) => Level::Warn,
        Ok(30..) => Level::Info,
        Ok(20..) => Level::Debug,
        Ok(10..) => Level::Trace,
        _ => Level::named(value.trim()),
    }
}

/// A value without control characters, in one line or more.
fn printable(value: &str) -> String {
    let lines: Vec<Cow<'_, str>> = value.lines().map(plain).collect();
    lines.join("\n")
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
