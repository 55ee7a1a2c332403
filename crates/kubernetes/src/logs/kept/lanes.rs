//! Which sources of a service's files can be read one after the other: those that were never written at the same time.

use super::super::line::SourceId;
use super::record::Head;
use super::segment::Segment;
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::path::PathBuf;

/// Sources that are read in one go.
pub(super) struct Lane {
    pub(super) sources: HashSet<SourceId>,
    /// Which of the files have something of them.
    pub(super) paths: Range<usize>,
}

/// From where to where the files have something of a source.
#[derive(Clone, Copy)]
struct Span {
    /// The numbers of the records.
    records: (u64, u64),
    /// The earliest and the latest time.
    nanos: (i64, i64),
    /// The numbers of the files.
    paths: (usize, usize),
}

impl Span {
    fn widen(&mut self, record: u64, nanos: i64, path: usize) {
        (self.records.1, self.paths.1) = (record, path);
        self.nanos = (self.nanos.0.min(nanos), self.nanos.1.max(nanos));
    }

    fn is_before(&self, other: &Self) -> bool {
        self.records.1 < other.records.0 && self.nanos.1 < other.nanos.0
    }
}

/// As few lanes as the files' sources need, without those that are skipped.
pub(super) async fn lanes(paths: &[PathBuf], skipped: &HashSet<SourceId>) -> Vec<Lane> {
    let mut spans: Vec<(SourceId, Span)> = spans(paths, skipped).await.into_iter().collect();
    spans.sort_by_key(|(_, span)| span.records);
    let mut lanes: Vec<(Lane, Span)> = Vec::new();
    for (source, span) in spans {
        if let Some((lane, last)) = lanes.iter_mut().find(|(_, last)| last.is_before(&span)) {
            lane.sources.insert(source);
            lane.paths.end = lane.paths.end.max(span.paths.1 + 1);
            *last = span;
        } else {
            let paths = span.paths.0..span.paths.1 + 1;
            lanes.push((Lane { sources: HashSet::from([source]), paths }, span));
        }
    }
    lanes.into_iter().map(|(lane, _)| lane).collect()
}

async fn spans(paths: &[PathBuf], skipped: &HashSet<SourceId>) -> BTreeMap<SourceId, Span> {
    let (mut spans, mut record) = (BTreeMap::<SourceId, Span>::new(), 0);
    for (path, file) in paths.iter().enumerate() {
        let Ok(mut segment) = Segment::open(file).await else { continue };
        let look = |head: Head| {
            record += 1;
            if let Some(nanos) = head.nanos.filter(|_| !skipped.contains(&head.source)) {
                let new = Span { records: (record, record), nanos: (nanos, nanos), paths: (path, path) };
                spans.entry(head.source).or_insert(new).widen(record, nanos, path);
            }
            false
        };
        segment.next(look).await;
    }
    spans
}
