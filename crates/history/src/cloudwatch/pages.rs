//! Going through a stretch of time page by page. A page may be empty though others follow it, and they come in one direction only:
//! the oldest first.

use super::event::{Event, MILLI};
use super::{Asked, CloudWatch};
use crate::Error;
use crate::record::Read;
use async_stream::stream;
use aws_sdk_cloudwatchlogs::error::SdkError;
use aws_sdk_cloudwatchlogs::operation::filter_log_events::{FilterLogEventsError, FilterLogEventsOutput};
use aws_smithy_async::future::pagination_stream::PaginationStream;
use fairway_domain::{StoredLine, Stretch, Timestamp};
use futures::stream::{BoxStream, iter, once};
use futures::{Stream, StreamExt};
use std::collections::VecDeque;

/// How far back the last lines are looked for at first, in milliseconds, and how many times as far each time after that; where lines
/// stand close, so many times less.
const FIRST_SPAN: i64 = 60_000;
const WIDER: i64 = 8;
/// How many pages are looked through for the last lines at most.
const MOST_PAGES: u32 = 100;

pub(super) fn lines(
    cloud_watch: CloudWatch,
    asked: Asked,
    Stretch { from, until, last, .. }: Stretch,
) -> BoxStream<'static, Result<StoredLine, Error>> {
    // Times are asked for by the millisecond: one that is begun belongs to the stretch.
    let span = (from.div_euclid(MILLI), until.saturating_add(MILLI - 1).div_euclid(MILLI));
    let reader = Reader { cloud_watch, asked, from, until };
    match last {
        None => forward(reader, span).boxed(),
        Some(last) => once(backward(reader, span, last)).flat_map(iter).boxed(),
    }
}

/// Who reads a stretch of time, in nanoseconds.
#[derive(Clone)]
struct Reader {
    cloud_watch: CloudWatch,
    asked: Asked,
    from: i64,
    until: i64,
}

impl Reader {
    /// Whether a line may be of the stretch.
    fn may_hold(&self, line: &StoredLine) -> bool {
        line.nanos < self.until && line.nanos + line.grain > self.from
    }

    /// Whether a line is of the stretch, and not perhaps of what comes after it.
    fn holds(&self, line: &StoredLine) -> bool {
        line.nanos + line.grain <= self.until
    }
}

/// All lines, as they are read.
fn forward(reader: Reader, span: (i64, i64)) -> impl Stream<Item = Result<StoredLine, Error>> + Send {
    stream! {
        let mut reading = match Reading::begin(reader, span).await {
            Ok(reading) => reading,
            Err(error) => {
                yield Err(error);
                return;
            }
        };
        while let Some(page) = reading.next().await {
            match page {
                Ok(page) => {
                    for line in page.lines {
                        yield Ok(line);
                    }
                }
                Err(error) => {
                    yield Err(error);
                    return;
                }
            }
        }
    }
}

/// The last lines, looked for in spans that reach back further and further.
async fn backward(
    reader: Reader,
    (from, mut until): (i64, i64),
    last: u32,
) -> Vec<Result<StoredLine, Error>> {
    let mut wanted = usize::try_from(last).unwrap_or(usize::MAX);
    let mut found = VecDeque::new();
    let (mut span, mut close, mut left) = (FIRST_SPAN, None, MOST_PAGES);
    while from < until && wanted > 0 {
        let begin = from.max(until.saturating_sub(span));
        let looked = match Reading::begin(reader.clone(), (begin, until)).await {
            Ok(reading) => last_of(reading, wanted, until - begin, &mut left).await,
            Err(error) => Err(error),
        };
        match looked {
            Ok(Looked::All(lines)) => {
                wanted = wanted.saturating_sub(lines.iter().filter(|line| reader.holds(line)).count());
                let mut lines: VecDeque<_> = lines.into_iter().map(Ok).collect();
                lines.append(&mut found);
                found = lines;
                (until, span) = (begin, (until - begin).saturating_mul(WIDER));
                // What is known to be too much is come nearer to by halves.
                if let Some(close) = close.filter(|close| *close < until) {
                    span = span.min((until - close) / 2 + 1);
                }
            }
            Ok(Looked::TooMany(until_there)) => (close, span) = (Some(until_there), (until - begin) / WIDER),
            Ok(Looked::NoFurther) => {
                let source_name = reader.cloud_watch.name();
                let since = Timestamp::from_millisecond(until).unwrap_or_default();
                found.push_front(Err(Error::NoFurther { source_name, since }));
                break;
            }
            Err(error) => {
                found.push_front(Err(error));
                break;
            }
        }
    }
    found.into()
}

