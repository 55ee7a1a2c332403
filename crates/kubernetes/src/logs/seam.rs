//! Where what the cluster and the disk have of each container begins: there the lines of who keeps older ones join.

use super::instances::instances;
use super::line::{Item, Source, SourceId, What};
use super::older::{Past, SEARCHED};
use super::position::Position;
use super::range::nanos;
use super::read::{Part, lines, open};
use super::viewer::Viewer;
use fairway_domain::{StoredLine, Timestamp};
use futures::{StreamExt, stream};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::pin::pin;
use std::sync::Arc;

/// The longest time that a line's own may stand for, in nanoseconds.
pub(super) const LONGEST_GRAIN: i64 = 1_000_000;
/// As much of a log's beginning is read, in bytes.
const BEGINNING: i64 = 256 * 1024;
/// What isn't longer ago than this, in nanoseconds, is had from the cluster or the disk by who follows.
const LATELY: i64 = 600 * 1_000_000_000;
/// Of how many containers the first lines are asked for at once.
const SEAMS_AT_ONCE: usize = 16;

/// A container of a pod, by both names.
pub(super) type Key = (String, String);

/// Where what is had of a container begins: the time of its first line, and those lines whose times a store may not tell apart
/// from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seam {
    pub(super) nanos: i64,
    first: Vec<(i64, String)>,
}

impl Seam {
    /// Of the first items of a container; nothing if none of them is a line.
    pub(super) fn of<'a>(items: impl IntoIterator<Item = &'a Item>) -> Option<Self> {
        let mut seam: Option<Self> = None;
        for item in items {
            let What::Line(text) = &item.what else { continue };
            let nanos = seam.as_ref().map_or(item.nanos, |seam| seam.nanos);
            if !one_grain(nanos, item.nanos) {
                break;
            }
            seam.get_or_insert(Self { nanos, first: Vec::new() }).first.push((item.nanos, text.clone()));
        }
        seam
    }

    /// How many of the last of these lines, which the store puts at the seam, are the first after it.
    pub(super) fn overlap(&self, lines: &[StoredLine]) -> usize {
        let Some(last) = lines.last() else { return 0 };
        let first: Vec<&str> = self
            .first
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

/// The first of the items that are held of each source: those whose times can hardly be told apart.
fn first_held(held: &[Arc<Item>]) -> impl Iterator<Item = Vec<Item>> {
    let mut firsts: BTreeMap<SourceId, Vec<Item>> = BTreeMap::new();
    for item in held.iter().filter(|item| matches!(item.what, What::Line(_))) {
        let first = firsts.entry(item.source).or_default();
        if first.first().is_none_or(|earliest| one_grain(earliest.nanos, item.nanos)) {
            first.push(Item::clone(item));
        }
    }
    firsts.into_values()
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
        let now = nanos(Timestamp::now());
        let reach = i64::try_from(older.reach.as_nanos()).unwrap_or(i64::MAX);
        let begun = self.range.floor().max(position.latest());
        let from = begun.max(now.saturating_sub(reach));
        let until = self.range.ceiling().unwrap_or(now).min(now);
        let had = |id: &SourceId| {
            kept.contains(id)
                || present.iter().any(|source| source.id == *id)
                || held.iter().any(|item| item.source == *id)
        };
        if from >= until || (self.request.follow && !self.looks_back(from, position, had)) {
            return None;
        }
        let mut firsts: Vec<Vec<Item>> = stream::iter(present.to_vec())
            .map(|source| self.first_lines(source))
            .buffer_unordered(SEAMS_AT_ONCE)
            .collect()
            .await;
        let present: HashSet<SourceId> = present.iter().map(|source| source.id).collect();
        if let Some(disk) = self.cluster.hubs.kept(&self.namespace, &self.service) {
            firsts.extend(disk.first_lines(&(kept - &present)).await);
        }
        firsts.extend(first_held(held));
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
            seams: BTreeMap::new(),
            known: HashMap::new(),
        };
        for first in firsts {
            past.begins_with(&first);
        }
        Some(past)
    }

    /// Whether who follows from a time wants to know what was then: they said so, it is long ago, or what they had last is of a
    /// container that isn't `had` here. Who was away for a moment only goes on.
    fn looks_back(&self, from: i64, position: &Position, had: impl Fn(&SourceId) -> bool) -> bool {
        let long_ago = from < nanos(Timestamp::now()).saturating_sub(LATELY);
        let begins = position.latest_source().is_none() && self.request.from.is_some();
        let elsewhere = position.latest_source().is_some_and(|source| !had(&source));
        begins || long_ago || elsewhere
    }

    /// The first lines that the cluster has of a container: those whose times can hardly be told apart. None if it can't be asked,
    /// which is seen where it is read.
    async fn first_lines(&self, source: Source) -> Vec<Item> {
        let namespace = self.state.namespace(&self.namespace);
        let pod = namespace.pods.get(&source.origin.pod);
        let instances = pod.map(|pod| instances(pod, &source.origin.container)).unwrap_or_default();
        for instance in instances {
            let part = Part { bytes: Some(BEGINNING), ..Part::default() };
            let Ok(log) = open(&self.cluster.client, &source, instance.previous, part).await else {
                continue;
            };
            let mut chunks = pin!(lines(log, source.clone(), instance.restart, false));
            let mut first: Vec<Item> = Vec::new();
            while let Some(Ok(chunk)) = chunks.next().await
                && first.first().zip(first.last()).is_none_or(|(a, b)| one_grain(a.nanos, b.nanos))
            {
                first.extend(chunk);
            }
            if !first.is_empty() {
                return first;
            }
        }
        Vec::new()
    }
}

#[cfg(test)]
#[path = "seam_tests.rs"]
mod tests;
