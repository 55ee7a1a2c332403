//! The level that a line of plain text says, at its usual place: after what frameworks write before it.

use fairway_domain::Level;

/// How many parts (times, threads, names) may stand before a level.
const MOST_PARTS: usize = 12;
/// How long a part in brackets may be, in bytes.
const LONGEST_BRACKET: usize = 120;

/// The level of a line of text, as its framework wrote it. A level's word anywhere else in the line means nothing.
pub(crate) fn of_text(text: &str) -> Level {
    if let Some(level) = of_klog(text) {
        return level;
    }
    let mut place = Place { rest: text, timed: false, dashed: false };
    for _ in 0..MOST_PARTS {
        place.rest = place.rest.trim_start_matches([' ', '\t']);
        match place.step() {
            Step::Level(level) => return level,
            Step::Skipped => {}
            Step::Message => break,
        }
    }
    Level::Unknown
}

/// Kubernetes' own programs: `E1125 10:00:00.000000       1 file.go:12] text`.
fn of_klog(text: &str) -> Option<Level> {
    let (head, rest) = text.split_at_checked(6)?;
    let (letter, date) = head.split_at_checked(1)?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(date.get(..4)?) || !date.ends_with(' ') || !rest.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    match letter {
        "I" => Some(Level::Info),
        "W" => Some(Level::Warn),
        "E" => Some(Level::Error),
        "F" => Some(Level::Fatal),
        _ => None,
    }
}

/// Where the reading of a line is.
struct Place<'a> {
    rest: &'a str,
    /// Whether a time has been seen.
    timed: bool,
    /// Whether the part before was a dash.
    dashed: bool,
}

enum Step {
    Level(Level),
    Skipped,
    Message,
}

impl Place<'_> {
    /// What the next part of the line is.
    fn step(&mut self) -> Step {
        if let Some(inner) = self.rest.strip_prefix('[') {
            return self.bracket(inner);
        }
        if let Some(level) = self.level() {
            return Step::Level(level);
        }
        let end = self.rest.find([' ', '\t', '[']).unwrap_or(self.rest.len());
        let (part, after) = self.rest.split_at(end);
        let dashed = std::mem::replace(&mut self.dashed, part == "-");
        let is_time = is_time(part);
        // A logger's name between two dashes, as Python's logging is often told to write.
        let is_name = self.timed && dashed && after.starts_with(" - ");
        let is_number = part.bytes().all(|byte| byte.is_ascii_digit());
        let is_rule = part.bytes().all(|byte| b"-|:>".contains(&byte));
        let is_of_time = is_month(part) || (self.timed && ["UTC", "GMT", "AM", "PM", "Z"].contains(&part));
        if part.is_empty() || !(is_time || is_name || is_number || is_rule || is_of_time) {
            return Step::Message;
        }
        self.timed |= is_time;
        self.rest = after;
        Step::Skipped
    }

    /// A part in brackets: a level, or something that may stand before one.
    fn bracket(&mut self, inner: &str) -> Step {
        let near = &inner[..inner.floor_char_boundary(LONGEST_BRACKET)];
        let Some(end) = near.find(']') else { return Step::Message };
        let inside = inner[..end].trim();
        let level = Level::named(inside);
        if level != Level::Unknown {
            return Step::Level(level);
        }
        // A time and a level in one bracket: Serilog's, Celery's.
        if inside.starts_with(|c: char| c.is_ascii_digit())
            && let Some(last) = inside.split_whitespace().last()
        {
            let word = last.split('/').next().unwrap_or(last);
            let level = if is_upper(word) { Level::named(word) } else { Level::Unknown };
            if level != Level::Unknown {
                return Step::Level(level);
            }
        }
        self.timed |= is_time(inside.split_whitespace().next().unwrap_or_default());
        self.dashed = false;
        let after = self.rest.len() - inner.len() + end + 1;
        self.rest = &self.rest[after..];
        Step::Skipped
    }

    /// A level's word here, written as frameworks write one.
    fn level(&self) -> Option<Level> {
        let letters = self.rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (word, after) = self.rest.split_at(letters);
        let level = Level::named(word);
        if level == Level::Unknown {
            return None;
        }
        let next = after.bytes().next();
        let colon = next == Some(b':') && after[1..].bytes().next().is_none_or(|byte| byte == b' ');
        let usual = if is_upper(word) {
            let ends = matches!(next, None | Some(b' ' | b'\t' | b':' | b'|' | b'['));
            // A word as short as ERR is one only where a time stands before it, or digits in brackets after it.
            ends && (is_whole(word) || self.timed || next == Some(b'['))
        } else {
            colon || (self.timed && next == Some(b'\t'))
        };
        usual.then_some(level)
    }
}

