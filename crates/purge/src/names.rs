//! Names of keys, to be read by people.

/// Longer names are cut: what tells keys apart stands in front.
const SHOWN: usize = 200;

/// A key's name with what isn't printable escaped, as `redis-cli` would show it; an empty name as `""`.
pub(crate) fn printable(name: &[u8]) -> String {
    if name.is_empty() {
        return "\"\"".into();
    }
    let mut shown = String::new();
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' | '\'' => shown.push(character),
                _ => shown.extend(character.escape_debug()),
            }
        }
        shown.extend(chunk.invalid().escape_ascii().map(char::from));
    }
    match shown.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn a_name_is_shown_on_one_line_and_can_be_told_from_others() {
        let cases: [(&[u8], &str); 7] = [
            (b"session:1", "session:1"),
            (b"", "\"\""),
            (b"a\nb\x00", "a\\nb\\0"),
            (b"\xff\xfe!", "\\xff\\xfe!"),
            ("grün 'x'".as_bytes(), "grün 'x'"),
            ("\u{202e}rtl".as_bytes(), "\\u{202e}rtl"),
            (b"back\\slash", "back\\\\slash"),
        ];
        for (name, shown) in cases {
            assert_eq!(printable(name), shown);
        }
        assert_eq!(printable(&[b'x'; 5000]).chars().count(), 201);
    }
}
