//! Which sources of a service's files can be read one after the other: those that were never written at the same time.

use super::super::line::SourceId;
use super::index::Span;
use std::collections::{BTreeMap, HashSet};

/// Sources that are read in one go.
#[derive(Default)]
pub(super) struct Lane {
    pub(super) sources: HashSet<SourceId>,
    /// The first and the last of their items, as in [`Span`].
    pub(super) places: ((u64, u64), (u64, u64)),
}

fn is_before(one: Span, other: Span) -> bool {
    one.places.1 < other.places.0 && one.nanos.1 < other.nanos.0
}

/// As few lanes as the sources need.
pub(super) fn lanes(spans: BTreeMap<SourceId, Span>) -> Vec<Lane> {
    let mut spans: Vec<(SourceId, Span)> = spans.into_iter().collect();
    spans.sort_by_key(|(_, span)| span.places);
    let mut lanes: Vec<(Lane, Span)> = Vec::new();
    for (source, span) in spans {
        if let Some((lane, last)) = lanes.iter_mut().find(|(_, last)| is_before(*last, span)) {
            lane.sources.insert(source);
            lane.places.1 = span.places.1;
            *last = span;
        } else {
            lanes.push((Lane { sources: HashSet::from([source]), places: span.places }, span));
        }
    }
    lanes.into_iter().map(|(lane, _)| lane).collect()
}
