//! Live streams as gzip that holds nothing back: what is there at once goes out as one piece, which is read without those that follow.
//!
//! An encoder takes more memory than everything else about a stream, and nearly all streams wait nearly all the time. So each thread has
//! one encoder for all of them, and of a stream only its last words are kept: the encoder begins a piece with these as its dictionary, which
//! the reader's decoder has as what it decoded last.

use async_stream::try_stream;
use axum::BoxError;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use flate2::{Compress, CompressError, Compression, Crc, FlushCompress};
use futures::{FutureExt, Stream, StreamExt};
use http::{HeaderMap, HeaderValue, header};
use std::cell::RefCell;
use std::ops::ControlFlow;

/// What is compressed here.
pub(crate) const STREAMS: [&str; 2] = ["text/event-stream", "application/x-ndjson"];

/// How much goes out in one piece at most, in bytes before they are compressed, about.
const AT_ONCE: usize = 64 * 1024;
/// How much of what was said last is kept, in bytes: some tens of lines, of which the next one repeats the most.
const LAST: usize = 8 * 1024;
/// How much room is made for compressed bytes at a time.
const ROOM: usize = 4 * 1024;

/// gzip's header: deflate, no name, no time, the fastest level, no system.
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255];
/// A last block of deflate's with nothing in it.
const LAST_BLOCK: [u8; 2] = [3, 0];

thread_local! {
    static ENCODER: RefCell<Compress> = RefCell::new(Compress::new(Compression::fast(), false));
}

/// Compresses a stream for who can read that.
pub(crate) async fn streams(request: Request, next: Next) -> Response {
    let reads_gzip = reads_gzip(request.headers());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if !is_stream(headers) {
        return response;
    }
    headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    if !reads_gzip {
        return response;
    }
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.remove(header::CONTENT_LENGTH);
    response.map(|body| Body::from_stream(compressed(body)))
}

fn is_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    STREAMS.iter().any(|stream| kind.starts_with(stream))
}

/// Whether gzip is wanted at least as much as what isn't compressed.
fn reads_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let wishes: Vec<(&str, f32)> = lines.flat_map(|line| line.split(',')).filter_map(wish).collect();
    let of = |name: &str| wishes.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, q)| *q);
    let gzip = of("gzip").or_else(|| of("x-gzip")).unwrap_or_default();
    gzip > 0.0 && gzip >= of("identity").unwrap_or_default()
}

/// An encoding, and how much it is wanted, from 0 to 1.
fn wish(text: &str) -> Option<(&str, f32)> {
    let (name, weight) = text.split_once(';').unwrap_or((text, "q=1"));
    let weight = weight.trim().strip_prefix(['q', 'Q'])?.trim_start().strip_prefix('=')?;
    Some((name.trim(), weight.trim().parse().ok().filter(|weight| (0.0..=1.0).contains(weight))?))
}

fn compressed(body: Body) -> impl Stream<Item = Result<Vec<u8>, BoxError>> {
    try_stream! {
        let mut frames = body.into_data_stream();
        let mut gzip = Gzip::default();
        loop {
            let (piece, then) = at_once(&mut frames).await;
            if !piece.is_empty() {
                yield gzip.piece(&piece)?;
            }
            if let ControlFlow::Break(end) = then {
                end?;
                yield gzip.end();
                return;
            }
        }
    }
}

/// What is there, at least one frame of it, and how the stream goes on.
async fn at_once<E>(
    frames: &mut (impl Stream<Item = Result<Bytes, E>> + Unpin),
) -> (Vec<Bytes>, ControlFlow<Result<(), E>>) {
    let (mut piece, mut bytes) = (Vec::new(), 0);
    let mut next = Some(frames.next().await);
    while let Some(frame) = next {
        match frame {
            Some(Ok(frame)) => {
                bytes += frame.len();
                piece.push(frame);
            }
            Some(Err(error)) => return (piece, ControlFlow::Break(Err(error))),
            None => return (piece, ControlFlow::Break(Ok(()))),
        }
        next = if bytes < AT_ONCE { frames.next().now_or_never() } else { None };
    }
    (piece, ControlFlow::Continue(()))
}

/// One stream's state.
#[derive(Default)]
struct Gzip {
    /// Of all bytes so far.
    sum: Crc,
    last: Vec<u8>,
    begun: bool,
}

impl Gzip {
    /// These bytes, so that all of them can be read.
    fn piece(&mut self, frames: &[Bytes]) -> Result<Vec<u8>, CompressError> {
        let mut out = self.head();
        ENCODER.with_borrow_mut(|encoder| {
            encoder.reset();
            if !self.last.is_empty() {
                encoder.set_dictionary(&self.last)?;
            }
            for frame in frames {
                encode(encoder, frame, FlushCompress::None, &mut out)?;
            }
            encode(encoder, &[], FlushCompress::Sync, &mut out)
        })?;
        for frame in frames {
            self.said(frame);
        }
        Ok(out)
    }

    /// The last bytes of the whole.
    fn end(&mut self) -> Vec<u8> {
        let mut out = self.head();
        out.extend(LAST_BLOCK);
        out.extend(self.sum.sum().to_le_bytes());
        out.extend(self.sum.amount().to_le_bytes());
        out
    }

    fn head(&mut self) -> Vec<u8> {
        if std::mem::replace(&mut self.begun, true) { Vec::new() } else { HEAD.to_vec() }
    }

    fn said(&mut self, bytes: &[u8]) {
        self.sum.update(bytes);
        let new = &bytes[bytes.len().saturating_sub(LAST)..];
        let surplus = (self.last.len() + new.len()).saturating_sub(LAST);
        self.last.drain(..surplus);
        self.last.extend(new);
    }
}

/// Adds the compressed bytes; with a flush, up to the last of them.
fn encode(
    encoder: &mut Compress,
    bytes: &[u8],
    flush: FlushCompress,
    out: &mut Vec<u8>,
) -> Result<(), CompressError> {
    let mut left = bytes;
    loop {
        out.reserve(ROOM);
        let taken = encoder.total_in();
        encoder.compress_vec(left, out, flush)?;
        let taken = usize::try_from(encoder.total_in() - taken).unwrap_or(usize::MAX);
        left = &left[taken.min(left.len())..];
        // Where no room is left, there may be more to come.
        if left.is_empty() && out.len() < out.capacity() {
            return Ok(());
        }
    }
}

#[cfg(test)]
#[path = "compression_tests.rs"]
mod tests;
