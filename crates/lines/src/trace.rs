//! Which lines belong to the line before them: the traces that programs write when something breaks.

use crate::level;
use fairway_domain::Level;

/// How many lines may follow the first one of an entry; one more begins another.
const MOST_LINES: usize = 1000;

/// Follows the lines of one container in their order and tells which of them continue the entry before: the frames of Java and
/// JavaScript, Python's tracebacks, Go's goroutine dumps and stacks, Rust's panics and backtraces.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    inside: Inside,
    /// The entry's first line says that it is a warning or worse, so an exception after it is its reason.
    troubled: bool,
    /// How many lines have followed the entry's first.
    lines: usize,
}

/// What kind of trace the line before was of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Inside {
    /// None, as far as is known.
    #[default]
    Text,
    Java,
    /// Within the frames.
    Python,
    /// After the exception itself: another one may follow.
    PythonEnd,
    Go,
    /// Right after the line that says where, before the one that says what.
    RustMessage,
    Rust,
}

impl Trace {
    /// Whether this line, without control sequences, continues the entry before.
    pub fn continues(&mut self, line: &str) -> bool {
        let inside = self.next(line);
        if let Some(inside) = inside {
            self.inside = inside;
            self.lines += 1;
            if self.lines <= MOST_LINES {
                return true;
            }
            self.lines = 0;
            return false;
        }
        *self = Self {
            inside: begun_by(line),
            troubled: !line.starts_with('{') && level::of_text(line) >= Level::Warn,
            lines: 0,
        };
        false
    }

    /// What kind of trace goes on with this line; none if it begins an entry.
    fn next(&self, line: &str) -> Option<Inside> {
        let inside = self.inside;
        let text = line.trim_start();
        if text.is_empty() {
            return (self.troubled || inside != Inside::Text).then_some(inside);
        }
        let indented = text.len() < line.len();
        if is_frame(text, indented) {
            return Some(if inside == Inside::Text { Inside::Java } else { inside });
        }
        if is_traceback(text) {
            return (self.troubled || inside == Inside::PythonEnd || indented).then_some(Inside::Python);
        }
        if is_goroutine(text) {
            return Some(Inside::Go);
        }
        // What a panic said may have had several lines.
        if text == "stack backtrace:" || text.starts_with("note: run with `RUST_BACKTRACE=") {
            return Some(Inside::Rust);
        }
        match inside {
            Inside::Text | Inside::Java if self.troubled && !indented => {
                let java = is_java_exception(text).then_some(Inside::Java);
                java.or_else(|| is_go_function(text).then_some(Inside::Go))
            }
            Inside::Text | Inside::Java => None,
            // Loguru marks the frame that caught it.
            Inside::Python if indented || text.starts_with("> File \"") => Some(Inside::Python),
            Inside::Python => is_python_exception(line).then_some(Inside::PythonEnd),
            Inside::PythonEnd => is_python_link(text).then_some(Inside::PythonEnd),
            Inside::Go => is_go(line, indented).then_some(Inside::Go),
            Inside::RustMessage => (level::of_text(line) == Level::Unknown).then_some(Inside::Rust),
            Inside::Rust => is_rust(text, indented).then_some(Inside::Rust),
        }
    }
}

/// The kind of trace that a line begins.
fn begun_by(line: &str) -> Inside {
    if is_traceback(line.trim_start()) {
        Inside::Python
    } else if line.starts_with("panic: ")
        || line.starts_with("fatal error: ")
        || line.contains("http: panic serving ")
    {
        Inside::Go
    } else if line.starts_with("thread '") && line.contains("panicked at ") {
        if line.ends_with(':') { Inside::RustMessage } else { Inside::Rust }
    } else {
        Inside::Text
    }
}

/// A frame, or what stands between frames, of the JVM, of Node.js and of .NET.
fn is_frame(text: &str, indented: bool) -> bool {
    let more = || {
        let rest = text.strip_prefix("... ")?;
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        Some(rest.starts_with(" more") || rest.starts_with(" common frames omitted"))
    };
    (indented && (text.starts_with("at ") || text.starts_with("Suppressed: ") || more() == Some(true)))
        || text.starts_with("Caused by: ")
}

