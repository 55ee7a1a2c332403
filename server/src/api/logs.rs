//! A service's log lines.

use crate::{
    actor::Asking, events, extract::Json, extract::Path, extract::Query, problem::Problem, problem::done,
    router::Edge,
};
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use fairway_domain::{
    EnvironmentName, LogEntry, LogFilter, LogMoment, LogPlace, LogPosition, LogRequest, LogStatus,
    ServiceName,
};
use fairway_portal::{LogStream, Portal};
use futures::StreamExt;
use http::{HeaderMap, header};
use serde::Deserialize;
use std::io;

/// How many bytes an entry usually takes as JSON.
const LINE: usize = 320;

/// Which lines.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Only lines since this many seconds ago.
    since: Option<u32>,
    /// Only lines from here on: a time, or the place of a line.
    #[param(value_type = Option<String>)]
    from: Option<LogMoment>,
    /// Only lines before this: a time, or the place of a line. With an end, nothing is followed.
    #[param(value_type = Option<String>)]
    until: Option<LogMoment>,
    /// Only this many of the last lines that there are, at most 200000. Of long ones that take more than 64 MiB together, the beginning
    /// of each is given.
    tail: Option<u32>,
    /// Only this many of the first lines that there are; then nothing is followed.
    head: Option<u32>,
    /// Only lines that match this: words, `"a text"`, `/a pattern/`, `level>=warn`, `pod:x2`, `status>=500 path:/orders`, `-` before
    /// what is left out, `or` between two of which one will do.
    #[param(value_type = Option<String>)]
    filter: Option<LogFilter>,
    /// Go on as lines come.
    #[serde(default)]
    follow: bool,
}

/// The lines of all pods of a service, oldest first: JSON lines, or server-sent events when asked for `text/event-stream`. The id of an event
/// is a position, and `Last-Event-ID` resumes exactly after it. Without `since`, `from`, `until`, `tail` and `head`, they are those that
/// the cluster and Fairway's disk have; an environment's history is asked as far back as one of these says, or as its `hours` do.
#[utoipa::path(get, path = "/api/v1/services/{name}/environments/{environment}/logs",
    params(("name" = String, Path), ("environment" = String, Path), Wanted, ("Last-Event-ID" = Option<String>, Header)),
    responses((status = 200, body = fairway_domain::LogEntry, content_type = "application/x-ndjson"), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn logs(
    State(edge): State<Edge>,
    Asking(actor): Asking,
    Path((name, environment)): Path<(ServiceName, EnvironmentName)>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Wanted { since, from, until, tail, head, filter, follow } = wanted;
    let after = events::last_event_id(&headers).and_then(|id| id.parse::<LogPosition>().ok());
    let request = LogRequest { since, from, until, tail, head, filter, follow, after, bare: false };
    let lines = done(edge.portal.logs(&actor, &name, &environment, request).await)?;
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accept.contains("text/event-stream") {
        return Ok(events::logs(&edge, lines).into_response());
    }
    Ok(json_lines(&edge.portal, lines))
}

/// How completely the log of a service is being read: how many of its pods, since when, and where lines may be missing.
#[utoipa::path(get, path = "/api/v1/services/{name}/environments/{environment}/logs/status",
    params(("name" = String, Path), ("environment" = String, Path)),
    responses((status = 200, body = LogStatus), (status = 404, body = Problem)))]
pub(super) async fn status(
    State(portal): State<Portal>,
    Asking(actor): Asking,
    Path((name, environment)): Path<(ServiceName, EnvironmentName)>,
) -> Result<Json<LogStatus>, Problem> {
    let mut statuses = done(portal.log_status(&actor, &name, &environment).await)?;
    Ok(Json(statuses.next().await.unwrap_or_default()))
}

/// One line by its place, as it was written and with all of its bytes, of which a stream gives the first 64 KiB. Of a longer one that only
/// Fairway's disk still has, there are these alone, and then how many are missing.
#[utoipa::path(get, path = "/api/v1/services/{name}/environments/{environment}/logs/lines/{place}",
    params(("name" = String, Path), ("environment" = String, Path), ("place" = String, Path)),
    responses((status = 200, body = String, content_type = "text/plain"), (status = 404, body = Problem)))]
pub(super) async fn line(
    State(portal): State<Portal>,
    Asking(actor): Asking,
    Path((name, environment, place)): Path<(ServiceName, EnvironmentName, LogPlace)>,
) -> Result<Response, Problem> {
    let line = done(portal.log_line(&actor, &name, &environment, place).await)?;
    let file = format!("attachment; filename=\"{name}-{environment}-{place}.log\"");
    let headers =
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, file)];
    Ok((headers, events::STREAMED, Body::from_stream(line.map(|piece| piece.map_err(io::Error::other))))
        .into_response())
}

fn json_lines(portal: &Portal, lines: LogStream) -> Response {
    let pieces =
        lines.take_until(portal.closing()).map(|lines| in_one_piece(&lines.map_err(io::Error::other)?));
    let json_lines = [(header::CONTENT_TYPE, "application/x-ndjson")];
    (json_lines, events::STREAMED, Body::from_stream(pieces)).into_response()
}

fn in_one_piece(lines: &[(LogPosition, LogEntry)]) -> io::Result<Vec<u8>> {
    let mut text = Vec::with_capacity(lines.len() * LINE);
    for (_, entry) in lines {
        serde_json::to_writer(&mut text, entry)?;
        text.push(b'\n');
    }
    Ok(text)
}
