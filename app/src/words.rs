//! Numbers and names in sentences.

pub(crate) use fairway_domain::grouped as count;

/// A count with its noun: *1 pod*, *2 pods*.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A name that owns something: *invoice's*, *orders'*.
#[cfg(any(feature = "ssr", test))]
pub(crate) fn possessive(name: &str) -> String {
    if name.ends_with('s') { format!("{name}'") } else { format!("{name}'s") }
}

/// A size with three figures or fewer: *192 MiB*.
#[cfg(any(feature = "ssr", test))]
#[allow(clippy::cast_precision_loss)] // of figures that aren't shown
pub(crate) fn bytes(number: u64) -> String {
    let mut size = number as f64;
    let mut units = ["bytes", "KiB", "MiB", "GiB", "TiB"].into_iter().peekable();
    while let Some(unit) = units.next() {
        if size < 999.5 || units.peek().is_none() {
            let places = usize::from(unit != "bytes" && size < 9.95);
            return format!("{size:.places$} {unit}");
        }
        size /= 1024.0;
    }
    number.to_string()
}

/// A part of a whole: *12 %*, *under 1 %*; *0 %* and *100 %* only where it is exactly so.
#[cfg(any(feature = "ssr", test))]
pub(crate) fn part(some: u64, all: u64) -> String {
    let percent =
        (u128::from(some) * 100 + u128::from(all) / 2).checked_div(u128::from(all)).unwrap_or_default();
    match percent {
        0 if some > 0 => "under 1 %".to_owned(),
        100 if some < all => "over 99 %".to_owned(),
        _ => format!("{percent} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_a_unit_that_makes_it_short() {
        let cases = [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1000, "1.0 KiB"),
            (201_326_592, "192 MiB"),
            (367_001_600, "350 MiB"),
        ];
        for (number, text) in cases {
            assert_eq!(bytes(number), text);
        }
    }

    #[test]
    fn a_part_is_none_or_all_only_where_it_is_exactly_so() {
        let cases = [
            (0, 9, "0 %"),
            (1, 1000, "under 1 %"),
            (1, 3, "33 %"),
            (999, 1000, "over 99 %"),
            (7, 7, "100 %"),
            (0, 0, "0 %"),
        ];
        for (some, all, text) in cases {
            assert_eq!(part(some, all), text);
        }
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(counted(18_402, "key"), "18,402 keys");
        assert_eq!(counted(1, "pod"), "1 pod");
    }

    #[test]
    fn a_name_that_ends_in_s_takes_an_apostrophe_alone() {
        assert_eq!(
            (possessive("orders"), possessive("invoice")),
            ("orders'".to_owned(), "invoice's".to_owned())
        );
    }
}
