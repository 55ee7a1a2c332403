//! The shapes in which shippers bring a container's line.

use fairway_domain::{LogEntry, Namespace, ServiceName, StoredLine, Stretch};
use serde::Deserialize;
use std::borrow::Cow;

/// Whose lines are asked for.
#[derive(Clone, Debug)]
pub(crate) struct Of {
    pub(crate) namespace: Namespace,
    pub(crate) service: ServiceName,
    /// Whether lines are wanted with all of their text.
    pub(crate) whole: bool,
}

impl Of {
    pub(crate) fn new(namespace: &Namespace, service: &ServiceName, stretch: &Stretch) -> Self {
        Self { namespace: namespace.clone(), service: service.clone(), whole: stretch.whole }
    }

    /// Whether a pod of this name is one of the service's Deployment: `orders-7c9d8f-x2k4z`. Its Redis isn't, and another service's
    /// isn't whose name begins alike.
    pub(crate) fn wrote(&self, pod: &str) -> bool {
        // Kubernetes makes no words: it leaves vowels out of what it invents.
        let invented = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b"bcdfghjklmnpqrstvwxz2456789".contains(&b))
        };
        let rest = pod.strip_prefix(self.service.as_str()).and_then(|rest| rest.strip_prefix('-'));
        let parts = rest.and_then(|rest| rest.split_once('-'));
        parts.is_some_and(|(set, one)| invented(set) && invented(one))
    }
}

/// What is made of what a shipper brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// A line of the service.
    Line(StoredLine),
    /// Somebody else's.
    Foreign,
    /// Nobody says which pod wrote it.
    Unnamed,
}

/// What a shipper brought: a text, its time, and what else is known of it.
pub(crate) struct Brought<'a> {
    pub(crate) text: &'a str,
    pub(crate) nanos: i64,
    pub(crate) grain: i64,
    pub(crate) pod: Option<&'a str>,
    pub(crate) container: Option<&'a str>,
    pub(crate) uid: Option<&'a str>,
    /// The path of the file on the node: `/var/log/pods/NAMESPACE_POD_UID/CONTAINER/RESTARTS.log`.
    pub(crate) file: Option<&'a str>,
}

/// A line with what Fluent Bit's Kubernetes filter adds.
#[derive(Deserialize)]
struct Wrapped<'a> {
    #[serde(borrow)]
    log: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
    #[serde(borrow)]
    time: Option<Cow<'a, str>>,
    #[serde(borrow)]
    kubernetes: Kubernetes<'a>,
}

#[derive(Deserialize)]
struct Kubernetes<'a> {
    #[serde(borrow)]
    pod_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    container_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pod_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    namespace_name: Option<Cow<'a, str>>,
}

impl Brought<'_> {
    /// The line itself, taken out of what the shipper put around it.
    pub(crate) fn read(self, of: &Of) -> Read {
        let path = self.file.and_then(Path::of);
        let wrapped = self.text.starts_with('{').then(|| serde_json::from_str::<Wrapped<'_>>(self.text).ok());
        let wrapped = wrapped.flatten().filter(|wrapped| wrapped.log.is_some() || wrapped.message.is_some());
        let fields = wrapped.as_ref().map(|wrapped| &wrapped.kubernetes);
        let first = |field: Option<&Cow<'_, str>>, label: Option<&str>, path: Option<&str>| {
            let known = label.or_else(|| field.map(AsRef::as_ref)).or(path);
            known.filter(|name| !name.is_empty()).map(str::to_owned)
        };
        let pod =
            first(fields.and_then(|f| f.pod_name.as_ref()), self.pod, path.as_ref().map(|path| path.pod));
        let Some(pod) = pod else { return Read::Unnamed };
        let elsewhere = fields.and_then(|f| f.namespace_name.as_deref());
        if elsewhere.is_some_and(|name| name != of.namespace.as_str()) || !of.wrote(&pod) {
            return Read::Foreign;
        }
        let container = first(
            fields.and_then(|f| f.container_name.as_ref()),
            self.container,
            path.as_ref().map(|path| path.container),
        );
        let uid = first(fields.and_then(|f| f.pod_id.as_ref()), self.uid, path.as_ref().map(|path| path.uid));
        let raw = wrapped.as_ref().and_then(|wrapped| wrapped.log.as_deref().or(wrapped.message.as_deref()));
        let raw = raw.unwrap_or(self.text);
        let time = wrapped.as_ref().and_then(|wrapped| wrapped.time.as_deref());
        let (stamp, raw) = cri(raw).map_or((time, raw), |(stamp, raw)| (Some(stamp), raw));
        let text = raw.trim_end_matches(['\n', '\r']);
        let most = if of.whole { text.len() } else { LogEntry::MOST_BYTES };
        let (nanos, grain) = exact(stamp, self.nanos, self.grain);
        Read::Line(StoredLine {
            nanos,
            grain,
            pod,
            container: container.unwrap_or_default(),
            uid,
            restart: path.map_or(0, |path| path.restart),
            text: text[..text.floor_char_boundary(most)].to_owned(),
            bytes: u64::try_from(text.len()).unwrap_or(u64::MAX),
        })
    }
}

/// The time that stands in the line, if it is the store's own, only not cut.
fn exact(stamp: Option<&str>, nanos: i64, grain: i64) -> (i64, i64) {
    let stamp = stamp.and_then(|stamp| stamp.parse::<fairway_domain::Timestamp>().ok());
    match stamp.and_then(|stamp| i64::try_from(stamp.as_nanosecond()).ok()) {
        Some(exact) if exact.div_euclid(grain) == nanos.div_euclid(grain) => (exact, 1),
        _ => (nanos, grain),
    }
}