/// `org.example.SomeException: why`, or without a reason.
fn is_java_exception(text: &str) -> bool {
    let name = text.split([':', ' ']).next().unwrap_or_default();
    let ends = ["Exception", "Error", "Throwable"].iter().any(|end| name.ends_with(end));
    let named = name.chars().all(|c| c.is_alphanumeric() || "._$".contains(c));
    ends && named && (text.len() == name.len() || text[name.len()..].starts_with(": "))
}

fn is_traceback(text: &str) -> bool {
    let text = text.strip_prefix("+ ").unwrap_or(text);
    let text = text.strip_prefix("Exception Group ").unwrap_or(text);
    text.starts_with("Traceback (most recent call last):")
}

/// `SomeError: why`: what Python writes after the frames.
fn is_python_exception(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default();
    let named = name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || "._".contains(c));
    named && level::of_text(line) == Level::Unknown
}

/// What Python writes between two tracebacks.
fn is_python_link(text: &str) -> bool {
    text.starts_with("During handling of the above exception")
        || text.starts_with("The above exception was the direct cause")
}

/// `goroutine 1 [running]:`
fn is_goroutine(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("goroutine ") else { return false };
    rest.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(" [")
        && rest.starts_with(|c: char| c.is_ascii_digit())
}

/// `net/http.(*conn).serve`, as a logger writes a stack: with the place on the next line.
fn is_go_function(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "/._-()*[]".contains(c);
    let (package, name) = text.rsplit_once('/').map_or(("", text), |(path, name)| (path, name));
    let named = name.split_once('.').is_some_and(|(of, name)| {
        of.starts_with(char::is_alphabetic) && name.starts_with(|c: char| c.is_alphabetic() || c == '(')
    });
    named && text.chars().all(plain) && !package.contains(['(', ')', '*'])
}

fn is_go(line: &str, indented: bool) -> bool {
    let call = || {
        let name = line.split('(').next().unwrap_or_default();
        name.len() < line.len() && line.ends_with(')') && !name.contains(char::is_whitespace)
    };
    let starts =
        ["[signal ", "[recovered", "created by ", "exit status ", "runtime stack:", "...additional frames"];
    (indented && line.starts_with('\t'))
        || starts.iter().any(|start| line.starts_with(start))
        || call()
        || is_go_function(line)
}

fn is_rust(text: &str, indented: bool) -> bool {
    let numbered = || {
        let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
        indented && rest.len() < text.len() && rest.starts_with(": ")
    };
    text.starts_with("note: ") || text.starts_with("stack backtrace:") || numbered()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Each entry of a log as how many lines it has.
    fn entries(log: &str) -> Vec<usize> {
        let mut trace = Trace::default();
        let mut entries = Vec::new();
        for line in log.lines() {
            let continues = trace.continues(line);
            match entries.last_mut().filter(|_| continues) {
                Some(lines) => *lines += 1,
                None => entries.push(1),
            }
        }
        entries
    }

    #[test]
    fn lines_that_only_look_alike_begin_entries() {
        let log = "INFO start\njava.lang.IllegalStateException: printed by itself\nat the door\ngoroutine counting\n\
                   note: nothing\nKeyError: x\n\tindented\nthread 'main' started\nINFO end";
        assert_eq!(entries(log), vec![1; 9]);
    }

    #[test]
    fn an_exception_belongs_to_the_line_that_says_there_is_trouble() {
        let log = "2026-11-25 10:00:00 ERROR it broke\n\njava.lang.IllegalStateException: why\n\tat a.B.c(B.java:1)\n\
                   Caused by: java.io.IOException\n\t... 12 more\n2026-11-25 10:00:01 INFO on";
        assert_eq!(entries(log), [6, 1]);
    }

    #[test]
    fn a_trace_without_an_end_is_parted() {
        let log = format!("Error: x\n{}", "    at f (a.js:1:1)\n".repeat(2 * MOST_LINES + 1));
        assert_eq!(entries(&log), [MOST_LINES + 1, MOST_LINES + 1]);
    }

    proptest! {
        #[test]
        fn a_line_that_says_its_level_after_a_time_begins_an_entry(
            before in proptest::collection::vec("(\\PC{0,20}|\tat x|Traceback \\(most recent call last\\):|panic: x|thread 'a' panicked at b:)", 0..6),
            text in "\\PC{0,40}",
        ) {
            let mut trace = Trace::default();
            for line in &before {
                trace.continues(line);
            }
            let line = format!("2026-11-25 10:00:00 INFO {text}");
            prop_assert!(!trace.continues(&line));
        }
    }
}
