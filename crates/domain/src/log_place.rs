//! Where a line stands among all lines of a service, and what can be asked for by it.

use crate::{Invalid, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A line's own name: the same however often and by whomever it is read, so that it can be shared. As text, four hexadecimal numbers
/// with dots between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LogPlace {
    /// Stands for a container of a pod.
    pub source: u64,
    /// How often the container had been restarted.
    pub restart: u32,
    /// The line's time in nanoseconds since 1970; never less than that of the line before it.
    pub nanos: i64,
    /// The line's number among those of the container at that time, from 1.
    pub ordinal: u32,
}

impl fmt::Display for LogPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from(*self))
    }
}

impl FromStr for LogPlace {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || Invalid::new("A line's place is four hexadecimal numbers, as the line says it.");
        let parts: Vec<&str> = text.split('.').collect();
        let [source, restart, nanos, ordinal] = parts[..] else { return Err(invalid()) };
        let place = Self {
            source: u64::from_str_radix(source, 16).map_err(|_| invalid())?,
            restart: u32::from_str_radix(restart, 16).map_err(|_| invalid())?,
            nanos: i64::from_str_radix(nanos, 16).map_err(|_| invalid())?,
            ordinal: u32::from_str_radix(ordinal, 16).map_err(|_| invalid())?,
        };
        if place.nanos < 0 { Err(invalid()) } else { Ok(place) }
    }
}

impl TryFrom<String> for LogPlace {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<LogPlace> for String {
    // One is written for each line of a log, so not by way of a formatter.
    fn from(LogPlace { source, restart, nanos, ordinal }: LogPlace) -> Self {
        let mut text = Self::with_capacity(40);
        push_hex(&mut text, source);
        for number in [restart.into(), nanos.max(0).unsigned_abs(), ordinal.into()] {
            text.push('.');
            push_hex(&mut text, number);
        }
        text
    }
}

/// Adds a number in hexadecimal digits.
pub fn push_hex(text: &mut String, number: u64) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = 16 - (number | 1).leading_zeros() / 4;
    for digit in (0..digits).rev() {
        text.push(char::from(DIGITS[usize::try_from((number >> (4 * digit)) & 0xf).unwrap_or_default()]));
    }
}

/// An end of a range of lines: an instant, or right before a line. Two ranges that share an end share no line, and leave none out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum LogMoment {
    /// An instant.
    At(Timestamp),
    /// Right before a line.
    Line(LogPlace),
}

impl fmt::Display for LogMoment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(at) => at.fmt(f),
            Self::Line(place) => place.fmt(f),
        }
    }
}

impl FromStr for LogMoment {
    type Err = Invalid;

    /// A time without a zone, as a form's field gives it, is UTC.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let instant =
            text.parse().or_else(|_| format!("{text}Z").parse()).or_else(|_| format!("{text}:00Z").parse());
        let moment = instant.map(Self::At).or_else(|_| text.parse().map(Self::Line));
        moment.map_err(|_: Invalid| {
            Invalid::new("A moment is a time such as 2026-11-25T12:01:07.221Z, or a line's place.")
        })
    }
}

impl TryFrom<String> for LogMoment {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<LogMoment> for String {
    fn from(moment: LogMoment) -> Self {
        moment.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_and_a_time_are_read_as_they_are_written() {
        let place = LogPlace { source: 0xa1, restart: 2, nanos: 1_800_000_000_123_456_789, ordinal: 17 };
        assert_eq!(place.to_string(), "a1.2.18fae2769b0fcd15.11");
        assert_eq!("a1.2.18fae2769b0fcd15.11".parse(), Ok(place));
        assert_eq!("a1.2.18fae2769b0fcd15.11".parse(), Ok(LogMoment::Line(place)));
        let time = "2026-11-25T12:01:07.221Z";
        assert_eq!(time.parse::<LogMoment>().unwrap().to_string(), time);
        let written = |text: &str| text.parse::<LogMoment>().unwrap().to_string();
        assert_eq!(written("2026-11-25T12:01"), "2026-11-25T12:01:00Z");
        assert_eq!(written("2026-11-25T12:01:07"), "2026-11-25T12:01:07Z");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "a", "1.2.3", "1.2.3.4.5", "1.2.-3.4", "x.2.3.4", "yesterday", "1.2.3.ffffffffff"] {
            assert!(text.parse::<LogPlace>().is_err(), "{text}");
            assert!(text.parse::<LogMoment>().is_err(), "{text}");
        }
    }
}
