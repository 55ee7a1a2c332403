//! Times as people read them.

/// Now, in milliseconds since 1970.
pub(crate) fn now() -> i64 {
    #[cfg(feature = "hydrate")]
    {
        #[allow(clippy::cast_possible_truncation)] // whole milliseconds, far below 2^53
        let now = js_sys::Date::now() as i64;
        now
    }
    #[cfg(not(feature = "hydrate"))]
    {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

/// How long something took or has lasted: *0.4 s*, *42 s*, *3 min 12 s*, *2 h 5 min*, *3 days*.
pub(crate) fn lasting(milliseconds: i64) -> String {
    let milliseconds = milliseconds.max(0);
    let seconds = milliseconds / 1000;
    match seconds {
        0 if milliseconds < 100 => "under 0.1 s".to_owned(),
        0..10 => format!("{}.{} s", seconds, milliseconds % 1000 / 100),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        86_400..172_800 => "1 day".to_owned(),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// How long something that isn't over has lasted, in whole seconds at least.
pub(crate) fn lasting_still(milliseconds: i64) -> String {
    match milliseconds.max(0) / 1000 {
        seconds @ 0..10 => format!("{seconds} s"),
        _ => lasting(milliseconds),
    }
}

/// How long ago something was: *just now*, *2 min ago*, *3 days ago*.
pub(crate) fn ago(milliseconds: i64) -> String {
    let minutes = milliseconds / 60_000;
    match milliseconds / 1000 {
        ..5 => "just now".to_owned(),
        seconds @ 5..60 => format!("{seconds} s ago"),
        60..3600 => format!("{minutes} min ago"),
        3600..86_400 => format!("{} h ago", minutes / 60),
        86_400..172_800 => "yesterday".to_owned(),
        _ => format!("{} days ago", minutes / 1440),
    }
}

/// An instant in UTC as `datetime` takes it: `2026-11-25T12:03:04Z`.
pub(crate) fn machine(at: i64) -> String {
    let (year, month, day) = date(at);
    format!("{year:04}-{month:02}-{day:02}T{}Z", time_of_day(at))
}

/// The same with milliseconds: `2026-11-25T12:03:04.221Z`.
#[cfg(feature = "hydrate")]
pub(crate) fn machine_exact(at: i64) -> String {
    format!("{}T{}Z", day(at), time_of_day_exact(at))
}

/// An instant in UTC as briefly as it can't be mistaken: without its day where that is today.
#[cfg(feature = "hydrate")]
pub(crate) fn since(at: i64) -> String {
    if at.div_euclid(86_400_000) == now().div_euclid(86_400_000) {
        return format!("{} UTC", time_of_day(at));
    }
    exact(at)
}

/// An instant in UTC, exactly: `2026-11-25 12:03:04 UTC`.
pub(crate) fn exact(at: i64) -> String {
    let (year, month, day) = date(at);
    format!("{year:04}-{month:02}-{day:02} {} UTC", time_of_day(at))
}

/// The time of day in UTC: `12:03:04`.
pub(crate) fn time_of_day(at: i64) -> String {
    let seconds = at.div_euclid(1000).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds % 3600 / 60, seconds % 60)
}

/// The same with milliseconds: `12:03:04.221`.
pub(crate) fn time_of_day_exact(at: i64) -> String {
    format!("{}.{:03}", time_of_day(at), at.rem_euclid(1000))
}

/// An instant that a clock in this browser's time zone would show, as if it were one in UTC.
#[cfg(feature = "hydrate")]
pub(crate) fn local(at: i64) -> i64 {
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
    // whole milliseconds, far below 2^53
    let ahead = js_sys::Date::new(&(at as f64).into()).get_timezone_offset() as i64;
    at - ahead * 60_000
}

/// The day in UTC: `2026-11-25`.
#[cfg(feature = "hydrate")]
pub(crate) fn day(at: i64) -> String {
    let (year, month, day) = date(at);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Year, month and day in UTC: Howard Hinnant's `civil_from_days`.
fn date(at: i64) -> (i64, i64, i64) {
    let days = at.div_euclid(86_400_000) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_in_utc() {
        assert_eq!(exact(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(machine(1_709_210_096_789), "2024-02-29T12:34:56Z");
        assert_eq!(machine(1_767_225_599_000), "2025-12-31T23:59:59Z");
        assert_eq!(time_of_day_exact(1_709_210_096_007), "12:34:56.007");
        assert_eq!(machine(-1000), "1969-12-31T23:59:59Z");
    }

    #[test]
    fn a_duration_is_as_fine_as_it_is_short() {
        let cases = [(420, "0.4 s"), (42_000, "42 s"), (192_000, "3 min 12 s"), (7_500_000, "2 h 5 min")];
        for (milliseconds, text) in cases {
            assert_eq!(lasting(milliseconds), text);
        }
        assert_eq!(lasting(-5), "under 0.1 s");
    }

    #[test]
    fn an_age_says_ago_and_a_clock_that_is_ahead_says_just_now() {
        assert_eq!(ago(-3000), "just now");
        assert_eq!(ago(125_000), "2 min ago");
        assert_eq!(ago(3 * 86_400_000), "3 days ago");
    }
}
