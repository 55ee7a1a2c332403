//! How completely a log is being read.

use super::milliseconds;
use crate::clock;
use fairway_domain::LogStatus;

/// What the status line says of the reading, whoever looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogStatusView {
    pub pods: u32,
    pub pods_read: u32,
    pub containers: u32,
    pub containers_read: u32,
    pub since: Option<i64>,
    /// Where older lines come from, and why they don't if so.
    pub history: Option<(String, Option<String>)>,
}

impl LogStatusView {
    /// Of how many pods every line arrives as it is written, and since when.
    pub(crate) fn sentence(&self) -> String {
        let (read, all, of) = if self.pods == self.containers {
            (self.pods_read, self.pods, "pods")
        } else {
            (self.containers_read, self.containers, "containers")
        };
        let since = self.since.filter(|_| read > 0);
        let since = since.map(|at| format!(" read since {} UTC", clock::time_of_day(at)));
        let mut sentence = format!("{read} of {all} {of}{}", since.as_deref().unwrap_or(" read"));
        match &self.history {
            Some((_, Some(trouble))) => sentence.extend([" · ", trouble.trim_end_matches('.')]),
            Some((source, None)) => sentence.extend([" · older lines from ", source]),
            None => {}
        }
        sentence
    }
}

impl From<LogStatus> for LogStatusView {
    fn from(status: LogStatus) -> Self {
        Self {
            pods: status.pods,
            pods_read: status.pods_read,
            containers: status.containers,
            containers_read: status.containers_read,
            since: status.since.map(milliseconds),
            history: status.history.map(|history| (history.source, history.trouble)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::LogStatusView;

    #[test]
    fn pods_are_told_where_each_has_one_container_and_containers_otherwise() {
        let one = LogStatusView {
            pods: 3,
            pods_read: 2,
            containers: 3,
            containers_read: 2,
            since: Some(0),
            history: None,
        };
        assert_eq!(one.sentence(), "2 of 3 pods read since 00:00:00 UTC");
        let more = LogStatusView { containers: 6, containers_read: 5, ..one.clone() };
        assert_eq!(more.sentence(), "5 of 6 containers read since 00:00:00 UTC");
        assert_eq!(LogStatusView { pods_read: 0, ..one }.sentence(), "0 of 3 pods read");
    }

    #[test]
    fn who_keeps_older_lines_is_named_and_why_they_cannot_be_had() {
        let said = |trouble: Option<&str>| {
            let history = Some(("Loki at http://loki:3100".into(), trouble.map(str::to_owned)));
            LogStatusView { pods: 1, pods_read: 1, containers: 1, containers_read: 1, since: None, history }
                .sentence()
        };
        assert_eq!(said(None), "1 of 1 pods read · older lines from Loki at http://loki:3100");
        assert_eq!(said(Some("Loki doesn't answer.")), "1 of 1 pods read · Loki doesn't answer");
    }
}