/// The stamp and the text of a line as the container runtime writes it, where the shipper left it so:
/// `2026-11-25T01:02:03.000000004Z stdout F text`.
fn cri(line: &str) -> Option<(&str, &str)> {
    let mut parts = line.splitn(4, ' ');
    let (stamp, stream, tag) = (parts.next()?, parts.next()?, parts.next()?);
    let plausible = matches!(stream, "stdout" | "stderr") && matches!(tag, "F" | "P") && stamp.contains('T');
    plausible.then(|| (stamp, parts.next().unwrap_or_default()))
}

/// What the path of a pod's log says.
struct Path<'a> {
    pod: &'a str,
    uid: &'a str,
    container: &'a str,
    restart: u32,
}

impl<'a> Path<'a> {
    fn of(path: &'a str) -> Option<Self> {
        let mut parts = path.rsplit('/');
        let (file, container, folder) = (parts.next()?, parts.next()?, parts.next()?);
        let mut names = folder.split('_');
        let (_, pod, uid) = (names.next()?, names.next()?, names.next()?);
        let restart = file.strip_suffix(".log")?.parse().ok()?;
        Some(Self { pod, uid, container, restart })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: i64 = 1_795_568_523_000_000_000;
    const MILLI: i64 = 1_000_000;

    fn orders() -> Of {
        Of::new(&"shop".parse().unwrap(), &"orders".parse().unwrap(), &Stretch::default())
    }

    fn line(brought: Brought<'_>) -> StoredLine {
        match brought.read(&orders()) {
            Read::Line(line) => line,
            other => panic!("{other:?}"),
        }
    }

    fn brought(text: &str) -> Brought<'_> {
        Brought {
            text,
            nanos: AT,
            grain: 1,
            pod: Some("orders-7c-x2"),
            container: Some("app"),
            uid: None,
            file: None,
        }
    }

    #[test]
    fn a_plain_line_is_taken_as_it_is() {
        for text in ["hello", r#"{"log":"it is the program's own","n":1}"#, "", "two  spaces "] {
            let line = line(brought(text));
            assert_eq!((&*line.text, &*line.pod, &*line.container), (text, "orders-7c-x2", "app"));
            assert_eq!((line.nanos, line.grain, line.restart, line.bytes), (AT, 1, 0, text.len() as u64));
        }
    }

    #[test]
    fn fluent_bits_wrapping_is_taken_off_and_tells_the_pod_and_the_exact_time() {
        let text = r#"{"time":"2026-11-25T01:02:03.000123456Z","stream":"stdout","_p":"F","log":"{\"msg\":\"paid\"}\n",
            "kubernetes":{"pod_name":"orders-7c-x2","namespace_name":"shop","pod_id":"7b0a","container_name":"app","labels":{"a":"b"}}}"#;
        let bare = Brought { pod: None, container: None, nanos: AT, grain: MILLI, ..brought(text) };
        let line = line(bare);
        assert_eq!((&*line.text, &*line.pod, &*line.container), (r#"{"msg":"paid"}"#, "orders-7c-x2", "app"));
        assert_eq!((line.nanos, line.grain, line.uid.as_deref()), (AT + 123_456, 1, Some("7b0a")));
    }

    #[test]
    fn a_time_that_is_another_is_not_believed() {
        let text = r#"{"time":"2026-11-25T01:02:04Z","log":"a","kubernetes":{"pod_name":"orders-7c-b2"}}"#;
        let line = line(Brought { grain: MILLI, ..brought(text) });
        assert_eq!((line.nanos, line.grain), (AT, MILLI));
    }

    #[test]
    fn a_line_as_the_runtime_writes_it_loses_what_stands_before_its_text() {
        let text = "2026-11-25T01:02:03.000123456Z stderr F  indented";
        let line = line(Brought { grain: MILLI, ..brought(text) });
        assert_eq!((&*line.text, line.nanos), (" indented", AT + 123_456));
    }

    #[test]
    fn a_files_path_tells_pod_and_restarts() {
        let file = Some("/var/log/pods/shop_orders-7c-x2_7b0a-11/app/3.log");
        let line = line(Brought { pod: None, container: None, file, ..brought("a") });
        let told = (&*line.pod, &*line.container, line.uid.as_deref(), line.restart);
        assert_eq!(told, ("orders-7c-x2", "app", Some("7b0a-11"), 3));
    }

    #[test]
    fn a_line_without_a_pod_is_none() {
        assert_eq!(Brought { pod: None, ..brought("a") }.read(&orders()), Read::Unnamed);
    }

    #[test]
    fn a_long_line_is_cut_and_its_size_is_told_unless_it_is_wanted_whole() {
        let text = "é".repeat(LogEntry::MOST_BYTES);
        let line = line(brought(&text));
        assert_eq!((line.text.len(), line.bytes), (LogEntry::MOST_BYTES, 2 * LogEntry::MOST_BYTES as u64));
        let Read::Line(line) = brought(&text).read(&Of { whole: true, ..orders() }) else { panic!() };
        assert_eq!(line.text, text);
    }

    #[test]
    fn what_other_pods_wrote_is_foreign() {
        for pod in [
            "orders-redis-0",
            "orders-redis-7c9d8f-x2k4z",
            "orders-2-7c9d8f-x2k4z",
            "invoices-7c-x2",
            "orders",
        ] {
            assert_eq!(Brought { pod: Some(pod), ..brought("a") }.read(&orders()), Read::Foreign, "{pod}");
        }
        let text = r#"{"log":"a","kubernetes":{"pod_name":"orders-7c-x2","namespace_name":"other"}}"#;
        assert_eq!(brought(text).read(&orders()), Read::Foreign);
    }
}
