//! The terms of a filter as they are written, for a change of some of them. What they mean is known by the server alone.

/// Each term as it is written, and each “or” between them.
pub(super) fn terms(filter: &str) -> impl Iterator<Item = &str> {
    let mut rest = filter;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let (term, after) = rest.split_at(end(rest));
        rest = after;
        (!term.is_empty()).then_some(term)
    })
}

/// A filter with a term in the place of all of its name; without it, where it has it.
pub(super) fn toggled(filter: &str, term: &str) -> String {
    let name = &term[..term.bytes().position(is_sign).unwrap_or(term.len())];
    let others =
        |other: &str| !other.strip_prefix(name).is_some_and(|rest| rest.bytes().next().is_some_and(is_sign));
    let had = terms(filter).any(|other| other == term);
    let mut changed = String::new();
    // Whether a term was kept of those that “or” joins, and whether it joins the next.
    let (mut kept, mut joins) = (false, false);
    for part in terms(filter) {
        if matches!(part, "or" | "OR") {
            joins = true;
            continue;
        }
        kept &= joins;
        if others(part) {
            add(&mut changed, if kept { " or " } else { " " }, part);
            kept = true;
        }
        joins = false;
    }
    if !had {
        add(&mut changed, " ", term);
    }
    changed
}

fn add(filter: &mut String, apart: &str, term: &str) {
    if !filter.is_empty() {
        filter.push_str(apart);
    }
    filter.push_str(term);
}

/// Whether a value may follow.
fn is_sign(byte: u8) -> bool {
    matches!(byte, b':' | b'=' | b'<' | b'>')
}

/// Where the term ends that a text begins with. Spaces within quotation marks and within a pattern belong to it.
#[inline(never)]
fn end(text: &str) -> usize {
    let start = usize::from(text.starts_with('-'));
    let (mut inside, mut escaped, mut value, mut space) = (None, false, false, None);
    for (at, c) in text.char_indices() {
        match inside {
            Some(sign) if c == sign && !escaped && (c == '"' || ends_pattern(&text[at + 1..])) => {
                inside = None;
            }
            Some(_) if c.is_whitespace() => space = space.or(Some(at)),
            None if c.is_whitespace() => return at,
            None if (c == '/' && at == start) || (c == '"' && (at == start || value)) => inside = Some(c),
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        value = u8::try_from(c).is_ok_and(is_sign);
    }
    // A slash that no other closes begins a word.
    space.filter(|_| inside == Some('/')).unwrap_or(text.len())
}

/// Whether a pattern may end before a text.
fn ends_pattern(after: &str) -> bool {
    let after = after.strip_prefix('i').unwrap_or(after);
    after.is_empty() || after.starts_with(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_or_a_pattern_with_spaces_is_one_term() {
        let split = |filter| terms(filter).collect::<Vec<_>>();
        assert_eq!(split("  a  -b\tor c "), ["a", "-b", "or", "c"]);
        assert_eq!(split(r#"-"time  out" x"#), [r#"-"time  out""#, "x"]);
        assert_eq!(split(r#"user="ada l" path:/a b"#), [r#"user="ada l""#, "path:/a", "b"]);
        assert_eq!(split(r#""say \"no way\"" "a \\" b"#), [r#""say \"no way\"""#, r#""a \\""#, "b"]);
        assert_eq!(split("/time(d )?out/i -/a b/ c"), ["/time(d )?out/i", "-/a b/", "c"]);
        assert_eq!(split(r"/a\/ b/ /var/log - c"), [r"/a\/ b/", "/var/log", "-", "c"]);
        assert_eq!(split("/orders level:error /tmp"), ["/orders", "level:error", "/tmp"]);
        assert_eq!(split("été=1 \u{3000}ü"), ["été=1", "ü"]);
        assert_eq!(split(r#"it"s a "b c"#), [r#"it"s"#, "a", r#""b c"#]);
        assert_eq!(split(" "), [""; 0]);
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn every_term_is_one_for_the_server_too() {
        let filter = r#"a -b "c  d" -"e \" f" g:"h i" -j>=1 /k l/i -/m \/ n/ /var/log level!=warn o://p"#;
        for term in [filter].into_iter().chain(terms(filter)) {
            assert!(fairway_portal::Filter::parse(term).is_ok(), "{term}");
        }
    }

    #[test]
    fn a_term_takes_the_place_of_those_of_its_name_and_leaves_the_others_as_they_are() {
        let filter = r#""a  b" level:warn /c  d/ -level=debug levels=1"#;
        assert_eq!(toggled(filter, "level>=error"), r#""a  b" /c  d/ -level=debug levels=1 level>=error"#);
        assert_eq!(toggled(filter, "level:warn"), r#""a  b" /c  d/ -level=debug levels=1"#);
        assert_eq!(toggled("", "pod:x"), "pod:x");
        assert_eq!(toggled("pod:x", "pod:x"), "");
    }

    #[test]
    fn or_stays_between_those_that_are_left_of_what_it_joined() {
        let without = |filter| toggled(filter, "pod:x");
        assert_eq!(without("a or pod:x"), "a");
        assert_eq!(without("pod:x or a"), "a");
        assert_eq!(without("a or pod:x or b"), "a or b");
        assert_eq!(without("a or pod:x b"), "a b");
        assert_eq!(without("a pod:x or b c or d"), "a b c or d");
        assert_eq!(toggled("a OR b", "pod:x"), "a or b pod:x");
    }
}