/// What came of looking for the last lines of a span.
enum Looked {
    /// Those that there are, or as many as were wanted and those that share the first one's time.
    All(VecDeque<StoredLine>),
    /// There are so many before this millisecond already that a shorter span will do.
    TooMany(i64),
    /// No page may be asked for any more.
    NoFurther,
}

/// The last lines of a span of some milliseconds.
async fn last_of(mut reading: Reading, wanted: usize, span: i64, left: &mut u32) -> Result<Looked, Error> {
    let mut lines: VecDeque<StoredLine> = VecDeque::new();
    let (mut first, mut beyond) = (true, 0);
    while let Some(page) = reading.next().await {
        let page = page?;
        if std::mem::take(&mut first) && page.promises(wanted, span) {
            *left = left.saturating_sub(1);
            let until_there = reading.begin + page.reached.unwrap_or_default();
            return Ok(if *left == 0 { Looked::NoFurther } else { Looked::TooMany(until_there) });
        }
        for line in page.lines {
            beyond += usize::from(!reading.reader.holds(&line));
            lines.push_back(line);
            // Lines of one time stay together.
            let time = |line: &StoredLine| line.nanos;
            while let Some(spare) =
                lines.len().checked_sub(wanted.saturating_add(beyond)).filter(|spare| *spare > 0)
                && lines.front().map(time) < lines.get(spare).map(time)
            {
                lines.pop_front();
            }
        }
        *left = left.saturating_sub(1);
        if *left == 0 && page.reached.is_some() {
            return Ok(Looked::NoFurther);
        }
    }
    Ok(Looked::All(lines))
}

/// A stretch of time on its way.
struct Reading {
    reader: Reader,
    /// Where it begins, in milliseconds.
    begin: i64,
    pages: PaginationStream<Result<FilterLogEventsOutput, SdkError<FilterLogEventsError>>>,
    /// Of the last millisecond so far, which may go on in the next page.
    held: Vec<Event>,
}

/// The lines of a page, by their exact times where those are known.
struct Page {
    lines: Vec<StoredLine>,
    /// If there are more pages: how many milliseconds of the stretch are behind, as far as known.
    reached: Option<i64>,
}

impl Page {
    /// Whether at this page's rate an eighth of the span has twice as many lines as are wanted.
    fn promises(&self, wanted: usize, span: i64) -> bool {
        let Some(reached) = self.reached.filter(|_| span > WIDER) else { return false };
        let (had, wanted) = (self.lines.len() as u128, wanted as u128);
        let (reached, span) = (reached.max(1).unsigned_abs(), span.unsigned_abs());
        had * u128::from(span) >= 2 * wanted * u128::from(reached) * u128::from(WIDER.unsigned_abs())
    }
}

impl Reading {
    async fn begin(reader: Reader, span: (i64, i64)) -> Result<Self, Error> {
        let pages = reader.cloud_watch.request(&reader.asked, span).await?.into_paginator().send();
        Ok(Self { reader, begin: span.0, pages, held: Vec::new() })
    }

    async fn next(&mut self) -> Option<Result<Page, Error>> {
        let answer = match self.pages.next().await? {
            Ok(answer) => answer,
            Err(error) => return Some(Err(self.reader.cloud_watch.trouble(&self.reader.asked, &error))),
        };
        let more = answer.next_token.is_some();
        self.held.extend(answer.events.unwrap_or_default().into_iter().map(Event::from));
        let last = self.held.iter().map(|event| event.millis).max();
        let open = |event: &Event| more && Some(event.millis) == last;
        let (open, done) = std::mem::take(&mut self.held).into_iter().partition(open);
        self.held = open;
        let reached = more.then(|| last.map_or(0, |last| last - self.begin));
        Some(self.in_order(done).map(|lines| Page { lines, reached }))
    }

    fn in_order(&self, events: Vec<Event>) -> Result<Vec<StoredLine>, Error> {
        let Reader { cloud_watch, asked, .. } = &self.reader;
        let mut lines = Vec::with_capacity(events.len());
        for event in events {
            match event.read(&asked.of) {
                Read::Line(line) if self.reader.may_hold(&line) => lines.push(line),
                // Streams of other pods may begin alike.
                Read::Unnamed if asked.stream_prefix.is_some() => {}
                Read::Line(_) | Read::Foreign => {}
                Read::Unnamed => return Err(Error::NoPod { source_name: cloud_watch.name() }),
            }
        }
        lines.sort_by_key(|line| line.nanos);
        Ok(lines)
    }
}
