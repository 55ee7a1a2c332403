//! A service's log as a file of any size.

use crate::{actor::Asking, events, extract::Path, extract::Query, problem::Problem, problem::done};
use async_stream::try_stream;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use fairway_domain::{Actor, EnvironmentName, LogEntry, LogFilter, LogMoment, LogRequest, ServiceName};
use fairway_portal::{Answer, LogLineStream, LogStream, Portal};
use futures::{Stream, StreamExt};
use http::header;
use jiff::fmt::temporal::DateTimePrinter;
use serde::Deserialize;
use std::io;

/// As a timestamp shows itself, without the detour over what formats anything.
const TIMES: DateTimePrinter = DateTimePrinter::new();
/// How much stands around the text of a line in a file, in bytes, about.
const BESIDES: usize = 96;

/// Which lines, and how they are written.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Only lines since this many seconds ago.
    since: Option<u32>,
    /// Only lines from here on: a time, or the place of a line.
    #[param(value_type = Option<String>)]
    from: Option<LogMoment>,
    /// Only lines before this: a time, or the place of a line.
    #[param(value_type = Option<String>)]
    until: Option<LogMoment>,
    /// Only this many of the last lines that there are, at most 200000.
    tail: Option<u32>,
    /// Only lines that match this: words, `"a text"`, `/a pattern/`, `level>=warn` and so on, as for the lines themselves.
    #[param(value_type = Option<String>)]
    filter: Option<LogFilter>,
    #[serde(default)]
    #[param(inline)]
    format: Format,
}

/// How lines are written.
#[derive(Clone, Copy, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// Each line after its time, its pod and its container, with the control sequences that are in it.
    #[default]
    Text,
    /// JSON lines.
    Json,
}

/// The lines as a file, oldest first, each with all of its bytes however long it is.
#[utoipa::path(get, path = "/api/v1/services/{name}/environments/{environment}/logs/download",
    params(("name" = String, Path), ("environment" = String, Path), Wanted),
    responses((status = 200, body = String, content_type = "text/plain"), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn download(
    State(portal): State<Portal>,
    Asking(actor): Asking,
    Path((name, environment)): Path<(ServiceName, EnvironmentName)>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let Wanted { since, from, until, tail, filter, format } = wanted;
    let bare = matches!(format, Format::Text);
    let request = LogRequest { since, from, until, tail, filter, bare, ..LogRequest::default() };
    let lines = done(portal.logs(&actor, &name, &environment, request).await)?;
    let (kind, extension) = match format {
        Format::Text => ("text/plain; charset=utf-8", "log"),
        Format::Json => ("application/x-ndjson", "jsonl"),
    };
    let file = format!("attachment; filename=\"{name}-{environment}.{extension}\"");
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, file)];
    let asked = Asked { portal, actor, name, environment };
    Ok((headers, events::STREAMED, Body::from_stream(asked.pieces(lines, format))).into_response())
}

/// Whose lines, and who asks.
struct Asked {
    portal: Portal,
    actor: Actor,
    name: ServiceName,
    environment: EnvironmentName,
}

impl Asked {
    /// The file, in pieces: what came at once, but of a long line no more than a part.
    fn pieces(self, lines: LogStream, format: Format) -> impl Stream<Item = io::Result<Vec<u8>>> {
        let mut lines = lines.take_until(self.portal.closing()).boxed();
        try_stream! {
            while let Some(lines) = lines.next().await {
                let lines = lines.map_err(io::Error::other)?;
                let mut piece = String::with_capacity(lines.iter().map(|(_, entry)| entry.text.len() + BESIDES).sum());
                for (_, entry) in lines {
                    format.begin(&mut piece, &entry);
                    match self.whole(&entry).await? {
                        None => format.text(&mut piece, &entry.text)?,
                        Some(mut whole) => {
                            let mut kept = Vec::new();
                            while let Some(some) = whole.next().await {
                                kept.extend(some.map_err(io::Error::other)?);
                                format.text(&mut piece, &characters(&mut kept, false))?;
                                yield std::mem::take(&mut piece).into_bytes();
                            }
                            format.text(&mut piece, &characters(&mut kept, true))?;
                        }
                    }
                    format.end(&mut piece, &entry)?;
                }
                yield piece.into_bytes();
            }
        }
    }

