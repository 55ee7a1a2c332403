//! What nobody is shown, whoever looks.

use crate::ansi::{Part, Strings, parts};
use crate::error::reason;
use crate::layer::{Layer, Quotes, escape_around};
use regex::{Captures, Regex, RegexBuilder};
use std::borrow::Cow;
use std::ops::Range;

/// What stands in the place of what is hidden.
const HIDDEN: &str = "[hidden]";
/// How much memory a mask's regular expression may take, in bytes.
const PATTERN_SIZE: usize = 1 << 20;
/// How often escapes within escapes are undone: JSON in a text of JSON, and so on. What isn't plain then is hidden whole.
const DEEPEST: usize = 8;

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

    /// A line with everything hidden that a mask matches, also where it only does once JSON's escapes are undone, however often, or
    /// without the control sequences that part it. Between what is hidden, escapes stay whole: what was JSON still is. A line with
    /// something to hide loses its own control sequences.
    pub fn hide<'a>(&self, line: &'a str) -> Cow<'a, str> {
        self.found(line).left_of(line)
    }

    /// The same of the first part of a text that goes on, up to where nothing to hide goes on that is no longer than `longest` bytes;
    /// and how long that part is. Nothing, where something goes on all along.
    pub fn hide_first<'a>(&self, text: &'a str, longest: usize) -> Option<(Cow<'a, str>, usize)> {
        let found = self.found(text);
        let mut end = text.floor_char_boundary(text.len().saturating_sub(longest));
        // No escape goes on over a space, however often it is escaped.
        end = text[..end].rfind(' ').map_or(end, |space| space + 1);
        end = escape_around(text, end).map_or(end, |escape| escape.start);
        if let Some(whole) = found.whole.iter().find(|whole| whole.start < end && end < whole.end) {
            end = whole.start;
        }
        (end > 0).then(|| (found.left_of(&text[..end]), end))
    }

    fn found(&self, line: &str) -> Found {
        let mut found = Found::default();
        // What steers a terminal can both part a secret and hold one.
        if !self.is_empty() && self.look(line, Strings::LeftOut, &mut found) {
            self.look(line, Strings::Shown, &mut found);
        }
        Found { hidden: merged(found.hidden), whole: merged(found.whole) }
    }

    /// Looks through a line and what it becomes when its escapes are undone, each as it is shown; whether it steers a terminal.
    fn look(&self, line: &str, strings: Strings, found: &mut Found) -> bool {
        let (mut layer, mut steers) = (Layer::of(line), false);
        for _ in 0..=DEEPEST {
            steers |= layer.has_control();
            layer = layer.shown(strings);
            self.search(&layer, found);
            if let Some(within) = layer.decoded(Quotes::Escaped) {
                self.search(&within.shown(strings), found);
            }
            match layer.decoded(Quotes::Plain) {
                Some(decoded) => layer = decoded,
                None => return steers,
            }
        }
        found.hidden.push(0..line.len());
        found.whole.push(0..line.len());
        steers
    }

    fn search(&self, layer: &Layer<'_>, found: &mut Found) {
        for captures in self.0.iter().flat_map(|mask| mask.captures_iter(&layer.text)) {
            found.hidden.extend(hidden(&captures).map(|part| layer.in_line(&part)));
            found.whole.push(layer.in_line(&captures.get_match().range()));
        }
    }
}

/// Parts of a line in their order, none next to another.
#[derive(Default)]
struct Found {
    /// What has to be hidden.
    hidden: Vec<Range<usize>>,
    /// What tells so, with what may be shown of it.
    whole: Vec<Range<usize>>,
}

impl Found {
    /// What is left of the line, or of its beginning.
    fn left_of<'a>(&self, line: &'a str) -> Cow<'a, str> {
        if self.hidden.first().is_none_or(|part| part.start >= line.len()) {
            return Cow::Borrowed(line);
        }
        let (mut left, mut next, mut said) = (String::with_capacity(line.len()), 0, 0);
        for part in parts(line, Strings::LeftOut) {
            let Part::Shown(at, c) = part else { continue };
            next += self.hidden[next..].iter().take_while(|part| part.end <= at).count();
            if self.hidden.get(next).is_none_or(|part| at < part.start) {
                left.push(c);
            } else if said <= next {
                left.push_str(HIDDEN);
                said = next + 1;
            }
        }
        Cow::Owned(left)
    }
}

fn merged(mut parts: Vec<Range<usize>>) -> Vec<Range<usize>> {
    parts.sort_unstable_by_key(|part| part.start);
    parts.dedup_by(|next, before| {
        let meet = next.start <= before.end;
        if meet {
            before.end = before.end.max(next.end);
        }
        meet
    });
    parts
}

/// What is hidden of a match: all but what the mask keeps.
fn hidden(found: &Captures<'_>) -> impl Iterator<Item = Range<usize>> + use<> {
    let whole = found.get_match().range();
    let part = |name, else_at| found.name(name).map_or(else_at..else_at, |part| part.range());
    let (keep, after) = (part("keep", whole.start), part("after", whole.end));
    [whole.start..keep.start, keep.end..after.start, after.end..whole.end]
        .into_iter()
        .filter(|part| !part.is_empty())
}

fn compile(pattern: &str, written: &str) -> Result<Regex, MaskError> {
    let mut builder = RegexBuilder::new(pattern);
    builder.size_limit(PATTERN_SIZE).dfa_size_limit(PATTERN_SIZE);
    builder.build().map_err(|error| MaskError::Pattern(written.to_owned(), reason(&error)))
}

#[cfg(test)]
#[path = "mask_tests.rs"]
mod tests;
