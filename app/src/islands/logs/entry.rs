//! One entry of a log as a view holds it: small, since there are very many.

use crate::model::LogLineView;
use fairway_domain::{Level, LogMarker, LogPlace};

/// How many rows a wrapped line takes at most before it is opened.
const ROWS: usize = 8;

/// What stands after a name or a value of a field.
const END: char = '\0';

/// Of whom an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) pod: String,
    pub(super) container: String,
    pub(super) restart: u32,
    pub(super) revision: Option<u64>,
    /// What stands for it in the places of its lines.
    id: Option<u64>,
}

impl Source {
    pub(super) fn of(line: &LogLineView) -> Self {
        Self {
            pod: line.pod.clone(),
            container: line.container.clone(),
            restart: line.restart,
            revision: line.revision,
            id: line.place.map(|place| place.source),
        }
    }

    /// Whether it is that of a line.
    pub(super) fn wrote(&self, line: &LogLineView) -> bool {
        self.id == line.place.map(|place| place.source)
            && self.restart == line.restart
            && self.pod == line.pod
            && self.container == line.container
    }

    /// The name of one of its lines.
    pub(super) fn place(&self, entry: &Entry) -> Option<LogPlace> {
        let (nanos, ordinal) = entry.place?;
        Some(LogPlace { source: self.id?, restart: self.restart, nanos, ordinal })
    }

    /// The part of the pod's name that tells it from its siblings.
    pub(super) fn short_pod(&self) -> &str {
        self.pod.rsplit('-').next().unwrap_or(&self.pod)
    }
}

/// A line with those that belong to it, or what happened between lines.
#[derive(Debug)]
pub(super) struct Entry {
    /// When, in milliseconds since 1970.
    pub(super) at: i64,
    /// The rest of its name: see [`Source::place`].
    place: Option<(i64, u32)>,
    /// Its source's place among those the view knows.
    pub(super) source: u32,
    pub(super) level: Level,
    pub(super) marker: Option<LogMarker>,
    /// It came after lines that are later.
    pub(super) late: bool,
    /// All of it is shown.
    pub(super) open: bool,
    /// It doesn't match what is being typed.
    pub(super) hidden: bool,
    pub(super) text: Box<str>,
    /// The names and values of its fields, each with [`END`] after it: one piece of memory instead of many small ones.
    fields: Box<str>,
    /// What few lines have.
    more: Option<Box<More>>,
}

/// From which byte of a text to which that stands which was looked for.
pub(super) type Hits = Vec<(u32, u32)>;

/// A line that belongs to an entry, and what was looked for in it.
pub(super) type TraceLine = (Box<str>, Hits);

#[derive(Debug, Default)]
struct More {
    spans: Vec<(String, u32, u32)>,
    hits: Hits,
    trace: Vec<TraceLine>,
    bytes: Option<u64>,
}

impl Entry {
    pub(super) fn new(line: LogLineView, source: u32) -> Self {
        let LogLineView { fields, spans, hits, bytes, .. } = line;
        let plain = spans.is_empty() && hits.is_empty() && bytes.is_none();
        let more = (!plain).then(|| Box::new(More { spans, hits, trace: Vec::new(), bytes }));
        Self {
            at: line.at,
            place: line.place.map(|place| (place.nanos, place.ordinal)),
            source,
            level: line.level,
            marker: line.marker,
            late: line.late,
            open: false,
            hidden: false,
            text: line.text.into_boxed_str(),
            fields: packed(&fields),
            more,
        }
    }

    /// What tells it from all others that have a place.
    pub(super) fn key(&self) -> Option<(u32, i64, u32)> {
        self.place.map(|(nanos, ordinal)| (self.source, nanos, ordinal))
    }

    /// Takes a line that belongs to this one.
    pub(super) fn continued(&mut self, text: String, hits: Hits) {
        self.more.get_or_insert_default().trace.push((text.into_boxed_str(), hits));
    }

    /// What of the text is shown before the entry is opened: with very many lines held, each of many rows, a browser would come to the
    /// end of what it can scroll.
    pub(super) fn shown(&self, columns: Option<usize>) -> &str {
        let most = columns.map_or(2000, |columns| columns * ROWS);
        &self.text[..self.text.floor_char_boundary(most)]
    }

    /// How many lines the entry is: none where it is what happened between them.
    pub(super) fn lines(&self) -> usize {
        if self.marker.is_some() { 0 } else { 1 + self.trace().len() }
    }

    /// How much memory it takes, in bytes, about.
    pub(super) fn weight(&self) -> usize {
        let trace: usize = self.trace().iter().map(|(line, _)| weight_of_line(line)).sum();
        let marks = size_of_val(self.spans()) + size_of_val(self.hits());
        size_of::<Self>() + self.text.len() + self.fields.len() + marks + trace
    }

    /// The lines that belong to it, such as a stack trace's.
    pub(super) fn trace(&self) -> &[TraceLine] {
        self.more.as_ref().map_or(&[], |more| &more.trace)
    }

    /// The names and values of its fields.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut parts = self.fields.split_terminator(END);
        std::iter::from_fn(move || Some((parts.next()?, parts.next()?)))
    }

    /// Which bytes of the text have a colour of their own.
    pub(super) fn spans(&self) -> &[(String, u32, u32)] {
        self.more.as_ref().map_or(&[], |more| &more.spans)
    }

    /// Where in the text that stands which was looked for.
    pub(super) fn hits(&self) -> &[(u32, u32)] {
        self.more.as_ref().map_or(&[], |more| &more.hits)
    }

    /// How many lines of the trace have what was looked for.
    pub(super) fn hits_in_trace(&self) -> usize {
        self.trace().iter().filter(|(_, hits)| !hits.is_empty()).count()
    }

    /// Everything that it says, its fields in one text.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> + Clone {
        [&*self.text, &*self.fields].into_iter().chain(self.trace().iter().map(|(line, _)| &**line))
    }

    /// How many bytes the line has, where its text is only the beginning.
    pub(super) fn bytes(&self) -> Option<u64> {
        self.more.as_ref().and_then(|more| more.bytes)
    }
}

/// How much a line that belongs to an entry adds to what that weighs.
pub(super) const fn weight_of_line(text: &str) -> usize {
    size_of::<TraceLine>() + text.len()
}

/// Fields as an entry holds them. What would end a part before its end is shown as the picture of it.
fn packed(fields: &[(String, String)]) -> Box<str> {
    let parts = || fields.iter().flat_map(|(name, value)| [name, value]);
    let mut packed = String::with_capacity(parts().map(|part| part.len() + 1).sum());
    for part in parts() {
        packed.extend(part.chars().map(|c| if c == END { '␀' } else { c }));
        packed.push(END);
    }
    packed.into_boxed_str()
}
