//! A line as it reads once what is written in it is taken for what it means: without control sequences, or with its escapes undone.
//! What is found there is found in the line.

use crate::ansi::{Part, Strings, has_control, parts};
use std::borrow::Cow;
use std::ops::Range;

/// A text that was made from a line.
pub(crate) struct Layer<'a> {
    pub(crate) text: Cow<'a, str>,
    /// From which byte of the text on it stands at which byte of the line. Before the first of them, both are the same.
    seams: Vec<(usize, usize)>,
}

/// What becomes of escaped quotation marks and backslashes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quotes {
    /// They stay, so that it is still seen where a text within the line ends.
    Escaped,
    Plain,
}

impl<'a> Layer<'a> {
    pub(crate) fn of(line: &'a str) -> Self {
        Self { text: Cow::Borrowed(line), seams: Vec::new() }
    }

    /// Whether there is anything in it that steers a terminal.
    pub(crate) fn has_control(&self) -> bool {
        has_control(&self.text) && self.text.contains(|c: char| c.is_control() && c != '\t' && c != '\n')
    }

    /// The same as it is shown: each of its lines without control sequences.
    pub(crate) fn shown(self, strings: Strings) -> Self {
        if !self.has_control() {
            return self;
        }
        let mut made = Made::of(&self);
        let mut start = 0;
        for line in self.text.split_inclusive('\n') {
            for part in parts(line, strings) {
                if let Part::Shown(at, c) = part {
                    made.skip(start + at);
                    made.copy(start + at + c.len_utf8());
                }
            }
            start += line.len();
            if line.ends_with('\n') {
                made.skip(start - 1);
                made.copy(start);
            }
        }
        made.skip(start);
        made.layer()
    }

    /// The same with the escapes of JSON's as what they stand for, wherever they stand: nothing if there is none.
    pub(crate) fn decoded(&self, quotes: Quotes) -> Option<Self> {
        escape_after(&self.text, 0)?;
        let (mut made, mut at) = (Made::of(self), 0);
        while let Some((escape, c)) = escape_after(&self.text, at) {
            at = escape.end;
            let stays = quotes == Quotes::Escaped && matches!(c, '"' | '\\');
            if stays && escape.len() == 2 {
                continue;
            }
            made.copy(escape.start);
            if stays {
                made.text.push('\\');
            }
            made.replace(escape.end, c);
        }
        if made.at == 0 {
            return None;
        }
        made.copy(self.text.len());
        Some(made.layer())
    }

    /// Where a part of the text stands in the line, with the whole of the escapes that it begins or ends in.
    pub(crate) fn in_line(&self, part: &Range<usize>) -> Range<usize> {
        let start = escape_around(&self.text, part.start).map_or(part.start, |escape| escape.start);
        let end = escape_around(&self.text, part.end).map_or(part.end, |escape| escape.end);
        self.place(start)..self.place(end)
    }

    fn place(&self, byte: usize) -> usize {
        let seams = self.seams.partition_point(|(here, _)| *here <= byte);
        let seam = seams.checked_sub(1).map(|last| self.seams[last]);
        seam.map_or(byte, |(here, there)| there + (byte - here))
    }
}

/// A layer that is being made from another.
struct Made<'a, 'b> {
    from: &'b Layer<'a>,
    text: String,
    seams: Vec<(usize, usize)>,
    /// How much of the other's text is dealt with, and how many of its seams.
    at: usize,
    passed: usize,
}

impl<'a, 'b> Made<'a, 'b> {
    fn of(from: &'b Layer<'a>) -> Self {
        Self { from, text: String::with_capacity(from.text.len()), seams: Vec::new(), at: 0, passed: 0 }
    }

    fn copy(&mut self, until: usize) {
        while let Some((here, there)) = self.from.seams.get(self.passed).filter(|(here, _)| *here <= until) {
            self.seams.push((self.text.len() + (here - self.at), *there));
            self.passed += 1;
        }
        self.text.push_str(&self.from.text[self.at..until]);
        self.at = until;
    }

    fn replace(&mut self, until: usize, by: char) {
        self.text.push(by);
        self.leave(until);
    }

    fn skip(&mut self, until: usize) {
        if until > self.at {
            self.leave(until);
        }
    }

    fn leave(&mut self, until: usize) {
        let passed = |(here, _): &&(usize, usize)| *here <= until;
        self.passed += self.from.seams[self.passed..].iter().take_while(passed).count();
        self.seams.push((self.text.len(), self.from.place(until)));
        self.at = until;
    }

    fn layer(self) -> Layer<'a> {
        Layer { text: Cow::Owned(self.text), seams: self.seams }
    }
}

/// The first escape from a byte on, and what it stands for.
fn escape_after(text: &str, from: usize) -> Option<(Range<usize>, char)> {
    let mut at = from;
    loop {
        at += text[at..].find('\\')?;
        if let Some((length, c)) = escape(&text[at..]) {
            return Some((at..at + length, c));
        }
        // A backslash before what isn't escaped is itself.
        at += 1;
    }
}