    /// All of a line of which the entry has the beginning, as long as it can be had.
    async fn whole(&self, entry: &LogEntry) -> io::Result<Option<LogLineStream>> {
        let cut = entry.bytes > entry.text.len() as u64;
        let Some(place) = entry.place.filter(|_| cut) else { return Ok(None) };
        let line = self.portal.log_line(&self.actor, &self.name, &self.environment, place).await;
        Ok(match line.map_err(io::Error::other)? {
            Answer::Done(line) => Some(line),
            Answer::Refused(_) => None,
        })
    }
}

impl Format {
    /// Writes what stands before an entry's text.
    fn begin(self, file: &mut String, entry: &LogEntry) {
        match self {
            Self::Text => {
                // Writing to memory doesn't fail.
                let _ = TIMES.print_timestamp(&entry.at, &mut *file);
                for part in [&*entry.pod, &*entry.container] {
                    file.push(' ');
                    file.push_str(part);
                }
                file.push_str(if entry.marker.is_some() { " -- " } else { " " });
            }
            Self::Json => file.push_str(r#"{"text":""#),
        }
    }

    /// Writes a part of the text.
    fn text(self, file: &mut String, part: &str) -> io::Result<()> {
        match self {
            Self::Text => file.push_str(part),
            Self::Json => {
                let quoted = serde_json::to_string(part).map_err(io::Error::other)?;
                file.push_str(&quoted[1..quoted.len() - 1]);
            }
        }
        Ok(())
    }

    /// Writes what stands after the text.
    fn end(self, file: &mut String, entry: &LogEntry) -> io::Result<()> {
        if let Self::Json = self {
            let mut object = serde_json::to_value(entry).map_err(io::Error::other)?;
            let fields = object.as_object_mut().ok_or_else(|| io::Error::other("an entry is an object"))?;
            fields.remove("text");
            file.push_str("\",");
            file.push_str(object.to_string().trim_start_matches('{'));
        }
        file.push('\n');
        Ok(())
    }
}

/// Takes the whole characters from the bytes; at the end, also what is none.
fn characters(bytes: &mut Vec<u8>, end: bool) -> String {
    let whole = match std::str::from_utf8(bytes) {
        // More bytes may make a character of what is left.
        Err(error) if !end && error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    };
    let taken: Vec<u8> = bytes.drain(..whole).collect();
    String::from_utf8_lossy(&taken).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_that_is_cut_between_two_pieces_is_whole_in_the_file() {
        let mut kept = Vec::new();
        let mut text = String::new();
        for piece in ["a é".as_bytes().split_at(3).0, &"é".as_bytes()[1..], b" \xff b", &[0xe2, 0x82]] {
            kept.extend(piece);
            text.push_str(&characters(&mut kept, false));
        }
        text.push_str(&characters(&mut kept, true));
        assert_eq!(text, "a é \u{fffd} b\u{fffd}");
    }

    #[test]
    fn a_line_of_json_is_the_entry_whatever_its_text_is_put_together_from() {
        let entry = LogEntry {
            at: "2026-11-25T12:01:07.221Z".parse().unwrap(),
            pod: "orders-1".into(),
            container: "app".into(),
            restart: 0,
            revision: None,
            level: fairway_domain::Level::Unknown,
            text: "a \"quoted\" \\ \u{1b}[31mword".into(),
            bytes: 26,
            place: None,
            continues: false,
            late: false,
            marker: None,
        };
        let written = |format: Format, parts: &[&str]| {
            let mut file = String::new();
            format.begin(&mut file, &entry);
            for part in parts {
                format.text(&mut file, part).unwrap();
            }
            format.end(&mut file, &entry).unwrap();
            file
        };
        let (one, other) = entry.text.split_at(5);
        let read: serde_json::Value = serde_json::from_str(&written(Format::Json, &[one, other])).unwrap();
        assert_eq!(read, serde_json::to_value(&entry).unwrap());
        assert_eq!(written(Format::Text, &["a ", "word"]), "2026-11-25T12:01:07.221Z orders-1 app a word\n");
    }
}
