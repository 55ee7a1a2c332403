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

/// How much of an entry is held back for one of its lines that may be asked for, in bytes. Of a longer one, what stands farthest from that
/// line is left out, but not the entry's first line.
const MOST_HELD: usize = 256 * 1024;

/// Reads entries for one reader. Lines that belong to a line that is kept are kept with it, so that an error has its trace; and a line of
/// a trace that is asked for brings what it belongs to. Of what isn't kept, only as much is read as the filter needs. What is masked is so
/// before the filter sees it: nobody can ask for it.
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
    /// The reader has the line before, or it is held back.
    is_begun: bool,
    /// The lines of an entry that wasn't asked for so far.
    held: Vec<LogEntry>,
}

impl Container {
    fn hold(&mut self, entry: LogEntry) {
        self.held.push(entry);
        let mut bytes: usize = self.held.iter().map(|entry| entry.text.len()).sum();
        while bytes > MOST_HELD && self.held.len() > 2 {
            bytes -= self.held.remove(1).text.len();
        }
    }

    /// What was held back, to be given now.
    fn release(&mut self) -> Vec<LogEntry> {
        let mut held = std::mem::take(&mut self.held);
        if let Some(head) = held.first_mut() {
            head.level = Line::read(&plain(&head.text)).level();
        }
        held
    }
}

impl Reading {
    fn keep(&self, mut entry: LogEntry) -> Option<(Vec<LogEntry>, LogEntry)> {
        self.hide(&mut entry);
        if entry.marker.is_some() {
            return (self.verdict(&entry) == Verdict::Kept).then(|| (Vec::new(), entry));
        }
        let text = plain(&entry.text);
        let mut containers = self.containers.lock().unwrap_or_else(PoisonError::into_inner);
        let container = self.container(&mut containers, &entry);
        let belongs = container.trace.continues(&text);
        if !belongs {
            container.held.clear();
            container.verdict = self.verdict(&entry);
        } else if container.verdict == Verdict::NotAsked && self.verdict(&entry) == Verdict::Kept {
            container.verdict = Verdict::Kept;
        }
        if !belongs && container.verdict == Verdict::Kept {
            entry.level = Line::read(&text).level();
        }
        entry.continues = belongs && container.is_begun;
        container.is_begun = true;
        match container.verdict {
            Verdict::Kept => Some((container.release(), entry)),
            Verdict::NotAsked => {
                container.hold(entry);
                None
            }
            // With all of its lines.
            Verdict::LeftOut => None,
        }
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
            containers.push_back(Container {
                pod: entry.pod.clone(),
                name: entry.container.clone(),
                trace: Trace::default(),
                verdict,
                is_begun: self.filter.is_none(),
                held: Vec::new(),
            });
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
        let kept = entries
            .filter_map(|entry| keep(entry))
            .flat_map(|(before, entry)| before.into_iter().chain([entry]));
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
    fn a_line_of_a_trace_brings_all_of_it_with_the_line_that_it_explains() {
        let expected = [
            "a ERROR it broke",
            "+a java.lang.IllegalStateException: no stock",
            "+a at Stock.reserve(Stock.java:23)",
            "+a Caused by: java.io.IOException: refused",
        ];
        assert_eq!(kept("reserve", &LINES), expected);
        // Of a trace whose beginning wasn't read, what was.
        assert_eq!(
            kept("refused", &LINES[3..]),
            ["a at Stock.reserve(Stock.java:23)", "+a Caused by: java.io.IOException: refused"]
        );
        let keep = keep(Some(Filter::parse("reserve").unwrap()), Masks::default());
        let given: Vec<_> = LINES.iter().filter_map(|(pod, text)| keep(entry(pod, text))).collect();
        assert_eq!(given[0].0[0].level, Level::Error, "the line that is brought says its level");
    }

    #[test]
    fn of_a_very_long_trace_the_first_line_and_the_nearest_are_brought() {
        let frame = format!("\tat {}", "x".repeat(60_000));
        let mut lines = vec![("a", "ERROR it broke")];
        lines.extend([("a", &*frame); 10]);
        lines.push(("a", "Caused by: refused"));
        let kept = kept("refused", &lines);
        assert_eq!((&*kept[0], kept.len(), &*kept[5]), ("a ERROR it broke", 6, "+a Caused by: refused"));
    }

    #[test]
    fn what_is_masked_is_not_shown_and_cannot_be_asked_for() {
        let mut masks = Masks::default();
        masks.add("email").unwrap();
        let line = LogEntry { bytes: 20, ..entry("a", "ada@example.org asks") };
        assert_eq!(keep(Some(Filter::parse("ada").unwrap()), masks.clone())(line.clone()), None);
        let (_, line) = keep(Some(Filter::parse("hidden asks").unwrap()), masks)(line).unwrap();
        assert_eq!((&*line.text, line.bytes), ("[hidden] asks", 13));
    }

    #[test]
    fn half_of_what_is_masked_is_not_shown_either() {
        let mut masks = Masks::default();
        masks.add("email").unwrap();
        let text = format!("{} ada@exam", "x".repeat(2000));
        let line = LogEntry { bytes: 9000, ..entry("a", &text) };
        let (_, line) = keep(None, masks)(line).unwrap();
        assert_eq!((line.text.len(), line.bytes), (text.len() - LONGEST_SECRET, 9000));
        let line = LogEntry { bytes: 9000, ..entry("a", &text) };
        let (_, line) = keep(None, Masks::default())(line).unwrap();
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
        let (_, line) = keep(entry("a", "\u{1b}[33mWARN\u{1b}[0m slow")).unwrap();
        assert_eq!(line.level, Level::Warn);
        let happened = LogEntry { marker: Some(LogMarker::Event), ..entry("a", "ERROR: probe failed") };
        let (_, happened) = keep(happened).unwrap();
        assert_eq!(happened.level, Level::Unknown);
    }
}
