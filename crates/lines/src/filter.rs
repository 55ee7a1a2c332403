//! Which lines are asked for.

use crate::error::FilterError;
use crate::{Line, parse, plain};
use fairway_domain::{Level, LogEntry};
use regex::Regex;
use std::cell::OnceCell;
use std::ops::Range;

/// How often a term is marked in one line.
const MOST_HITS: usize = 100;

/// A filter as a person writes it: words, `"a text"`, `/a pattern/`, `level>=warn`, `pod:x2`, `status>=500 path:/orders`. All its
/// terms have to hold; `-` before one excludes, `or` between two lets either do.
///
/// A field is looked for in what a line's JSON or logfmt says, then among pairs `name=value` in its text; a line without a field of
/// that name also matches `name:value` where it has just that in its text. A line has a level only where it says one itself.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// In each group, one term has to hold.
    pub(crate) groups: Vec<Vec<Term>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Term {
    /// As it was written, with its `-`.
    pub(crate) written: String,
    pub(crate) excluded: bool,
    pub(crate) what: What,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Text(Text),
    Level(Comparison, Level),
    Pod(Name),
    Container(Name),
    Revision(Comparison, u64),
    Field(Field),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Contains,
    Equals,
    Differs,
    AtLeast,
    AtMost,
    More,
    Less,
}

impl Comparison {
    pub(crate) fn is_of_size(self) -> bool {
        matches!(self, Self::AtLeast | Self::AtMost | Self::More | Self::Less)
    }

    fn holds<T: PartialOrd>(self, value: &T, wanted: &T) -> bool {
        match self {
            Self::Contains | Self::Equals => value == wanted,
            Self::Differs => value != wanted,
            Self::AtLeast => value >= wanted,
            Self::AtMost => value <= wanted,
            Self::More => value > wanted,
            Self::Less => value < wanted,
        }
    }
}

/// What is looked for in a text.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) pattern: Regex,
    /// Whether the pattern minds no case, which it doesn't say itself.
    pub(crate) any_case: bool,
}

/// The name of a pod or a container.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) pattern: Regex,
    pub(crate) comparison: Comparison,
}

impl Name {
    fn holds(&self, name: &str) -> bool {
        self.pattern.is_match(name) != (self.comparison == Comparison::Differs)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) comparison: Comparison,
    pub(crate) pattern: Regex,
    /// The value, where it is a number.
    pub(crate) number: Option<f64>,
    /// The whole term as text.
    pub(crate) as_written: Regex,
}

impl Field {
    fn holds(&self, subject: &Subject<'_>) -> bool {
        let Some(value) = subject.line().field(&self.name) else {
            return self.comparison == Comparison::Contains && subject.has(&self.as_written);
        };
        let number = || value.trim().parse::<f64>().ok();
        match (self.comparison, self.number) {
            (Comparison::Contains, _) => self.pattern.is_match(&value),
            (comparison, Some(wanted)) if let Some(number) = number() => comparison.holds(&number, &wanted),
            (Comparison::Equals, _) => self.pattern.is_match(&value),
            (Comparison::Differs, _) => !self.pattern.is_match(&value),
            _ => false,
        }
    }
}

impl Filter {
    /// Reads a filter, or says what is wrong with it and where. An empty one keeps everything.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        parse::parse(text)
    }

    /// Where in a text that which is looked for stands, for a reader to see it: overlapping where several terms find the same.
    pub fn hits<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
        let texts = self.groups.iter().flatten().filter_map(|term| match &term.what {
            What::Text(wanted) if !term.excluded => Some(&wanted.pattern),
            _ => None,
        });
        let found = texts.flat_map(|pattern| pattern.find_iter(text).take(MOST_HITS));
        found.map(|hit| hit.range()).filter(|hit| !hit.is_empty())
    }

    /// Whether an entry is asked for. What happened to a pod is, unless the filter asks for other pods.
    pub fn verdict(&self, entry: &LogEntry) -> Verdict {
        let text = plain(&entry.text);
        let subject = Subject { entry, text: &text, line: OnceCell::new() };
        let holds = |group: &[Term]| group.iter().any(|term| term.holds(&subject));
        let leaves_out = |group: &[Term]| group.iter().all(|term| term.excluded);
        if self.groups.iter().any(|group| leaves_out(group) && !holds(group)) {
            Verdict::LeftOut
        } else if self.groups.iter().all(|group| leaves_out(group) || holds(group)) {
            Verdict::Kept
        } else {
            Verdict::NotAsked
        }
    }
}

/// What a filter says of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is asked for.
    Kept,
    /// It isn't asked for.
    NotAsked,
    /// It is excluded, whatever is asked for.
    LeftOut,
}

/// An entry that is asked about, parsed when the first term needs it.
struct Subject<'a> {
    entry: &'a LogEntry,
    text: &'a str,
    line: OnceCell<Line<'a>>,
}

impl<'a> Subject<'a> {
    fn line(&self) -> &Line<'a> {
        self.line.get_or_init(|| Line::read(self.text))
    }

    /// Whether the line has this in its text, as it is written or as it is read.
    fn has(&self, pattern: &Regex) -> bool {
        pattern.is_match(self.text)
            || (self.text.contains('\\') && self.line().any_escaped(|text| pattern.is_match(text)))
    }
}

impl Term {
    fn holds(&self, subject: &Subject<'_>) -> bool {
        let entry = subject.entry;
        // What happened to a pod isn't written by it: only where it happened can be asked of it, as far as it is known.
        let known = match &self.what {
            What::Text(_) | What::Level(..) | What::Field(_) => entry.marker.is_none(),
            What::Pod(_) => entry.marker.is_none() || !entry.pod.is_empty(),
            What::Container(_) => entry.marker.is_none() || !entry.container.is_empty(),
            What::Revision(..) => entry.marker.is_none() || entry.revision.is_some(),
        };
        !known || self.what.holds(subject) != self.excluded
    }
}

impl What {
    fn holds(&self, subject: &Subject<'_>) -> bool {
        match self {
            Self::Text(text) => subject.has(&text.pattern),
            Self::Level(comparison, wanted) => {
                let level = subject.line().level();
                // An unknown level is neither above nor below another.
                let comparable = level != Level::Unknown && *wanted != Level::Unknown;
                match comparison {
                    Comparison::Contains | Comparison::Equals => level == *wanted,
                    comparison => comparable && comparison.holds(&level, wanted),
                }
            }
            Self::Pod(name) => name.holds(&subject.entry.pod),
            Self::Container(name) => name.holds(&subject.entry.container),
            Self::Revision(comparison, wanted) => {
                subject.entry.revision.is_some_and(|revision| comparison.holds(&revision, wanted))
            }
            Self::Field(field) => field.holds(subject),
        }
    }
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