fn is_upper(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Not one of the abbreviations to three letters, nor one cut off at four.
fn is_whole(word: &str) -> bool {
    word.len() > 4 || ["INFO", "WARN", "CRIT", "FAIL"].contains(&word)
}

/// A date, a time or both: digits with what stands between them.
fn is_time(part: &str) -> bool {
    let bytes = part.as_bytes();
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    // `6:23PM` is one too.
    let least = if part.ends_with('M') { 3 } else { 4 };
    bytes.first().is_some_and(u8::is_ascii_digit)
        && digits >= least
        && bytes.iter().any(|byte| b":-/".contains(byte))
        && bytes.iter().all(|byte| byte.is_ascii_digit() || b":-/.,+TZAPM".contains(byte))
}

fn is_month(part: &str) -> bool {
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"].contains(&part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_level_is_read_at_the_place_where_frameworks_write_it() {
        let cases = [
            ("2026-11-25T10:00:00.123+01:00  INFO 1 --- [main] c.e.App : Started", Level::Info),
            ("2026-11-25 10:00:00,123 - orders.db - ERROR - connection lost", Level::Error),
            ("2026-11-25 10:00:00.123 | WARNING  | __main__:run:1 - slow", Level::Warn),
            ("10:00:00.123 [http-nio-8080-exec-1] WARN  c.e.Orders - slow", Level::Warn),
            ("2026/11/25 10:00:00 INFO listening port=8080", Level::Info),
            ("2026/11/25 10:00:00 [error] 31#31: *1 open() failed", Level::Error),
            ("[2026-11-25 10:00:00 +0000] [7] [CRITICAL] worker died", Level::Fatal),
            ("[25/Nov/2026 10:00:00] DEBUG [django.db:1] select", Level::Debug),
            ("[2026-11-25 10:00:00.000][1][warning][main] [source/a.cc:1] text", Level::Warn),
            ("[2026-11-25 10:00:00,000: WARNING/MainProcess] text", Level::Warn),
            ("[10:00:00 INF] Now listening", Level::Info),
            ("2026-11-25T10:00:00.123Z\tinfo\tserver/main.go:12\tlistening", Level::Info),
            ("2026-11-25 10:00:00.123 UTC [1] FATAL:  database system is shut down", Level::Fatal),
            ("Nov 25 10:00:00 ERROR broken", Level::Error),
            ("ERROR:root:it broke", Level::Error),
            ("INFO:     127.0.0.1:5000 - \"GET / HTTP/1.1\" 200", Level::Info),
            ("WARN - low on disk", Level::Warn),
            ("[error] broken", Level::Error),
            ("warn: Microsoft.Hosting[14]", Level::Warn),
            ("ERRO[0012] broken", Level::Error),
            ("6:23PM WRN slow reservation took=1.52", Level::Warn),
            ("E1125 10:00:00.123456       1 main.go:12] broken", Level::Error),
            ("INFO error count 0", Level::Info),
            ("ERROR", Level::Error),
            ("panic: runtime error: index out of range", Level::Fatal),
        ];
        for (line, level) in cases {
            assert_eq!(of_text(line), level, "{line}");
        }
    }

    #[test]
    fn a_levels_word_anywhere_else_is_no_level() {
        let lines = [
            "",
            "error",
            "an error occurred",
            "error count 0",
            "2026-11-25 10:00:00 error count 0",
            "10.0.0.1 - error [25/Nov/2026:10:00:00 +0000] \"GET /?level=error HTTP/1.1\" 200 5",
            "ERROR_COUNT=0",
            "ERRORS 0",
            "ERR unknown command",
            "the [error] was handled",
            "GET /x?level=error 200",
            "Nothing: ERROR",
            "[main] no ERROR here",
            "errors: 0",
            "[",
            "é[error]",
        ];
        for line in lines {
            assert_eq!(of_text(line), Level::Unknown, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_level_or_none(text in "\\PC{0,200}|[\\[\\]:| \\-0-9ERO]{0,200}") {
            of_text(&text);
        }

        #[test]
        fn what_follows_an_explicit_level_never_changes_it(rest in "\\PC{0,80}") {
            prop_assert_eq!(of_text(&format!("2026-11-25 10:00:00 WARN {rest}")), Level::Warn);
        }

        #[test]
        fn a_text_that_begins_with_another_word_has_no_level(rest in "\\PC{0,80}") {
            prop_assert_eq!(of_text(&format!("Orders {rest}")), Level::Unknown);
        }
    }
}
