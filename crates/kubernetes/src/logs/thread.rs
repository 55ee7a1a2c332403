//! The thread on which what has been written is read.

use super::merge::joined;
use super::read::{Chunk, ChunkStream};
use crate::Error;
use async_stream::stream;
use futures::{Stream, StreamExt};
use std::pin::pin;
use std::{io, thread};
use tokio::runtime::{Builder, Handle};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

/// A log comes in very many small pieces, and for each of them its connection, its reader and who merges it wake one another. On one
/// thread that costs next to nothing; across several it took more of the processors than everything else about a line.
pub(crate) struct ReadingThread {
    handle: Handle,
    /// The thread ends with it.
    _stop: Option<oneshot::Sender<()>>,
}

impl ReadingThread {
    /// Where no thread is to be had, reading goes on among everything else.
    pub(crate) fn start() -> Self {
        let started = start();
        let fallback = |error: io::Error| {
            tracing::warn!(%error, "no thread can be had for reading logs");
            Self { handle: Handle::current(), _stop: None }
        };
        started.map_or_else(fallback, |(handle, stop)| Self { handle, _stop: Some(stop) })
    }

    /// The same chunks, made on the thread by a task of their own that is at most `most` of them ahead: several logs are read at once,
    /// while each waits for its turn.
    pub(super) fn ahead(
        &self,
        chunks: impl Stream<Item = Result<Chunk, Error>> + Send + 'static,
        most: usize,
    ) -> ChunkStream {
        let (sender, mut ready) = mpsc::channel(most);
        let mut task = JoinSet::new();
        let reading = async move {
            let mut chunks = pin!(chunks);
            while let Some(chunk) = chunks.next().await {
                if sender.send(chunk).await.is_err() {
                    return;
                }
            }
        };
        task.spawn_on(reading, &self.handle);
        let chunks = stream! {
            // Ends with who reads.
            let _task = task;
            let mut some = Vec::with_capacity(most);
            // What is there already is one chunk: the fewer there are, the less often the logs wait for each other.
            while ready.recv_many(&mut some, most).await > 0 {
                for chunk in joined(some.drain(..)) {
                    yield chunk;
                }
            }
        };
        chunks.boxed()
    }
}

fn start() -> io::Result<(Handle, oneshot::Sender<()>)> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let (stop, stopped) = oneshot::channel::<()>();
    // Whether it is told or left alone is the same.
    thread::Builder::new().name("logs".into()).spawn(move || runtime.block_on(stopped).is_ok())?;
    Ok((handle, stop))
}

#[cfg(test)]
mod tests {
    use super::super::line::{Item, Source, What};
    use super::*;
    use futures::{TryStreamExt, stream};
    use std::sync::Arc;

    fn item(nanos: i64) -> Item {
        Item::happened(&Source::of_pod(1, "a"), 0, (nanos, 1), What::Line(String::new()))
    }

    #[tokio::test]
    async fn chunks_are_made_elsewhere_and_come_in_their_order() {
        let thread = ReadingThread::start();
        let made = stream::iter(0..100).map(|nanos| {
            assert_eq!(thread::current().name(), Some("logs"));
            Ok(vec![item(nanos)])
        });
        let read: Vec<Item> = thread.ahead(made, 4).try_concat().await.unwrap();
        assert!(read.iter().map(|item| item.nanos).eq(0..100));
    }

    #[tokio::test]
    async fn what_came_before_a_failure_is_given_first() {
        let made = stream::iter([Ok(vec![item(1)]), Ok(vec![item(2)]), Err(Error::LogPosition)]);
        let thread = ReadingThread::start();
        let mut read = thread.ahead(made, 4);
        let mut before = Vec::new();
        while let Some(Ok(chunk)) = read.next().await {
            before.extend(chunk);
        }
        assert_eq!(before, [item(1), item(2)]);
    }

    #[tokio::test]
    async fn nothing_is_made_further_ahead_than_is_allowed_nor_for_who_has_gone() {
        let made = Arc::new(());
        let held = made.clone();
        let endless = stream::repeat_with(move || {
            let _ = &held;
            Ok(vec![item(1)])
        });
        let thread = ReadingThread::start();
        let mut read = thread.ahead(endless, 2);
        let chunk = read.next().await.unwrap().unwrap();
        assert!((1..=2).contains(&chunk.len()));
        drop(read);
        while Arc::strong_count(&made) > 1 {
            tokio::task::yield_now().await;
        }
    }
}
