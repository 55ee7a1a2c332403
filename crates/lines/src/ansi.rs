//! Terminal colours, and what else programs send to steer a terminal.

use std::borrow::Cow;
use std::ops::Range;

/// How long a title, a link and the like may be, in bytes: one without an end must not be searched for it again and again.
const LONGEST_STRING: usize = 4096;

/// A part of a text that isn't in the usual style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Where it begins and ends, in bytes of the text without control sequences.
    pub range: Range<usize>,
    /// How it was to look.
    pub style: Style,
}

/// How a text was to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// None: the usual one.
    pub colour: Option<Colour>,
    /// Heavier than usual.
    pub bold: bool,
}

/// The colours that are told apart; every other is shown as the nearest of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the words are the definition
pub enum Colour {
    Red,
    Green,
    Yellow,
    Blue,
    Magenta,
    Cyan,
    Grey,
}

impl Colour {
    /// The colour's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Red => "red",
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Blue => "blue",
            Self::Magenta => "magenta",
            Self::Cyan => "cyan",
            Self::Grey => "grey",
        }
    }
}

/// The text as a reader sees it: without control sequences, and without control characters but tabs.
pub fn plain(text: &str) -> Cow<'_, str> {
    styled(text).0
}

/// The text as a reader sees it, and its parts in a style of their own, in order; none is empty.
pub fn styled(text: &str) -> (Cow<'_, str>, Vec<Span>) {
    if !has_control(text) {
        return (Cow::Borrowed(text), Vec::new());
    }
    let (mut shown, mut spans) = (String::with_capacity(text.len()), Vec::new());
    let mut style = Style::default();
    for part in parts(text, Strings::LeftOut) {
        match part {
            Part::Style(parameters) => style = changed(style, parameters),
            Part::Shown(_, c) => {
                if style != Style::default() {
                    extend(&mut spans, shown.len()..shown.len() + c.len_utf8(), style);
                }
                shown.push(c);
            }
        }
    }
    (Cow::Owned(shown), spans)
}

/// What of a text a reader gets something of.
pub(crate) enum Part<'a> {
    /// The parameters of a control sequence that sets a style.
    Style(&'a str),
    /// A character that is shown, and at which byte it stands.
    Shown(usize, char),
}

/// What becomes of what a title, a link and the like say.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strings {
    LeftOut,
    Shown,
}

/// The parts of a text, in order.
pub(crate) fn parts(text: &str, strings: Strings) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        while let Some(c) = rest.chars().next() {
            if let Some((sequence, after)) = control_sequence(rest) {
                let opens = strings == Strings::Shown && opens_string(rest);
                rest = if opens { &rest[2..] } else { after };
                if let Some(parameters) = sequence {
                    return Some(Part::Style(parameters));
                }
                continue;
            }
            let at = text.len() - rest.len();
            rest = &rest[c.len_utf8()..];
            if !c.is_control() || c == '\t' {
                return Some(Part::Shown(at, c));
            }
        }
        None
    })
}

/// Looks at bytes first, because nearly every line has none: a control character is below 32, 127, or 0xC2 and one more byte. Many
/// bytes are looked at together, whatever the first of them says: that is much quicker.
pub(crate) fn has_control(text: &str) -> bool {
    let suspect = |byte: u8| (byte < 0x20 && byte != b'\t') || byte == 0x7f || byte == 0xc2;
    let any_suspect = |bytes: &[u8]| bytes.iter().fold(false, |any, byte| any | suspect(*byte));
    text.as_bytes().chunks(256).any(any_suspect) && text.contains(|c: char| c.is_control() && c != '\t')
}

fn extend(spans: &mut Vec<Span>, range: Range<usize>, style: Style) {
    match spans.last_mut() {
        Some(last) if last.style == style && last.range.end == range.start => last.range.end = range.end,
        _ => spans.push(Span { range, style }),
    }
}

