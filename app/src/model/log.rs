//! A line of a log.

#[cfg(feature = "ssr")]
use super::milliseconds;
#[cfg(feature = "ssr")]
use fairway_domain::LogEntry;
use fairway_domain::{Level, LogMarker};
use serde::{Deserialize, Serialize};

/// One line, or what happened between lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogLineView {
    pub at: i64,
    pub pod: String,
    pub level: Level,
    /// What the line says: all of it, or the message of a JSON object.
    pub text: String,
    /// The other fields of a JSON object, as `name=value`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fields: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<LogMarker>,
}

impl LogLineView {
    /// The part of the pod's name that tells it from its siblings.
    pub(crate) fn short_pod(&self) -> &str {
        self.pod.rsplit('-').next().unwrap_or(&self.pod)
    }
}

#[cfg(feature = "ssr")]
impl From<LogEntry> for LogLineView {
    fn from(entry: LogEntry) -> Self {
        let (text, fields) = message_and_fields(&entry.text).unwrap_or((entry.text, String::new()));
        Self {
            at: milliseconds(entry.at),
            pod: entry.pod,
            level: entry.level,
            text,
            fields,
            marker: entry.marker,
        }
    }
}

/// The names under which programs write what stands in columns of its own already.
#[cfg(feature = "ssr")]
const SHOWN: [&str; 7] = ["time", "ts", "timestamp", "@timestamp", "level", "severity", "lvl"];

/// The message of a line that is a JSON object, and its other fields. A line that is anything else, or has no message, stays whole.
#[cfg(feature = "ssr")]
fn message_and_fields(line: &str) -> Option<(String, String)> {
    let serde_json::Value::Object(fields) = serde_json::from_str(line.trim()).ok()? else { return None };
    let key = ["message", "msg"]
        .into_iter()
        .find(|key| fields.get(*key).is_some_and(serde_json::Value::is_string))?;
    let message = fields.get(key)?.as_str()?.to_owned();
    if message.contains(char::is_control) {
        return None;
    }
    let shown = |name: &String| name == key || SHOWN.contains(&name.as_str());
    let others: Vec<String> = fields
        .iter()
        .filter(|(name, _)| !shown(name))
        .map(|(name, value)| match value.as_str() {
            Some(text) if !text.contains(char::is_whitespace) => format!("{name}={text}"),
            _ => format!("{name}={value}"),
        })
        .collect();
    Some((message, others.join(" ")))
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::message_and_fields;

    #[test]
    fn a_json_line_is_read_as_its_message_and_its_other_fields() {
        let line = r#"{"time":"2026-11-25T02:28:09Z","level":"info","message":"GET / 200","took":4,"path":"/","user":"a b"}"#;
        let (message, fields) = message_and_fields(line).unwrap();
        assert_eq!(message, "GET / 200");
        assert_eq!(fields, r#"path=/ took=4 user="a b""#);
    }

    #[test]
    fn any_other_line_stays_whole() {
        for line in [
            "",
            "plain",
            "{broken",
            r#"{"level":"info"}"#,
            r#"["message"]"#,
            r#"{"message":1}"#,
            r#"{"msg":"a\nb"}"#,
        ] {
            assert_eq!(message_and_fields(line), None, "{line}");
        }
    }
}
