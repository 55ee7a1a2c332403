//! Fields written as `name=value`: a line of nothing else (logfmt), or such pairs within a text.

use std::borrow::Cow;

/// The pairs of a line that is nothing but pairs.
pub(crate) fn logfmt(text: &str) -> Option<Vec<(&str, Cow<'_, str>)>> {
    let mut pairs = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (name, value, after) = pair(rest)?;
        if !(after.is_empty() || after.starts_with([' ', '\t'])) {
            return None;
        }
        pairs.push((name, value));
        rest = after.trim_start_matches([' ', '\t']);
    }
    (!pairs.is_empty()).then_some(pairs)
}

/// The value of the first pair of this name, whatever its case, that stands by itself in a text.
pub(crate) fn within<'a>(text: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let mut from = 0;
    while let Some(sign) = text[from..].find('=').map(|at| from + at) {
        let start = sign.checked_sub(name.len()).filter(|start| text.is_char_boundary(*start));
        if let Some(start) = start
            && text[start..sign].eq_ignore_ascii_case(name)
            && !text[..start].ends_with(|c: char| c.is_alphanumeric() || "_.-@&?/=".contains(c))
        {
            let (_, value, _) = pair(&text[start..])?;
            return Some(match value {
                Cow::Borrowed(value) => Cow::Borrowed(value.trim_end_matches([',', ';', ')', ']', '}'])),
                quoted @ Cow::Owned(_) => quoted,
            });
        }
        from = sign + 1;
    }
    None
}

/// A pair at the start of a text, and what comes after it.
fn pair(text: &str) -> Option<(&str, Cow<'_, str>, &str)> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || "_.-@/".contains(c)))?;
    let (name, rest) = text.split_at(end);
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '@') {
        return None;
    }
    let rest = rest.strip_prefix('=')?;
    let Some(inner) = rest.strip_prefix('"') else {
        let end = rest.find([' ', '\t']).unwrap_or(rest.len());
        let (value, after) = rest.split_at(end);
        return Some((name, Cow::Borrowed(value), after));
    };
    let mut escaped = false;
    let end = inner.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    let (value, after) = (&inner[..end], &inner[end + 1..]);
    let quoted = &rest[..end + 2];
    let value = if value.contains('\\') {
        Cow::Owned(serde_json::from_str(quoted).unwrap_or_else(|_| value.to_owned()))
    } else {
        Cow::Borrowed(value)
    };
    Some((name, value, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_within_a_text_is_found_where_it_stands_by_itself() {
        let text = r#"Order placed (orderId=42, user="Ada L") url=/x?took=9 took=5ms"#;
        assert_eq!(within(text, "orderId").as_deref(), Some("42"));
        assert_eq!(within(text, "ORDERID").as_deref(), Some("42"));
        assert_eq!(within(text, "user").as_deref(), Some("Ada L"));
        assert_eq!(within(text, "took").as_deref(), Some("5ms"));
        assert_eq!(within(text, "Id"), None);
        assert_eq!(within("é=1 a=é", "a").as_deref(), Some("é"));
    }

    #[test]
    fn only_a_line_of_nothing_but_pairs_is_logfmt() {
        let pairs = logfmt(r#"level=info msg="it \"works\"" took=4 q=a=b empty="#).unwrap();
        let expected =
            [("level", "info"), ("msg", r#"it "works""#), ("took", "4"), ("q", "a=b"), ("empty", "")];
        assert_eq!(pairs, expected.map(|(name, value)| (name, Cow::Borrowed(value))));
        for text in ["", "text", "a=1 text", r#"a="1"b"#, r#"a="1"#, "=1", "1=2", "level =info"] {
            assert_eq!(logfmt(text), None, "{text}");
        }
    }
}