/// Whether a title, a link and the like begin here.
fn opens_string(text: &str) -> bool {
    text.strip_prefix('\u{1b}').is_some_and(|after| after.starts_with([']', 'P', '^', '_', 'X']))
}

/// A control sequence at the start of `text`: the parameters if it is one that sets a style, and what comes after it.
fn control_sequence(text: &str) -> Option<(Option<&str>, &str)> {
    let after = text.strip_prefix('\u{1b}').or_else(|| text.strip_prefix('\u{9b}'))?;
    let body = if text.starts_with('\u{9b}') { Some(after) } else { after.strip_prefix('[') };
    if let Some(body) = body {
        let end = body.find(|c: char| !(' '..='?').contains(&c)).unwrap_or(body.len());
        let (parameters, tail) = body.split_at(end);
        return Some(match tail.chars().next() {
            Some('m') => (Some(parameters), &tail[1..]),
            Some('@'..='~') => (None, &tail[1..]),
            // It broke off.
            _ => (None, tail),
        });
    }
    // Up to a bell or a string terminator.
    if opens_string(text) {
        let near = &after[..after.floor_char_boundary(LONGEST_STRING)];
        let bell = near.find('\u{7}').map(|at| (at, 1));
        let terminator = near.find("\u{1b}\\").map(|at| (at, 2));
        let end = bell.into_iter().chain(terminator).min();
        // One without an end would hide the rest of the line: only its beginning is taken.
        return Some((None, end.map_or(&after[1..], |(at, length)| &after[at + length..])));
    }
    // Two characters, with some in between that choose a character set.
    let after = after.trim_start_matches(|c: char| (' '..='/').contains(&c));
    Some((None, after.strip_prefix(|c: char| ('0'..='~').contains(&c)).unwrap_or(after)))
}

fn changed(mut style: Style, parameters: &str) -> Style {
    let mut numbers = parameters.split([';', ':']).map(|number| match number {
        "" => Some(0),
        number => number.parse::<u16>().ok(),
    });
    while let Some(number) = numbers.next() {
        match number {
            Some(0) => style = Style::default(),
            Some(1) => style.bold = true,
            Some(22) => style.bold = false,
            Some(2 | 90) => style.colour = Some(Colour::Grey),
            Some(code @ (30..=37 | 91..=97)) => style.colour = of_sixteen(code % 10),
            Some(38) => style.colour = extended(&mut numbers),
            // A background isn't shown, but its numbers aren't styles.
            Some(48 | 58) => drop(extended(&mut numbers)),
            Some(39) => style.colour = None,
            _ => {}
        }
    }
    style
}

fn of_sixteen(number: u16) -> Option<Colour> {
    match number {
        1 => Some(Colour::Red),
        2 => Some(Colour::Green),
        3 => Some(Colour::Yellow),
        4 => Some(Colour::Blue),
        5 => Some(Colour::Magenta),
        6 => Some(Colour::Cyan),
        // Black and white are the page's own text, whether it is dark or light.
        _ => None,
    }
}

/// A colour of 256, or by its red, green and blue.
fn extended(numbers: &mut impl Iterator<Item = Option<u16>>) -> Option<Colour> {
    match numbers.next()?? {
        5 => match numbers.next()?? {
            8 => Some(Colour::Grey),
            number @ 0..=15 => of_sixteen(number % 8),
            number @ 16..=231 => {
                let (cube, part) = (number - 16, |step: u16| if step == 0 { 0 } else { 55 + 40 * step });
                nearest(part(cube / 36), part(cube / 6 % 6), part(cube % 6))
            }
            number @ 232..=255 => {
                nearest((number - 232) * 10 + 8, (number - 232) * 10 + 8, (number - 232) * 10 + 8)
            }
            _ => None,
        },
        2 => {
            let (red, green, blue) = (numbers.next()??, numbers.next()??, numbers.next()??);
            nearest(red.min(255), green.min(255), blue.min(255))
        }
        _ => None,
    }
}

