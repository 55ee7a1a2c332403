//! Which lines a page of logs is asked for: what its address says.

use crate::address;
#[cfg(feature = "ssr")]
use fairway_domain::{Invalid, LogMoment, LogPlace, LogPosition, LogRequest, Timestamp};
#[cfg(feature = "ssr")]
use fairway_portal::Refusal;

/// How many lines a log view starts with.
#[cfg(feature = "ssr")]
const TAIL: u32 = 2000;
/// How many lines stand before one that is to be seen in its surroundings.
#[cfg(feature = "ssr")]
const BEFORE: u32 = 1000;

/// As it was written; what is empty wasn't said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogAsked {
    /// What a line has to match.
    pub filter: String,
    /// Of the last so many seconds, or `all`.
    pub since: String,
    /// Where a range begins and where it ends.
    pub from: String,
    pub until: String,
    /// How many of the last lines.
    pub tail: String,
    /// The line that is meant: it is shown in its surroundings, whatever the range.
    pub at: String,
}

impl LogAsked {
    /// What is asked for, where `said` gives what stands after a name.
    #[cfg(any(feature = "hydrate", feature = "ssr"))]
    pub(crate) fn of(said: impl Fn(&str) -> Option<String>) -> Self {
        let said = |name| said(name).unwrap_or_default();
        Self {
            filter: said("filter"),
            since: said("since"),
            from: said("from"),
            until: said("until"),
            tail: said("tail"),
            at: said("at"),
        }
    }

    /// What the page's address asks for.
    #[cfg(feature = "hydrate")]
    pub(crate) fn of_address() -> Self {
        let parameters = address::parameters();
        Self::of(|name| parameters.get(name))
    }

    /// On the server nothing is asked for by itself.
    #[cfg(not(feature = "hydrate"))]
    pub(crate) fn of_address() -> Self {
        Self::default()
    }

    /// The range in words: with the times of day at which it begins and ends, if it does.
    pub(crate) fn range(&self) -> String {
        let end = |moment: &str| {
            moment.rsplit('T').next().filter(|time| !time.is_empty()).unwrap_or("…").to_owned()
        };
        if self.from.is_empty() && self.until.is_empty() {
            return "Range".to_owned();
        }
        ["Range ", &end(&self.from), " – ", &end(&self.until)].concat()
    }

    /// What of it a file can be asked for: all there are is what a file has anyway, and a line's surroundings have no end.
    #[cfg(feature = "ssr")]
    pub(crate) fn of_file(&self) -> Self {
        let since = if self.since == "all" { String::new() } else { self.since.clone() };
        Self { since, at: String::new(), ..self.clone() }
    }

    /// As an address says it.
    pub(crate) fn query(&self) -> String {
        let Self { filter, since, from, until, tail, at } = self;
        let all = [
            ("filter", filter),
            ("since", since),
            ("from", from),
            ("until", until),
            ("tail", tail),
            ("at", at),
        ];
        let said = all.iter().filter(|(_, value)| !value.is_empty());
        said.map(|(name, value)| format!("{name}={}", address::encoded(value))).collect::<Vec<_>>().join("&")
    }
}

/// What is read for a view: one after the other.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogReading {
    /// Lines from before the one that is meant.
    pub before: Option<LogRequest>,
    pub request: LogRequest,
    /// Only what is new is read; older lines, which may match anywhere, are searched for in steps.
    pub is_search: bool,
    /// The reader has had the beginning.
    pub is_resumed: bool,
}

#[cfg(feature = "ssr")]
impl LogReading {
    /// What is read for a page that nothing is added to: so many lines at most, and those around the line that is meant.
    pub(crate) fn at_once(self, lines: u32) -> Vec<LogRequest> {
        let request = LogRequest { follow: false, ..self.request };
        match self.before {
            None => vec![LogRequest { tail: Some(lines), ..request }],
            Some(before) => vec![
                LogRequest { tail: Some(lines / 2), ..before },
                LogRequest { head: Some(lines - lines / 2), ..request },
            ],
        }
    }

