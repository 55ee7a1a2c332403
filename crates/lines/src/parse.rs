//! How a filter is written.

use crate::error::{FilterError, FilterProblem, reason};
use crate::filter::{Comparison, Field, Filter, Name, Term, Text, What};
use fairway_domain::Level;
use regex::{Regex, RegexBuilder};
use std::ops::Range;

/// More than a person writes, few enough to ask of every line.
const MOST_TERMS: usize = 50;
/// How much memory a regular expression may take, in bytes.
const PATTERN_SIZE: usize = 1 << 20;
/// The signs that compare, those of two characters first.
const SIGNS: [(&str, Comparison); 7] = [
    (">=", Comparison::AtLeast),
    ("<=", Comparison::AtMost),
    ("!=", Comparison::Differs),
    (":", Comparison::Contains),
    ("=", Comparison::Equals),
    (">", Comparison::More),
    ("<", Comparison::Less),
];

/// Reads a filter.
pub(crate) fn parse(text: &str) -> Result<Filter, FilterError> {
    let chars: Vec<char> = text.chars().collect();
    let mut parser = Parser { chars: &chars, at: 0 };
    let mut groups: Vec<Vec<Term>> = Vec::new();
    let mut or: Option<Range<usize>> = None;
    for count in 0.. {
        parser.skip_space();
        let start = parser.at;
        if start == chars.len() {
            break;
        }
        if let Some(word) = parser.or() {
            if groups.is_empty() || or.is_some() {
                return Err(wrong(word, FilterProblem::Or));
            }
            or = Some(word);
            continue;
        }
        if count >= 2 * MOST_TERMS {
            return Err(wrong(start..chars.len(), FilterProblem::TooMany(MOST_TERMS)));
        }
        let term = parser.term()?;
        match groups.last_mut().filter(|_| or.take().is_some()) {
            Some(group) => group.push(term),
            None => groups.push(vec![term]),
        }
        if groups.iter().map(Vec::len).sum::<usize>() > MOST_TERMS {
            return Err(wrong(start..chars.len(), FilterProblem::TooMany(MOST_TERMS)));
        }
    }
    match or {
        Some(word) => Err(wrong(word, FilterProblem::Or)),
        None => Ok(Filter { groups }),
    }
}

fn wrong(at: Range<usize>, problem: FilterProblem) -> FilterError {
    FilterError { at, problem }
}

