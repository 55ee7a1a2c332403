//! What Loki answers.

use crate::record::{Brought, Of, Read};
use fairway_domain::StoredLine;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The names under which shippers tell Loki what a line is from, the usual ones first.
const POD: &[&str] = &["pod", "pod_name", "k8s_pod_name", "kubernetes_pod_name"];
const CONTAINER: &[&str] =
    &["container", "container_name", "k8s_container_name", "kubernetes_container_name"];
const UID: &[&str] = &["pod_uid", "k8s_pod_uid", "pod_id"];
const FILE: &[&str] = &["filename", "log_file_path"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Forward,
    Backward,
}

impl Direction {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Backward => "backward",
        }
    }
}

/// An answer to `query_range`.
#[derive(Deserialize)]
pub(super) struct Answer {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    result: Vec<Stream>,
}

#[derive(Deserialize)]
struct Stream {
    #[serde(default)]
    stream: BTreeMap<String, String>,
    /// Nanoseconds as text, and the line.
    #[serde(default)]
    values: Vec<(String, String)>,
}

/// A line, and the time at which Loki has it.
pub(super) type Stored = (i64, StoredLine);

/// Lines in their order.
pub(super) struct Page {
    pub(super) lines: Vec<Stored>,
    /// The times of the first and the last line, also of those that are somebody else's.
    pub(super) times: Option<(i64, i64)>,
    /// There may be more beyond.
    pub(super) full: bool,
    pub(super) limit: usize,
}

impl Answer {
    /// Nothing if a line names no pod.
    pub(super) fn page(self, direction: Direction, limit: usize, of: &Of) -> Option<Page> {
        let (mut lines, mut count, mut times) = (Vec::new(), 0, None);
        for mut stream in self.data.result {
            if direction == Direction::Backward {
                stream.values.reverse();
            }
            let known = |names: &[&str]| names.iter().find_map(|name| stream.stream.get(*name)).map(|s| &**s);
            let (pod, container, uid, file) = (known(POD), known(CONTAINER), known(UID), known(FILE));
            for (nanos, text) in &stream.values {
                let nanos: i64 = nanos.parse().ok()?;
                count += 1;
                times = times.map_or(Some((nanos, nanos)), |(first, last): (i64, i64)| {
                    Some((first.min(nanos), last.max(nanos)))
                });
                match (Brought { text, nanos, grain: 1, pod, container, uid, file }).read(of) {
                    Read::Line(line) => lines.push((nanos, line)),
                    Read::Foreign => {}
                    Read::Unnamed => return None,
                }
            }
        }
        // Streams come one after the other; the lines of each stay in its order.
        lines.sort_by_key(|(nanos, _)| *nanos);
        Some(Page { lines, times, full: count >= limit, limit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_domain::Stretch;

    fn page(direction: Direction, answer: &str) -> Option<Vec<(i64, String)>> {
        let answer: Answer = serde_json::from_str(answer).unwrap();
        let of = Of::new(&"shop".parse().unwrap(), &"orders".parse().unwrap(), &Stretch::default());
        let page = answer.page(direction, 3, &of)?;
        assert!(page.full);
        Some(page.lines.into_iter().map(|(nanos, line)| (nanos, line.text)).collect())
    }

    const STREAMS: &str = r#"{"status":"success","data":{"resultType":"streams","result":[
        {"stream":{"pod":"orders-7c-2","container":"app"},"values":[["1","one"],["3","three"],["3","three more"]]},
        {"stream":{"pod":"orders-7c-4","container":"app"},"values":[["2","two"],["3","three of b"]]}],"stats":{}}}"#;

    #[test]
    fn the_streams_lines_are_brought_into_one_order() {
        let texts: Vec<String> =
            page(Direction::Forward, STREAMS).unwrap().into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["one", "two", "three", "three more", "three of b"]);
    }

    #[test]
    fn what_comes_backward_is_turned_around() {
        let answer = r#"{"data":{"result":[{"stream":{"pod":"orders-7c-2"},"values":[["3","c"],["2","b2"],["2","b1"]]}]}}"#;
        let texts = page(Direction::Backward, answer).unwrap();
        assert_eq!(texts, [(2, "b1".into()), (2, "b2".into()), (3, "c".into())]);
    }

    #[test]
    fn a_line_that_names_no_pod_can_not_be_placed() {
        let answer = r#"{"data":{"result":[{"stream":{"job":"x"},"values":[["1","a"]]}]}}"#;
        assert_eq!(page(Direction::Forward, answer), None);
    }
}
