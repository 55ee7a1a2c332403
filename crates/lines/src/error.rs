//! What can't be understood in a filter.

use std::ops::Range;

/// What is wrong with a filter, where, and what is allowed instead. The range counts characters from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct FilterError {
    /// Which characters are meant.
    pub at: Range<usize>,
    /// What is wrong with them.
    pub problem: FilterProblem,
}

/// What is wrong with a part of a filter. Its `Display` says what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterProblem {
    /// A quotation mark without its other half.
    #[error("This quotation mark has no other half. Close it, or write \\\" for a quotation mark in a text.")]
    OpenQuote,
    /// A regular expression without its end.
    #[error(
        "A regular expression ends with a slash before a space, such as /time(d )?out/. To find a text that begins with a slash, \
         write it in quotation marks."
    )]
    OpenPattern,
    /// A regular expression that isn't one.
    #[error("This is no regular expression: {0}.")]
    Pattern(String),
    /// Nothing where a text or a value is needed.
    #[error(
        "A value is missing here, as in path:/orders. To find a text with this sign, write it in quotation marks."
    )]
    Empty,
    /// Two terms without a space between them.
    #[error("A space is needed here.")]
    NoSpace,
    /// A word that is no level.
    #[error("“{0}” is no level. Levels are trace, debug, info, warn, error, fatal and unknown.")]
    Level(String),
    /// A comparison with something that isn't a number.
    #[error(
        "“{0}” is no number. Only numbers and levels are compared by size: status>=500, level>=warn. To find a text with this sign, \
         write it in quotation marks."
    )]
    Number(String),
    /// A comparison that makes no sense for what is compared.
    #[error("A {0} has no size. Write {0}:NAME, or {0}=NAME for the whole name.")]
    Size(&'static str),
    /// A revision that isn't one.
    #[error("“{0}” is no revision. A revision is a number, as in revision:8 or revision>=8.")]
    Revision(String),
    /// `or` without a term on one of its sides.
    #[error("“or” stands between two terms. To find the word itself, write it in quotation marks.")]
    Or,
    /// More terms than are answered quickly.
    #[error("A filter has at most {0} terms.")]
    TooMany(usize),
}

/// Why a regular expression is refused, in one line and without the expression, which stands beside it.
pub(crate) fn reason(error: &regex::Error) -> String {
    if let regex::Error::CompiledTooBig(_) = error {
        return "it is too big; let it repeat less".into();
    }
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim().strip_prefix("error: ").unwrap_or(last).trim_end_matches('.').to_owned()
}
