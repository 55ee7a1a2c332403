//! Typed text in the template's files: whatever somebody typed, the file stays what it is.

use std::fmt::Write;

/// `text` as a double-quoted YAML scalar that every YAML parser reads back as exactly this text.
pub(crate) fn quoted(text: &str) -> String {
    let mut scalar = String::with_capacity(text.len() + 2);
    scalar.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => scalar.extend(['\\', c]),
            c if needs_escape(c) => {
                let _ = write!(scalar, "\\u{:04x}", u32::from(c)); // writing to a String can't fail
            }
            c => scalar.push(c),
        }
    }
    scalar.push('"');
    scalar
}

/// Characters that YAML doesn't allow as they are, or that it takes for the end of a line. All are below U+10000.
fn needs_escape(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// `text` as prose in Markdown: none of its characters is markup.
pub(crate) fn prose(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (at, c) in text.chars().enumerate() {
        let anywhere = matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '|' | '~');
        let first = at == 0 && matches!(c, '#' | '+' | '-' | '=');
        if anywhere || first {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    // `1. ` and `1) ` begin a list.
    let digits = escaped.len() - escaped.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if digits > 0 && escaped[digits..].starts_with(['.', ')']) {
        escaped.insert(digits, '\\');
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_text_is_read_back_as_the_same_text() {
        for text in [
            "",
            "6180689",
            "1e3",
            "007",
            "1.0",
            "yes",
            "0x10",
            "null",
            "~",
            "12:30:45",
            "a: b # c",
            "{{ x }}",
            "\"quoted\" \\ back",
            "- x",
            "ünï😀",
            "line\u{2028}sep\u{2029}",
            "\u{feff}bom",
            "tab\tbell\u{7}\u{85}\u{9f}",
            " x ",
        ] {
            let read: serde_norway::Value = serde_norway::from_str(&quoted(text)).unwrap();
            assert_eq!(read.as_str(), Some(text), "{text:?}");
        }
    }

    #[test]
    fn prose_holds_no_markup() {
        assert_eq!(prose("# a <b> [c](d)"), r"\# a \<b\> \[c\](d)");
        assert_eq!(prose("1. one"), r"1\. one");
        assert_eq!(prose("plain, with: punctuation (and 2.5)"), "plain, with: punctuation (and 2.5)");
    }
}
