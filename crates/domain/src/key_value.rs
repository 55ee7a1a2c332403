//! One key of a Redis, and a page of what it holds.

use crate::{Invalid, KeyName, KeyUsage, names::parsed_text};
use serde::{Deserialize, Serialize};

parsed_text! {
    /// Where a page of a key's value begins, as the page before it said: a number, or the id of a stream's entry.
    KeyPosition, check_key_position
}

fn check_key_position(text: &str) -> Result<(), Invalid> {
    let number =
        |part: &str| (1..=20).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let fits = match text.split_once('-') {
        Some((milliseconds, sequence)) => number(milliseconds) && number(sequence),
        None => number(text),
    };
    if fits {
        return Ok(());
    }
    Err(Invalid::new("A position is what the page before this one gave as the next."))
}

/// A key, with a page of its value. Looking changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyValue {
    /// Its name.
    pub name: KeyName,
    /// What it holds, in Redis's word.
    pub r#type: String,
    /// How Redis keeps it, in its own word: *listpack*, *skiplist* and so on.
    pub encoding: Option<String>,
    /// How long it still lives; nothing, if it never expires.
    pub expires_in_milliseconds: Option<u64>,
    /// Bytes that it takes, as Redis estimates by a few of its elements.
    pub memory: Option<u64>,
    /// How it was used before this look.
    pub usage: Option<KeyUsage>,
    /// Whether Redis takes this look for a use of the key: those before 7.2 do.
    pub look_counts: bool,
    /// How long a string is, in bytes; of how many elements the others are.
    pub length: Option<u64>,
    /// Whether the key's name looks like a secret's: then nothing of its value is shown.
    pub hidden: bool,
    /// A part of it, in Redis's own order; empty for a type that Fairway doesn't read.
    pub elements: Vec<KeyElement>,
    /// Where the next page begins, if there is one.
    pub next: Option<KeyPosition>,
}

/// A part of a value: of a string a range of its bytes, of the others one element; of a stream's entry one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyElement {
    /// Where it stands: the first byte's offset, a list's index, the rank in a sorted set, the id of a stream's entry.
    pub position: Option<String>,
    /// The score in a sorted set, as Redis writes it.
    pub score: Option<String>,
    /// The name of a hash's or a stream entry's field.
    pub field: Option<ShownBytes>,
    /// What stands there.
    pub value: ShownBytes,
}

/// Bytes to be read by people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShownBytes {
    /// They themselves, where all of them are printable text; else with what isn't printable escaped, as in names of
    /// keys.
    pub text: String,
    /// Whether something is escaped: then a backslash stands before each backslash too.
    pub escaped: bool,
    /// How many there are, also of what isn't shown.
    pub bytes: u64,
    /// Whether the text leaves off before their end.
    pub cut: bool,
    /// Whether a secret in them is hidden, or they are one.
    pub hidden: bool,
}

/// What stands for a value that isn't shown.
const HIDDEN: &str = "[hidden]";

impl ShownBytes {
    /// All of them.
    pub fn new(bytes: &[u8]) -> Self {
        let (text, escaped) = match std::str::from_utf8(bytes) {
            Ok(text) if text.chars().all(printable) => (text.to_owned(), false),
            _ => (KeyName::from(bytes.to_vec()).to_string(), true),
        };
        Self { text, escaped, bytes: bytes.len() as u64, cut: false, hidden: false }
    }

    /// Nothing of so many bytes.
    pub fn hidden(bytes: u64) -> Self {
        Self { text: HIDDEN.into(), escaped: false, bytes, cut: false, hidden: true }
    }
}

/// How many of the bytes are at most `most` and break no character in two.
pub fn whole_characters(bytes: &[u8], most: usize) -> usize {
    if bytes.len() <= most {
        return bytes.len();
    }
    let begins = |place: &usize| bytes[*place] & 0b1100_0000 != 0b1000_0000;
    (most.saturating_sub(3)..=most).rev().find(begins).filter(|place| *place > 0).unwrap_or(most)
}

fn printable(character: char) -> bool {
    matches!(character, '\n' | '\t' | '\\' | '"' | '\'') || character.escape_debug().len() == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_a_number_or_an_entry_of_a_stream() {
        for text in ["0", "18446744073709551615", "1700000000000-0"] {
            assert_eq!(text.parse::<KeyPosition>().unwrap().as_str(), text);
        }
        for wrong in ["", "-", "1-", "-1", "x", "1-2-3", "1 2", "123456789012345678901"] {
            assert!(wrong.parse::<KeyPosition>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn text_reads_as_it_is_and_other_bytes_are_escaped() {
        let plain = ShownBytes::new(b"{\n\t\"a\\\": 'b'}");
        assert_eq!((plain.text.as_str(), plain.escaped, plain.bytes), ("{\n\t\"a\\\": 'b'}", false, 13));
        let binary = ShownBytes::new(b"a\\\xff\n\x1b[2J");
        assert_eq!((binary.text.as_str(), binary.escaped), ("a\\\\\\xff\\n\\u{1b}[2J", true));
        assert!(ShownBytes::new("\u{202e}rtl".as_bytes()).escaped);
        assert_eq!(ShownBytes::new(b"").text, "");
    }

    #[test]
    fn what_is_cut_ends_with_a_whole_character() {
        assert_eq!(whole_characters("grün".as_bytes(), 3), 2);
        assert_eq!(whole_characters(&[0x80; 10], 4), 4);
        assert_eq!(whole_characters("€€".as_bytes(), 2), 2);
        assert_eq!(whole_characters(b"abcdef", 4), 4);
        assert_eq!(whole_characters(b"abc", 4), 3);
    }
}
