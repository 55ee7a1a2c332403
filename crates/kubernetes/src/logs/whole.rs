//! One line with all of its text, however long it is: streamed, never held.

use super::instances::instances;
use super::line::{Numbering, Source, SourceId, What, parse_stamp};
use super::older::Older;
use super::read::{LONGEST_SILENCE, Part, open};
use super::sources;
use crate::{Cluster, ClusterState, Error};
use async_stream::try_stream;
use fairway_domain::{LogPlace, Namespace, ServiceName};
use futures::future::ready;
use futures::stream::{BoxStream, once};
use futures::{AsyncBufRead, AsyncBufReadExt, Stream, StreamExt};
use std::collections::HashSet;
use std::io;
use std::pin::Pin;

/// More than any stamp of the kubelet's.
const LONGEST_STAMP: usize = 64;

pub(super) type Log = Pin<Box<dyn AsyncBufRead + Send>>;

/// What a line says.
pub struct LineText {
    /// Its bytes, as they were written, without its end.
    pub bytes: BoxStream<'static, Result<Vec<u8>, Error>>,
    /// How many more it had, which nobody has any more.
    pub lost: u64,
}

impl LineText {
    fn of(text: String, lost: u64) -> Self {
        Self { bytes: once(ready(Ok(text.into_bytes()))).boxed(), lost }
    }
}

impl Cluster {
    /// The text of a line; nothing if neither the cluster, the disk nor `older` has that line any more. The disk has no more of it than
    /// [`fairway_domain::LogEntry::MOST_BYTES`], and has what is no UTF-8 replaced.
    pub async fn log_line(
        &self,
        state: &ClusterState,
        ns: &Namespace,
        service: &ServiceName,
        place: LogPlace,
        older: Option<Older>,
    ) -> Result<Option<LineText>, Error> {
        let present = sources(state, ns, service).into_iter().find(|source| source.id.0 == place.source);
        if let Some(source) = &present
            && let Some(line) = self.present_line(state, ns, source, place).await?
        {
            return Ok(Some(LineText { bytes: line.boxed(), lost: 0 }));
        }
        let id = SourceId(place.source);
        let disk = self.hubs.kept(ns, service).filter(|_| !id.is_elsewhere());
        let kept = match &disk {
            Some(disk) => disk.line(place).await,
            None => None,
        };
        if let Some(older) = older
            && kept.as_ref().is_none_or(|kept| kept.beyond > 0)
        {
            let origin = match (present, &kept, disk) {
                (Some(source), ..) => Some(source.origin),
                (_, Some(kept), _) => Some(kept.origin.clone()),
                (.., Some(disk)) => {
                    disk.found(&HashSet::from([id])).await.first().map(|found| found.origin.clone())
                }
                _ => None,
            };
            let known = origin.map(|origin| (origin.key(), (id, origin.revision)));
            if let Some(text) = older.line(ns, known.into_iter().collect(), place).await? {
                return Ok(Some(LineText::of(text, 0)));
            }
        }
        Ok(kept.and_then(|kept| match kept.what {
            What::Line(text) => Some(LineText::of(text, kept.beyond)),
            _ => None,
        }))
    }

    /// The same of a container that the cluster knows.
    async fn present_line(
        &self,
        state: &ClusterState,
        ns: &Namespace,
        source: &Source,
        place: LogPlace,
    ) -> Result<Option<impl Stream<Item = Result<Vec<u8>, Error>> + Send + use<>>, Error> {
        let namespace = state.namespace(ns);
        let pod = namespace.pods.get(&source.origin.pod);
        let instances = pod.map(|pod| instances(pod, &source.origin.container)).unwrap_or_default();
        let Some(instance) = instances.iter().find(|instance| instance.restart == place.restart) else {
            return Ok(None);
        };
        let part = Part { since: Some(place.nanos), ..Part::default() };
        let mut log: Log = match open(&self.client, source, instance.previous, part).await {
            Err(Error::Refused { code: 400 | 404, .. }) => return Ok(None),
            log => Box::pin(log?),
        };
        Ok(skip_to(&mut log, place).await?.then(|| rest_of_line(log)))
    }
}

