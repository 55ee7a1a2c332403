//! Where what the cluster and the disk have of each container begins and ends: there the lines of who keeps older ones join.

use super::had::{AllHad, Found, Growing};
use super::instances::{Instance, instances};
use super::line::{Item, Source, SourceId, What};
use super::older::{Past, SEARCHED};
use super::position::Position;
use super::range::now;
use super::read::{Part, lines, open};
use super::viewer::Viewer;
use fairway_domain::StoredLine;
use futures::{StreamExt, stream};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::pin::pin;
use std::sync::Arc;

/// The longest time that a line's own may stand for, in nanoseconds.
pub(super) const LONGEST_GRAIN: i64 = 1_000_000;
/// As much of a log's beginning is read, in bytes.
const BEGINNING: i64 = 256 * 1024;
/// As many of the last lines of one that has ended.
const LAST_LINES: u32 = 100;
/// What isn't longer ago than this, in nanoseconds, is had from the cluster or the disk by who follows.
const LATELY: i64 = 600 * 1_000_000_000;
/// Of how many containers the first lines are asked for at once.
const SEAMS_AT_ONCE: usize = 16;

/// A container of a pod, by both names.
pub(super) type Key = (String, String);

/// Where what is had of a container begins or ends: the time of its first or last line, and those lines whose times a store may not
/// tell apart from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seam {
    pub(super) nanos: i64,
    lines: Vec<(i64, String)>,
}

impl Seam {
    /// Of the first items of a container; nothing if none of them is a line.
    pub(super) fn of<'a>(items: impl IntoIterator<Item = &'a Item>) -> Option<Self> {
        let mut seam: Option<Self> = None;
        for item in items {
            let What::Line(text) = &item.what else { continue };
            match &mut seam {
                None => seam = Some(Self { nanos: item.nanos, lines: vec![(item.nanos, text.clone())] }),
                Some(seam) => {
                    if !seam.extend(item) {
                        break;
                    }
                }
            }
        }
        seam
    }

    /// Adds a line after the first, unless a store tells their times apart.
    pub(super) fn extend(&mut self, item: &Item) -> bool {
        let What::Line(text) = &item.what else { return true };
        let near = one_grain(self.nanos, item.nanos);
        if near {
            self.lines.push((item.nanos, text.clone()));
        }
        near
    }

    /// The same at a line that comes after the last.
    pub(super) fn move_to(&mut self, item: &Item) {
        let What::Line(text) = &item.what else { return };
        if !one_grain(self.nanos, item.nanos) {
            self.lines.clear();
        }
        self.nanos = item.nanos;
        self.lines.push((item.nanos, text.clone()));
    }

    /// Which of the lines a stored one is, if any of them from `first` on.
    pub(super) fn position(&self, line: &StoredLine, first: usize) -> Option<usize> {
        let times = line.nanos..line.nanos + line.grain;
        let is_it = |(nanos, text): &(i64, String)| times.contains(nanos) && *text == line.text;
        self.lines.iter().skip(first).position(is_it).map(|index| first + index)
    }

    /// How many of the last of these lines, which the store puts at the seam, are the first after it.
    pub(super) fn overlap(&self, lines: &[StoredLine]) -> usize {
        let Some(last) = lines.last() else { return 0 };
        let first: Vec<&str> = self
            .lines
            .iter()
            .take_while(|(nanos, _)| *nanos < last.nanos + last.grain)
            .map(|(_, text)| &**text)
            .collect();
        let most = first.len().min(lines.len());
        let meets = |length: &usize| {
            let stored = lines[lines.len() - length..].iter().map(|line| &*line.text);
            stored.eq(first[..*length].iter().copied())
        };
        (1..=most).rev().find(meets).unwrap_or(0)
    }
}

/// What is held of each source: from its first line on.
fn first_held(held: &[Arc<Item>]) -> impl Iterator<Item = Found> {
    let mut firsts: BTreeMap<SourceId, Growing> = BTreeMap::new();
    for item in held {
        match firsts.get_mut(&item.source) {
            Some(first) => first.push(item),
            None => firsts.extend(Growing::new(item).map(|first| (item.source, first))),
        }
    }
    firsts.into_values().map(|first| first.found(true))
}

/// Whether a store may not tell two times apart.
pub(super) fn one_grain(a: i64, b: i64) -> bool {
    a.div_euclid(LONGEST_GRAIN) == b.div_euclid(LONGEST_GRAIN)
}

