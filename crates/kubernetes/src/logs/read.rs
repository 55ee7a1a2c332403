//! Reading one container's log through the API.

use super::instances::Instance;
use super::line::{Item, Numbering, Source, What, kept, parse};
use super::position::Cursor;
use crate::Error;
use crate::cluster::in_time;
use async_stream::{stream, try_stream};
use fairway_domain::{LogEntry, Timestamp};
use futures::stream::{BoxStream, empty, iter};
use futures::{AsyncBufRead, AsyncBufReadExt, Stream, StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, LogParams};
use std::pin::pin;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// What of a line is read into memory: what is given of it, and the stamp.
const LONGEST_LINE: usize = LogEntry::MOST_BYTES + 64;
/// Read beyond a wanted tail, so that the first line of it has its right place.
const TAIL_MARGIN: u32 = 20;
/// How long a log that isn't followed may pause in the middle.
pub(super) const LONGEST_SILENCE: Duration = Duration::from_secs(15);
/// How many items are handed over at once, and how many such chunks are read ahead.
const CHUNK: usize = 64;
const CHUNKS_AHEAD: usize = 8;
const SECOND: i64 = 1_000_000_000;

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
    let pods: Api<Pod> = Api::namespaced(client.clone(), source.namespace.as_str());
    let parameters = LogParams {
        container: Some(source.origin.container.clone()),
        follow: part.follow,
        previous,
        since_time: part.since.and_then(second_before),
        tail_lines: part.tail.map(i64::from),
        limit_bytes: part.bytes,
        timestamps: true,
        ..LogParams::default()
    };
    let opening = pods.log_stream(&source.origin.pod, &parameters);
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
) -> impl Stream<Item = Result<Item, Error>> + Send {
    try_stream! {
        let mut log = pin!(log);
        let mut numbering = Numbering::default();
        let mut raw = Vec::new();
        let silent = if follow { Duration::MAX } else { LONGEST_SILENCE };
        loop {
            let next = tokio::time::timeout(silent, read_line(&mut log, &mut raw)).await;
            let next = next.map_err(|_| Error::Unreachable("the log stops in the middle".into()))?;
            let Some(beyond) = next.map_err(|error| Error::Unreachable(error.to_string()))? else { break };
            let Some((nanos, text)) = parse(&raw) else {
                tracing::debug!(pod = %source.origin.pod, said = %String::from_utf8_lossy(&raw), "the kubelet says");
                continue;
            };
            let whole = length(text).saturating_add(beyond);
            let text = kept(text);
            let beyond = whole.saturating_sub(length(text.as_bytes()));
            let (nanos, ordinal) = numbering.place(nanos);
            let what = What::Line(text);
            yield Item { beyond, ..Item::happened(&source, restart, (nanos, ordinal), what) };
        }
    }
}

