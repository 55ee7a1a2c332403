//! Keys of a Redis: their names, which are any bytes, and what tells some of them from the others.

use crate::{Invalid, names::parsed_text};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

parsed_text! {
    /// Redis's glob over key names: `*`, `?`, `[…]`, a backslash before a literal one. 1 to 512 characters, no control characters.
    KeyPattern, check_key_pattern
}

fn check_key_pattern(text: &str) -> Result<(), Invalid> {
    if text.is_empty() {
        return Err(Invalid::new(
            "Type a pattern such as session:*, or choose everything. An empty pattern matches nothing.",
        ));
    }
    if text.chars().count() > 512 || text.chars().any(char::is_control) {
        return Err(Invalid::new("A pattern is 1 to 512 characters without control characters."));
    }
    Ok(())
}

/// The name of a key: any bytes. As text, what isn't printable is escaped (`\n`, `\xff`, `\u{202e}`, `\\` for a backslash), and
/// the same text is read back to the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
pub struct KeyName(Vec<u8>);

impl KeyName {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As a person reads it in a list: an empty name as `""`, a long one cut after 200 characters.
    pub fn shown(&self) -> String {
        const SHOWN: usize = 200;
        if self.0.is_empty() {
            return "\"\"".into();
        }
        let whole = self.to_string();
        match whole.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", &whole[..end]),
            None => whole,
        }
    }
}

impl From<Vec<u8>> for KeyName {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                match character {
                    '"' | '\'' => write!(f, "{character}")?,
                    _ => write!(f, "{}", character.escape_debug())?,
                }
            }
            write!(f, "{}", chunk.invalid().escape_ascii())?;
        }
        Ok(())
    }
}

impl From<KeyName> for String {
    fn from(name: KeyName) -> Self {
        name.to_string()
    }
}

impl FromStr for KeyName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('\\') {
            bytes.extend_from_slice(&rest.as_bytes()[..at]);
            rest = escaped(&rest[at + 1..], &mut bytes).ok_or_else(|| {
                Invalid::new(
                    "A backslash begins an escape here: write \\\\ for a backslash itself, \\xFF for a byte, \\n, \\t, \\r, \\0 or \\u{202e}.",
                )
            })?;
        }
        bytes.extend_from_slice(rest.as_bytes());
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for KeyName {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// Reads what follows a backslash; gives what stands behind it.
fn escaped<'a>(text: &'a str, bytes: &mut Vec<u8>) -> Option<&'a str> {
    let simple = match text.chars().next()? {
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        '0' => 0,
        literal @ ('\\' | '"' | '\'') => u8::try_from(literal).ok()?,
        'x' => {
            let digits = text.get(1..3).filter(|digits| digits.bytes().all(|d| d.is_ascii_hexdigit()))?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            return text.get(3..);
        }
        'u' => {
            let (digits, rest) = text.strip_prefix("u{")?.split_once('}')?;
            let character = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(rest);
        }
        _ => return None,
    };
    bytes.push(simple);
    text.get(1..)
}

/// How the names of keys begin, byte for byte: nothing in it means anything else. 1 to 512 bytes, written as a [`KeyName`] is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "KeyName", into = "KeyName")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
pub struct KeyPrefix(KeyName);

impl KeyPrefix {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Redis's glob that matches the names which begin so, and no others.
    pub fn glob(&self) -> Vec<u8> {
        let mut glob = Vec::with_capacity(self.as_bytes().len() + 1);
        for byte in self.as_bytes() {
            if matches!(byte, b'*' | b'?' | b'[' | b']' | b'\\') {
                glob.push(b'\\');
            }
            glob.push(*byte);
        }
        glob.push(b'*');
        glob
    }
}

impl TryFrom<KeyName> for KeyPrefix {
    type Error = Invalid;

    fn try_from(name: KeyName) -> Result<Self, Self::Error> {
        match name.as_bytes().len() {
            1..=512 => Ok(Self(name)),
            _ => Err(Invalid::new(
                "A prefix is 1 to 512 bytes: how the names begin, such as session:. To mean every key, choose everything.",
            )),
        }
    }
}

impl From<KeyPrefix> for KeyName {
    fn from(prefix: KeyPrefix) -> Self {
        prefix.0
    }
}

impl FromStr for KeyPrefix {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<KeyName>()?.try_into()
    }
}

impl fmt::Display for KeyPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a key holds, as `TYPE` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[allow(missing_docs)] // the words are the definition
pub enum KeyType {
    String,
    List,
    Set,
    Zset,
    Hash,
    Stream,
}

impl KeyType {
    /// Every one.
    pub const ALL: [Self; 6] = [Self::String, Self::List, Self::Set, Self::Zset, Self::Hash, Self::Stream];

    /// Redis's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::List => "list",
            Self::Set => "set",
            Self::Zset => "zset",
            Self::Hash => "hash",
            Self::Stream => "stream",
        }
    }
}

