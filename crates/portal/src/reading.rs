//! How one reader's log entries are read: which belong together, which are kept, and what they say.

use crate::logs::LogLineStream;
use fairway_domain::LogEntry;
use fairway_kubernetes::Keep;
use fairway_lines::{Filter, Line, Masks, Trace, Verdict, plain};
use futures::{StreamExt, TryStreamExt, stream::once};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// How many containers are followed at once; the one that was met first is forgotten for another.
const MOST_CONTAINERS: usize = 256;

/// Where a line was cut, something that is to be hidden may have been cut in two, and doesn't look like it any more: that much of its
/// end is left out, in bytes.
const LONGEST_SECRET: usize = 1024;

/// Reads entries for one reader. Lines that belong to a line that is kept are kept with it, so that an error has its trace; of what
/// isn't kept, only as much is read as the filter needs. What is masked is so before the filter sees it: nobody can ask for it.
pub(crate) fn keep(filter: Option<Filter>, masks: Masks) -> Keep {
    let reading = Reading { filter, masks, containers: Mutex::default() };
    Arc::new(move |entry| reading.keep(entry))
}

/// How much of one line can be searched for what is masked, since it is held for that.
const MOST_MASKED: usize = 64 * 1024 * 1024;

/// A line without what is masked. Of one that is too long to be searched, the rest is left out, and that is said in its place.
pub(crate) fn masked(mut line: LogLineStream, masks: Masks) -> LogLineStream {
    let whole = async move {
        let (mut held, mut beyond) = (Vec::new(), 0);
        while let Some(piece) = line.try_next().await? {
            let room = MOST_MASKED.saturating_sub(held.len()).min(piece.len());
            held.extend_from_slice(&piece[..room]);
            beyond += piece.len() - room;
        }
        let shown = masks.hide(&String::from_utf8_lossy(&held)).into_owned();
        let unsearched = format!(" [{beyond} more bytes, too many to search for what has to be hidden]");
        let shown = if beyond > 0 { shown + &unsearched } else { shown };
        Ok(shown.into_bytes())
    };
    once(whole).boxed()
}

struct Reading {
    filter: Option<Filter>,
    masks: Masks,
    containers: Mutex<VecDeque<Container>>,
}

/// A container as far as it has been read.
struct Container {
    pod: Arc<str>,
    name: Arc<str>,
    trace: Trace,
    /// What is said of the entry that its last line belongs to.
    verdict: Verdict,
}

impl Reading {
    fn keep(&self, entry: &mut LogEntry) -> bool {
        self.hide(entry);
        if entry.marker.is_some() {
            return self.verdict(entry) == Verdict::Kept;
        }
        let text = plain(&entry.text);
        let mut containers = self.containers.lock().unwrap_or_else(PoisonError::into_inner);
        let container = self.container(&mut containers, entry);
        let belongs = container.trace.continues(&text);
        entry.continues = belongs && container.verdict == Verdict::Kept;
        if !entry.continues {
            let verdict = self.verdict(entry);
            // What was left out was so with all of its lines; what wasn't asked for may have a line that is.
            if !belongs || (container.verdict == Verdict::NotAsked && verdict == Verdict::Kept) {
                container.verdict = verdict;
            }
        }
        let kept = container.verdict == Verdict::Kept;
        if kept && !belongs {
            entry.level = Line::read(&text).level();
        }
        kept
    }

    fn hide(&self, entry: &mut LogEntry) {
        let beyond = entry.bytes.saturating_sub(entry.text.len() as u64);
        if let Cow::Owned(hidden) = self.masks.hide(&entry.text) {
            entry.bytes = beyond + hidden.len() as u64;
            entry.text = hidden;
        }
        if beyond > 0 && !self.masks.is_empty() {
            let end = entry.text.len().saturating_sub(LONGEST_SECRET);
            entry.text.truncate(entry.text.floor_char_boundary(end));
        }
    }

    fn verdict(&self, entry: &LogEntry) -> Verdict {
        self.filter.as_ref().map_or(Verdict::Kept, |filter| filter.verdict(entry))
    }

