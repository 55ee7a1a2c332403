//! Lines from before what the cluster and the disk have, of whoever keeps them outside.
//!
//! Each line is given once. What the cluster or the disk has of a container begins somewhere, at its seam; of that container, only
//! what is before the seam is taken from outside. Where the store cuts times so short that a line may stand on either side of the
//! seam, as many of its last lines there are left out as say the same as the first ones after it.

use super::line::{Item, Numbering, Origin, SourceId, What};
use super::position::Position;
use super::range::nanos;
use super::seam::{Key, LONGEST_GRAIN, Seam};
use crate::Error;
use async_stream::stream;
use fairway_domain::{LogPlace, Namespace, StoredLine, Stretch, Timestamp};
use futures::stream::{BoxStream, iter, once};
use futures::{Stream, StreamExt};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// How many of the last older lines are searched for those that match, where the last that match are asked for.
pub(super) const SEARCHED: u32 = 20_000;

/// Asks for lines in their order. Where some couldn't be had, the stream says so in a sentence, and may go on.
pub type Ask = Arc<dyn Fn(Stretch) -> BoxStream<'static, Result<StoredLine, String>> + Send + Sync>;

/// Who keeps a service's lines outside of the cluster.
#[derive(Clone)]
pub struct Older {
    /// Asks them.
    pub ask: Ask,
    /// How far back they are asked at most.
    pub reach: Duration,
}

impl Older {
    /// The whole text of the line at a place, of a container as far as it is `known`; nothing if there is no such line.
    pub(super) async fn line(
        &self,
        namespace: &Namespace,
        known: HashMap<Key, (SourceId, Option<u64>)>,
        place: LogPlace,
    ) -> Result<Option<String>, Error> {
        let reach = i64::try_from(self.reach.as_nanos()).unwrap_or(i64::MAX);
        if place.nanos < nanos(Timestamp::now()).saturating_sub(reach) {
            return Ok(None);
        }
        let from = place.nanos - place.nanos.rem_euclid(LONGEST_GRAIN);
        let mut placing = Placing { namespace: namespace.clone(), known, sources: HashMap::new() };
        let stretch = Stretch { from, until: from + LONGEST_GRAIN, whole: true, ..Stretch::default() };
        let (mut lines, mut failed) = ((self.ask)(stretch), None);
        while let Some(line) = lines.next().await {
            match line {
                Ok(line) => {
                    let item = placing.item(line);
                    // How often the container had been restarted isn't known of every line.
                    let there = LogPlace { restart: place.restart, ..item.place() };
                    if let (true, What::Line(text)) = (there == place, item.what) {
                        return Ok(Some(text));
                    }
                }
                Err(why) => failed = Some(why),
            }
        }
        failed.map_or(Ok(None), |why| Err(Error::Older(why)))
    }
}

/// Everything that is needed to go on in the past.
pub(super) struct Past {
    pub(super) older: Older,
    pub(super) namespace: Namespace,
    /// From here on, in nanoseconds.
    pub(super) from: i64,
    /// Before this, in nanoseconds.
    pub(super) until: i64,
    /// Only this many of the last ones; and whether they are to be searched.
    pub(super) last: Option<(u32, bool)>,
    pub(super) seams: BTreeMap<Key, Seam>,
    /// What the reader has had already.
    pub(super) position: Position,
    /// The containers that are known without the store, and the revisions of their pods.
    pub(super) known: HashMap<Key, (SourceId, Option<u64>)>,
}

impl Past {
    /// What the cluster or the disk has of a container begins with these lines.
    pub(super) fn begins_with(&mut self, first: &[Item]) {
        let Some((item, seam)) = first.first().zip(Seam::of(first)) else { return };
        let key = item.origin.key();
        // A pod of a name that came again begins with the first that had it.
        if self.seams.get(&key).is_none_or(|known| seam.nanos < known.nanos) {
            self.seams.insert(key.clone(), seam);
            self.known.insert(key, (item.source, item.origin.revision));
        }
    }