impl FromStr for KeyType {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        known.ok_or_else(|| Invalid::new("A type is string, list, set, zset, hash or stream."))
    }
}

/// How long nobody read or wrote a key: whole seconds, from one to ten years. As text `90s`, `15m`, `12h` or `30d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = u64))]
pub struct IdleTime(u64);

impl IdleTime {
    /// In seconds.
    pub const fn seconds(self) -> u64 {
        self.0
    }
}

const IDLE_RULE: &str =
    "An idle time is a number with s, m, h or d, such as 90s, 12h or 30d; at most ten years.";

impl TryFrom<u64> for IdleTime {
    type Error = Invalid;

    fn try_from(seconds: u64) -> Result<Self, Self::Error> {
        let allowed = (1..=10 * 365 * 86_400).contains(&seconds);
        if allowed { Ok(Self(seconds)) } else { Err(Invalid::new(IDLE_RULE)) }
    }
}

impl From<IdleTime> for u64 {
    fn from(time: IdleTime) -> Self {
        time.0
    }
}

impl FromStr for IdleTime {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rule = || Invalid::new(IDLE_RULE);
        let text = text.trim();
        let (unit, number) = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)]
            .into_iter()
            .find_map(|(unit, seconds)| Some((seconds, text.strip_suffix(unit)?)))
            .ok_or_else(rule)?;
        let number: u64 = number.trim_end().parse().map_err(|_| rule())?;
        number.checked_mul(unit).ok_or_else(rule)?.try_into()
    }
}

impl fmt::Display for IdleTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")];
        let whole = units.into_iter().find(|(seconds, _)| self.0.is_multiple_of(*seconds));
        let (seconds, unit) = whole.unwrap_or((1, "s"));
        write!(f, "{}{unit}", self.0 / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_pattern_or_prefix_is_refused_rather_than_read_as_everything() {
        assert!("".parse::<KeyPattern>().is_err());
        assert!("a\nb".parse::<KeyPattern>().is_err());
        assert_eq!("session:*".parse::<KeyPattern>().unwrap().as_str(), "session:*");
        assert!("".parse::<KeyPrefix>().is_err());
    }

    #[test]
    fn a_name_is_shown_on_one_line_can_be_told_from_others_and_is_read_back() {
        let cases: [(&[u8], &str); 9] = [
            (b"session:1", "session:1"),
            (b"a\nb\x00", "a\\nb\\0"),
            (b"\xff\xfe!", "\\xff\\xfe!"),
            ("grün 'x'".as_bytes(), "grün 'x'"),
            ("\u{202e}rtl".as_bytes(), "\\u{202e}rtl"),
            (b"back\\slash", "back\\\\slash"),
            (b"\x75\x3a\x92\xb5\x78\xc0", "u:\\x92\\xb5x\\xc0"),
            (b"\xac\xed\x00\x05\x74\x00\x03abc", "\\xac\\xed\\0\\u{5}t\\0\\u{3}abc"),
            (b"", ""),
        ];
        for (bytes, text) in cases {
            let name = KeyName::from(bytes.to_vec());
            assert_eq!(name.to_string(), text);
            assert_eq!(text.parse::<KeyName>().unwrap(), name, "{text}");
        }
        let every: Vec<u8> = (0..=255).collect();
        let name = KeyName::from(every);
        assert_eq!(name.to_string().parse::<KeyName>().unwrap(), name);
        for wrong in ["\\", "\\q", "\\x", "\\x1", "\\xgg", "\\u{d800}", "\\u{}", "\\u12", "\\xé1"] {
            assert!(wrong.parse::<KeyName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn in_a_list_an_empty_name_can_be_seen_and_a_long_one_is_cut() {
        assert_eq!(KeyName::from(Vec::new()).shown(), "\"\"");
        assert_eq!(KeyName::from(vec![b'x'; 5000]).shown().chars().count(), 201);
    }

    #[test]
    fn a_prefix_is_literal() {
        let glob = |text: &str| text.parse::<KeyPrefix>().unwrap().glob();
        assert_eq!(glob("abc*"), b"abc\\**");
        assert_eq!(glob("a[b]?"), b"a\\[b\\]\\?*");
        assert_eq!(glob("back\\\\slash"), b"back\\\\slash*");
        assert_eq!(glob("\\xac\\xed"), b"\xac\xed*");
    }

    #[test]
    fn an_idle_time_has_a_unit_and_keeps_it() {
        for text in ["90s", "15m", "12h", "30d"] {
            assert_eq!(text.parse::<IdleTime>().unwrap().to_string(), text);
        }
        assert_eq!("60 m".parse::<IdleTime>().unwrap().seconds(), 3600);
        for wrong in ["", "0s", "12", "h", "-1h", "1.5h", "99999999999999999999d", "4000d"] {
            assert!(wrong.parse::<IdleTime>().is_err(), "{wrong}");
        }
    }
}
