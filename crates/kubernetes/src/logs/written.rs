//! The lines that the kubelet has of one instance of a container.

use super::line::{Item, Numbering};
use super::read::{Chunk, ChunkStream};
use crate::Error;
use futures::TryStreamExt;

/// These lines, of which the first may have been looked at.
pub(super) struct Written {
    pub(super) first: Option<Chunk>,
    pub(super) rest: ChunkStream,
    /// Whether the kubelet has no log of it at all.
    pub(super) gone: bool,
    /// Whether these are all that are wanted.
    pub(super) enough: bool,
    /// Places them after lines from elsewhere.
    pub(super) numbering: Option<Numbering>,
}

impl Written {
    pub(super) fn first(&self) -> Option<&Item> {
        self.first.as_ref()?.first()
    }

    pub(super) async fn next(&mut self) -> Result<Option<Chunk>, Error> {
        let next = match self.first.take() {
            None => self.rest.try_next().await?,
            first => first,
        };
        Ok(next.map(|mut chunk| {
            if let Some(numbering) = &mut self.numbering {
                for item in &mut chunk {
                    (item.nanos, item.ordinal) = numbering.place(item.nanos);
                }
            }
            chunk
        }))
    }
}
