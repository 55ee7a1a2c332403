//! How items stand in a file: records one after another, each with its length and a checksum, so that a torn end is seen.

use super::super::line::{Item, Origin, SourceId, What};
use super::super::position::Cursor;
use std::collections::HashMap;
use std::sync::Arc;

/// Length and checksum.
const HEAD: usize = 8;

const SOURCE: u8 = 0;
const LINE: u8 = 1;
const ENDED: u8 = 2;
const GAP: u8 = 3;
const JOINED: u8 = 4;
const LEFT: u8 = 5;
const CLOSED: u8 = 6;
const RESTARTED: u8 = 7;
const WRITTEN: u8 = 8;

/// A container whose items follow, and how far it had been written when this was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KnownSource {
    pub(super) id: SourceId,
    pub(super) origin: Arc<Origin>,
    /// Nothing before its first item.
    pub(super) cursor: Option<Cursor>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// How many lines had been written of all sources when this was.
    Written(u64),
    Source(KnownSource),
    Item(Item),
}

/// Adds a source's record.
pub(super) fn write_source(out: &mut Vec<u8>, source: &KnownSource) {
    framed(out, |out| {
        out.push(SOURCE);
        out.extend(source.id.0.to_le_bytes());
        let cursor = source.cursor.unwrap_or_default();
        out.extend(cursor.nanos.to_le_bytes());
        out.extend(cursor.ordinal.to_le_bytes());
        out.extend(cursor.instance.to_le_bytes());
        out.push(
            u8::from(source.cursor.is_some()) | u8::from(cursor.fresh) << 1 | u8::from(cursor.begun) << 2,
        );
        out.extend(source.origin.revision.unwrap_or(0).to_le_bytes());
        let pod = source.origin.pod.as_bytes();
        out.extend(u32::try_from(pod.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend(pod);
        out.extend(source.origin.container.as_bytes());
    });
}

/// Adds how many lines had been written.
pub(super) fn write_written(out: &mut Vec<u8>, lines: u64) {
    framed(out, |out| {
        out.push(WRITTEN);
        out.extend(lines.to_le_bytes());
    });
}

/// Adds an item's record; its source's has to come before it. What isn't the containers' own is left out.
pub(super) fn write_item(out: &mut Vec<u8>, item: &Item) {
    let (kind, text) = match &item.what {
        What::Line(text) => (LINE, &**text),
        What::Ended(text) => (ENDED, &**text),
        What::Restarted(text) => (RESTARTED, &**text),
        What::Gap(text) => (GAP, &**text),
        What::Joined(text) => (JOINED, &**text),
        What::Closed(Some(text)) => (LEFT, &**text),
        What::Closed(None) => (CLOSED, ""),
        What::Event(_) => return,
    };
    framed(out, |out| {
        out.push(kind);
        out.extend(item.source.0.to_le_bytes());
        out.extend(item.restart.to_le_bytes());
        out.extend(item.nanos.to_le_bytes());
        out.extend(item.ordinal.to_le_bytes());
        out.extend(item.beyond.to_le_bytes());
        out.extend(text.as_bytes());
    });
}

fn framed(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([0; HEAD]);
    write(out);
    let body = &out[start + HEAD..];
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes();
    let sum = crc32fast::hash(body).to_le_bytes();
    out[start..start + 4].copy_from_slice(&length);
    out[start + 4..start + HEAD].copy_from_slice(&sum);
}

/// The body of the first of these records, and what follows it; nothing if it isn't whole.
pub(super) fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut head = Fields(bytes);
    let length = usize::try_from(u32::from_le_bytes(head.take()?)).ok()?;
    let sum = u32::from_le_bytes(head.take()?);
    let (body, rest) = head.0.split_at_checked(length)?;
    (crc32fast::hash(body) == sum).then_some((body, rest))
}

/// What a record says first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Whether it stands at a segment's beginning, or a source's: it is no item.
    pub(super) begins: bool,
    /// Of which source it is.
    pub(super) source: SourceId,
    /// The time of an item.
    pub(super) nanos: Option<i64>,
    /// Where in its segment the record begins, in bytes.
    pub(super) place: u64,
}

impl Head {
    /// Of the record with this body that begins at a place; nothing if it is none.
    pub(super) fn of(body: &[u8], place: u64) -> Option<Self> {
        let mut fields = Fields(body);
        let [kind] = fields.take()?;
        let source = SourceId(u64::from_le_bytes(fields.take()?));
        if kind == WRITTEN {
            return Some(Self { begins: true, source: SourceId::NOBODY, nanos: None, place });
        }
        let begins = kind == SOURCE;
        if begins {
            return Some(Self { begins, source, nanos: None, place });
        }
        let _restart: [u8; 4] = fields.take()?;
        Some(Self { begins, source, nanos: Some(i64::from_le_bytes(fields.take()?)), place })
    }
}

/// What all items of the sources that were met have in common.
#[derive(Default)]
pub(super) struct Origins(HashMap<SourceId, Arc<Origin>>);

