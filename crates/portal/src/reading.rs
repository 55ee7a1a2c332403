//! How one reader's log entries are read: which belong together, which are kept, and what they say.

use crate::Error;
use crate::logs::LogLineStream;
use async_stream::try_stream;
use fairway_domain::LogEntry;
use fairway_kubernetes::{Keep, LineText};
use fairway_lines::{Filter, Line, Masks, Trace, Verdict, plain};
use futures::stream::iter;
use futures::{StreamExt, TryStreamExt};
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
pub(crate) fn keep(filter: Option<Filter>, masks: Masks, bare: bool) -> Keep {
    let unread = bare && filter.is_none();
    let reading = Reading { filter, masks, containers: Mutex::default() };
    Arc::new(move |mut entry| {
        reading.hide(&mut entry);
        if unread { Some((Vec::new(), entry)) } else { reading.keep(entry) }
    })
}

/// How much of a line is searched at once for what is masked, in bytes: more of it isn't held.
const SEARCHED: usize = 256 * 1024;

/// A line without what is masked. What nobody has of it any more is told of at its end.
pub(crate) fn line(text: LineText, masks: &Masks) -> LogLineStream {
    let (bytes, lost) = (text.bytes.map_err(Error::from), text.lost);
    if !masks.is_empty() {
        return masked(bytes.boxed(), lost, masks.clone());
    }
    let end = (lost > 0).then(|| Ok(not_kept(lost).into_bytes()));
    bytes.chain(iter(end)).boxed()
}

fn not_kept(bytes: u64) -> String {
    format!(" [{bytes} more bytes, which aren't kept any more]")
}

/// Where something is so long that it can't be told where it ends, the rest is left out, and that is said in its place.
fn masked(mut line: LogLineStream, lost: u64, masks: Masks) -> LogLineStream {
    let pieces = try_stream! {
        let mut held = Vec::new();
        while let Some(piece) = line.try_next().await? {
            held.extend(piece);
            while held.len() >= SEARCHED {
                let whole = whole_characters(&held);
                let text = String::from_utf8_lossy(&held[..whole]).into_owned();
                // A secret may be escaped, which takes up to six bytes a character.
                let Some((shown, length)) = masks.hide_first(&text, 6 * LONGEST_SECRET) else {
                    let mut left = held.len();
                    while let Some(piece) = line.try_next().await? {
                        left += piece.len();
                    }
                    yield format!("[{left} more bytes, too many to search for what has to be hidden]").into_bytes();
                    return;
                };
                yield shown.into_owned().into_bytes();
                held = [&text.as_bytes()[length..], &held[whole..]].concat();
            }
        }
        let mut shown = masks.hide(&String::from_utf8_lossy(&held)).into_owned();
        if lost > 0 {
            let all = shown.len();
            leave_out_half_secret(&mut shown);
            shown += &not_kept(lost + (all - shown.len()) as u64);
        }
        yield shown.into_bytes();
    };
    pieces.boxed()
}

/// How many of the bytes are whole characters for sure: what comes next may belong to the last one.
fn whole_characters(bytes: &[u8]) -> usize {
    let begins = bytes.iter().rposition(|byte| byte & 0xc0 != 0x80).unwrap_or_default();
    if bytes.get(begins).is_some_and(|byte| *byte >= 0xc0) && bytes.len() - begins < 4 {
        begins
    } else {
        bytes.len()
    }
}

