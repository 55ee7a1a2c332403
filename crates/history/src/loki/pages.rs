//! Going through a stretch of time page by page. Loki gives so many lines at once, and no place to go on at but a time: where a page
//! ends in the middle of several lines of one time, all of them are asked for again.

use super::answer::{Direction, Page};
use super::{Asked, Loki};
use crate::Error;
use async_stream::stream;
use fairway_domain::{StoredLine, Stretch};
use futures::StreamExt;
use futures::stream::{BoxStream, iter, once};
use std::collections::VecDeque;

/// How much time is asked for at once at most: Loki's own limit is 30 days and one hour. Looking back, the latest day comes first.
const LONGEST: i64 = 30 * DAY;
const DAY: i64 = 24 * 3_600_000_000_000;

pub(super) fn lines(
    loki: Loki,
    asked: Asked,
    stretch: Stretch,
) -> BoxStream<'static, Result<StoredLine, Error>> {
    match stretch.last {
        None => forward(loki, asked, stretch).boxed(),
        Some(last) => once(backward(loki, asked, stretch, last)).flat_map(iter).boxed(),
    }
}

/// All lines, as they are read.
fn forward(
    loki: Loki,
    asked: Asked,
    Stretch { mut from, until, .. }: Stretch,
) -> impl futures::Stream<Item = Result<StoredLine, Error>> + Send {
    stream! {
        while from < until {
            let end = until.min(from.saturating_add(LONGEST));
            let page = match loki.page(&asked, (from, end), Direction::Forward, usize::MAX).await {
                Ok(page) => page,
                Err(error) => {
                    yield Err(error);
                    return;
                }
            };
            let Page { mut lines, times, full, limit } = page;
            let mut cut = false;
            if !full {
                from = end;
            } else if let Some((_, last)) = times && last > from {
                lines.retain(|(nanos, _)| *nanos < last);
                from = last;
            } else {
                cut = true;
                from = from.saturating_add(1);
            }
            for (_, line) in lines {
                yield Ok(line);
            }
            if cut {
                yield Err(loki.too_many_at_once(limit));
            }
        }
    }
}

/// The last lines, and all that share the first one's time.
async fn backward(
    loki: Loki,
    asked: Asked,
    Stretch { from, mut until, .. }: Stretch,
    last: u32,
) -> Vec<Result<StoredLine, Error>> {
    let wanted = usize::try_from(last).unwrap_or(usize::MAX);
    let mut found: VecDeque<Result<StoredLine, Error>> = VecDeque::new();
    let mut span = DAY;
    while from < until && found.len() < wanted {
        let begin = from.max(until.saturating_sub(span));
        // One more tells whether the first one's time has others.
        let limit = (wanted - found.len()).saturating_add(1).max(100);
        let page = match loki.page(&asked, (begin, until), Direction::Backward, limit).await {
            Ok(page) => page,
            Err(error) => {
                found.push_front(Err(error));
                break;
            }
        };
        let Page { mut lines, times, full, limit } = page;
        let mut cut = false;
        if !full {
            (until, span) = (begin, LONGEST);
        } else if let Some((first, latest)) = times
            && latest > first
        {
            lines.retain(|(nanos, _)| *nanos > first);
            until = first.saturating_add(1);
        } else {
            cut = true;
            until = times.map_or(begin, |(first, _)| first);
        }
        for (_, line) in lines.into_iter().rev() {
            found.push_front(Ok(line));
        }
        if cut {
            found.push_front(Err(loki.too_many_at_once(limit)));
        }
    }
    found.into()
}