    /// The lines before the seams as items, in the store's order, and gaps where some couldn't be had.
    pub(super) fn items(self) -> impl Stream<Item = Result<Item, Error>> + Send + 'static {
        stream! {
            let mut lines = self.lines();
            let mut placing = Placing { namespace: self.namespace, known: self.known, sources: HashMap::new() };
            let mut joint = Joint { seams: self.seams, held: BTreeMap::new() };
            let (position, mut latest, mut said) = (self.position, self.from, None);
            let wanted = |item: &Item| !position.passed(item);
            while let Some(line) = lines.next().await {
                match line {
                    Ok(line) => {
                        latest = latest.max(line.nanos);
                        for item in joint.pass(line).into_iter().map(|line| placing.item(line)).filter(wanted) {
                            yield Ok(item);
                        }
                    }
                    // What keeps every stretch from being read is said once.
                    Err(why) if said.as_ref() == Some(&why) => {}
                    Err(why) => {
                        said = Some(why.clone());
                        yield Ok(gap(latest, why));
                    }
                }
            }
            for item in joint.released(i64::MAX).into_iter().map(|line| placing.item(line)).filter(wanted) {
                yield Ok(item);
            }
            for item in placing.ends(latest) {
                yield Ok(item);
            }
        }
    }

    /// What the store says, in order. It is asked in two stretches: up to the last seam for all containers of which something is
    /// missing, and after it only for those that are known to nobody else.
    fn lines(&self) -> BoxStream<'static, Result<StoredLine, String>> {
        let last_seam = self.seams.values().map(|seam| seam.nanos).max().unwrap_or(self.from);
        // Where no line stands on both sides of it, however short the store cuts times.
        let border = (last_seam.div_euclid(LONGEST_GRAIN) + 1).saturating_mul(LONGEST_GRAIN);
        let border = border.clamp(self.from, self.until);
        let border = if last_seam <= self.from { self.from } else { border };
        let (before, after) = (self.stretch(self.from, border), self.stretch(border, self.until));
        let ask = self.older.ask.clone();
        match self.last {
            None => iter([before, after].into_iter().flatten()).flat_map(move |stretch| ask(stretch)).boxed(),
            Some((last, searched)) => {
                once(last_lines(ask, before, after, last, searched)).flat_map(iter).boxed()
            }
        }
    }

    /// Without what begins before it anyway; nothing if it is empty.
    fn stretch(&self, from: i64, until: i64) -> Option<Stretch> {
        let had = self.seams.iter().filter(|(_, seam)| seam.nanos <= from.max(self.from));
        let without = had.map(|(key, _)| key.clone()).collect();
        (from < until).then_some(Stretch { from, until, without, ..Stretch::default() })
    }
}

/// The last lines of two stretches, and that no more were searched if so.
async fn last_lines(
    ask: Ask,
    before: Option<Stretch>,
    after: Option<Stretch>,
    last: u32,
    searched: bool,
) -> Vec<Result<StoredLine, String>> {
    let mut newest_first = Vec::new();
    let mut left = last;
    for stretch in [after, before].into_iter().flatten() {
        let failed = newest_first.iter().flatten().any(|line: &Result<_, _>| line.is_err());
        if left > 0 && !failed {
            let stretch = Stretch { last: Some(left), ..stretch };
            let until = stretch.until;
            let lines: Vec<_> = ask(stretch).collect().await;
            // One whose time is cut may stand after the end.
            let inside = |line: &&Result<StoredLine, _>| {
                line.as_ref().is_ok_and(|line| line.nanos + line.grain <= until)
            };
            let count = lines.iter().filter(inside).count();
            left = left.saturating_sub(u32::try_from(count).unwrap_or(u32::MAX));
            newest_first.push(lines);
        }
    }
    let mut lines: Vec<_> = newest_first.into_iter().rev().flatten().collect();
    if left == 0 && searched {
        let why = format!(
            "Only the last {last} older lines were searched. Ask for those before them to search on."
        );
        // Where the search ended.
        lines.insert(lines.iter().take_while(|line| line.is_err()).count() + 1, Err(why));
    }
    lines
}

