//! What a log line says: its level, its message, its fields, and whether a filter asks for it.
//!
//! Pure: text in, answers out. The only crate that knows how programs write their lines; where lines come from and how they are
//! shown is known elsewhere. A level is never guessed from a word: it stands in its field or at its usual place, or it is unknown.

mod ansi;
mod command;
mod error;
mod filter;
mod json;
mod layer;
mod level;
mod line;
mod mask;
mod pairs;
mod parse;
mod trace;

pub use ansi::{Colour, Span, Style, plain, styled};
pub use command::{Equivalent, Run, Whose, kubectl, stern};
pub use error::{FilterError, FilterProblem};
pub use filter::{Filter, Verdict};
pub use line::Line;
pub use mask::{MaskError, Masks};
pub use trace::Trace;
