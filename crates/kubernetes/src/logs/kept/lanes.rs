//! Which sources of a service's files can be read one after the other: those that were never written at the same time.

use super::super::line::SourceId;
use super::index::Span;
use std::collections::{BTreeMap, HashSet};

/// Sources that are read in one go.
pub(super) struct Lane {
    pub(super) sources: HashSet<SourceId>,
    /// From where to where the files have something of them.
    pub(super) span: Span,
}

fn is_before(one: Span, other: Span) -> bool {
    one.records.1 < other.records.0 && one.nanos.1 < other.nanos.0
}

/// As few lanes as the sources need.
pub(super) fn lanes(spans: BTreeMap<SourceId, Span>) -> Vec<Lane> {
    let mut spans: Vec<(SourceId, Span)> = spans.into_iter().collect();
    spans.sort_by_key(|(_, span)| span.records);
    let mut lanes: Vec<(Lane, Span)> = Vec::new();
    for (source, span) in spans {
        if let Some((lane, last)) = lanes.iter_mut().find(|(_, last)| is_before(*last, span)) {
            lane.sources.insert(source);
            lane.span = lane.span.and(span);
            *last = span;
        } else {
            lanes.push((Lane { sources: HashSet::from([source]), span }, span));
        }
    }
    lanes.into_iter().map(|(lane, _)| lane).collect()
}
