//! One line as the kubelet gives it, and its place among the lines of its pod.

use super::events::Report;
use super::seam::Key;
use fairway_domain::{Level, LogEntry, LogMarker, LogPlace, Namespace, Timestamp};
use std::sync::Arc;

/// The container that every service's pod has.
const APP: &str = "app";

/// Where lines come from: one container of one pod, through all its restarts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// Stands for the container in a position.
    pub(super) id: SourceId,
    pub(super) namespace: Namespace,
    pub(super) uid: Arc<str>,
    pub(super) origin: Arc<Origin>,
    /// When the pod was made, in nanoseconds since the epoch. Only one source of a pod tells of its coming and going.
    pub(super) made: Option<i64>,
}

impl Source {
    /// The item that tells that the pod has joined.
    pub(super) fn joined(&self) -> Option<Item> {
        let made = self.made?;
        let text = match self.origin.revision {
            Some(revision) => format!("{} joined (revision {revision})", self.origin.pod),
            None => format!("{} joined", self.origin.pod),
        };
        Some(Item::happened(self, 0, (made, 0), What::Joined(text)))
    }
}

#[cfg(test)]
impl Source {
    /// The container `app` of a pod on staging.
    pub(super) fn of_pod(id: u64, pod: &str) -> Self {
        Self {
            id: SourceId(id),
            namespace: "staging".parse().unwrap(),
            uid: pod.into(),
            origin: Arc::new(Origin { pod: pod.into(), container: APP.into(), revision: None }),
            made: None,
        }
    }
}

/// What all lines of a source have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) pod: Arc<str>,
    pub(super) container: Arc<str>,
    /// The revision of the ReplicaSet that made the pod.
    pub(super) revision: Option<u64>,
}

impl Origin {
    /// By what a store of older lines knows the container.
    pub(super) fn key(&self) -> Key {
        (self.pod.to_string(), self.container.to_string())
    }
}

/// A short, stable name of a container of a pod's incarnation: 52 bits of a hash of the pod's UID and the container's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SourceId(pub(super) u64);

impl SourceId {
    /// FNV-1a, because it has to stay the same from one build of Fairway to the next.
    pub(super) fn of(uid: &str, container: &str) -> Self {
        // The container of the first positions, which knew no other, goes without its name: they stay valid.
        let name = if container == APP { "" } else { container };
        let hash = uid.bytes().chain(name.bytes()).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(hash >> 12)
    }

    /// What isn't a container's own: what a store of older lines says of itself, and the like.
    pub(super) const NOBODY: Self = Self(1 << 53);

    /// Stands for a container that only a store of older lines knows. With its pod's UID it is the one that it was in the cluster.
    pub(super) fn elsewhere(namespace: &Namespace, uid: Option<&str>, pod: &str, container: &str) -> Self {
        match uid {
            Some(uid) => Self::of(uid, container),
            None => Self(1 << 52 | Self::of(&format!("{namespace}/{pod}/{container}"), APP).0),
        }
    }

    /// Whether the cluster never knew it by this name, and can't be asked about it.
    pub(super) fn is_elsewhere(self) -> bool {
        self.0 >= 1 << 52
    }
}

/// A line, or what happened between lines, with its place in its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) source: SourceId,
    pub(super) origin: Arc<Origin>,
    /// How often the container had been restarted.
    pub(super) restart: u32,
    /// Nanoseconds since the epoch; never less than that of the line before.
    pub(super) nanos: i64,
    /// Counts lines with the same `nanos`, from 1.
    pub(super) ordinal: u32,
    /// How many bytes of the line are beyond what is kept of it.
    pub(super) beyond: u64,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Line(String),
    /// The instance `restart` ended; how.
    Ended(String),
    /// The instance `restart`, which isn't the first, was started; how often that was before.
    Restarted(String),
    /// Lines after this place may be missing; why.
    Gap(String),
    /// The pod was made: what comes first of its source.
    Joined(String),
    /// The pod is gone, and everything that this source wrote was read. Its text, if this source tells of it.
    Closed(Option<String>),
    /// Kubernetes reported something.
    Event(Report),
}

impl Item {
    /// The ordinal of a gap that may be anywhere before the source's end: nothing of it was read where others read on.
    pub(super) const ANYWHERE: u32 = 0;

    /// Something that happened to the source at a cursor of it.
    pub(super) fn happened(source: &Source, restart: u32, (nanos, ordinal): (i64, u32), what: What) -> Self {
        Self { source: source.id, origin: source.origin.clone(), restart, nanos, ordinal, beyond: 0, what }
    }

    /// A gap that no source tells of: it has no place at which a reader could resume.
    pub(super) fn told_by_nobody(nanos: i64, why: String) -> Self {
        Self {
            source: SourceId::NOBODY,
            origin: Arc::default(),
            restart: 0,
            nanos,
            ordinal: 0,
            beyond: 0,
            what: What::Gap(why),
        }
    }

