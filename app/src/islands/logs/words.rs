//! A filter that a browser can ask of the lines it holds: plain words. What other filters mean is known by the server alone.

/// Texts that all have to be in a line, in small letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words(Vec<Vec<u8>>);

impl Words {
    /// Those of a filter that has nothing else, maybe none. What it finds in what a line shows, the server finds in the line.
    pub(super) fn of(filter: &str) -> Option<Self> {
        let mut words = Vec::new();
        let mut rest = filter.trim_start();
        while !rest.is_empty() {
            let (word, after) = match rest.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"')?,
                None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
            };
            let quoted = rest.starts_with('"');
            let plain = |b: u8| {
                b.is_ascii_alphanumeric()
                    || b"_.,#%@$+*()[]{}-".contains(&b)
                    || (quoted && b" :=<>/;!?'".contains(&b))
            };
            let apart = after.is_empty() || after.starts_with(char::is_whitespace);
            if word.is_empty()
                || !apart
                || (!quoted && word.starts_with('-'))
                || !word.bytes().all(plain)
                || (!quoted && word.eq_ignore_ascii_case("or"))
            {
                return None;
            }
            words.push(word.to_ascii_lowercase().into_bytes());
            rest = after.trim_start();
        }
        Some(Self(words))
    }

    /// Whether each of them is in one of the texts.
    pub(super) fn are_in<'a>(&self, texts: impl Iterator<Item = &'a str> + Clone) -> bool {
        self.0.iter().all(|word| texts.clone().any(|text| contains(text.as_bytes(), word)))
    }

    /// Whether whatever has these also has the others.
    pub(super) fn narrow(&self, others: &Self) -> bool {
        others.0.iter().all(|other| self.0.iter().any(|word| contains(word, other)))
    }
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    let Some((first, rest)) = word.split_first() else { return true };
    let upper = first.to_ascii_uppercase();
    let Some(places) = text.len().checked_sub(rest.len()) else { return false };
    (0..places).any(|at| {
        (text[at] == *first || text[at] == upper) && text[at + 1..at + word.len()].eq_ignore_ascii_case(rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_texts_are_known_and_everything_else_is_left_to_the_server() {
        let has = |filter: &str, text: &str| Words::of(filter).unwrap().are_in([text].into_iter());
        assert!(has("TIME out", "a Timeout"));
        assert!(has("\"time out: 5\" a", "A time OUT: 5"));
        assert!(!has("time out", "a time"));
        assert!(!has("longer", "long"));
        assert!(has(" ", "anything"));
        for filter in ["-a", "a or b", "a:b", "level>=warn", "/a/", "\"open", "\"a\"b", "é", "\"a\\\"b\""] {
            assert_eq!(Words::of(filter), None, "{filter}");
        }
    }

    #[test]
    fn more_words_and_longer_ones_narrow() {
        let words = |filter: &str| Words::of(filter).unwrap();
        assert!(words("timeout redis").narrow(&words("time")));
        assert!(words("time").narrow(&words("time")));
        assert!(!words("time").narrow(&words("timeout")));
        assert!(words("time").narrow(&words("")));
        assert!(!words("").narrow(&words("time")));
    }
}