/// The length of the escape at the start of a text, and what it stands for.
fn escape(text: &str) -> Option<(usize, char)> {
    let c = match text.as_bytes().get(1)? {
        b @ (b'"' | b'\\' | b'/') => char::from(*b),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode(text),
        _ => return None,
    };
    Some((2, c))
}

/// The same of one by a character's number, or by those of both halves of a pair.
fn unicode(text: &str) -> Option<(usize, char)> {
    let unit = |from: usize| {
        let digits = text.get(from..from + 6)?.strip_prefix("\\u")?;
        let digits = Some(digits).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        u16::from_str_radix(digits, 16).ok()
    };
    let first = unit(0)?;
    if let Some(second) = unit(6)
        && let Some(Ok(c)) = char::decode_utf16([first, second]).next()
        && c > '\u{ffff}'
    {
        return Some((12, c));
    }
    Some((6, char::from_u32(first.into()).unwrap_or(char::REPLACEMENT_CHARACTER)))
}

/// The escape that goes on beyond a byte.
pub(crate) fn escape_around(text: &str, byte: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let begins = |at: usize| {
        let before = || bytes[..at].iter().rev().take_while(|b| **b == b'\\').count();
        bytes[at] == b'\\' && before() % 2 == 0
    };
    // The longest has twelve.
    let starts = (byte.saturating_sub(11)..byte).filter(|at| begins(*at));
    starts.filter_map(|at| Some(at..at + escape(&text[at..])?.0)).find(|escape| escape.end > byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_escape_of_json_stands_for_what_it_stands_for() {
        let of = |text: &str, quotes| Layer::of(text).decoded(quotes).map(|layer| layer.text.into_owned());
        let decoded = |text: &str| of(text, Quotes::Plain);
        assert_eq!(decoded(r#"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00z"#).unwrap(), "a\"\\/\u{8}\u{c}\n\r\té😀z");
        assert_eq!(decoded(r"\ud83d\u0041\ude00").unwrap(), "\u{fffd}A\u{fffd}");
        assert_eq!(decoded(r"\x \u12 \u+123 \é \"), None);
        assert_eq!(decoded(r"\x\n\").unwrap(), "\\x\n\\");
        assert_eq!(of(r#"\"\\u0041\u0041\u0022"#, Quotes::Escaped).unwrap(), r#"\"\\u0041A\""#);
        assert_eq!(of(r#"\"\\"#, Quotes::Escaped), None);
    }

    #[test]
    fn what_is_found_is_found_in_the_line_with_its_whole_escapes() {
        fn decoded<'a>(layer: &Layer<'a>) -> Layer<'a> {
            layer.decoded(Quotes::Plain).unwrap()
        }
        let line = "a\u{1b}[1m\\\\u0062\u{1b}[0mc\\nd";
        let shown = Layer::of(line).shown(Strings::LeftOut);
        assert_eq!(shown.text, r"a\\u0062c\nd");
        let layers = [decoded(&shown), decoded(&decoded(&shown))];
        assert_eq!(layers.each_ref().map(|layer| &*layer.text), ["a\\u0062c\nd", "abc\nd"]);
        let found = |layer: &Layer<'_>, part| line[layer.in_line(&part)].to_owned();
        assert_eq!(found(&layers[1], 1..3), "\\\\u0062\u{1b}[0mc");
        assert_eq!(found(&layers[1], 3..5), "\\nd");
        assert_eq!(found(&layers[0], 3..7), "\\\\u0062\u{1b}[0m", "it begins in the middle of an escape");
        assert_eq!(found(&shown, 2..3), "\\\\", "and so here");
    }

    proptest! {
        #[test]
        fn what_json_decodes_is_decoded_alike(text in "\\PC{0,30}|[\\x00-\\x7f]{0,30}") {
            let quoted = serde_json::to_string(&text).unwrap();
            let decoded = Layer::of(&quoted).decoded(Quotes::Plain).map_or(quoted.clone(), |layer| layer.text.into_owned());
            prop_assert_eq!(decoded, format!("\"{text}\""));
        }

        #[test]
        fn every_part_of_every_layer_is_a_part_of_the_line(line in "[a\\\\u0\"n\u{1b}\\[m;é\n]{0,40}") {
            let first = Layer::of(&line);
            let shown = [Strings::LeftOut, Strings::Shown].map(|strings| Layer::of(&line).shown(strings));
            let decoded = first.decoded(Quotes::Escaped);
            let then = first.decoded(Quotes::Plain).map(|layer| layer.shown(Strings::LeftOut));
            for layer in shown.iter().filter_map(|layer| layer.decoded(Quotes::Plain)).chain(decoded).chain(then).chain([first]) {
                for (at, c) in layer.text.char_indices() {
                    prop_assert!(line.get(layer.in_line(&(at..at + c.len_utf8()))).is_some());
                }
            }
        }
    }
}