    /// What a reader is shown, of a line without its level; nothing for what only moves their position.
    pub(super) fn entry(self) -> Option<LogEntry> {
        let (at, place) = (self.happened_at(), self.place());
        let level = match &self.what {
            What::Event(report) if report.warning => Level::Warn,
            _ => Level::Unknown,
        };
        let (text, marker) = match self.what {
            What::Line(text) => (text, None),
            What::Joined(text) => (text, Some(LogMarker::Joined)),
            What::Closed(Some(text)) => (text, Some(LogMarker::Left)),
            What::Event(report) => (report.text, Some(LogMarker::Event)),
            What::Ended(text) => (text, Some(LogMarker::Ended)),
            What::Restarted(text) => (text, Some(LogMarker::Restarted)),
            What::Gap(text) => (text, Some(LogMarker::Gap)),
            What::Closed(None) => return None,
        };
        Some(LogEntry {
            at: Timestamp::from_nanosecond(at.into()).unwrap_or_default(),
            pod: self.origin.pod.clone(),
            container: self.origin.container.clone(),
            restart: self.restart,
            revision: self.origin.revision,
            level,
            bytes: u64::try_from(text.len()).unwrap_or(u64::MAX).saturating_add(self.beyond),
            text,
            place: marker.is_none().then_some(place),
            continues: false,
            late: false,
            marker,
        })
    }

    /// A line's place, without the line.
    pub(super) fn line_at(LogPlace { source, restart, nanos, ordinal }: LogPlace) -> Self {
        let what = What::Line(String::new());
        Self { source: SourceId(source), origin: Arc::default(), restart, nanos, ordinal, beyond: 0, what }
    }

    /// The same without a line's text: enough to tell where it stands.
    pub(super) fn bare(&self) -> Self {
        match self.what {
            What::Line(_) => Self { origin: self.origin.clone(), what: What::Line(String::new()), ..*self },
            _ => self.clone(),
        }
    }

    /// When it happened, in nanoseconds since the epoch: an event's place may be later.
    pub(super) fn happened_at(&self) -> i64 {
        if let What::Event(report) = &self.what { report.at } else { self.nanos }
    }

    /// Its name, if it is a line.
    pub(super) fn place(&self) -> LogPlace {
        let Self { source, restart, nanos, ordinal, .. } = *self;
        LogPlace { source: source.0, restart, nanos, ordinal }
    }

    /// The version of an event.
    pub(super) fn version(&self) -> Option<u64> {
        if let What::Event(report) = &self.what { Some(report.version) } else { None }
    }

    /// How much memory it takes, about.
    pub(super) fn weight(&self) -> usize {
        let text = match &self.what {
            What::Line(text)
            | What::Ended(text)
            | What::Restarted(text)
            | What::Gap(text)
            | What::Joined(text) => text.len(),
            What::Event(report) => report.text.len(),
            What::Closed(text) => text.as_ref().map_or(0, String::len),
        };
        text + 96
    }
}

/// What is kept of a line's text: no more than a reader is given, cut at a whole character.
pub(super) fn kept(raw: &[u8]) -> String {
    // Nearly every line is UTF-8, which is quicker to see than to mend.
    let mut text = match std::str::from_utf8(raw) {
        Ok(text) => text.to_owned(),
        Err(_) => String::from_utf8_lossy(raw).into_owned(),
    };
    if text.len() > LogEntry::MOST_BYTES {
        text.truncate(text.floor_char_boundary(LogEntry::MOST_BYTES));
        text.shrink_to_fit();
    }
    text
}

/// A line of the API's answer: the kubelet's timestamp and the text. `None` for what the kubelet itself says in the stream.
pub(super) fn parse<'a>(raw: &'a [u8], stamps: &mut Stamps) -> Option<(i64, &'a [u8])> {
    let space = memchr::memchr(b' ', raw)?;
    let (stamp, text) = raw.split_at(space);
    let nanos = stamps.parse(stamp)?;
    let text = text.get(1..).unwrap_or_default();
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    Some((nanos, text))
}

/// Parses one timestamp after another: most of them are of the second of the one before.
#[derive(Debug, Default)]
pub(super) struct Stamps {
    /// Up to the second, such as `2026-11-25T01:02:03`.
    second: [u8; 19],
    /// That in nanoseconds since the epoch.
    nanos: i64,
}

impl Stamps {
    pub(super) fn parse(&mut self, stamp: &[u8]) -> Option<i64> {
        if let Some((second, rest)) = stamp.split_first_chunk::<19>()
            && *second == self.second
            && let Some(nanos) = fraction(rest)
        {
            return Some(self.nanos + nanos);
        }
        let nanos = parse_stamp(stamp)?;
        if let Some((second, rest)) = stamp.split_first_chunk::<19>()
            && let Some(beyond) = fraction(rest)
        {
            (self.second, self.nanos) = (*second, nanos - beyond);
        }
        Some(nanos)
    }
}