    /// Goes on after the message with an id: that of a line, or the time from which lines come by themselves. Any other is no id.
    pub(crate) fn resume(&mut self, after: &str) {
        if let Ok(from) = after.parse::<Timestamp>() {
            self.request.from = Some(LogMoment::At(from));
        } else if let Ok(after) = after.parse::<LogPosition>() {
            self.before = None;
            self.request.after = Some(after);
        } else {
            return;
        }
        self.is_resumed = true;
    }
}

#[cfg(feature = "ssr")]
impl LogAsked {
    /// What a query says.
    pub(crate) fn of_query(query: &str) -> Self {
        Self::of(|name| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let (_, value) = pairs.rfind(|(known, _)| *known == name)?;
            Some(percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned())
        })
    }

    /// What has to be read for it.
    pub(crate) fn reading(&self) -> Result<LogReading, Invalid> {
        let said = |text: &str| (!text.is_empty()).then_some(text.to_owned());
        let filter = said(&self.filter).map(|filter| filter.parse()).transpose()?;
        if let Some(at) = said(&self.at) {
            let line = Some(LogMoment::Line(at.parse::<LogPlace>()?));
            let before = LogRequest {
                until: line,
                tail: Some(BEFORE),
                filter: filter.clone(),
                ..LogRequest::default()
            };
            let request = LogRequest { from: line, filter, follow: true, ..LogRequest::default() };
            return Ok(LogReading { before: Some(before), request, is_search: false, is_resumed: false });
        }
        let number = |text: &str| {
            let invalid = |_| Invalid::new("A number of seconds or lines is a whole number.");
            said(text).map(|text| text.parse::<u32>().map_err(invalid)).transpose()
        };
        let since = if self.since == "all" { None } else { number(&self.since)? };
        let moment = |text: &str| said(text).map(|text| text.parse::<LogMoment>()).transpose();
        let (from, until) = (moment(&self.from)?, moment(&self.until)?);
        let any = !self.since.is_empty() || from.is_some() || until.is_some();
        let tail = number(&self.tail)?;
        if let Some(lines) = tail.filter(|lines| *lines > LogRequest::MOST_LAST) {
            return Err(Invalid::new(Refusal::TooManyLast(lines).to_string()));
        }
        let is_search = filter.is_some() && !any && tail.is_none();
        let tail = tail.or((!any && !is_search).then_some(TAIL));
        let follow = until.is_none();
        let request = LogRequest { filter, since, from, until, tail, follow, ..LogRequest::default() };
        Ok(LogReading { before: None, request, is_search, is_resumed: false })
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    fn asked(query: &str) -> LogAsked {
        LogAsked::of_query(query)
    }

    #[test]
    fn a_query_is_read_as_it_is_written() {
        let query = "filter=level%3E%3Dwarn%20%22a%26b%22&since=900&from=2026-11-25T12%3A01&until=x&tail=5&at=1.0.2.3";
        assert_eq!(asked(query).query(), query);
        assert_eq!(asked("?environment=staging&filter=").query(), "");
    }

    #[test]
    fn the_newest_lines_are_followed_unless_something_else_is_said() {
        let request = |query: &str| asked(query).reading().unwrap().request;
        let followed = LogRequest { follow: true, ..LogRequest::default() };
        assert_eq!(request(""), LogRequest { tail: Some(TAIL), ..followed.clone() });
        assert_eq!(request("tail=7"), LogRequest { tail: Some(7), ..followed.clone() });
        assert_eq!(request("since=900"), LogRequest { since: Some(900), ..followed.clone() });
        assert_eq!(request("since=all"), followed);
        assert!(!asked("").reading().unwrap().is_search);
    }

    #[test]
    fn lines_that_match_are_searched_for_unless_it_is_said_among_which() {
        let reading = |query: &str| asked(query).reading().unwrap();
        let LogReading { request, is_search, .. } = reading("filter=a");
        assert!(is_search && request.follow && request.tail.is_none());
        for query in [
            "filter=a&since=60",
            "filter=a&tail=5",
            "filter=a&at=a1.0.18.1",
            "filter=a&until=2026-11-25T12:01",
        ] {
            assert!(!reading(query).is_search, "{query}");
        }
    }

    #[test]
    fn a_reading_goes_on_after_what_was_heard_last() {
        let resumed = |after: &str| {
            let mut reading = asked("filter=a").reading().unwrap();
            reading.resume(after);
            reading
        };
        let from = "2026-11-25T12:01:07.221Z";
        let LogReading { request, is_resumed, .. } = resumed(from);
        assert_eq!((request.from, request.after, is_resumed), (Some(from.parse().unwrap()), None, true));
        let LogReading { request, is_resumed, .. } = resumed("p-1,2");
        assert_eq!((request.from, request.after, is_resumed), (None, Some("p-1,2".parse().unwrap()), true));
        assert!(!resumed("what is no id").is_resumed);
    }

    #[test]
    fn a_range_is_told_by_its_times_of_day() {
        assert_eq!(asked("").range(), "Range");
        assert_eq!(asked("until=2026-11-25T12:01").range(), "Range … – 12:01");
        assert_eq!(
            asked("from=2026-11-25T12:01:07&until=2026-11-25T12:02").range(),
            "Range 12:01:07 – 12:02"
        );
    }

    #[test]
    fn a_range_is_utc_where_no_zone_is_said_and_ends_where_it_says() {
        let request = asked("from=2026-11-25T12:01&until=2026-11-25T12:01:30").reading().unwrap().request;
        let time = |text: &str| Some(text.parse::<LogMoment>().unwrap());
        assert_eq!(
            (request.from, request.until),
            (time("2026-11-25T12:01:00Z"), time("2026-11-25T12:01:30Z"))
        );
        assert!(!request.follow && request.tail.is_none());
    }

    #[test]
    fn a_line_is_read_with_those_before_it_and_everything_after() {
        let reading = asked("at=a1.0.18.1&since=60").reading().unwrap();
        let line = Some("a1.0.18.1".parse().unwrap());
        assert_eq!(
            reading.before.unwrap(),
            LogRequest { until: line, tail: Some(BEFORE), ..LogRequest::default() }
        );
        assert_eq!(reading.request, LogRequest { from: line, follow: true, ..LogRequest::default() });
    }

    #[test]
    fn a_page_that_nothing_is_added_to_has_the_last_lines_or_those_around_the_one_that_is_meant() {
        let at_once = |query: &str| asked(query).reading().unwrap().at_once(500);
        let last = LogRequest { tail: Some(500), ..LogRequest::default() };
        assert_eq!(at_once(""), std::slice::from_ref(&last));
        assert_eq!(at_once("since=900&tail=7"), [LogRequest { since: Some(900), ..last }]);
        let line = "a1.0.18.1".parse().ok();
        let before = LogRequest { until: line, tail: Some(250), ..LogRequest::default() };
        let after = LogRequest { from: line, head: Some(250), ..LogRequest::default() };
        assert_eq!(at_once("at=a1.0.18.1"), [before, after]);
    }

    #[test]
    fn a_file_is_asked_for_nothing_that_only_a_view_knows() {
        let file = |query: &str| asked(query).of_file().query();
        assert_eq!(file("filter=a&since=all&at=a1.0.18.1"), "filter=a");
        assert_eq!(file("filter=a&since=900&tail=5"), "filter=a&since=900&tail=5");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for query in ["since=yesterday", "from=noon", "until=2026", "tail=-1", "tail=200001", "at=1"] {
            assert!(asked(query).reading().is_err(), "{query}");
        }
    }
}