impl Origins {
    /// Those of sources that are known.
    pub(super) fn of(known: &[KnownSource]) -> Self {
        Self(known.iter().map(|source| (source.id, source.origin.clone())).collect())
    }

    /// The record with this body; nothing if it is none.
    pub(super) fn decode(&mut self, body: &[u8]) -> Option<Record> {
        let mut fields = Fields(body);
        let [kind] = fields.take()?;
        let id = SourceId(u64::from_le_bytes(fields.take()?));
        if kind == WRITTEN {
            return Some(Record::Written(id.0));
        }
        if kind == SOURCE {
            let source = source(id, fields)?;
            self.0.insert(id, source.origin.clone());
            return Some(Record::Source(source));
        }
        let restart = u32::from_le_bytes(fields.take()?);
        let nanos = i64::from_le_bytes(fields.take()?);
        let ordinal = u32::from_le_bytes(fields.take()?);
        let beyond = u64::from_le_bytes(fields.take()?);
        let text = String::from_utf8_lossy(fields.0).into_owned();
        let what = match kind {
            LINE => What::Line(text),
            ENDED => What::Ended(text),
            RESTARTED => What::Restarted(text),
            GAP => What::Gap(text),
            JOINED => What::Joined(text),
            LEFT => What::Closed(Some(text)),
            CLOSED => What::Closed(None),
            _ => return None,
        };
        let origin = self.0.get(&id)?.clone();
        Some(Record::Item(Item { source: id, origin, restart, nanos, ordinal, beyond, what }))
    }
}

fn source(id: SourceId, mut fields: Fields<'_>) -> Option<KnownSource> {
    let nanos = i64::from_le_bytes(fields.take()?);
    let ordinal = u32::from_le_bytes(fields.take()?);
    let instance = u32::from_le_bytes(fields.take()?);
    let [flags] = fields.take()?;
    let revision = Some(u64::from_le_bytes(fields.take()?)).filter(|revision| *revision > 0);
    let pod = usize::try_from(u32::from_le_bytes(fields.take()?)).ok()?;
    let (pod, container) = fields.0.split_at_checked(pod)?;
    let text = |bytes| Arc::from(String::from_utf8_lossy(bytes));
    let origin = Origin { pod: text(pod), container: text(container), revision };
    let cursor = Cursor { nanos, ordinal, instance, fresh: flags & 2 != 0, begun: flags & 4 != 0 };
    Some(KnownSource { id, origin: Arc::new(origin), cursor: (flags & 1 != 0).then_some(cursor) })
}

/// Bytes that are taken from their front.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }
}

#[cfg(test)]
mod tests {
    use super::super::segment::Segment;
    use super::*;

    fn records() -> Vec<Record> {
        let origin =
            Arc::new(Origin { pod: "orders-5d-k2".into(), container: "app".into(), revision: Some(7) });
        let source = |cursor| Record::Source(KnownSource { id: SourceId(9), origin: origin.clone(), cursor });
        let item = |what| {
            Record::Item(Item {
                source: SourceId(9),
                origin: origin.clone(),
                restart: 2,
                nanos: -5,
                ordinal: 3,
                beyond: 4,
                what,
            })
        };
        let fresh = Cursor { nanos: 1, ordinal: 2, instance: 3, fresh: true, begun: false };
        vec![
            Record::Written(12),
            source(None),
            item(What::Joined("joined".into())),
            item(What::Line("é a line\nof two".into())),
            item(What::Line(String::new())),
            item(What::Ended("exited".into())),
            item(What::Restarted("restarted".into())),
            item(What::Gap("rotated".into())),
            source(Some(fresh)),
            source(Some(Cursor { begun: true, ..fresh })),
            source(Some(Cursor { fresh: false, ..fresh })),
            item(What::Closed(Some("is gone".into()))),
            item(What::Closed(None)),
        ]
    }

    fn written(records: &[Record]) -> Vec<u8> {
        let mut out = Vec::new();
        for record in records {
            match record {
                Record::Written(lines) => write_written(&mut out, *lines),
                Record::Source(source) => write_source(&mut out, source),
                Record::Item(item) => write_item(&mut out, item),
            }
        }
        out
    }

    async fn read(bytes: &[u8]) -> Vec<Record> {
        let (mut segment, mut records) = (Segment::of(bytes), Vec::new());
        while let Some(record) = segment.next(|_| true).await {
            records.push(record);
        }
        records
    }

    #[tokio::test]
    async fn what_was_written_is_read() {
        assert_eq!(read(&written(&records())).await, records());
    }

    #[tokio::test]
    async fn of_a_torn_file_everything_whole_is_read_and_nothing_else() {
        let (all, bytes) = (records(), written(&records()));
        for end in 0..bytes.len() {
            let read = read(&bytes[..end]).await;
            assert!(read == all[..read.len()], "torn at {end}");
            let next = written(&all[..=read.len()]).len();
            assert!(end < next, "torn at {end}: a whole record is missing");
        }
        for at in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[at] ^= 0x40;
            let read = read(&broken).await;
            assert!(read == all[..read.len()], "broken at {at}");
        }
    }
}