/// Reads up to the text of the line at `place`; false if it isn't there.
async fn skip_to(log: &mut Log, place: LogPlace) -> Result<bool, Error> {
    let mut numbering = Numbering::default();
    let mut stamp = Vec::new();
    loop {
        stamp.clear();
        if !read_stamp(log, &mut stamp).await? {
            return Ok(false);
        }
        if let Some(nanos) = parse_stamp(&stamp) {
            let found = numbering.place(nanos);
            if found == (place.nanos, place.ordinal) {
                return Ok(true);
            }
            if found > (place.nanos, place.ordinal) {
                return Ok(false);
            }
        }
        while let Some(piece) = piece(log).await? {
            if piece.ends {
                break;
            }
        }
    }
}

/// Reads a line's first word and the space after it. What has no such word is read to where it can't have one. False at the log's end.
pub(super) async fn read_stamp(log: &mut Log, stamp: &mut Vec<u8>) -> Result<bool, Error> {
    while stamp.len() < LONGEST_STAMP {
        let buffer = fill(log).await?;
        let Some(byte) = buffer.first().copied() else { return Ok(false) };
        if byte == b'\n' {
            // The end is left for who reads on.
            return Ok(true);
        }
        log.consume_unpin(1);
        if byte == b' ' {
            return Ok(true);
        }
        stamp.push(byte);
    }
    Ok(true)
}

/// Some bytes of a line, and whether they are its last.
struct Piece {
    bytes: Vec<u8>,
    ends: bool,
}

/// The next bytes of the line; nothing at the log's end.
async fn piece(log: &mut Log) -> Result<Option<Piece>, Error> {
    let buffer = fill(log).await?;
    if buffer.is_empty() {
        return Ok(None);
    }
    let end = memchr::memchr(b'\n', buffer);
    let bytes = buffer[..end.unwrap_or(buffer.len())].to_vec();
    log.consume_unpin(bytes.len() + usize::from(end.is_some()));
    Ok(Some(Piece { bytes, ends: end.is_some() }))
}

fn rest_of_line(mut log: Log) -> impl Stream<Item = Result<Vec<u8>, Error>> + Send {
    try_stream! {
        while let Some(piece) = piece(&mut log).await? {
            if !piece.bytes.is_empty() {
                yield piece.bytes;
            }
            if piece.ends {
                break;
            }
        }
    }
}

async fn fill(log: &mut Log) -> Result<&[u8], Error> {
    let unreachable = |error: io::Error| Error::Unreachable(error.to_string());
    match tokio::time::timeout(LONGEST_SILENCE, log.fill_buf()).await {
        Ok(buffer) => buffer.map_err(unreachable),
        Err(_) => Err(Error::Unreachable("the log stops in the middle".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::TryStreamExt;
    use futures::io::{BufReader, Cursor};

    const LOG: &str = "2026-11-25T01:00:00Z first\n\nunable to retrieve container logs for containerd://4711\n\
                       2026-11-25T01:00:01Z  a line of spaces \n2026-11-25T01:00:01Z and another\n\
                       2026-11-25T01:00:03Z \n2026-11-25T01:00:04Z last\n";
    const FIRST: i64 = 1_795_568_400_000_000_000;

    async fn whole(second: i64, ordinal: u32) -> Option<String> {
        let nanos = FIRST + second * 1_000_000_000;
        // So little at once that every seam is met.
        let mut log: Log = Box::pin(BufReader::with_capacity(3, Cursor::new(LOG)));
        let place = LogPlace { source: 1, restart: 0, nanos, ordinal };
        if !skip_to(&mut log, place).await.unwrap() {
            return None;
        }
        let pieces: Vec<Vec<u8>> = rest_of_line(log).try_collect().await.unwrap();
        Some(String::from_utf8(pieces.concat()).unwrap())
    }

    #[tokio::test]
    async fn a_line_is_found_by_its_place_and_given_as_it_was_written() {
        assert_eq!(whole(0, 1).await.as_deref(), Some("first"));
        assert_eq!(whole(1, 1).await.as_deref(), Some(" a line of spaces "));
        assert_eq!(whole(1, 2).await.as_deref(), Some("and another"));
        assert_eq!(whole(3, 1).await.as_deref(), Some(""));
        assert_eq!(whole(4, 1).await.as_deref(), Some("last"));
    }

    #[tokio::test]
    async fn a_line_that_is_not_there_is_no_other() {
        for (second, ordinal) in [(0, 2), (1, 3), (2, 1), (5, 1), (-1, 1)] {
            assert_eq!(whole(second, ordinal).await, None, "{second} {ordinal}");
        }
    }
}
