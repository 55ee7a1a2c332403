//! Lines from before what the cluster and the disk have, of whoever keeps them outside.
//!
//! Each line is given once. What the cluster or the disk has of a container has holes: before its first line, and where it was
//! rotated away unread. Only what is in them is taken from outside. Where the store cuts times so short that a line may stand on either
//! side of a seam, as many of its lines there are left out as say the same as those that are had.

use super::had::{AllHad, Found, Joint, is_in_a_hole};
use super::line::{Item, Numbering, Origin, SourceId, What};
use super::position::Position;
use super::range::now;
use super::seam::{Key, LONGEST_GRAIN};
use crate::Error;
use async_stream::stream;
use fairway_domain::{LogPlace, Namespace, StoredLine, Stretch};
use futures::stream::{BoxStream, iter, once};
use futures::{Stream, StreamExt};
use std::collections::HashMap;
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
        if place.nanos < now().saturating_sub(reach) {
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
    pub(super) had: AllHad,
    /// What the reader has had already.
    pub(super) position: Position,
    /// The containers that are known without the store, and the revisions of their pods.
    pub(super) known: HashMap<Key, (SourceId, Option<u64>)>,
}

impl Past {
    /// The cluster or the disk has this.
    pub(super) fn has(&mut self, Found { source, origin, had }: Found) {
        self.had.add(origin.key(), had);
        // A pod of a name that came again keeps the places of the first that had it.
        self.known.entry(origin.key()).or_insert((source, origin.revision));
    }

    /// A reader who was further in one container than in another is given what is missing of that one too, not before `earliest`.
    pub(super) fn go_back_to_what_is_missing(&mut self, earliest: i64) {
        let key_of = |id: SourceId| self.known.iter().find(|(_, known)| known.0 == id).map(|(key, _)| key);
        let open = self.position.open_sources().into_iter().filter(|(_, cursor)| cursor.nanos > 0);
        let behind = open.filter(|(id, cursor)| {
            key_of(*id).is_none_or(|key| self.had.is_missing_after(key, cursor.nanos))
        });
        let behind = behind.map(|(_, cursor)| cursor.nanos).min();
        self.from = behind.map_or(self.from, |behind| self.from.min(behind.max(earliest)));
    }

    /// What says of a gap whether it is filled here, or said why not.
    pub(super) fn fills(&self) -> impl Fn(&Item) -> bool + Clone + Send + 'static + use<> {
        let (had, times) = (Arc::new(self.had.clone()), self.from..self.until);
        move |item| times.contains(&item.nanos) && is_in_a_hole(&had, item)
    }

    /// The lines in the holes as items, in the store's order, and gaps where some couldn't be had.
    pub(super) fn items(self) -> impl Stream<Item = Result<Item, Error>> + Send + 'static {
        stream! {
            let mut lines = self.lines();
            let mut placing = Placing { namespace: self.namespace, known: self.known, sources: HashMap::new() };
            let mut joint = Joint::new(self.had);
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
                        yield Ok(Item::told_by_nobody(latest, why));
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

    /// What the store says, in order.
    fn lines(&self) -> BoxStream<'static, Result<StoredLine, String>> {
        let (ask, stretches) = (self.older.ask.clone(), self.stretches());
        match self.last {
            None => iter(stretches).flat_map(move |stretch| ask(stretch)).boxed(),
            Some((last, searched)) => once(last_lines(ask, stretches, last, searched)).flat_map(iter).boxed(),
        }
    }

    /// What it is asked, in order: in each stretch only for the containers of which something is missing there, and for those that
    /// are known to nobody else.
    fn stretches(&self) -> Vec<Stretch> {
        let mut stretches: Vec<Stretch> = Vec::new();
        let borders = self.had.borders().into_iter().filter(|border| *border < self.until);
        let mut from = self.from;
        for until in borders.chain([self.until]).filter(|until| *until > self.from) {
            let without = self.had.without_holes(from, until);
            match stretches.last_mut() {
                Some(last) if last.without == without => last.until = until,
                _ => stretches.push(Stretch { from, until, without, ..Stretch::default() }),
            }
            from = until;
        }
        stretches
    }
}

/// The last lines of all stretches, and that no more were searched if so.
async fn last_lines(
    ask: Ask,
    stretches: Vec<Stretch>,
    last: u32,
    searched: bool,
) -> Vec<Result<StoredLine, String>> {
    let mut newest_first = Vec::new();
    let mut left = last;
    for stretch in stretches.into_iter().rev() {
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
