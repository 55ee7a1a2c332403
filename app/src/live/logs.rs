//! A service's log as it comes, and what a search of it finds.

use super::{Following, LiveEvent, PAUSE, message};
use crate::{
    follow::Message,
    model::{LogLineView, LogNews, LogReading, LogStatusView},
};
use async_stream::stream;
use fairway_domain::{
    EnvironmentName, Freshness, LogEntry, LogFilter, LogMoment, LogPosition, LogRequest, ServiceName,
    Timestamp,
};
use fairway_portal::{Answer, Error, Filter};
use futures::{
    StreamExt, TryStreamExt,
    future::ready,
    stream::{BoxStream, once, select},
};
use std::time::Duration;

/// How many chunks of lines become one message at most.
const TOGETHER: usize = 8;
/// How long after its time a line can be read at the latest: what follows begins that much earlier than what is searched.
const SETTLED: Duration = Duration::from_secs(10);
/// How far back a search looks, one step after the other; in the end at everything.
const STEPS: [Duration; 5] = [
    Duration::from_mins(1),
    Duration::from_mins(15),
    Duration::from_hours(1),
    Duration::from_hours(6),
    Duration::from_hours(24),
];
/// With that many lines found, a search waits until more are asked for.
const FOUND: u32 = 2000;

impl Following {
    /// The lines, those that come together in one message.
    pub(super) fn lines(
        self,
        service: ServiceName,
        environment: EnvironmentName,
        LogReading { mut before, mut request, is_search, is_resumed }: LogReading,
    ) -> BoxStream<'static, LiveEvent> {
        stream! {
            let marks = marks(request.filter.as_ref());
            let mut beginning = (!is_resumed).then(|| LogNews { anew: true, ..LogNews::default() });
            // What the beginning is resumed after: no line may come for a long time.
            let mut begun = String::new();
            if is_search && let Some(beginning) = &mut beginning {
                let from = ago(SETTLED);
                request.from = Some(LogMoment::At(from));
                beginning.from = Some(from.as_millisecond());
                begun = from.to_string();
            }
            while let Some(wanted) = before.take() {
                let answer = match self.all(&service, &environment, wanted.clone()).await {
                    Message::Now(lines) => Message::Now(LogNews { lines, ..beginning.take().unwrap_or_default() }),
                    Message::Trouble(sentence) => {
                        before = Some(wanted);
                        Message::Trouble(sentence)
                    }
                    Message::Wrong(sentence) => Message::Wrong(sentence),
                };
                // Without an id: who loses the connection meanwhile begins again.
                yield self.event(String::new(), &answer);
                if before.is_some() {
                    tokio::time::sleep(PAUSE).await;
                }
            }
            loop {
                match message(self.portal.logs(&self.actor, &service, &environment, request.clone()).await) {
                    Message::Now(lines) => {
                        if let Some(beginning) = beginning.take() {
                            yield self.event(std::mem::take(&mut begun), &Message::Now(beginning));
                        }
                        let lines = lines.ready_chunks(TOGETHER).map(Came::Lines).chain(once(ready(Came::End)));
                        let mut coming = select(lines, self.freshness(&environment).map(Came::Cluster));
                        let mut away = false;
                        while let Some(came) = coming.next().await {
                            match came {
                                Came::Lines(batch) => {
                                    let (lines, failed) = views(batch, marks.as_ref(), &mut request);
                                    yield self.news(lines, &request);
                                    if failed {
                                        break;
                                    }
                                }
                                Came::Cluster(freshness) => {
                                    away = freshness != Freshness::Live;
                                    yield self.news(Vec::new(), &request);
                                }
                                // Nothing more can come; what has ended would be asked for again.
                                Came::End if request.until.is_some() => std::future::pending().await,
                                Came::End => break,
                            }
                            // Said again after a line that was still on its way.
                            if away {
                                let sentence = format!("{environment} doesn't answer: no new lines until it does");
                                yield self.event(place(&request), &Message::<()>::Trouble(sentence));
                            }
                        }
                    }
                    Message::Trouble(sentence) => {
                        yield self.event(place(&request), &Message::<()>::Trouble(sentence));
                    }
                    Message::Wrong(sentence) => {
                        yield self.event(String::new(), &Message::<()>::Wrong(sentence));
                        break;
                    }
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        .boxed()
    }

    fn news(&self, lines: Vec<LogLineView>, request: &LogRequest) -> LiveEvent {
        self.event(place(request), &Message::Now(LogNews { lines, ..LogNews::default() }))
    }

    /// What was written before a moment, looked through in steps that widen. The id of a message is where the next step begins.
    pub(super) fn search(
        self,
        service: ServiceName,
        environment: EnvironmentName,
        filter: Option<LogFilter>,
        mut until: LogMoment,
    ) -> BoxStream<'static, LiveEvent> {
        stream! {
            for step in STEPS.map(Some).into_iter().chain([None]) {
                let from = step.map(ago);
                if from.is_some_and(|from| !is_before(from, until)) {
                    continue;
                }
                let wanted = LogRequest {
                    from: from.map(LogMoment::At),
                    until: Some(until),
                    tail: Some(FOUND),
                    filter: filter.clone(),
                    ..LogRequest::default()
                };
                let lines = loop {
                    match self.all(&service, &environment, wanted.clone()).await {
                        Message::Now(lines) => break lines,
                        Message::Trouble(sentence) => {
                            yield self.event(until.to_string(), &Message::<()>::Trouble(sentence));
                            tokio::time::sleep(PAUSE).await;
                        }
                        Message::Wrong(_) => std::future::pending().await,
                    }
                };
                let first = lines.iter().find_map(|line| Some((line.at, LogMoment::Line(line.place?))));
                let count = lines.iter().filter(|line| line.marker.is_none()).count();
                let many = first.filter(|_| u32::try_from(count).is_ok_and(|count| count >= FOUND));
                until = many.map(|(_, line)| line).or(from.map(LogMoment::At)).unwrap_or(until);
                let found = LogNews {
                    anew: false,
                    from: many.map(|(at, _)| at).or(from.map(Timestamp::as_millisecond)),
                    many: many.is_some(),
                    lines,
                };
                yield self.event(until.to_string(), &Message::Now(found));
                if many.is_some() {
                    break;
                }
            }
            // It was all that was asked for: who hears no end doesn't ask for it again.
            std::future::pending::<()>().await;
        }
        .boxed()
    }

    /// The lines that there are, all of them.
    async fn all(
        &self,
        service: &ServiceName,
        environment: &EnvironmentName,
        request: LogRequest,
    ) -> Message<Vec<LogLineView>> {
        let marks = marks(request.filter.as_ref());
        let lines = match message(self.portal.logs(&self.actor, service, environment, request).await) {
            Message::Now(lines) => lines,
            Message::Trouble(sentence) => return Message::Trouble(sentence),
            Message::Wrong(sentence) => return Message::Wrong(sentence),
        };
        let views = lines.try_fold(Vec::new(), async |mut views, lines| {
            views.extend(lines.into_iter().map(|(_, entry)| view(entry, marks.as_ref())));
            Ok(views)
        });
        message(views.await.map(Answer::Done))
    }

    /// How completely a log is being read.
    pub(super) fn log_status(
        self,
        service: ServiceName,
        environment: EnvironmentName,
    ) -> BoxStream<'static, LiveEvent> {
        stream! {
            loop {
                match message(self.portal.log_status(&self.actor, &service, &environment).await) {
                    Message::Now(mut statuses) => {
                        while let Some(status) = statuses.next().await {
                            yield self.event(String::new(), &Message::Now(LogStatusView::from(status).sentence()));
                        }
                    }
                    Message::Trouble(sentence) | Message::Wrong(sentence) => {
                        yield self.event(String::new(), &Message::<()>::Trouble(sentence));
                    }
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        .boxed()
    }

    /// How far an environment's cluster can be trusted, now and whenever that changes. A reader hears it at once, also where no
    /// line matches for a long time.
    fn freshness(&self, environment: &EnvironmentName) -> BoxStream<'static, Freshness> {
        let (portal, environment) = (self.portal.clone(), environment.clone());
        let mut changed = portal.changed();
        stream! {
            let mut last = None;
            loop {
                changed.mark_unchanged();
                let cluster = portal.clusters().into_iter().find(|cluster| cluster.environment == environment);
                if let Some(now) = cluster.map(|cluster| cluster.freshness).filter(|now| Some(*now) != last) {
                    last = Some(now);
                    yield now;
                }
                if changed.changed().await.is_err() {
                    break;
                }
            }
        }
        .boxed()
    }
}

/// What comes while lines are followed.
enum Came {
    Lines(Lines),
    Cluster(Freshness),
    End,
}

type Lines = Vec<Result<Vec<(LogPosition, LogEntry)>, Error>>;

/// The lines as they are shown, and whether the stream failed among them; the request goes on after the last of them.
fn views(batch: Lines, marks: Option<&Filter>, request: &mut LogRequest) -> (Vec<LogLineView>, bool) {
    let mut failed = false;
    let mut views = Vec::new();
    for lines in batch {
        match lines {
            Ok(lines) => {
                for (position, entry) in lines {
                    request.after = Some(position);
                    views.push(view(entry, marks));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a log stream failed");
                failed = true;
            }
        }
    }
    (views, failed)
}

/// A line as it is shown, with what was looked for in it marked.
fn view(entry: LogEntry, marks: Option<&Filter>) -> LogLineView {
    let mut line = LogLineView::from(entry);
    if let Some(filter) = marks.filter(|_| line.marker.is_none()) {
        let place = |byte: usize| u32::try_from(byte).unwrap_or(u32::MAX);
        line.hits = filter.hits(&line.text).map(|hit| (place(hit.start), place(hit.end))).collect();
    }
    line
}

/// What marks the lines that a filter keeps. One that is wrong keeps none.
fn marks(filter: Option<&LogFilter>) -> Option<Filter> {
    Filter::parse(filter?.as_str()).ok()
}

fn place(request: &LogRequest) -> String {
    request.after.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn ago(time: Duration) -> Timestamp {
    let now = Timestamp::now();
    now.checked_sub(time).unwrap_or(now)
}

/// Whether a time is before a moment.
fn is_before(time: Timestamp, moment: LogMoment) -> bool {
    match moment {
        LogMoment::At(at) => time < at,
        LogMoment::Line(place) => time.as_nanosecond() < place.nanos.into(),
    }
}