/// By which of red, green and blue are strong beside the strongest.
fn nearest(red: u16, green: u16, blue: u16) -> Option<Colour> {
    let (most, least) = (red.max(green).max(blue), red.min(green).min(blue));
    if most - least < 40 {
        return (60..=190).contains(&most).then_some(Colour::Grey);
    }
    let strong = |part: u16| part > u16::midpoint(most, least);
    match (strong(red), strong(green), strong(blue)) {
        (true, false, false) => Some(Colour::Red),
        (false, true, false) => Some(Colour::Green),
        (true, true, _) => Some(Colour::Yellow),
        (false, false, true) => Some(Colour::Blue),
        (true, false, true) => Some(Colour::Magenta),
        (false, true, true) => Some(Colour::Cyan),
        (false, false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The parts in a style of their own.
    fn shown(text: &str) -> Vec<(String, Option<Colour>, bool)> {
        let (text, spans) = styled(text);
        spans
            .into_iter()
            .map(|Span { range, style }| (text[range].to_owned(), style.colour, style.bold))
            .collect()
    }

    #[test]
    fn colours_of_16_of_256_and_true_ones_become_the_nearest_of_a_few() {
        let cases = [
            ("\u{1b}[31mx", Some(Colour::Red)),
            ("\u{1b}[0;92mx", Some(Colour::Green)),
            ("\u{1b}[38;5;208mx", Some(Colour::Yellow)),
            ("\u{1b}[38;5;244mx", Some(Colour::Grey)),
            ("\u{1b}[38;2;30;80;250mx", Some(Colour::Blue)),
            ("\u{1b}[48;5;1mx", None),
            ("\u{1b}[37mx", None),
            ("\u{1b}[31m\u{1b}[39mx", None),
        ];
        for (text, colour) in cases {
            let parts = colour.map(|colour| ("x".to_owned(), Some(colour), false));
            assert_eq!(shown(text), parts.as_slice(), "{text:?}");
        }
    }

    #[test]
    fn a_style_holds_until_it_is_taken_back() {
        let text = "a \u{1b}[1;31mERROR\u{1b}[22m b\u{1b}[m c";
        let red = Some(Colour::Red);
        let expected = [("ERROR", red, true), (" b", red, false)];
        assert_eq!(shown(text), expected.map(|(text, colour, bold)| (text.to_owned(), colour, bold)));
    }

    #[test]
    fn what_steers_a_terminal_is_left_out() {
        let cases = [
            ("\u{1b}]0;title\u{7}x", "x"),
            ("\u{1b}]8;;http://a\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{1b}[2J\u{1b}[1;1Hx", "x"),
            ("\u{1b}(Bx", "x"),
            ("a\rb\u{8}c\0", "abc"),
            ("\u{9b}31mx", "x"),
            ("\u{1b}]never ends", "never ends"),
            ("\u{1b}[31", ""),
            ("tab\tstays", "tab\tstays"),
            ("<b>&amp;", "<b>&amp;"),
        ];
        for (text, shown) in cases {
            assert_eq!(plain(text), shown, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_whatever_leaves_a_control_character_or_an_empty_part(text in "[\\x00-\\x7f\u{9b}é漢]{0,60}") {
            let (shown, spans) = styled(&text);
            prop_assert!(!shown.contains(|c: char| c.is_control() && c != '\t'));
            prop_assert_eq!(&*plain(&shown), &*shown);
            let mut end = 0;
            for Span { range, .. } in spans {
                prop_assert!(range.start >= end && !range.is_empty() && shown.get(range.clone()).is_some());
                end = range.end;
            }
        }

        #[test]
        fn text_without_control_characters_stays_as_it_is(text in "\\PC{0,60}") {
            prop_assume!(!text.contains(char::is_control));
            prop_assert_eq!(&*plain(&text), &*text);
        }
    }
}
