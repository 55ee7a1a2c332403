//! What CloudWatch Logs has of a line.

use crate::record::{Brought, Of, Read};
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;

/// Its times are milliseconds.
pub(super) const MILLI: i64 = 1_000_000;

/// An event as it is kept until its place is known.
pub(super) struct Event {
    /// In milliseconds.
    pub(super) millis: i64,
    message: String,
    stream: String,
}

impl From<FilteredLogEvent> for Event {
    fn from(event: FilteredLogEvent) -> Self {
        Self {
            millis: event.timestamp.unwrap_or_default(),
            message: event.message.unwrap_or_default(),
            stream: event.log_stream_name.unwrap_or_default(),
        }
    }
}

impl Event {
    /// What its stream is called tells the pod, or else the fields that Fluent Bit adds.
    pub(super) fn read(&self, of: &Of) -> Read {
        let named = Named::of(&self.stream, of);
        if named.and_then(|named| named.namespace).is_some_and(|name| name != of.namespace.as_str()) {
            return Read::Foreign;
        }
        let brought = Brought {
            text: &self.message,
            nanos: self.millis.saturating_mul(MILLI),
            grain: MILLI,
            pod: named.map(|named| named.pod),
            container: named.and_then(|named| named.container),
            uid: None,
            file: None,
        };
        brought.read(of)
    }
}

/// What the name of a stream says: `NODE-application.var.log.containers.POD_NAMESPACE_CONTAINER-ID.log` as Container Insights has
/// it, or `POD` or `POD.CONTAINER` after whatever else, with dots or slashes between.
#[derive(Clone, Copy)]
struct Named<'a> {
    pod: &'a str,
    namespace: Option<&'a str>,
    container: Option<&'a str>,
}

impl<'a> Named<'a> {
    /// Nothing if no pod of the service's is in it.
    fn of(stream: &'a str, of: &Of) -> Option<Self> {
        let stream = stream.strip_suffix(".log").unwrap_or(stream);
        let mut parts = stream.split(['.', '/']);
        while let Some(part) = parts.next() {
            let mut words = part.splitn(3, '_');
            let pod = words.next().unwrap_or_default();
            if of.wrote(pod) {
                let namespace = words.next();
                let container = words.next().map(|rest| rest.rsplit_once('-').map_or(rest, |(name, _)| name));
                return Some(Self { pod, namespace, container: container.or_else(|| parts.next()) });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_domain::Stretch;

    fn of() -> Of {
        Of::new(&"shop".parse().unwrap(), &"orders".parse().unwrap(), &Stretch::default())
    }

    fn read(stream: &str, message: &str) -> Read {
        Event { millis: 1_795_568_523_000, message: message.into(), stream: stream.into() }.read(&of())
    }

    #[test]
    fn a_stream_of_container_insights_tells_pod_and_container() {
        let stream = "ip-10-0-0-1.ec2.internal-application.var.log.containers.orders-7c-x2_shop_app-0123456789abcdef.log";
        let Read::Line(line) = read(stream, "hello") else { panic!() };
        assert_eq!((&*line.pod, &*line.container, &*line.text), ("orders-7c-x2", "app", "hello"));
        assert_eq!((line.nanos, line.grain), (1_795_568_523_000 * MILLI, MILLI));
        assert_eq!(read(&stream.replace("_shop_", "_other_"), "hello"), Read::Foreign);
    }

    #[test]
    fn a_stream_may_be_called_as_its_pod() {
        let cases = [
            ("orders-7c-x2", ""),
            ("pods/orders-7c-x2", ""),
            ("from-fluent-bit.orders-7c-x2", ""),
            ("shop.orders-7c-x2.app", "app"),
            ("orders-7c-x2/app", "app"),
        ];
        for (stream, container) in cases {
            let Read::Line(line) = read(stream, "hello") else { panic!("{stream}") };
            assert_eq!((&*line.pod, &*line.container), ("orders-7c-x2", container));
        }
        assert_eq!(read("orders-redis-7c-x2", "hello"), Read::Unnamed);
    }

    #[test]
    fn without_a_streams_name_the_fields_of_the_line_tell() {
        let message = r#"{"log":"hello","kubernetes":{"pod_name":"orders-7c-x2","namespace_name":"shop","container_name":"app"}}"#;
        let Read::Line(line) = read("node-1", message) else { panic!() };
        assert_eq!((&*line.pod, &*line.container, &*line.text), ("orders-7c-x2", "app", "hello"));
    }
}
