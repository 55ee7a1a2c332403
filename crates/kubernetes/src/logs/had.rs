//! What the cluster and the disk have of each container: stretches of its log that are whole. Only who keeps older lines can fill the
//! holes before, between and after them, and in those alone they are asked.

use super::line::{Item, Origin, SourceId, What};
use super::seam::{Key, LONGEST_GRAIN, Seam};
use fairway_domain::StoredLine;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// So many holes between stretches are filled, the longest: for each, the store is asked once more. Of the others the gaps are told.
const MOST_HOLES: usize = 16;

/// A stretch of a container's log of which nothing is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Had {
    pub(super) first: Seam,
    /// Nothing where it goes on until now.
    pub(super) last: Option<Seam>,
}

impl Had {
    /// Whether the space to what comes after it, in nanoseconds, is no more than this.
    fn meets(&self, next: &Self, narrow: i64) -> bool {
        self.last.as_ref().is_none_or(|last| next.first.nanos.saturating_sub(last.nanos) <= narrow)
    }

    fn join(&mut self, next: &Self) {
        let further = |last: &Seam, next: &Seam| if next.nanos > last.nanos { next } else { last }.clone();
        self.last = self.last.as_ref().zip(next.last.as_ref()).map(|(last, next)| further(last, next));
    }

    fn holds(&self, nanos: i64) -> bool {
        self.first.nanos <= nanos && self.last.as_ref().is_none_or(|last| nanos < last.nanos)
    }
}

/// A stretch with whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) source: SourceId,
    pub(super) origin: Arc<Origin>,
    pub(super) had: Had,
}

/// A stretch that is met line by line.
pub(super) struct Growing {
    source: SourceId,
    origin: Arc<Origin>,
    first: Seam,
    first_is_whole: bool,
    last: Seam,
}

impl Growing {
    /// Begins with an item; nothing if it is no line.
    pub(super) fn new(item: &Item) -> Option<Self> {
        let first = Seam::of([item])?;
        let (source, origin) = (item.source, item.origin.clone());
        Some(Self { source, origin, last: first.clone(), first, first_is_whole: false })
    }

    pub(super) fn push(&mut self, item: &Item) {
        self.first_is_whole = self.first_is_whole || !self.first.extend(item);
        self.last.move_to(item);
    }

    /// Whether its first lines have all been met.
    pub(super) fn has_begun(&self) -> bool {
        self.first_is_whole
    }

    /// It ends as another one does.
    pub(super) fn ends_as(&mut self, end: Self) {
        self.last = end.last;
    }

    /// Whether it goes on until now or ended with the last line.
    pub(super) fn found(self, goes_on: bool) -> Found {
        let Self { source, origin, first, last, .. } = self;
        Found { source, origin, had: Had { first, last: (!goes_on).then_some(last) } }
    }
}

/// The stretches of each container, in order and apart from each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct AllHad(BTreeMap<Key, Vec<Had>>);

impl AllHad {
    pub(super) fn add(&mut self, key: Key, had: Had) {
        let all = self.0.entry(key).or_default();
        all.push(had);
        all.sort_by_key(|had| had.first.nanos);
        // Nothing is told apart in a space that a line's time may stand for.
        join_over(all, LONGEST_GRAIN);
    }

    /// Leaves only as many holes between stretches as are worth asking for.
    pub(super) fn leave_longest_holes(&mut self) {
        let of = |all: &Vec<Had>| all.windows(2).map(hole).collect::<Vec<_>>();
        let mut lengths: Vec<i64> = self.0.values().flat_map(of).collect();
        lengths.sort_unstable_by_key(|length| std::cmp::Reverse(*length));
        if let Some(narrow) = lengths.get(MOST_HOLES) {
            self.0.values_mut().for_each(|all| join_over(all, *narrow));
        }
    }

    /// Whether what a container wrote right after a time isn't had.
    pub(super) fn is_missing_after(&self, key: &Key, nanos: i64) -> bool {
        self.0.get(key).is_none_or(|all| !all.iter().any(|had| had.holds(nanos)))
    }

    /// The containers of which everything from one time to another is had.
    pub(super) fn without_holes(&self, from: i64, until: i64) -> Vec<Key> {
        let whole = |(_, all): &(&Key, &Vec<Had>)| !has_hole(all, from, until);
        self.0.iter().filter(whole).map(|(key, _)| key.clone()).collect()
    }

    /// Where it changes who is asked about: at times that no store cuts others to.
    pub(super) fn borders(&self) -> BTreeSet<i64> {
        let last_first = self.0.values().filter_map(|all| all.first()).map(|had| had.first.nanos).max();
        let mut borders: BTreeSet<i64> = last_first.map(grain_after).into_iter().collect();
        for all in self.0.values() {
            borders.extend(all.iter().skip(1).map(|had| grain_after(had.first.nanos)));
            let lasts = all.iter().filter_map(|had| had.last.as_ref());
            borders.extend(lasts.map(|last| last.nanos - last.nanos.rem_euclid(LONGEST_GRAIN)));
        }
        borders
    }