/// A reader of a filter's characters.
struct Parser<'a> {
    chars: &'a [char],
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    /// Whether a term may end before this place.
    fn ends(&self, at: usize) -> bool {
        self.chars.get(at).is_none_or(|c| c.is_whitespace())
    }

    fn starts(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(offset, c)| self.chars.get(self.at + offset) == Some(&c))
    }

    /// The word “or” by itself.
    fn or(&mut self) -> Option<Range<usize>> {
        if !(self.starts("or") || self.starts("OR")) || !self.ends(self.at + 2) {
            return None;
        }
        self.at += 2;
        Some(self.at - 2..self.at)
    }

    fn term(&mut self) -> Result<Term, FilterError> {
        let excluded = self.peek() == Some('-') && !self.ends(self.at + 1);
        self.at += usize::from(excluded);
        let start = self.at;
        let special = match self.peek() {
            Some('"') => None,
            Some('/') => self.pattern()?.map(What::Text),
            _ => self.field()?,
        };
        let what = match special {
            Some(what) => what,
            None => What::Text(Text { pattern: self.text(start, false)?, any_case: true }),
        };
        if !self.ends(self.at) {
            return Err(wrong(self.at..self.at + 1, FilterProblem::NoSpace));
        }
        let written = self.chars[start - usize::from(excluded)..self.at].iter().collect();
        Ok(Term { written, excluded, what })
    }

    /// A word, or a text in quotation marks, as a pattern in any case that a whole text or a part of it matches. What is wrong with
    /// it is wrong with everything from `start` on.
    fn text(&mut self, start: usize, whole: bool) -> Result<Regex, FilterError> {
        let text = self.value()?;
        let escaped = regex::escape(&text);
        let pattern = if whole { format!("^{escaped}$") } else { escaped };
        compile(&pattern, true).map_err(|problem| wrong(start..self.at, problem))
    }

    fn value(&mut self) -> Result<String, FilterError> {
        let start = self.at;
        if self.peek() != Some('"') {
            while !self.ends(self.at) {
                self.at += 1;
            }
            return match self.chars[start..self.at].iter().collect::<String>() {
                text if text.is_empty() => Err(wrong(start.saturating_sub(1)..start, FilterProblem::Empty)),
                text => Ok(text),
            };
        }
        self.at += 1;
        let mut text = String::new();
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                '"' if text.is_empty() => return Err(wrong(start..self.at, FilterProblem::Empty)),
                '"' => return Ok(text),
                '\\' if matches!(self.peek(), Some('"' | '\\')) => {
                    text.extend(self.peek());
                    self.at += 1;
                }
                c => text.push(c),
            }
        }
        Err(wrong(start..start + 1, FilterProblem::OpenQuote))
    }

    /// A regular expression between slashes. A word that only begins with a slash, such as a path, is none.
    fn pattern(&mut self) -> Result<Option<Text>, FilterError> {
        let start = self.at;
        let closing = (start + 1..self.chars.len()).find_map(|at| {
            let escaped = self.chars[start + 1..at].iter().rev().take_while(|c| **c == '\\').count() % 2 == 1;
            let any_case = self.chars.get(at + 1) == Some(&'i') && self.ends(at + 2);
            let closes = self.chars[at] == '/' && !escaped && (any_case || self.ends(at + 1));
            closes.then_some((at, any_case))
        });
        let Some((end, any_case)) = closing else {
            let mut word = self.chars[start..].iter().take_while(|c| !c.is_whitespace());
            if word.any(|c| "()[]*+?|\\^$".contains(*c)) {
                return Err(wrong(start..self.chars.len(), FilterProblem::OpenPattern));
            }
            return Ok(None);
        };
        if end == start + 1 {
            return Err(wrong(start..end + 1, FilterProblem::Empty));
        }
        let text: String = self.chars[start + 1..end].iter().collect();
        self.at = end + 1 + usize::from(any_case);
        let pattern = compile(&text.replace("\\/", "/"), any_case);
        let pattern = pattern.map_err(|problem| wrong(start..end + 1, problem))?;
        Ok(Some(Text { pattern, any_case }))
    }

    /// A name, a sign and a value; nothing if the word is none of that.
    fn field(&mut self) -> Result<Option<What>, FilterError> {
        let start = self.at;
        let letters = self.chars[start..].iter().take_while(|c| c.is_alphanumeric() || "_.-@".contains(**c));
        let name: String = letters.collect();
        if !name.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '@') {
            return Ok(None);
        }
        self.at += name.chars().count();
        let sign = SIGNS.iter().find(|(sign, _)| self.starts(sign)).filter(|_| !self.starts("://"));
        let Some((sign, comparison)) = sign else {
            self.at = start;
            return Ok(None);
        };
        self.at += sign.len();
        self.comparison(&name, *comparison, start).map(Some)
    }

    fn comparison(&mut self, name: &str, comparison: Comparison, start: usize) -> Result<What, FilterError> {
        let value_at = self.at;
        match name.to_ascii_lowercase().as_str() {
            "level" => {
                let word = self.value()?;
                let level = Level::named(&word);
                if level == Level::Unknown && !word.eq_ignore_ascii_case("unknown") {
                    return Err(wrong(value_at..self.at, FilterProblem::Level(word)));
                }
                Ok(What::Level(comparison, level))
            }
            "pod" => Ok(What::Pod(self.name("pod", comparison, start)?)),
            "container" => Ok(What::Container(self.name("container", comparison, start)?)),
            "revision" => {
                let word = self.value()?;
                let number = word.parse();
                let number = number.map_err(|_| wrong(value_at..self.at, FilterProblem::Revision(word)))?;
                Ok(What::Revision(comparison, number))
            }
            _ => self.other_field(name, comparison, start).map(What::Field),
        }
    }

    /// A pod or a container by its name or a part of it.
    fn name(
        &mut self,
        what: &'static str,
        comparison: Comparison,
        start: usize,
    ) -> Result<Name, FilterError> {
        if comparison.is_of_size() {
            return Err(wrong(start..self.at, FilterProblem::Size(what)));
        }
        let pattern = self.text(start, comparison != Comparison::Contains)?;
        Ok(Name { pattern, comparison })
    }

    fn other_field(
        &mut self,
        name: &str,
        comparison: Comparison,
        start: usize,
    ) -> Result<Field, FilterError> {
        let value_at = self.at;
        let pattern = self.text(start, comparison != Comparison::Contains)?;
        let value: String = self.chars[value_at..self.at].iter().collect();
        let number = value.trim_matches('"').parse::<f64>().ok().filter(|number| number.is_finite());
        if comparison.is_of_size() && number.is_none() {
            return Err(wrong(value_at..self.at, FilterProblem::Number(value)));
        }
        let written: String = self.chars[start..self.at].iter().collect();
        let as_written = compile(&regex::escape(&written), true);
        let as_written = as_written.map_err(|problem| wrong(start..self.at, problem))?;
        Ok(Field { name: name.to_owned(), comparison, pattern, number, as_written })
    }
}

fn compile(pattern: &str, any_case: bool) -> Result<Regex, FilterProblem> {
    let mut builder = RegexBuilder::new(pattern);
    builder.size_limit(PATTERN_SIZE).dfa_size_limit(PATTERN_SIZE).case_insensitive(any_case);
    builder.build().map_err(|error| FilterProblem::Pattern(reason(&error)))
}
