//! Lines that containers wrote.

use crate::{Invalid, LogHistory, LogMoment, LogPlace, Timestamp, names::parsed_text};
use jiff::fmt::temporal::DateTimePrinter;
use serde::{Deserialize, Serialize, Serializer};
use std::sync::Arc;

parsed_text! {
    /// Where a reader of a log stream is: give it back to resume exactly after the last line that was read. Opaque; at most 4 KiB
    /// of letters, digits and `-_.:,`.
    LogPosition, check_log_position
}

impl LogPosition {
    /// How many letters it has at most.
    pub const MOST_LETTERS: usize = 4096;
    /// What a reader gets who won't resume.
    pub const NONE: Self = Self(String::new());
}

fn check_log_position(text: &str) -> Result<(), Invalid> {
    // Without a way out in the middle: one is made for each line of a log, and so many bytes are looked at together.
    let plain = |b: u8| b.is_ascii_alphanumeric() | matches!(b, b'-' | b'_' | b'.' | b':' | b',');
    if text.len() <= LogPosition::MOST_LETTERS && text.bytes().fold(true, |all, b| all & plain(b)) {
        return Ok(());
    }
    Err(Invalid::new("A log position is what the stream gave as an event's id."))
}

parsed_text! {
    /// Which lines are asked for, as a person wrote it: at most 2000 characters. What it means, and whether it means anything, is
    /// known where lines are read.
    LogFilter, check_log_filter
}

fn check_log_filter(text: &str) -> Result<(), Invalid> {
    if text.chars().count() <= 2000 && !text.contains(char::is_control) {
        return Ok(());
    }
    Err(Invalid::new("A filter is one line of at most 2000 characters."))
}

/// What to read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LogRequest {
    /// Only lines since this many seconds ago.
    pub since: Option<u32>,
    /// Only lines from here on. It goes before `since`.
    pub from: Option<LogMoment>,
    /// Only lines before this. With an end, nothing is followed.
    pub until: Option<LogMoment>,
    /// Only this many of the last lines that there are: at most [`LogRequest::MOST_LAST`].
    pub tail: Option<u32>,
    /// Only this many of the first lines that there are; then nothing is followed, and `tail` doesn't apply.
    pub head: Option<u32>,
    /// Only lines that match this.
    pub filter: Option<LogFilter>,
    /// Go on as lines come.
    pub follow: bool,
    /// Resume after this position; `since`, `from` and `tail` don't apply then.
    pub after: Option<LogPosition>,
    /// Only what was written, when and by whom: lines are read for nothing but the filter, and each comes with [`LogPosition::NONE`].
    pub bare: bool,
}

impl LogRequest {
    /// How many of the last lines can be asked for: as many as a log view holds. They are collected before the first of them is given.
    pub const MOST_LAST: u32 = 200_000;
}

/// One line, or something that happened between lines. As JSON, what isn't known and what isn't so is left out: most lines would say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogEntry {
    /// When the kubelet saw it.
    #[serde(serialize_with = "instant")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// Which pod.
    #[serde(serialize_with = "shared")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub pod: Arc<str>,
    /// Which container.
    #[serde(serialize_with = "shared")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub container: Arc<str>,
    /// How often the container had been restarted when it wrote this.
    pub restart: u32,
    /// The revision of the Deployment that the pod belongs to, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// How serious, if the line itself says so: unknown until somebody has read it.
    pub level: Level,
    /// The line, without its end, as it was written; of a line longer than [`LogEntry::MOST_BYTES`] the beginning.
    pub text: String,
    /// How many bytes the whole line has: more than `text` where that is cut.
    pub bytes: u64,
    /// The line's own name. What happened between lines has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub place: Option<LogPlace>,
    /// Set where this belongs to the entry before it of the same container: a line of a stack trace.
    #[serde(skip_serializing_if = "is_not")]
    pub continues: bool,
    /// Set where lines with a later `at` have been given before: its place is further up. What Kubernetes reports ([`LogMarker::Event`]) is
    /// never late, whatever its `at`.
    #[serde(skip_serializing_if = "is_not")]
    pub late: bool,
    /// Set where this is no line of the container's but something that happened to it; `text` then says what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marker: Option<LogMarker>,
}

impl LogEntry {
    /// What of a line's text is given at most, in bytes.
    pub const MOST_BYTES: usize = 64 * 1024;
}

/// An instant in UTC, written at once: by way of a formatter it would take longer than all the rest of a line.
fn instant<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&DateTimePrinter::new().timestamp_to_string(at))
}

/// Whether to leave a mark out.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
fn is_not(mark: &bool) -> bool {
    !mark
}

/// A text that many entries share is written like any other.
fn shared<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

