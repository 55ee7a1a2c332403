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
use fairway_portal::{Answer, LogStream};
use futures::{Stream, StreamExt, future::ready, stream, stream::once};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use std::convert::Infallible;

/// How many topics one connection carries at most: a page has about three, a browser some tens of tabs.
const TOPICS: usize = 200;

/// What keeps proxies with default settings from holding a stream back: nginx collects none of it, and nobody on the way may compress it (or
/// take it apart to do so). The compression that it has here comes without being held back, and passes as it is.
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
    let events = events.map(|event| Event::default().event(event.topic).id(event.id).data(event.json));
    // A comment wouldn't reach the page's script, which has to tell a silent connection from a dead one.
    let beat = Event::default().event("heartbeat").data(edge.heartbeat.as_millis().to_string());
    Ok(respond(&edge, once(ready(beat.clone())).chain(events), KeepAlive::new().event(beat)))
}

/// What happened to a job after the event numbered `after`, until it has ended.
pub(crate) fn job(edge: &Edge, actor: Actor, id: JobId, after: i64) -> Response {
    let portal = edge.portal.clone();
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
    respond(edge, events, KeepAlive::new())
}

/// Log lines, each with its position as id.
pub(crate) fn logs(edge: &Edge, lines: LogStream) -> Response {
    let events = lines.map(|lines| match lines {
        Ok(lines) => lines.into_iter().map(line).collect(),
        Err(error) => {
            tracing::warn!(%error, "a log stream ended");
            vec![Event::default().event("ended").data(error.for_person())]
        }
    });
    respond(edge, events.flat_map(stream::iter), KeepAlive::new())
}

fn line((position, entry): (LogPosition, LogEntry)) -> Event {
    Event::default().id(position).data(serde_json::to_string(&entry).unwrap_or_default())
}

fn respond(
    edge: &Edge,
    events: impl Stream<Item = Event> + Send + 'static,
    heartbeat: KeepAlive,
) -> Response {
    let events = events.take_until(edge.portal.closing()).map(Ok::<_, Infallible>);
    let stream = Sse::new(events).keep_alive(heartbeat.interval(edge.heartbeat)).into_response();
    (STREAMED, stream).into_response()
}

/// Where a reader that reconnects was.
pub(crate) fn last_event_id(headers: &HeaderMap) -> Option<&str> {
    headers.get("last-event-id")?.to_str().ok()
}