    fn container<'a>(&self, containers: &'a mut VecDeque<Container>, entry: &LogEntry) -> &'a mut Container {
        let is_its = |container: &Container| container.pod == entry.pod && container.name == entry.container;
        let place = containers.iter().position(is_its).unwrap_or_else(|| {
            if containers.len() >= MOST_CONTAINERS {
                containers.pop_front();
            }
            // Of an entry whose beginning wasn't read, only a filter that asks for nothing is known to keep it.
            let verdict = if self.filter.is_none() { Verdict::Kept } else { Verdict::NotAsked };
            let (pod, name) = (entry.pod.clone(), entry.container.clone());
            containers.push_back(Container { pod, name, trace: Trace::default(), verdict });
            containers.len() - 1
        });
        &mut containers[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_domain::{Level, LogMarker, Timestamp};

    fn entry(pod: &str, text: &str) -> LogEntry {
        LogEntry {
            at: Timestamp::UNIX_EPOCH,
            pod: pod.into(),
            container: "app".into(),
            restart: 0,
            revision: None,
            level: Level::Unknown,
            text: text.to_owned(),
            bytes: 0,
            continues: false,
            place: None,
            late: false,
            marker: None,
        }
    }

    /// What is kept of two pods' lines: `+` where one continues the line before, and the level.
    fn kept(filter: &str, lines: &[(&str, &str)]) -> Vec<String> {
        let filter = if filter.is_empty() { None } else { Some(Filter::parse(filter).unwrap()) };
        let keep = keep(filter, Masks::default());
        let entries = lines.iter().map(|(pod, text)| entry(pod, text));
        let kept = entries.filter_map(|mut entry| keep(&mut entry).then_some(entry));
        let sign = |continues| if continues { "+" } else { "" };
        kept.map(|entry| format!("{}{} {}", sign(entry.continues), entry.pod, entry.text.trim())).collect()
    }

    const LINES: [(&str, &str); 7] = [
        ("a", "ERROR it broke"),
        ("b", "INFO fine"),
        ("a", "java.lang.IllegalStateException: no stock"),
        ("b", "INFO still fine"),
        ("a", "\tat Stock.reserve(Stock.java:23)"),
        ("a", "Caused by: java.io.IOException: refused"),
        ("a", "INFO on it goes"),
    ];

    #[test]
    fn a_trace_continues_its_line_whatever_other_pods_say_in_between() {
        let expected = [
            "a ERROR it broke",
            "b INFO fine",
            "+a java.lang.IllegalStateException: no stock",
            "b INFO still fine",
            "+a at Stock.reserve(Stock.java:23)",
            "+a Caused by: java.io.IOException: refused",
            "a INFO on it goes",
        ];
        assert_eq!(kept("", &LINES), expected);
    }

    #[test]
    fn a_line_that_is_kept_brings_its_trace() {
        assert_eq!(kept("level:error", &LINES).len(), 4);
        assert_eq!(kept("-level:error", &LINES), ["b INFO fine", "b INFO still fine", "a INFO on it goes"]);
        assert_eq!(kept("-broke refused", &LINES), [""; 0]);
    }

    #[test]
    fn a_trace_is_kept_from_the_line_that_is_asked_for() {
        let expected = ["a at Stock.reserve(Stock.java:23)", "+a Caused by: java.io.IOException: refused"];
        assert_eq!(kept("reserve", &LINES), expected);
    }

    #[test]
    fn what_is_masked_is_not_shown_and_cannot_be_asked_for() {
        let mut masks = Masks::default();
        masks.add("email").unwrap();
        let mut line = LogEntry { bytes: 20, ..entry("a", "ada@example.org asks") };
        assert!(!keep(Some(Filter::parse("ada").unwrap()), masks.clone())(&mut line.clone()));
        assert!(keep(Some(Filter::parse("hidden asks").unwrap()), masks)(&mut line));
        assert_eq!((&*line.text, line.bytes), ("[hidden] asks", 13));
    }

    #[test]
    fn half_of_what_is_masked_is_not_shown_either() {
        let mut masks = Masks::default();
        masks.add("email").unwrap();
        let text = format!("{} ada@exam", "x".repeat(2000));
        let mut line = LogEntry { bytes: 9000, ..entry("a", &text) };
        assert!(keep(None, masks)(&mut line));
        assert_eq!((line.text.len(), line.bytes), (text.len() - LONGEST_SECRET, 9000));
        let mut line = LogEntry { bytes: 9000, ..entry("a", &text) };
        assert!(keep(None, Masks::default())(&mut line));
        assert_eq!(line.text, text);
    }

    #[tokio::test]
    async fn a_whole_line_is_masked_however_its_pieces_part_it() {
        let mut masks = Masks::default();
        masks.add("email").unwrap();
        let pieces = ["asked by a", "da@exa", "mple.org again"].map(|piece| Ok(piece.as_bytes().to_vec()));
        let line = masked(futures::stream::iter(pieces).boxed(), masks);
        let shown: Vec<Vec<u8>> = line.try_collect().await.unwrap();
        assert_eq!(shown.concat(), b"asked by [hidden] again");
    }

    #[test]
    fn a_line_gets_its_level_and_what_happened_keeps_its_own() {
        let keep = keep(None, Masks::default());
        let mut line = entry("a", "\u{1b}[33mWARN\u{1b}[0m slow");
        assert!(keep(&mut line));
        assert_eq!(line.level, Level::Warn);
        let mut happened = LogEntry { marker: Some(LogMarker::Event), ..entry("a", "ERROR: probe failed") };
        assert!(keep(&mut happened));
        assert_eq!(happened.level, Level::Unknown);
    }
}
