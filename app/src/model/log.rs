//! A line of a log.

#[cfg(feature = "ssr")]
use super::milliseconds;
#[cfg(feature = "ssr")]
use fairway_domain::LogEntry;
use fairway_domain::{Level, LogMarker, LogPlace};
#[cfg(feature = "ssr")]
use fairway_portal::{Line, Style, styled};
use serde::{Deserialize, Serialize};

/// One line, or what happened between lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogLineView {
    pub at: i64,
    /// The line's own name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub place: Option<LogPlace>,
    pub pod: String,
    #[serde(default, skip_serializing_if = "is_default")]
    pub container: String,
    #[serde(default, skip_serializing_if = "is_default")]
    pub restart: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    pub revision: Option<u64>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub level: Level,
    /// What the line says, without control sequences: all of it, or the message of a structured one.
    pub text: String,
    /// The colours that the line gave itself: classes, and from which byte of the text to which.
    #[serde(default, skip_serializing_if = "is_default")]
    pub spans: Vec<(String, u32, u32)>,
    /// What was looked for: from which byte of the text to which.
    #[serde(default, skip_serializing_if = "is_default")]
    pub hits: Vec<(u32, u32)>,
    /// The other fields of a structured line. A message of several lines stands here as well, with its lines.
    #[serde(default, skip_serializing_if = "is_default")]
    pub fields: Vec<(String, String)>,
    /// It belongs to the line above it of the same container, as a stack trace's lines do.
    #[serde(default, skip_serializing_if = "is_default")]
    pub continues: bool,
    /// How many bytes the whole line has, where `text` is only its beginning.
    #[serde(default, skip_serializing_if = "is_default")]
    pub bytes: Option<u64>,
    /// Lines that are later came before it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub late: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub marker: Option<LogMarker>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(feature = "ssr")]
impl LogLineView {
    /// The names and values of its fields.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The part of the pod's name that tells it from its siblings.
    pub(crate) fn short_pod(&self) -> &str {
        self.pod.rsplit('-').next().unwrap_or(&self.pod)
    }
}

/// Fields as they stand in a line, each after a space.
pub(crate) fn in_line<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut line = String::new();
    for (name, value) in fields {
        let quote = if value.contains(char::is_whitespace) { "\"" } else { "" };
        for part in [" ", name, "=", quote, value, quote] {
            line.push_str(part);
        }
    }
    line
}

#[cfg(feature = "ssr")]
impl From<LogEntry> for LogLineView {
    fn from(entry: LogEntry) -> Self {
        let given = entry.text.len() as u64;
        Self {
            at: milliseconds(entry.at),
            place: entry.place,
            pod: entry.pod.to_string(),
            container: entry.container.to_string(),
            restart: entry.restart,
            revision: entry.revision,
            level: entry.level,
            continues: entry.continues,
            bytes: Some(entry.bytes).filter(|bytes| *bytes > given),
            late: entry.late,
            marker: entry.marker,
            ..if entry.marker.is_none() { Self::of_line(&entry.text) } else { Self::of_text(&entry.text) }
        }
    }
}

#[cfg(feature = "ssr")]
impl LogLineView {
    /// A line's text, its colours and its fields.
    fn of_line(text: &str) -> Self {
        let plain = styled(text).0;
        let line = Line::read(&plain);
        let Some(message) = line.message() else { return Self::of_text(text) };
        let mut fields = line.fields();
        let lines: Vec<String> = message.lines().map(|line| styled(line).0.into_owned()).collect();
        if lines.len() > 1 {
            fields.insert(0, ("message".into(), lines.join("\n")));
        }
        Self { text: lines.join(" ↵ "), fields, ..Self::default() }
    }

    /// A text that is all of itself, and its colours.
    fn of_text(text: &str) -> Self {
        let (text, spans) = styled(text);
        let place = |byte: usize| u32::try_from(byte).unwrap_or(u32::MAX);
        let spans = spans
            .into_iter()
            .map(|span| (classes(span.style), place(span.range.start), place(span.range.end)))
            .collect();
        Self { text: text.into_owned(), spans, ..Self::default() }
    }
}

#[cfg(feature = "ssr")]
fn classes(style: Style) -> String {
    let colour = style.colour.map(|colour| format!("ansi-{}", colour.word()));
    let bold = style.bold.then(|| "ansi-bold".to_owned());
    colour.into_iter().chain(bold).collect::<Vec<_>>().join(" ")
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn a_structured_line_is_read_as_its_message_and_its_other_fields() {
        let line = r#"{"time":"2026-11-25T02:28:09Z","level":"info","message":"GET / 200","took":4,"path":"/","user":"a b"}"#;
        let view = LogLineView::of_line(line);
        assert_eq!((&*view.text, view.spans.len()), ("GET / 200", 0));
        assert_eq!(in_line(view.fields()), r#" took=4 path=/ user="a b""#);
    }

    #[test]
    fn a_message_of_several_lines_is_one_row_and_whole_among_the_fields() {
        let view = LogLineView::of_line(r#"{"msg":"it broke:\n\there\u001b[31m"}"#);
        assert_eq!(view.text, "it broke: ↵ \there");
        assert_eq!(view.fields, [("message".to_owned(), "it broke:\n\there".to_owned())]);
    }

    #[test]
    fn a_text_keeps_its_colours_as_classes() {
        let view = LogLineView::of_line("\u{1b}[1;31mERROR\u{1b}[0m é \u{1b}[32mx");
        assert_eq!(view.text, "ERROR é x");
        let expected = [("ansi-red ansi-bold".to_owned(), 0, 5), ("ansi-green".to_owned(), 9, 10)];
        assert_eq!(view.spans, expected);
        assert_eq!(view.fields, []);
    }
}
