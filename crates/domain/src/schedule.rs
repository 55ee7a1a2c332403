//! Purges that are done every day.

use crate::names::{Invalid, uuid_id};
use crate::{Actor, EnvironmentName, JobId, PurgeReason, PurgeSelection, ServiceName, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

uuid_id!(
    /// A purge that is done every day.
    ScheduleId,
    "A schedule's id is a UUID."
);

const MINUTES: i64 = 24 * 60;

/// A time of every day, in UTC: hours and minutes, as text `03:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
pub struct TimeOfDay(i64); // minutes since midnight

impl TimeOfDay {
    /// When it is that time next, after `now`.
    pub fn next_after(self, now: Timestamp) -> Timestamp {
        let minute = now.as_second().div_euclid(60);
        let today = minute.div_euclid(MINUTES) * MINUTES + self.0;
        let next = if today > minute { today } else { today + MINUTES };
        Timestamp::from_second(next * 60).unwrap_or(Timestamp::MAX)
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl FromStr for TimeOfDay {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let two = |text: &str, below: i64| {
            let plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            let number: i64 = text.parse().ok()?;
            (plain && number < below).then_some(number)
        };
        let read = || {
            let (hours, minutes) = text.split_once(':')?;
            Some(Self(two(hours, 24)? * 60 + two(minutes, 60)?))
        };
        read().ok_or_else(|| Invalid::new("A time is hours and minutes in UTC, such as 03:00."))
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

/// A purge that is done every day, until somebody removes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PurgeSchedule {
    /// Its id.
    pub id: ScheduleId,
    /// Whose Redis.
    pub service: ServiceName,
    /// Where.
    pub environment: EnvironmentName,
    /// Which keys.
    pub selection: PurgeSelection,
    /// Why.
    pub reason: PurgeReason,
    /// How many keys may go at most: where more match, none is removed that day.
    pub most: u64,
    /// When, in UTC.
    pub at: TimeOfDay,
    /// Who asked for it.
    pub actor: Actor,
    /// When it was asked for.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    /// When it is done next.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub next_at: Timestamp,
    /// The job of the last time it was done.
    pub last_job: Option<JobId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_three_once_a_day() {
        let three: TimeOfDay = "03:00".parse().unwrap();
        let next = |now: &str| three.next_after(now.parse().unwrap()).to_string();
        assert_eq!(next("2026-11-25T02:59:59Z"), "2026-11-25T03:00:00Z");
        assert_eq!(next("2026-11-25T03:00:00Z"), "2026-11-26T03:00:00Z");
        assert_eq!(next("2026-12-31T23:00:00Z"), "2027-01-01T03:00:00Z");
    }

    #[test]
    fn a_time_has_hours_and_minutes() {
        for right in ["00:00", "03:05", "23:59"] {
            assert_eq!(right.parse::<TimeOfDay>().unwrap().to_string(), right);
        }
        for wrong in ["", "3:00", "24:00", "03:60", "03", "03:00:00", "-1:00", "ab:cd", "+3:00"] {
            assert!(wrong.parse::<TimeOfDay>().is_err(), "{wrong}");
        }
    }
}
