//! Writes YAML that reads the same to every reader: Kubernetes' takes words for booleans and numbers (`yes`, `1_000`) that
//! newer ones, and the libraries that write for them, take for text.

use serde_json::{Map, Value};

/// Kubernetes' own order, then alphabetical.
const FIRST: [&str; 13] = [
    "apiVersion",
    "kind",
    "metadata",
    "name",
    "generateName",
    "namespace",
    "labels",
    "annotations",
    "type",
    "spec",
    "data",
    "stringData",
    "image",
];

/// The text of an object, as it is, with a line break at its end.
pub(crate) fn text(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(fields) if !fields.is_empty() => map(&mut text, fields, 0),
        Value::Array(items) if !items.is_empty() => list(&mut text, items, 0),
        value => {
            text.push_str(&scalar(value, 0));
            text.push('\n');
        }
    }
    text
}

/// Begins where the first key stands; the others are indented.
fn map(text: &mut String, fields: &Map<String, Value>, indent: usize) {
    let mut entries: Vec<(&String, &Value)> = fields.iter().collect();
    entries.sort_by_key(|(key, _)| (place(key), key.as_str()));
    for (number, (key, value)) in entries.into_iter().enumerate() {
        if number > 0 {
            text.push_str(&" ".repeat(indent));
        }
        text.push_str(&string(key, None));
        text.push(':');
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                text.push('\n');
                text.push_str(&" ".repeat(indent + 2));
                map(text, inner, indent + 2);
            }
            Value::Array(items) if !items.is_empty() => {
                text.push('\n');
                text.push_str(&" ".repeat(indent));
                list(text, items, indent);
            }
            value => {
                text.push(' ');
                text.push_str(&scalar(value, indent + 2));
                text.push('\n');
            }
        }
    }
}

/// Begins where the first dash stands; the others are indented.
fn list(text: &mut String, items: &[Value], indent: usize) {
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            text.push_str(&" ".repeat(indent));
        }
        text.push_str("- ");
        match item {
            Value::Object(fields) if !fields.is_empty() => map(text, fields, indent + 2),
            Value::Array(inner) if !inner.is_empty() => list(text, inner, indent + 2),
            value => {
                text.push_str(&scalar(value, indent + 2));
                text.push('\n');
            }
        }
    }
}

/// What fits behind a key or a dash; the lines of a longer text are indented.
fn scalar(value: &Value, indent: usize) -> String {
    match value {
        Value::String(text) => string(text, Some(indent)),
        // Empty lists and maps, numbers, booleans and null are written as JSON, which YAML contains.
        value => value.to_string(),
    }
}

fn string(text: &str, block: Option<usize>) -> String {
    if text.chars().any(|c| c != '\n' && is_escaped(c)) {
        return quoted(text);
    }
    if text.contains('\n') {
        return match block {
            Some(indent) if !text.starts_with([' ', '\n']) => block_of(text, indent),
            _ => quoted(text),
        };
    }
    if is_plain(text) { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

/// What YAML reads as a line break or not at all, beside what nobody sees.
fn is_escaped(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// In JSON's quotes, which YAML contains but for those characters that JSON leaves as they are.
fn quoted(text: &str) -> String {
    let json = Value::from(text).to_string();
    json.chars()
        .map(|c| if is_escaped(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() })
        .collect()
}

fn block_of(text: &str, indent: usize) -> String {
    let (body, sign) = match text.strip_suffix('\n') {
        None => (text, "|-"),
        Some(body) if body.ends_with('\n') => (body, "|+"),
        Some(body) => (body, "|"),
    };
    let pad = " ".repeat(indent);
    let lines =
        body.split('\n').map(|line| if line.is_empty() { "\n".to_owned() } else { format!("\n{pad}{line}") });
    lines.fold(sign.to_owned(), |text, line| text + &line)
}

/// Whether nobody takes it for anything but this text. Where in doubt, it isn't.
fn is_plain(text: &str) -> bool {
    let first_is_right = text.starts_with(|c: char| c.is_alphanumeric() || "/_(".contains(c));
    let read_as_syntax = text.contains(": ") || text.contains(" #") || text.ends_with([':', ' ']);
    first_is_right && !read_as_syntax && !is_word(text) && !is_like_a_number(text)
}

fn is_word(text: &str) -> bool {
    let words = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    words.contains(&text.to_ascii_lowercase().as_str())
}

/// Also dates, and times such as `12:30`, which are numbers of base 60 to some.
fn is_like_a_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_hexdigit() || "xXoO_.:+-TZtz ".contains(c))
}

fn place(key: &str) -> usize {
    match FIRST.iter().position(|first| *first == key) {
        Some(place) => place,
        None if key == "status" => usize::MAX,
        None => FIRST.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn whatever_is_written_is_read_back_the_same() {
        let texts = [
            "6180689",
            "1e3",
            "007",
            "1.0",
            "yes",
            "on",
            "null",
            "~",
            "0x1f",
            "1_000",
            "12:30:45",
            "2026-11-25",
            "",
            " a",
            "a ",
            "a: b",
            "a #b",
            "#a",
            "a:",
            "- a",
            "-",
            "*a",
            "&a",
            "!a",
            "{a",
            "[a",
            "%a",
            "@a",
            "`a",
            "'a'",
            "\"a\"",
            "it's",
            "|",
            ">",
            "?",
            "a\tb",
            "a\nb",
            "a\nb\n",
            "a\n\nb\n\n",
            "\na",
            " a\n b",
            "a\n  b",
            "ä",
            "a\u{85}b",
            "127.0.0.1:5000/a@b",
        ];
        for text in texts {
            for value in [
                json!({"a": text}),
                json!({text: "a"}),
                json!([text, [text]]),
                json!({"a": [{"b": text, "c": text}]}),
            ] {
                let written = super::text(&value);
                let read: Value =
                    serde_norway::from_str(&written).unwrap_or_else(|e| panic!("{e}: {written:?}"));
                assert_eq!(read, value, "{written}");
            }
        }
    }

    #[test]
    fn what_an_older_reader_takes_for_another_type_is_quoted() {
        for text in [
            "yes",
            "On",
            "off",
            "n",
            "007",
            "1_000",
            "12:30:45",
            "2026-11-25",
            "0o7",
            "1e3",
            ".5",
            "+1",
            "-1",
            "~",
        ] {
            assert_eq!(super::text(&json!({"a": text})), format!("a: '{text}'\n"));
        }
        for text in ["256Mi", "25m", "/healthz", "127.0.0.1:5000/orders@sha256:1", "a, b", "100%", "5d-k2"] {
            assert_eq!(super::text(&json!({"a": text})), format!("a: {text}\n"));
        }
    }

    #[test]
    fn empty_and_nested_values_keep_their_shape() {
        let value = json!({"a": {}, "b": [], "c": [[1, 2], {"d": null, "e": true}], "f": 1.5});
        assert_eq!(super::text(&value), "a: {}\nb: []\nc:\n- - 1\n  - 2\n- d: null\n  e: true\nf: 1.5\n");
    }
}