/// `.000000004Z` in nanoseconds, as the kubelet writes it in UTC: with up to nine digits.
fn fraction(rest: &[u8]) -> Option<i64> {
    let digits = rest.strip_suffix(b"Z")?;
    if digits.is_empty() {
        return Some(0);
    }
    let digits = digits.strip_prefix(b".").filter(|digits| (1..=9).contains(&digits.len()))?;
    let mut padded = digits.iter().chain(std::iter::repeat(&b'0')).take(9);
    padded.try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
}

/// The kubelet's timestamp in nanoseconds since the epoch.
pub(super) fn parse_stamp(stamp: &[u8]) -> Option<i64> {
    let at: Timestamp = std::str::from_utf8(stamp).ok()?.parse().ok()?;
    i64::try_from(at.as_nanosecond()).ok()
}

/// Gives each line of a container its place. Two writers (stdout, stderr) may be stamped a little out of order; a line then takes
/// the place of the latest before it, so that places only grow in the order of the file, however often it is read and, as long
/// as reading begins a second before, wherever it begins.
#[derive(Debug)]
pub(super) struct Numbering {
    last: i64,
    ordinal: u32,
}

impl Default for Numbering {
    fn default() -> Self {
        Self { last: i64::MIN, ordinal: 0 }
    }
}

impl Numbering {
    /// Goes on after a place.
    pub(super) fn after((last, ordinal): (i64, u32)) -> Self {
        Self { last, ordinal }
    }

    pub(super) fn place(&mut self, nanos: i64) -> (i64, u32) {
        if nanos > self.last {
            (self.last, self.ordinal) = (nanos, 1);
        } else {
            self.ordinal += 1;
        }
        (self.last, self.ordinal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_keeps_its_spaces_and_loses_only_its_stamp_and_end() {
        let (nanos, text) =
            parse(b"2026-11-25T01:02:03.000000004Z   two  spaces \r", &mut Stamps::default()).unwrap();
        assert_eq!(nanos % 1_000_000_000, 4);
        assert_eq!(text, b"  two  spaces ");
        let (_, empty) = parse(b"2026-11-25T01:02:03Z ", &mut Stamps::default()).unwrap();
        assert_eq!(empty, b"");
    }

    #[test]
    fn a_stamp_is_the_same_whatever_came_before_it() {
        let stamps = [
            "2026-11-25T01:02:03.000000004Z",
            "2026-11-25T01:02:03.5Z",
            "2026-11-25T01:02:03Z",
            "2026-11-25T01:02:03.123456789Z",
            "2026-11-25T01:02:04.123456789+01:00",
            "2026-11-25T01:02:04.1Z",
            "2026-11-25T01:02:04.1x",
            "2026-11-25T01:02:04.Z",
            "2026-11-25T01:02:04",
            "2026-11-25T01:02",
            "1969-12-31T23:59:59.25Z",
            "1969-12-31T23:59:59.75Z",
        ];
        let mut known = Stamps::default();
        for stamp in stamps {
            assert_eq!(known.parse(stamp.as_bytes()), parse_stamp(stamp.as_bytes()), "{stamp}");
        }
    }

    #[test]
    fn a_text_is_cut_at_a_whole_character() {
        let text = format!("{}{}", "x".repeat(LogEntry::MOST_BYTES - 1), "é".repeat(9));
        assert_eq!(kept(text.as_bytes()), "x".repeat(LogEntry::MOST_BYTES - 1));
        assert_eq!(kept(b"short"), "short");
    }

    #[test]
    fn the_containers_of_a_pod_are_told_apart() {
        let of = |container| SourceId::of("7b0a", container);
        assert_ne!(of("app"), of("proxy"));
        assert_ne!(of("migrate"), of("proxy"));
    }

    #[test]
    fn what_the_kubelet_says_is_no_line() {
        for raw in ["unable to retrieve container logs for containerd://4711", "", "nospace"] {
            assert_eq!(parse(raw.as_bytes(), &mut Stamps::default()), None, "{raw}");
        }
    }

    #[test]
    fn text_that_is_no_utf8_is_kept_as_far_as_it_can_be() {
        assert_eq!(kept(b"a\xffb"), "a\u{fffd}b");
    }

    #[test]
    fn places_only_grow_in_the_order_of_the_file() {
        let mut numbering = Numbering::default();
        let places: Vec<_> = [5, 5, 4, 7, 6].into_iter().map(|nanos| numbering.place(nanos)).collect();
        assert_eq!(places, [(5, 1), (5, 2), (5, 3), (7, 1), (7, 2)]);
    }
}
