//! What nobody is shown, whoever looks.

use crate::error::reason;
use crate::plain;
use regex::{Captures, Regex, RegexBuilder};
use std::borrow::Cow;

/// What stands in the place of what is hidden.
const HIDDEN: &str = "[hidden]";
/// How much memory a mask's regular expression may take, in bytes.
const PATTERN_SIZE: usize = 1 << 20;

/// The masks that have a name. What matches as `keep` stays.
const NAMED: [(&str, &[&str]); 3] = [
    (
        "token",
        &[
            r"(?i)(?P<keep>\bbearer\s+)[\w.~+/-]{8,}=*",
            r"\beyJ[\w-]+\.[\w-]+\.[\w-]*",
            r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
            r"\b(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|sk_live_|sk_test_|rk_live_)[\w-]{10,}",
            r#"(?i)(?P<keep>["']?[\w-]*(?:token|api[_-]?key|access[_-]?key)["']?\s*[:=]\s*["'])(?:[^"'\\]|\\.)+"#,
            r#"(?i)(?P<keep>\b[\w-]*(?:token|api[_-]?key|access[_-]?key)=)[^\s"'&,;]+"#,
        ],
    ),
    (
        "password",
        &[
            r#"(?i)(?P<keep>["']?[\w-]*(?:password|passwd|pwd|secret)["']?\s*[:=]\s*["'])(?:[^"'\\]|\\.)+"#,
            r#"(?i)(?P<keep>\b[\w-]*(?:password|passwd|pwd|secret)=)[^\s"'&,;]+"#,
            r"(?P<keep>\b[a-zA-Z][\w+.-]*://[^\s:/@]*:)[^\s/@]+(?P<after>@)",
        ],
    ),
    ("email", &[r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"]),
];

/// What is hidden in every line.
#[derive(Clone, Debug, Default)]
pub struct Masks(Vec<Regex>);

/// What is wrong with a mask.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MaskError {
    /// Neither a name nor a regular expression.
    #[error(
        "“{0}” is no mask. A mask is token, password or email, or a regular expression between slashes, such as /cust-[0-9]+/."
    )]
    Unknown(String),
    /// No regular expression.
    #[error("“{0}” is no regular expression: {1}.")]
    Pattern(String, String),
    /// It would hide nothing, everywhere.
    #[error("“{0}” also matches an empty text. Let it match at least one character.")]
    Empty(String),
}

impl Masks {
    /// Whether nothing is hidden.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a mask: one of the names, or a regular expression between slashes, all of whose matches are hidden.
    pub fn add(&mut self, written: &str) -> Result<(), MaskError> {
        if let Some((_, patterns)) = NAMED.iter().find(|(name, _)| *name == written) {
            for pattern in *patterns {
                self.0.push(compile(pattern, written)?);
            }
            return Ok(());
        }
        let pattern = written.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
        let pattern = pattern.filter(|pattern| !pattern.is_empty());
        let pattern = pattern.ok_or_else(|| MaskError::Unknown(written.to_owned()))?;
        let compiled = compile(pattern, written)?;
        if compiled.is_match("") {
            return Err(MaskError::Empty(written.to_owned()));
        }
        self.0.push(compiled);
        Ok(())
    }

    /// A line with everything hidden that a mask matches. One with something to hide loses its control sequences, because they could
    /// part what is hidden.
    pub fn hide<'a>(&self, line: &'a str) -> Cow<'a, str> {
        if self.0.is_empty() {
            return Cow::Borrowed(line);
        }
        let shown = plain(line);
        let hidden = self.0.iter().fold(Cow::Borrowed(&*shown), |text, mask| match hide(mask, &text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(hidden) => Cow::Owned(hidden),
        });
        match hidden {
            Cow::Owned(hidden) => Cow::Owned(hidden),
            Cow::Borrowed(_) => Cow::Borrowed(line),
        }
    }
}

fn hide<'a>(mask: &Regex, text: &'a str) -> Cow<'a, str> {
    mask.replace_all(text, |found: &Captures<'_>| {
        let part = |name| found.name(name).map_or("", |part| part.as_str());
        format!("{}{HIDDEN}{}", part("keep"), part("after"))
    })
}

fn compile(pattern: &str, written: &str) -> Result<Regex, MaskError> {
    let mut builder = RegexBuilder::new(pattern);
    builder.size_limit(PATTERN_SIZE).dfa_size_limit(PATTERN_SIZE);
    builder.build().map_err(|error| MaskError::Pattern(written.to_owned(), reason(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masks(written: &[&str]) -> Masks {
        let mut masks = Masks::default();
        for mask in written {
            masks.add(mask).unwrap();
        }
        masks
    }

    #[test]
    fn what_a_mask_matches_is_hidden_and_the_rest_stays() {
        let cases = [
            ("token", "Authorization: Bearer abcdef123456.x-y", "Authorization: Bearer [hidden]"),
            ("token", "jwt eyJhbGciOi.eyJzdWIi.c2ln ok", "jwt [hidden] ok"),
            ("token", r#"{"accessToken":"s3cr\"et","a":1}"#, r#"{"accessToken":"[hidden]","a":1}"#),
            ("token", "GET /x?api_key=abc&a=1", "GET /x?api_key=[hidden]&a=1"),
            ("token", "ghp_0123456789abcdef", "[hidden]"),
            ("token", "tokens: 5 were counted", "tokens: 5 were counted"),
            ("password", "db_password=hunter2 host=x", "db_password=[hidden] host=x"),
            ("password", r#"{"password": "hunter2"}"#, r#"{"password": "[hidden]"}"#),
            ("password", "postgres://ada:hunter2@db/orders", "postgres://ada:[hidden]@db/orders"),
            ("email", "mail to ada.l+x@shop.example.com.", "mail to [hidden]."),
            ("/cust-[0-9]+/", "cust-12 and cust-9x", "[hidden] and [hidden]x"),
            ("/(?P<x>a)$1/", "a$1", "a$1"),
        ];
        for (mask, line, shown) in cases {
            assert_eq!(masks(&[mask]).hide(line), shown, "{mask} {line}");
        }
        assert_eq!(masks(&["email", "/42/"]).hide("a@b.c 42 d@e.f"), "[hidden] [hidden] [hidden]");
    }

    #[test]
    fn colours_part_nothing_that_is_hidden() {
        assert_eq!(
            masks(&["email"]).hide("\u{1b}[1mada\u{1b}[0m@\u{1b}[31mx.org\u{1b}[0m said"),
            "[hidden] said"
        );
        assert_eq!(masks(&["email"]).hide("\u{1b}[1mada\u{1b}[0m"), "\u{1b}[1mada\u{1b}[0m");
    }

    #[test]
    fn what_is_no_mask_is_refused_with_what_is_allowed() {
        let wrong = |mask: &str| Masks::default().add(mask).unwrap_err().to_string();
        assert!(wrong("tokens").contains("token, password or email"));
        assert!(wrong("//").contains("is no mask"));
        assert!(wrong("/(/").contains("unclosed group"));
        assert!(wrong("/x*/").contains("at least one character"));
    }

    proptest! {
        #[test]
        fn no_address_is_ever_shown(before in "\\PC{0,20}", name in "[a-z]{1,8}", after in "\\PC{0,20}") {
            let line = format!("{before} {name}@example.org {after}");
            let address = format!("{name}@example.org");
            prop_assert!(!masks(&["email"]).hide(&line).contains(&address));
        }
    }
}
