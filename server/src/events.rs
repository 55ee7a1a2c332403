//! Live streams, as server-sent events that work through a proxy with default settings.
//!
//! Pages listen at `/events` to any number of topics over one connection, because a browser opens only six to a host. Every stream ends when
//! Fairway stops; a reader resumes with the last id that it saw.

use crate::{actor::Asking, problem::Problem, router::Edge};
use axum::extract::{RawQuery, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use fairway_app::{CsrfToken, live};
use fairway_domain::{Actor, JobId, JobState, LogEntry, LogPosition};
use fairway_portal::{Answer, LogStream, Portal};
use futures::{Stream, StreamExt, stream};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use std::{convert::Infallible, time::Duration};

/// How many topics one connection carries at most: a page has about three, a browser some tens of tabs.
const TOPICS: usize = 200;
/// A proxy closes a silent connection after a minute or so.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What keeps proxies with default settings from holding a stream back.
pub(crate) const STREAMED: [(HeaderName, HeaderValue); 2] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform")),
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
];

/// All of a browser's live topics in one stream: `?topic=services&topic=job%2FID@17`. What stands behind `@` is the last id that was seen.
pub(crate) async fn topics(
    State(edge): State<Edge>,
    Asking(actor): Asking,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let topics: Vec<String> = form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .filter(|(key, _)| key == "topic")
        .take(TOPICS)
        .map(|(_, value)| value.into_owned())
        .collect();
    if topics.is_empty() {
        let detail = "Name at least one topic: /events?topic=services.";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "/problems/invalid", detail));
    }
    let events = live::events(&edge.portal, &actor, &CsrfToken(edge.csrf.to_string()), &topics);
    Ok(respond(
        &edge.portal,
        events.map(|event| Event::default().event(event.topic).id(event.id).data(event.json)),
    ))
}

/// What happened to a job after the event numbered `after`, until it has ended.
pub(crate) fn job(portal: Portal, actor: Actor, id: JobId, after: i64) -> Response {
    let answering = portal.clone();
    let events = async_stream::stream! {
        let mut after = after;
        let mut changed = portal.changed();
        loop {
            let over = matches!(portal.job(&actor, id).await, Ok(Answer::Done(job)) if job.state != JobState::Running);
            let Ok(Answer::Done(events)) = portal.job_events(&actor, id, after).await else { return };
            let caught_up = events.is_empty();
            for event in events {
                after = event.sequence;
                let Ok(data) = serde_json::to_string(&event) else { return };
                yield Event::default().id(after.to_string()).data(data);
            }
            if over && caught_up {
                return;
            }
            if caught_up && changed.changed().await.is_err() {
                return;
            }
        }
    };
    respond(&answering, events)
}

/// Log lines, each with its position as id.
pub(crate) fn logs(portal: &Portal, lines: LogStream) -> Response {
    let events = lines.map(|lines| match lines {
        Ok(lines) => lines.into_iter().map(line).collect(),
        Err(error) => {
            tracing::warn!(%error, "a log stream ended");
            vec![Event::default().event("ended").data(error.for_person())]
        }
    });
    respond(portal, events.flat_map(stream::iter))
}

fn line((position, entry): (LogPosition, LogEntry)) -> Event {
    Event::default().id(position).data(serde_json::to_string(&entry).unwrap_or_default())
}

fn respond(portal: &Portal, events: impl Stream<Item = Event> + Send + 'static) -> Response {
    let events = events.take_until(portal.closing()).map(Ok::<_, Infallible>);
    let stream = Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response();
    (STREAMED, stream).into_response()
}

/// Where a reader that reconnects was.
pub(crate) fn last_event_id(headers: &HeaderMap) -> Option<&str> {
    headers.get("last-event-id")?.to_str().ok()
}