impl Viewer {
    /// What is to be asked of who keeps older lines, if anything is.
    pub(super) async fn in_the_past(
        &self,
        present: &[Source],
        held: &[Arc<Item>],
        kept: &HashSet<SourceId>,
        position: &Position,
        tail: Option<u32>,
    ) -> Option<Past> {
        let older = self.older.clone()?;
        let now = now();
        let reach = i64::try_from(older.reach.as_nanos()).unwrap_or(i64::MAX);
        let earliest = self.range.floor().max(now.saturating_sub(reach));
        let from = earliest.max(position.latest());
        let until = self.range.ceiling().unwrap_or(now).min(now);
        let had = |id: &SourceId| {
            kept.contains(id)
                || present.iter().any(|source| source.id == *id)
                || held.iter().any(|item| item.source == *id)
        };
        if from >= until || (self.request.follow && !self.looks_back(from, position, had)) {
            return None;
        }
        let mut found: Vec<Found> = stream::iter(present.to_vec())
            .map(|source| self.found(source))
            .buffer_unordered(SEAMS_AT_ONCE)
            .concat()
            .await;
        let present: HashSet<SourceId> = present.iter().map(|source| source.id).collect();
        if let Some(disk) = self.cluster.hubs.kept(&self.namespace, &self.service) {
            found.extend(disk.found(&(kept | &present)).await);
        }
        found.extend(first_held(held));
        let mut past = Past {
            older,
            namespace: self.namespace.clone(),
            from,
            until,
            last: tail.map(|tail| match self.request.filter {
                // Matching lines can stand anywhere.
                Some(_) => (tail.max(SEARCHED), true),
                None => (tail, false),
            }),
            position: position.clone(),
            had: AllHad::default(),
            known: HashMap::new(),
        };
        for found in found {
            past.has(found);
        }
        past.had.leave_longest_holes();
        past.go_back_to_what_is_missing(earliest);
        Some(past)
    }

    /// Whether who follows from a time wants to know what was then: they said so, it is long ago, or what they had last is of a
    /// container that isn't `had` here. Who was away for a moment only goes on.
    fn looks_back(&self, from: i64, position: &Position, had: impl Fn(&SourceId) -> bool) -> bool {
        let long_ago = from < now().saturating_sub(LATELY);
        let begins = position.latest_source().is_none() && self.request.from.is_some();
        let elsewhere = position.latest_source().is_some_and(|source| !had(&source));
        begins || long_ago || elsewhere
    }

    /// What the cluster has of a container, instance by instance. Nothing of what can't be asked, which is seen where it is read.
    async fn found(&self, source: Source) -> Vec<Found> {
        let namespace = self.state.namespace(&self.namespace);
        let pod = namespace.pods.get(&source.origin.pod);
        let instances = pod.map(|pod| instances(pod, &source.origin.container)).unwrap_or_default();
        let mut found = Vec::new();
        for (index, instance) in instances.iter().enumerate() {
            let beginning = Part { bytes: Some(BEGINNING), ..Part::default() };
            let first = self.read_part(&source, instance, beginning, Growing::has_begun).await;
            let Some(mut had) = first else { continue };
            // Of one that was followed by another, the kubelet has the latest file up to its end.
            if index + 1 < instances.len() {
                let end = Part { tail: Some(LAST_LINES), ..Part::default() };
                let last = self.read_part(&source, instance, end, |_| false).await;
                let Some(last) = last else { continue };
                had.ends_as(last);
                found.push(had.found(false));
            } else {
                found.push(had.found(true));
            }
        }
        found
    }

    /// The lines of a part of an instance's log until these are enough; nothing if there are none.
    async fn read_part(
        &self,
        source: &Source,
        instance: &Instance,
        part: Part,
        enough: fn(&Growing) -> bool,
    ) -> Option<Growing> {
        let log = open(&self.cluster.client, source, instance.previous, part).await.ok()?;
        let mut chunks = pin!(lines(log, source.clone(), instance.restart, false));
        let mut had: Option<Growing> = None;
        while !had.as_ref().is_some_and(enough)
            && let Some(Ok(chunk)) = chunks.next().await
        {
            for item in &chunk {
                match &mut had {
                    None => had = Growing::new(item),
                    Some(had) => had.push(item),
                }
            }
        }
        had
    }
}

#[cfg(test)]
#[path = "seam_tests.rs"]
mod tests;
