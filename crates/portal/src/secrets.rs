//! What of a key's value nobody is shown.

use fairway_domain::{KeyElement, KeyName, ShownBytes};
use fairway_lines::{MaskError, Masks};
use fairway_purge::{ElementRead, KeyPage};
use std::ops::Range;

/// A name with one of these in it, whatever parts its words, is a secret's.
const WORDS: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "session",
    "authorization",
    "credential",
    "cookie",
    "apikey",
    "accesskey",
    "privatekey",
];

/// So is one of which one of these is a whole word.
const WHOLE_WORDS: [&str; 6] = ["auth", "oauth", "jwt", "pwd", "csrf", "sid"];

/// What the masks of logs called *token* and *password* leave: fields and parameters inside of a value.
const FIELDS: &str = r#"/(?i)(?P<keep>["']?[\w-]*(?:session|authorization|credential|cookie|passphrase)[\w-]*["']?\s*[:=]\s*["']?)[^\s"'&,;}][^"'&,;}]*/"#;

/// An element is searched for secrets up to here; what follows isn't shown anyway.
const SEARCHED: usize = 64 * 1024;

/// So many bytes of an element are shown.
const SHOWN: usize = 4 * 1024;

/// What is hidden of values: all of those whose key or field has a secret's name, and secrets inside of the others.
#[derive(Clone, Debug)]
pub struct Secrets(Masks);

impl Secrets {
    /// What is hidden in any case, and what `redact` hides in the lines of services.
    pub fn and(redact: &Masks) -> Result<Self, MaskError> {
        let mut masks = redact.clone();
        for mask in ["token", "password", FIELDS] {
            masks.add(mask)?;
        }
        Ok(Self(masks))
    }

    /// A page as people may see it; `all` hides every value on it.
    pub(crate) fn page(&self, page: KeyPage, all: bool) -> Vec<KeyElement> {
        match page {
            KeyPage::Bytes { from, around, page } => {
                let value =
                    if all { ShownBytes::hidden(page.len() as u64) } else { self.part(&around, page) };
                vec![KeyElement { position: Some(from.to_string()), score: None, field: None, value }]
            }
            KeyPage::Elements(elements) => elements.into_iter().map(|one| self.element(one, all)).collect(),
            KeyPage::Unknown => Vec::new(),
        }
    }

    fn element(&self, element: ElementRead, all: bool) -> KeyElement {
        let ElementRead { position, score, field, value, left_out } = element;
        let secret = all || field.as_deref().is_some_and(names_a_secret);
        let mut value =
            if secret { ShownBytes::hidden(value.len() as u64) } else { self.shown(&value, SHOWN) };
        value.bytes += left_out;
        value.cut |= left_out > 0 && !secret;
        KeyElement { position, score, field: field.map(|field| self.shown(&field, SHOWN)), value }
    }

    /// Bytes without the secrets in them, the first `most` of what that gives.
    fn shown(&self, bytes: &[u8], most: usize) -> ShownBytes {
        let mut shown = ShownBytes::new(&bytes[..bytes.len().min(SEARCHED)]);
        shown.cut = bytes.len() > SEARCHED;
        shown.bytes = bytes.len() as u64;
        let text = self.0.hide(&shown.text).into_owned();
        shown.hidden = text != shown.text;
        shown.text = text;
        if shown.text.len() > most {
            shown.text.truncate(shown.text.floor_char_boundary(most));
            shown.cut = true;
        }
        shown
    }

    /// A page of a longer text, of which `around` holds some more. Where a secret begins or ends at the page's edge, nothing of it is
    /// shown: neither part looks like what it is.
    fn part(&self, around: &[u8], page: Range<usize>) -> ShownBytes {
        let text = ShownBytes::new(around);
        let read = |bytes: &[u8]| {
            if text.escaped {
                KeyName::from(bytes.to_vec()).to_string()
            } else {
                String::from_utf8_lossy(bytes).into_owned()
            }
        };
        let pieces = [&around[..page.start], &around[page.clone()], &around[page.end..]];
        let apart: String = pieces.iter().map(|piece| self.0.hide(&read(piece)).into_owned()).collect();
        if self.0.hide(&read(around)) == apart {
            self.shown(&around[page], usize::MAX)
        } else {
            ShownBytes::hidden(page.len() as u64)
        }
    }
}