/// What the store says of itself: it has no place at which a reader could resume.
fn gap(nanos: i64, why: String) -> Item {
    Item {
        source: SourceId::HISTORY,
        origin: Arc::default(),
        restart: 0,
        nanos,
        ordinal: 0,
        beyond: 0,
        what: What::Gap(why),
    }
}

/// Leaves out what stands after the seams.
struct Joint {
    seams: BTreeMap<Key, Seam>,
    /// Lines that may stand on either side of their seam.
    held: BTreeMap<Key, Vec<StoredLine>>,
}

impl Joint {
    /// What is known to be wanted, now that `line` has come.
    fn pass(&mut self, line: StoredLine) -> Vec<StoredLine> {
        let mut wanted = self.released(line.nanos);
        let key = (line.pod.clone(), line.container.clone());
        match self.seams.get(&key) {
            Some(seam) if line.nanos > seam.nanos => {}
            Some(seam) if line.nanos + line.grain > seam.nanos => {
                self.held.entry(key).or_default().push(line);
            }
            _ => wanted.push(line),
        }
        wanted
    }

    /// What was held of seams before `nanos`, without what comes again after them.
    fn released(&mut self, nanos: i64) -> Vec<StoredLine> {
        let (seams, mut wanted) = (&self.seams, Vec::new());
        self.held.retain(|key, lines| {
            let seam = seams.get(key).filter(|seam| seam.nanos < nanos);
            if let Some(seam) = seam {
                lines.truncate(lines.len() - seam.overlap(lines));
                wanted.append(lines);
            }
            seam.is_none()
        });
        wanted.sort_by_key(|line| line.nanos);
        wanted
    }
}

/// Gives lines the places that they have in the cluster's log, as far as it can be known.
struct Placing {
    namespace: Namespace,
    known: HashMap<Key, (SourceId, Option<u64>)>,
    sources: HashMap<Key, (SourceId, Arc<Origin>, Numbering)>,
}

impl Placing {
    /// That nothing more can come of what only the store knows, though it once had a name in the cluster.
    fn ends(self, nanos: i64) -> impl Iterator<Item = Item> {
        let Self { known, sources, .. } = self;
        let unknown = move |(key, (source, ..)): &(Key, (SourceId, Arc<Origin>, Numbering))| {
            !known.contains_key(key) && !source.is_elsewhere()
        };
        let ended = sources.into_iter().filter(unknown);
        ended.map(move |(_, (source, origin, _))| {
            let what = What::Closed(None);
            Item { source, origin, restart: 0, nanos, ordinal: 0, beyond: 0, what }
        })
    }

    fn item(&mut self, line: StoredLine) -> Item {
        let (known, namespace) = (&self.known, &self.namespace);
        let source = self.sources.entry((line.pod, line.container)).or_insert_with_key(|key| {
            let (pod, container) = key;
            let (id, revision) = known.get(key).copied().unwrap_or_else(|| {
                (SourceId::elsewhere(namespace, line.uid.as_deref(), pod, container), None)
            });
            (
                id,
                Arc::new(Origin { pod: pod.as_str().into(), container: container.as_str().into(), revision }),
                Numbering::default(),
            )
        });
        let (source, origin, numbering) = source;
        let (nanos, ordinal) = numbering.place(line.nanos);
        let beyond = line.bytes.saturating_sub(u64::try_from(line.text.len()).unwrap_or(u64::MAX));
        let (source, origin) = (*source, origin.clone());
        Item { source, origin, restart: line.restart, nanos, ordinal, beyond, what: What::Line(line.text) }
    }
}

#[cfg(test)]
#[path = "older_tests.rs"]
mod tests;