/// Shortens a text that was cut.
fn leave_out_half_secret(text: &mut String) {
    let end = text.len().saturating_sub(LONGEST_SECRET);
    text.truncate(text.floor_char_boundary(end));
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
            leave_out_half_secret(&mut entry.text);
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
        let keep = keep(filter, Masks::default(), false);
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
        let keep = keep(Some(Filter::parse("reserve").unwrap()), Masks::default(), false);
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
        assert_eq!(keep(Some(Filter::parse("ada").unwrap()), masks.clone(), false)(line.clone()), None);
        let asked = Some(Filter::parse("hidden asks").unwrap());
        for keep in
            [keep(asked, masks.clone(), false), keep(None, masks.clone(), false), keep(None, masks, true)]
        {
            let (_, line) = keep(line.clone()).unwrap();
            assert_eq!((&*line.text, line.bytes), ("[hidden] asks", 13));
        }
    }

    #[test]
    fn what_is_masked_cannot_be_asked_for_as_json_means_it_either() {
        let mut masks = Masks::default();
        masks.add("email").unwrap();
        let line = entry("a", r#"{"msg":"it","user":"ada\u0040example.org"}"#);
        let asked =
            |filter: &str| keep(Some(Filter::parse(filter).unwrap()), masks.clone(), false)(line.clone());
        for filter in ["ada", "user:ada", "example", "/ada.example/"] {
            assert_eq!(asked(filter), None, "{filter}");
        }
        let (_, line) = asked("user:hidden").unwrap();
        assert_eq!(line.text, r#"{"msg":"it","user":"[hidden]"}"#);
    }

    #[test]
    fn half_of_what_is_masked_is_not_shown_either() {
        let mut masks = Masks::default();
        masks.add("email").unwrap();
        let text = format!("{} ada@exam", "x".repeat(2000));
        let line = LogEntry { bytes: 9000, ..entry("a", &text) };
        let (_, line) = keep(None, masks, false)(line).unwrap();
        assert_eq!((line.text.len(), line.bytes), (text.len() - LONGEST_SECRET, 9000));
        let line = LogEntry { bytes: 9000, ..entry("a", &text) };
        let (_, line) = keep(None, Masks::default(), false)(line).unwrap();
        assert_eq!(line.text, text);
    }

    async fn whole<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, lost: u64, mask: Option<&str>) -> String {
        let mut masks = Masks::default();
        if let Some(mask) = mask {
            masks.add(mask).unwrap();
        }
        let pieces: Vec<_> = pieces.into_iter().map(|piece| Ok(piece.to_vec())).collect();
        let shown = line(LineText { bytes: iter(pieces).boxed(), lost }, &masks);
        String::from_utf8(shown.try_collect::<Vec<_>>().await.unwrap().concat()).unwrap()
    }

    #[tokio::test]
    async fn a_whole_line_is_masked_however_its_pieces_part_it() {
        let pieces = ["asked by a", "da@exa", "mple.org again"].map(str::as_bytes);
        assert_eq!(whole(pieces, 0, Some("email")).await, "asked by [hidden] again");
        assert_eq!(whole(pieces, 0, None).await, "asked by ada@example.org again");
    }

    #[tokio::test]
    async fn a_line_of_any_length_is_masked_and_otherwise_whole() {
        let cases =
            [("é ada@example.org, ", "é [hidden], "), (r"\n\u0022ada\u0040x.org,", r"\n\u0022[hidden],")];
        for (said, hidden) in cases {
            let times = 4 * SEARCHED / said.len();
            let text = said.repeat(times);
            assert_eq!(whole(text.as_bytes().chunks(60_001), 0, Some("email")).await, hidden.repeat(times));
        }
    }

    #[tokio::test]
    async fn what_is_too_long_to_be_told_is_left_out() {
        let text = format!("ok {}", "x".repeat(SEARCHED));
        let said = "ok [262144 more bytes, too many to search for what has to be hidden]";
        assert_eq!(whole(text.as_bytes().chunks(1000), 0, Some("/x{3,}/")).await, said);
    }

    #[tokio::test]
    async fn what_nobody_has_of_a_line_any_more_is_told_at_its_end_and_half_a_secret_before_it_is_hidden() {
        let text = format!("{} ada@exam", "x".repeat(2000));
        let shown = whole([text.as_bytes()], 9, None).await;
        assert_eq!(shown, format!("{text} [9 more bytes, which aren't kept any more]"));
        let shown = whole([text.as_bytes()], 9, Some("email")).await;
        let left = text.len() - LONGEST_SECRET;
        assert_eq!(
            shown,
            format!("{} [{} more bytes, which aren't kept any more]", &text[..left], LONGEST_SECRET + 9)
        );
    }

    #[test]
    fn a_line_gets_its_level_and_what_happened_keeps_its_own() {
        let keep = keep(None, Masks::default(), false);
        let (_, line) = keep(entry("a", "\u{1b}[33mWARN\u{1b}[0m slow")).unwrap();
        assert_eq!(line.level, Level::Warn);
        let happened = LogEntry { marker: Some(LogMarker::Event), ..entry("a", "ERROR: probe failed") };
        let (_, happened) = keep(happened).unwrap();
        assert_eq!(happened.level, Level::Unknown);
    }
}
