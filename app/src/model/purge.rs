//! A purge, as the pages of its job and of its Redis show it.

use super::milliseconds;
use crate::{forms, forms::AskedKeys};
use fairway_domain::{JobState, Purge, PurgeCounts, PurgeSelection};

/// A purge, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PurgeProgressView {
    pub job: String,
    pub actor: String,
    pub selection: PurgeSelection,
    pub reason: String,
    pub state: JobState,
    pub expected: u64,
    pub left: u64,
    pub counts: PurgeCounts,
    pub rate: u64,
    /// What it removed so far, in words.
    pub outcome: String,
    pub stopped_by: Option<String>,
    pub created: i64,
    pub finished: Option<i64>,
    /// The page that counts the same keys again.
    pub again: String,
}

impl PurgeProgressView {
    /// Seconds until it is done, by what it removes on average.
    pub(crate) fn seconds_left(&self) -> Option<u64> {
        (self.rate > 0 && self.left > 0).then(|| self.left.div_ceil(self.rate))
    }
}

impl From<Purge> for PurgeProgressView {
    fn from(purge: Purge) -> Self {
        let keys = AskedKeys::from(&purge.selection);
        let (left, outcome) = (purge.left(), purge.outcome());
        let (service, environment) = (purge.service.as_str(), purge.environment.as_str());
        Self {
            again: forms::purge_address(service, environment, &keys, purge.reason.as_str()),
            job: purge.job.to_string(),
            actor: purge.actor.name,
            selection: purge.selection,
            reason: purge.reason.into(),
            state: purge.state,
            expected: purge.expected,
            left,
            counts: purge.counts,
            rate: purge.rate,
            outcome,
            stopped_by: purge.stopped_by.map(|actor| actor.name),
            created: milliseconds(purge.created_at),
            finished: purge.finished_at.map(milliseconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purge(found: u64, removed: u64, rate: u64, attempts: u64) -> PurgeProgressView {
        let at = fairway_domain::Timestamp::from_second(1_700_000_000).unwrap();
        let purge = Purge {
            job: "01890000-0000-7000-8000-000000000001".parse().unwrap(),
            service: "orders".parse().unwrap(),
            environment: "staging".parse().unwrap(),
            actor: fairway_domain::Actor { name: "ada".into() },
            selection: fairway_domain::PurgeSelection::matching("session:*".parse().unwrap()),
            reason: "stale & old".parse().unwrap(),
            redis: "aaa".parse().unwrap(),
            expected: 12_000,
            counts: PurgeCounts { found, removed, already_gone: found - removed },
            rate,
            attempts,
            stopped_by: None,
            state: JobState::Running,
            created_at: at,
            finished_at: None,
        };
        purge.into()
    }

    #[test]
    fn the_time_left_is_said_only_while_it_is_known() {
        assert_eq!(purge(2_000, 2_000, 5_000, 1).seconds_left(), Some(2));
        assert_eq!(purge(0, 0, 0, 1).seconds_left(), None);
        assert_eq!(purge(13_000, 13_000, 5_000, 1).seconds_left(), None);
    }

    #[test]
    fn the_outcome_adds_up_and_says_when_a_part_of_it_is_not_known() {
        assert_eq!(purge(12_003, 12_000, 1, 1).outcome, "12,000 keys removed, 3 had gone meanwhile");
        assert_eq!(purge(1, 1, 1, 2).outcome, "at least 1 key removed");
    }

    #[test]
    fn the_same_keys_are_counted_again_by_a_link() {
        let again =
            "/services/orders/purge?environment=staging&pattern=session%3A%2A&reason=stale%20%26%20old";
        assert_eq!(purge(0, 0, 0, 1).again, again);
    }
}