    fn side(&self, key: &Key, line: &StoredLine) -> Side {
        let end = line.nanos + line.grain;
        for (index, had) in self.0.get(key).into_iter().flatten().enumerate() {
            let last = had.last.as_ref().map_or(i64::MAX, |last| last.nanos);
            if end <= had.first.nanos {
                return Side::Missing;
            }
            if line.nanos <= had.first.nanos {
                return Side::First(index);
            }
            if line.nanos <= last {
                return if end > last { Side::Last(index) } else { Side::Had };
            }
        }
        Side::Missing
    }

    fn stretch(&self, (key, index): &(Key, usize)) -> Option<&Had> {
        self.0.get(key)?.get(*index)
    }
}

fn hole(pair: &[Had]) -> i64 {
    match pair {
        [Had { last: Some(last), .. }, next] => next.first.nanos.saturating_sub(last.nanos),
        _ => 0,
    }
}

fn join_over(all: &mut Vec<Had>, narrow: i64) {
    let mut joined: Vec<Had> = Vec::with_capacity(all.len());
    for had in all.drain(..) {
        match joined.last_mut() {
            Some(before) if before.meets(&had, narrow) => before.join(&had),
            _ => joined.push(had),
        }
    }
    *all = joined;
}

/// The earliest time after this one that no store cuts it to.
fn grain_after(nanos: i64) -> i64 {
    (nanos.div_euclid(LONGEST_GRAIN) + 1).saturating_mul(LONGEST_GRAIN)
}

fn has_hole(all: &[Had], from: i64, until: i64) -> bool {
    let mut begins = i64::MIN;
    for had in all {
        if from < had.first.nanos && until > begins {
            return true;
        }
        let Some(last) = &had.last else { return false };
        begins = last.nanos - last.nanos.rem_euclid(LONGEST_GRAIN);
    }
    until > begins
}

/// On which side of the seams a stored line stands.
enum Side {
    /// In a hole.
    Missing,
    Had,
    /// On either side of a stretch's first seam.
    First(usize),
    /// On either side of its last one.
    Last(usize),
}

/// Leaves out of stored lines what is had.
pub(super) struct Joint {
    had: AllHad,
    /// Lines that may stand on either side of a first seam.
    held: BTreeMap<(Key, usize), Vec<StoredLine>>,
    /// How many of a last seam's lines have been met.
    met: BTreeMap<(Key, usize), usize>,
}

impl Joint {
    pub(super) fn new(had: AllHad) -> Self {
        Self { had, held: BTreeMap::new(), met: BTreeMap::new() }
    }

    /// What is known to be wanted, now that `line` has come.
    pub(super) fn pass(&mut self, line: StoredLine) -> Vec<StoredLine> {
        let mut wanted = self.released(line.nanos);
        let key = (line.pod.clone(), line.container.clone());
        match self.had.side(&key, &line) {
            Side::Missing => wanted.push(line),
            Side::Had => {}
            Side::First(index) => self.held.entry((key, index)).or_default().push(line),
            Side::Last(index) => wanted.extend(Some(line).filter(|line| !self.meets((key, index), line))),
        }
        wanted
    }

    /// What was held of seams before `nanos`, without what comes again after them.
    pub(super) fn released(&mut self, nanos: i64) -> Vec<StoredLine> {
        let (had, mut wanted) = (&self.had, Vec::new());
        self.held.retain(|place, lines| {
            let seam = had.stretch(place).map(|had| &had.first).filter(|seam| seam.nanos < nanos);
            if let Some(seam) = seam {
                lines.truncate(lines.len() - seam.overlap(lines));
                wanted.append(lines);
            }
            seam.is_none()
        });
        wanted.sort_by_key(|line| line.nanos);
        wanted
    }

    /// Whether a line at a stretch's end is one of its last.
    fn meets(&mut self, place: (Key, usize), line: &StoredLine) -> bool {
        let Some(last) = self.had.stretch(&place).and_then(|had| had.last.as_ref()) else { return false };
        let met = self.met.entry(place).or_default();
        let found = last.position(line, *met);
        *met = found.map_or(*met, |index| index + 1);
        found.is_some()
    }
}

/// Whether a gap says of a container that something is missing that isn't had.
pub(super) fn is_in_a_hole(had: &AllHad, item: &Item) -> bool {
    matches!(item.what, What::Gap(_)) && had.is_missing_after(&item.origin.key(), item.nanos)
}

#[cfg(test)]
#[path = "had_tests.rs"]
mod tests;