/// How completely a service's log is being read. Only what can still write counts: not a container that has ended or waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogStatus {
    /// How many pods run a container.
    pub pods: u32,
    /// Of how many of them every container that runs is being read.
    pub pods_read: u32,
    /// How many containers run.
    pub containers: u32,
    /// How many of them are being read. None while the cluster doesn't answer.
    pub containers_read: u32,
    /// Since when lines have been read as they come.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub since: Option<Timestamp>,
    /// At how many places lines may be missing since then.
    pub gaps: u64,
    /// The last of these places, at most [`LogStatus::MOST_GAPS`].
    pub latest_gaps: Vec<LogGap>,
    /// Where lines come from that neither the cluster nor Fairway has any more, if anywhere.
    pub history: Option<LogHistory>,
}

impl LogStatus {
    /// How many places are named.
    pub const MOST_GAPS: usize = 20;
}

/// A place where lines may be missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogGap {
    /// The time of the last line before it.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// Of which pod.
    pub pod: String,
    /// Of which of its containers.
    pub container: String,
    /// Why, as a sentence.
    pub why: String,
}

/// What happened between lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum LogMarker {
    /// A pod of the service was made.
    Joined,
    /// A pod of the service is gone.
    Left,
    /// Kubernetes reported something of the service's objects; its text says what. It has no pod where it is about another object.
    Event,
    /// The container ended; its text gives the exit code.
    Ended,
    /// The container was started anew; its text says for which time.
    Restarted,
    /// Lines may be missing here; its text says why.
    Gap,
}

/// How serious a line says it is. Never guessed from a word in its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[allow(missing_docs)] // the words are the definition
pub enum Level {
    #[default]
    Unknown,
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

impl Level {
    /// The level that a program's own word for it names, whatever its case; also the usual abbreviations.
    pub fn named(word: &str) -> Self {
        const WORDS: [(Level, &[&str]); 6] = [
            (Level::Trace, &["trace", "trac", "trc", "verbose", "vrb"]),
            (Level::Debug, &["debug", "debu", "dbg"]),
            (Level::Info, &["info", "information", "inf", "notice", "success"]),
            (Level::Warn, &["warn", "warning", "wrn"]),
            (Level::Error, &["error", "err", "erro", "fail", "severe"]),
            (
                Level::Fatal,
                &[
                    "fatal",
                    "fata",
                    "ftl",
                    "critical",
                    "crit",
                    "panic",
                    "pani",
                    "dpanic",
                    "emerg",
                    "emergency",
                    "alert",
                ],
            ),
        ];
        let named = |words: &&[&str]| words.iter().any(|known| known.eq_ignore_ascii_case(word));
        WORDS.iter().find(|(_, words)| named(words)).map_or(Self::Unknown, |(level, _)| *level)
    }

    /// The word that stands in the line's column.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "",
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_known_by_its_words_whatever_their_case() {
        let cases =
            [("Warning", Level::Warn), ("ERR", Level::Error), ("crit", Level::Fatal), ("x", Level::Unknown)];
        for (word, level) in cases {
            assert_eq!(Level::named(word), level, "{word}");
        }
    }

    #[test]
    fn an_entry_leaves_out_what_it_does_not_know_and_what_is_not_so() {
        let entry = LogEntry {
            at: "2026-11-25T12:01:07.2210Z".parse().unwrap(),
            pod: "orders-1".into(),
            container: "app".into(),
            restart: 0,
            revision: None,
            level: Level::Info,
            text: "up".into(),
            bytes: 2,
            place: None,
            continues: false,
            late: false,
            marker: None,
        };
        let json = r#"{"at":"2026-11-25T12:01:07.221Z","pod":"orders-1","container":"app","restart":0,"level":"info","text":"up","bytes":2}"#;
        assert_eq!(serde_json::to_string(&entry).unwrap(), json);
        let more = LogEntry { continues: true, late: true, marker: Some(LogMarker::Gap), ..entry };
        let rest = r#""bytes":2,"continues":true,"late":true,"marker":"gap"}"#;
        assert!(serde_json::to_string(&more).unwrap().ends_with(rest));
    }

    #[test]
    fn a_filter_is_one_line_that_is_not_too_long() {
        assert!("é".repeat(2000).parse::<LogFilter>().is_ok());
        for text in ["a\nb", &"é".repeat(2001)] {
            assert!(text.parse::<LogFilter>().is_err());
        }
    }

    #[test]
    fn a_position_holds_nothing_that_could_break_a_header_or_a_query() {
        assert!("a-1_2.3:4,5".parse::<LogPosition>().is_ok());
        for text in ["a\nb", "a b", "<a>", &"a".repeat(4097)] {
            assert!(text.parse::<LogPosition>().is_err());
        }
    }
}
