//! Reading one container's log through the API.

use super::gap::GapCheck;
use super::instances::Instance;
use super::kept::Place;
use super::line::{Item, Numbering, Source, Stamps, What, kept, parse};
use super::position::Cursor;
use super::range::SECOND;
use super::rotated::{KeptLines, Rotated};
use super::written::Written;
use crate::Error;
use crate::cluster::in_time;
use async_stream::try_stream;
use fairway_domain::{LogEntry, Timestamp};
use futures::stream::{BoxStream, empty};
use futures::{AsyncBufRead, AsyncBufReadExt, Stream, StreamExt, TryStreamExt};
use http::{HeaderValue, header};
use k8s_openapi::api::core::v1::Pod;
use kube::Resource;
use kube::api::LogParams;
use kube::core::Request;
use std::pin::pin;
use std::time::Duration;

/// What of a line is read into memory: what is given of it, and the stamp.
const LONGEST_LINE: usize = LogEntry::MOST_BYTES + 64;
/// Read beyond a wanted tail, so that the first line of it has its right place.
const TAIL_MARGIN: u32 = 20;
/// How long a log that isn't followed may pause in the middle.
pub(super) const LONGEST_SILENCE: Duration = Duration::from_secs(15);

/// Items of one stream that follow each other: as many as were there at once.
pub(super) type Chunk = Vec<Item>;
pub(super) type ChunkStream = BoxStream<'static, Result<Chunk, Error>>;

/// Which part of a container's log.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Part {
    pub(super) follow: bool,
    /// Only lines at or after this place (nanoseconds); some before it may come too.
    pub(super) since: Option<i64>,
    /// Only this many of the last ones.
    pub(super) tail: Option<u32>,
    /// Only this many bytes.
    pub(super) bytes: Option<i64>,
}