/// Whether a key or field called so holds something that nobody should see.
pub(crate) fn names_a_secret(name: &[u8]) -> bool {
    let lower = name.to_ascii_lowercase();
    let letters: Vec<u8> = lower.iter().copied().filter(u8::is_ascii_alphanumeric).collect();
    let has = |word: &str| letters.windows(word.len()).any(|part| part == word.as_bytes());
    let mut words = lower.split(|byte| !byte.is_ascii_alphanumeric());
    WORDS.into_iter().any(has) || words.any(|word| WHOLE_WORDS.iter().any(|whole| whole.as_bytes() == word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        let mut redact = Masks::default();
        redact.add("/cust-[0-9]+/").unwrap();
        Secrets::and(&redact).unwrap()
    }

    fn field(name: &str, value: &str) -> ElementRead {
        let (field, value) = (Some(name.as_bytes().to_vec()), value.as_bytes().to_vec());
        ElementRead { position: None, score: None, field, value, left_out: 0 }
    }

    #[test]
    fn a_name_says_whether_its_value_is_a_secret() {
        let secret = [
            "session:1",
            "user:1:accessToken",
            "API_KEY",
            "api-key",
            "x-Authorization",
            "db.password",
            "a:auth",
            "SID",
        ];
        for name in secret {
            assert!(names_a_secret(name.as_bytes()), "{name}");
        }
        for name in ["cart:1", "author:1", "side", "monkey", "", "key", "\u{fc}ber"] {
            assert!(!names_a_secret(name.as_bytes()), "{name}");
        }
        assert!(names_a_secret(b"\xff\x00session\xfe"));
    }

    #[test]
    fn of_a_hash_only_the_secrets_are_hidden() {
        let page = KeyPage::Elements(vec![field("name", "Ada"), field("password", "hunter2")]);
        let shown = secrets().page(page, false);
        let read: Vec<_> =
            shown.iter().map(|one| (one.value.text.as_str(), one.value.hidden, one.value.bytes)).collect();
        assert_eq!(read, [("Ada", false, 3), ("[hidden]", true, 7)]);
        assert_eq!(shown[1].field.as_ref().unwrap().text, "password");
    }

    #[test]
    fn a_key_with_a_secrets_name_shows_nothing_but_how_much_there_is() {
        let shown = secrets().page(KeyPage::Elements(vec![field("name", "Ada")]), true);
        assert_eq!((shown[0].value.text.as_str(), shown[0].value.bytes), ("[hidden]", 3));
        let bytes = KeyPage::Bytes { from: 0, around: b"abc".to_vec(), page: 0..3 };
        assert_eq!(secrets().page(bytes, true)[0].value.text, "[hidden]");
    }

    #[test]
    fn secrets_inside_of_a_value_are_hidden_too() {
        let cases = [
            (r#"{"user":"ada","sessionId":"s3","n":1}"#, r#"{"user":"ada","sessionId":"[hidden]","n":1}"#),
            (r#"{"authorization":"Basic YWRh OmI=","a":1}"#, r#"{"authorization":"[hidden]","a":1}"#),
            (r#"{"password":"hunter2"}"#, r#"{"password":"[hidden]"}"#),
            ("cookie=abc; Path=/", "cookie=[hidden]; Path=/"),
            ("of cust-17", "of [hidden]"),
        ];
        for (value, text) in cases {
            let shown = secrets().shown(value.as_bytes(), SHOWN);
            assert_eq!((shown.text.as_str(), shown.hidden), (text, true), "{value}");
        }
        let binary = secrets().shown(b"\xffpassword=\"hunter2\"", SHOWN);
        assert_eq!(
            (binary.text.as_str(), binary.escaped, binary.hidden),
            ("\\xffpassword=\"[hidden]\"", true, true)
        );
        assert!(!secrets().shown(b"nothing", SHOWN).hidden);
    }

    #[test]
    fn a_long_element_is_cut_after_its_secrets_were_hidden() {
        let value = format!("{}password=\"{}\"", "x".repeat(SHOWN - 12), "hunter2".repeat(10));
        let shown = secrets().shown(value.as_bytes(), SHOWN);
        assert!(shown.cut && shown.hidden && !shown.text.contains("hunt"), "{}", shown.text);
        assert_eq!(shown.bytes, value.len() as u64);
    }

    #[test]
    fn a_secret_at_the_edge_of_a_page_is_on_neither() {
        let text = r#"{"name":"ada","password":"hunter2","n":1}"#.as_bytes();
        let edge = text.windows(3).position(|part| part == b"ter").unwrap();
        for page in [0..edge, edge..text.len()] {
            let shown = secrets().part(text, page);
            assert_eq!((shown.text.as_str(), shown.hidden), ("[hidden]", true));
        }
        assert_eq!(secrets().part(text, 0..13).text, r#"{"name":"ada""#);
        assert!(secrets().part(text, 13..text.len()).text.contains("[hidden]"));
        assert_eq!(secrets().part(b"\xff\xfeab", 2..4).text, "ab");
    }
}