/// Reads one finished line without its end, and gives how many bytes of it were not kept; nothing if there is no line left.
async fn read_line(
    log: &mut (impl AsyncBufRead + Unpin),
    line: &mut Vec<u8>,
) -> std::io::Result<Option<u64>> {
    line.clear();
    let mut beyond = 0_u64;
    loop {
        let buffer = log.fill_buf().await?;
        if buffer.is_empty() {
            return Ok(None);
        }
        let end = memchr::memchr(b'\n', buffer);
        let piece = &buffer[..end.unwrap_or(buffer.len())];
        let room = LONGEST_LINE.saturating_sub(line.len()).min(piece.len());
        line.extend_from_slice(&piece[..room]);
        beyond = beyond.saturating_add(length(&piece[room..]));
        let used = piece.len() + usize::from(end.is_some());
        log.consume_unpin(used);
        if end.is_some() {
            return Ok(Some(beyond));
        }
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
    /// Whether to go on reading the instance that runs.
    pub(super) follow: bool,
    /// The instance (by its id) whose log was read to its end before. Nothing of it is missing if it can't be read again; and if it
    /// seems to go on without what was read, then that is its successor, which its status doesn't show yet.
    pub(super) read_before: Option<String>,
}

impl Reading {
    /// The same as `items`, read by a task of its own that is a bounded number of items ahead: several logs are read at once, while
    /// each waits for its turn.
    pub(super) fn ahead(self) -> BoxStream<'static, Result<Item, Error>> {
        let (sender, mut chunks) = mpsc::channel(CHUNKS_AHEAD);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut chunks = pin!(self.items().ready_chunks(CHUNK));
            while let Some(chunk) = chunks.next().await {
                if sender.send(chunk).await.is_err() {
                    return;
                }
            }
        });
        let items = stream! {
            // Ends with who reads.
            let _task = task;
            while let Some(chunk) = chunks.recv().await {
                for item in chunk {
                    yield item;
                }
            }
        };
        items.boxed()
    }

    /// The lines after the cursor, and the ends between them, in the order of the log.
    pub(super) fn items(self) -> impl Stream<Item = Result<Item, Error>> + Send {
        try_stream! {
            let mut cursor = self.cursor.unwrap_or_else(Cursor::start);
            if let Some(joined) = self.source.joined()
                && self.cursor.is_none()
                && joined.nanos >= self.floor
                && !self.follow
            {
                yield joined;
            }
            for instance in &self.instances {
                if instance.restart < cursor.instance {
                    continue;
                }
                let mut items = pin!(self.instance_items(instance, cursor));
                while let Some(item) = items.try_next().await? {
                    cursor.advance(&item);
                    yield item;
                }
            }
        }
    }

    /// One instance's lines after `cursor`; a gap first where lines may be missing; its end last.
    fn instance_items<'a>(
        &'a self,
        instance: &'a Instance,
        mut cursor: Cursor,
    ) -> impl Stream<Item = Result<Item, Error>> + Send + 'a {
        try_stream! {
            let resumed = self.cursor.is_some();
            let mut gap = GapCheck::new(cursor, instance.restart);
            let floor = if resumed { cursor.nanos } else { self.floor };
            let read_before = self.read_before.as_ref() == Some(&instance.id);
            let mut place_seen = false;
            let mut lines = self.written(instance, floor).await?;
            while let Some(item) = lines.try_next().await? {
                if cursor.passed(&item) || (!resumed && item.nanos < self.floor) {
                    gap.saw_the_place();
                    place_seen = true;
                    continue;
                }
                if read_before && !place_seen && instance.end.is_none() {
                    return;
                }
                place_seen = true;
                if let Some(missing) = gap.item(&self.source).filter(|_| resumed) {
                    yield missing;
                }
                gap.met = true;
                cursor.advance(&item);
                yield item;
            }
            // The kubelet may have removed the log since.
            gap.met = gap.met || read_before;
            if let Some(missing) = gap.item(&self.source).filter(|_| resumed) {
                yield missing;
            }
            if let Some(end) = &instance.end {
                let end = ended(&self.source, instance.restart, cursor, end);
                // An end from before what was asked for is left out like the lines before it.
                if resumed || end.nanos >= self.floor {
                    yield end;
                }
            }
        }
    }

    /// Everything that an instance has written since `floor`, or the last of it.
    async fn written(
        &self,
        instance: &Instance,
        floor: i64,
    ) -> Result<BoxStream<'static, Result<Item, Error>>, Error> {
        let follow = self.follow && instance.end.is_none();
        let all = Part { follow, since: Some(floor).filter(|nanos| *nanos > 0), ..Part::default() };
        if let Some(tail) = self.tail {
            let tail = tail.saturating_add(TAIL_MARGIN);
            let lines = self.part(instance, Part { tail: Some(tail), ..all }).await?;
            let lines: Vec<Item> = lines.try_collect().await?;
            if let Some(lines) = surely_whole(lines, tail) {
                return Ok(iter(lines.into_iter().map(Ok)).boxed());
            }
        }
        self.part(instance, all).await
    }

    async fn part(
        &self,
        instance: &Instance,
        part: Part,
    ) -> Result<BoxStream<'static, Result<Item, Error>>, Error> {
        match open(&self.client, &self.source, instance.previous, part).await {
            // The pod or that instance of it is gone: nothing can be read.
            Err(Error::Refused { code: 400 | 404, .. }) => Ok(empty().boxed()),
            log => Ok(lines(log?, self.source.clone(), instance.restart, part.follow).boxed()),
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

/// Whether lines may be missing between a reader's place and the first line that can be read after it.
struct GapCheck {
    cursor: Cursor,
    restart: u32,
    /// Whether the line at the cursor, or an earlier one, was met again: then nothing is missing.
    met: bool,
}

impl GapCheck {
    fn new(cursor: Cursor, restart: u32) -> Self {
        // Whoever has read all earlier instances to their ends begins this one at its beginning.
        Self { cursor, restart, met: cursor.fresh && restart == cursor.instance }
    }

    fn saw_the_place(&mut self) {
        // The instance that the cursor is in, or one between, may be missing all the same.
        self.met = self.met || self.restart <= self.cursor.instance;
    }

    fn item(&self, source: &Source) -> Option<Item> {
        if self.met {
            return None;
        }
        let text = if self.restart > self.cursor.instance {
            "An earlier run of the container can't be read any more: lines may be missing here."
        } else {
            "The log was rotated while nobody read it: lines may be missing here."
        };
        Some(Item::happened(source, self.restart, self.cursor.place(), What::Gap(text.into())))
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