/// Opens the log of `source`'s present or previous instance.
pub(super) async fn open(
    client: &kube::Client,
    source: &Source,
    previous: bool,
    part: Part,
) -> Result<impl AsyncBufRead + use<>, Error> {
    let parameters = LogParams {
        container: Some(source.origin.container.to_string()),
        follow: part.follow,
        previous,
        since_time: part.since.and_then(second_before),
        tail_lines: part.tail.map(i64::from),
        limit_bytes: part.bytes,
        timestamps: true,
        ..LogParams::default()
    };
    let pods = Pod::url_path(&(), Some(source.namespace.as_str()));
    let mut request =
        Request::new(pods).logs(&source.origin.pod, &parameters).map_err(kube::Error::BuildRequest)?;
    if !part.follow {
        // Readers come many at a time: their connections, kept for the next ones, would be most of the memory.
        request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let opening = client.request_stream(request);
    // A stream that is followed answers with its first line, which may take for ever: only the others have a limit.
    if part.follow { Ok(opening.await?) } else { in_time(opening).await }
}

/// The API knows whole seconds, and the client would round up; one second more covers lines stamped out of order.
fn second_before(nanos: i64) -> Option<Timestamp> {
    let second = nanos.div_euclid(SECOND) - 1;
    if second <= 0 { None } else { Timestamp::from_second(second).ok() }
}

/// The lines of an opened log, placed. An unfinished last line is left out: it is not all there yet. One that isn't followed has to
/// go on at once, or its connection is dead.
pub(super) fn lines(
    log: impl AsyncBufRead + Send,
    source: Source,
    restart: u32,
    follow: bool,
) -> impl Stream<Item = Result<Chunk, Error>> + Send {
    try_stream! {
        let mut log = pin!(log);
        let mut parts = Parts::new(source, restart);
        let silent = if follow { Duration::MAX } else { LONGEST_SILENCE };
        loop {
            let next = tokio::time::timeout(silent, log.fill_buf()).await;
            let next = next.map_err(|_| Error::Unreachable("the log stops in the middle".into()))?;
            let bytes = next.map_err(|error| Error::Unreachable(error.to_string()))?;
            if bytes.is_empty() {
                break;
            }
            let items = parts.add(bytes);
            let used = bytes.len();
            log.consume_unpin(used);
            if !items.is_empty() {
                yield items;
            }
        }
    }
}

/// Makes lines of bytes, however they are parted.
struct Parts {
    source: Source,
    restart: u32,
    stamps: Stamps,
    numbering: Numbering,
    /// What is kept of a line that isn't finished.
    line: Vec<u8>,
    /// How many bytes of it are not.
    beyond: u64,
}

impl Parts {
    fn new(source: Source, restart: u32) -> Self {
        let (stamps, numbering) = (Stamps::default(), Numbering::default());
        Self { source, restart, stamps, numbering, line: Vec::new(), beyond: 0 }
    }

    /// The lines that these bytes finish.
    fn add(&mut self, bytes: &[u8]) -> Chunk {
        let (mut items, mut rest) = (Vec::new(), bytes);
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (piece, after) = (&rest[..end], &rest[end + 1..]);
            rest = after;
            if self.line.is_empty() && piece.len() <= LONGEST_LINE {
                items.extend(self.item(piece, 0));
                continue;
            }
            self.hold(piece);
            let (line, beyond) = (std::mem::take(&mut self.line), std::mem::take(&mut self.beyond));
            items.extend(self.item(&line, beyond));
        }
        self.hold(rest);
        items
    }

    fn hold(&mut self, piece: &[u8]) {
        let room = LONGEST_LINE.saturating_sub(self.line.len()).min(piece.len());
        self.line.extend_from_slice(&piece[..room]);
        self.beyond = self.beyond.saturating_add(length(&piece[room..]));
    }

    fn item(&mut self, raw: &[u8], beyond: u64) -> Option<Item> {
        let Some((nanos, text)) = parse(raw, &mut self.stamps) else {
            let said = String::from_utf8_lossy(raw);
            tracing::debug!(pod = %self.source.origin.pod, %said, "the kubelet says");
            return None;
        };
        let whole = length(text).saturating_add(beyond);
        let text = kept(text);
        let beyond = whole.saturating_sub(length(text.as_bytes()));
        let place = self.numbering.place(nanos);
        Some(Item { beyond, ..Item::happened(&self.source, self.restart, place, What::Line(text)) })
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// What to read of a source, instance by instance.
pub(super) struct Reading {
    pub(super) client: kube::Client,
    pub(super) source: Source,
    pub(super) instances: Vec<Instance>,
    /// Where the reader is; nothing if they have read nothing of this source.
    pub(super) cursor: Option<Cursor>,
    /// Only lines at or after this place, for a reader without a cursor.
    pub(super) floor: i64,
    /// Only about this many of each instance's last lines.
    pub(super) tail: Option<u32>,
    /// What the kubelet no longer has, and which of it is wanted; nothing for who writes it down.
    pub(super) kept: Option<KeptLines>,
    /// Whether to go on reading the instance that runs.
    pub(super) follow: bool,
    /// The instance (by its id) whose log was read to its end before. Nothing of it is missing if it can't be read again; and if it
    /// seems to go on without what was read, then that is its successor, which its status doesn't show yet, though it may already say
    /// that this one has ended.
    pub(super) read_before: Option<String>,
}

impl Reading {
    /// The lines after the cursor, and the ends between them, in the order of the log.
    pub(super) fn chunks(self) -> impl Stream<Item = Result<Chunk, Error>> + Send {
        try_stream! {
            let mut cursor = self.cursor.unwrap_or_else(Cursor::start);
            if let Some(joined) = self.source.joined()
                && self.cursor.is_none()
                && joined.nanos >= self.floor
                && !self.follow
            {
                yield vec![joined];
            }
            for instance in &self.instances {
                if instance.restart < cursor.instance {
                    continue;
                }
                let mut chunks = pin!(self.of_instance(instance, cursor));
                while let Some(chunk) = chunks.try_next().await? {
                    for item in &chunk {
                        cursor.advance(item);
                    }
                    yield chunk;
                }
            }
        }
    }

    /// One instance's lines after `cursor`; a gap first where lines may be missing; its end last.
    fn of_instance<'a>(
        &'a self,
        instance: &'a Instance,
        mut cursor: Cursor,
    ) -> impl Stream<Item = Result<Chunk, Error>> + Send + 'a {
        try_stream! {
            let mut resumed = self.has_begun(cursor);
            let mut gap = GapCheck::new(cursor, instance.restart);
            let floor = if resumed { cursor.nanos } else { self.floor };
            let read_before = self.read_before.as_ref() == Some(&instance.id);
            // Its stream ended before it had a line.
            let came_to_nothing = read_before && (cursor.fresh || cursor.instance < instance.restart);
            let mut place_seen = false;
            if self.kept.is_none() && let Some(restarted) = self.restarted(instance, cursor) {
                // The stream of one that runs may have no line for ever.
                cursor.advance(&restarted);
                yield vec![restarted];
            }
            let mut written = self.written(instance, floor).await?;
            let gone = written.gone && !read_before;
            let first = written.first().cloned();
            let rotated = if written.enough { None } else { self.rotated(first, instance, cursor).await };
            if let Some(mut rotated) = rotated {
                while let Some(items) = rotated.next().await {
                    resumed = true;
                    yield self.after_restarts(items, instance, &mut cursor);
                }
                gap = GapCheck::new(cursor, instance.restart);
                gap.met |= rotated.joint().told;
                written.numbering = rotated.joint().numbering();
                if rotated.joint().over {
                    return;
                }
            }
            if let Some(restarted) = self.restarted(instance, cursor) {
                cursor.advance(&restarted);
                yield vec![restarted];
            }
            while let Some(mut chunk) = written.next().await? {
                // Places only grow: what was had before stands before everything else.
                let had = chunk.partition_point(|item| cursor.passed(item) || (!resumed && item.nanos < self.floor));
                if had > 0 {
                    chunk.drain(..had);
                    gap.saw_the_place();
                    place_seen = true;
                }
                let own = |item: &Item| {
                    if came_to_nothing { instance.surely_wrote(item.nanos) } else { !read_before || place_seen }
                };
                let of_successor = chunk.split_off(chunk.partition_point(own));
                if let Some(last) = chunk.last() {
                    place_seen = true;
                    let missing = gap.item(&self.source).filter(|_| resumed);
                    gap.met = true;
                    cursor.advance(last);
                    if let Some(missing) = missing {
                        yield vec![missing];
                    }
                    yield chunk;
                }
                if !of_successor.is_empty() {
                    break;
                }
            }
            // The kubelet may have removed the log since.
            gap.met = gap.met || read_before;
            if gone && self.kept.is_none() && let Some(started) = instance.started {
                gap.is_gone(started);
            }
            if self.follow && resumed && !gap.met && instance.end.is_none() {
                // It knows nothing of a container that runs, as right after its own start: that is no gap yet.
                Err(Error::Unreachable("the kubelet doesn't have the log yet".into()))?;
            }
            let last = self.last_words(instance, cursor, gap.item(&self.source).filter(|_| resumed), resumed);
            if !last.is_empty() {
                yield last;
            }
        }
    }

    /// What is kept of an instance and those before it, each after its restart: the disk may not have that of the last one.
    fn after_restarts(&self, items: Chunk, instance: &Instance, cursor: &mut Cursor) -> Chunk {
        let mut chunk = Chunk::with_capacity(items.len());
        for item in items {
            let own = item.restart == instance.restart && !matches!(item.what, What::Restarted(_));
            let restarted = self.restarted(instance, *cursor).filter(|_| own);
            for item in restarted.into_iter().chain([item]) {
                cursor.advance(&item);
                chunk.push(item);
            }
        }
        chunk
    }

    /// What is told once an instance's lines are over: that some are missing, and its end.
    fn last_words(&self, instance: &Instance, cursor: Cursor, missing: Option<Item>, resumed: bool) -> Chunk {
        let end = instance.end.as_ref().map(|end| ended(&self.source, instance.restart, cursor, end));
        // An end from before what was asked for is left out like the lines before it.
        missing.into_iter().chain(end.filter(|end| resumed || end.nanos >= self.floor)).collect()
    }

    /// That an instance isn't the container's first, unless the reader has had that or comes from where that was not to be seen.
    fn restarted(&self, instance: &Instance, cursor: Cursor) -> Option<Item> {
        let begins = if self.has_begun(cursor) {
            cursor.instance == instance.restart && cursor.fresh && !cursor.begun
        } else {
            instance.started.is_some_and(|started| started >= self.floor)
        };
        let started = instance.started.filter(|_| begins && instance.restart > 0)?;
        let place = (started.max(cursor.nanos), cursor.ordinal);
        let what = What::Restarted(instance.beginning());
        Some(Item::happened(&self.source, instance.restart, place, what))
    }

    /// Whether something has been read before, by this reading or an earlier one.
    fn has_begun(&self, cursor: Cursor) -> bool {
        self.cursor.is_some() || cursor != Cursor::start()
    }

    /// What has to be read from the disk before the kubelet's first line, if that isn't one that the reader has had.
    async fn rotated(&self, first: Option<Item>, instance: &Instance, cursor: Cursor) -> Option<Rotated> {
        let kept = self.kept.as_ref()?;
        let place = if self.has_begun(cursor) { Place::After(cursor) } else { Place::From(self.floor) };
        if first.as_ref().is_some_and(|first| place.has_had(first)) {
            return None;
        }
        Some(kept.before(self.source.id, place, instance.restart, first).await)
    }

    /// Everything that the kubelet has of an instance since `floor`, or the last of it.
    async fn written(&self, instance: &Instance, floor: i64) -> Result<Written, Error> {
        let follow = self.follow && instance.end.is_none();
        let all = Part { follow, since: Some(floor).filter(|nanos| *nanos > 0), ..Part::default() };
        if let Some(tail) = self.tail {
            let tail = tail.saturating_add(TAIL_MARGIN);
            let lines = self.part(instance, Part { tail: Some(tail), ..all }).await?;
            let lines: Chunk = lines.unwrap_or_else(|| empty().boxed()).try_concat().await?;
            if let Some(lines) = surely_whole(lines, tail) {
                return Ok(Written {
                    first: Some(lines),
                    rest: empty().boxed(),
                    gone: false,
                    enough: true,
                    numbering: None,
                });
            }
        }
        let rest = self.part(instance, all).await?;
        let gone = rest.is_none();
        let mut rest = rest.unwrap_or_else(|| empty().boxed());
        // Who follows begins before there is a line.
        let first = if self.kept.is_some() { rest.try_next().await? } else { None };
        Ok(Written { first, rest, gone, enough: false, numbering: None })
    }

    /// Nothing if the pod or that instance of it is gone.
    async fn part(&self, instance: &Instance, part: Part) -> Result<Option<ChunkStream>, Error> {
        match open(&self.client, &self.source, instance.previous, part).await {
            Err(Error::Refused { code: 400 | 404, .. }) => Ok(None),
            log => Ok(Some(lines(log?, self.source.clone(), instance.restart, part.follow).boxed())),
        }
    }
}

/// The last lines of a log that begin at a known place. Where reading began in the middle, the first place may be in the middle of a
/// line or of several with one stamp, and is left out. Nothing if fewer came than asked for: then the log is short, or has lines
/// so long that the kubelet counts one as many, and is better read whole.
fn surely_whole(lines: Vec<Item>, tail: u32) -> Option<Vec<Item>> {
    if lines.len() < usize::try_from(tail).unwrap_or(usize::MAX) {
        return None;
    }
    let first = lines.first().map(|item| item.nanos);
    let unsure = lines.iter().take_while(|item| Some(item.nanos) == first).count();
    (unsure < lines.len()).then(|| lines.into_iter().skip(unsure).collect())
}

/// The entry that tells of an instance's end.
pub(super) fn ended(source: &Source, restart: u32, cursor: Cursor, end: &super::instances::End) -> Item {
    let place = (end.nanos.max(cursor.nanos), cursor.ordinal);
    Item::happened(source, restart, place, What::Ended(end.text.clone()))
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
