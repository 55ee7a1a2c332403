//! A filter that a browser can ask of the lines it holds: plain words and levels. What other filters mean is known by the server alone.

use super::written::terms;
use fairway_domain::Level;

/// What all has to hold for a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// Texts that are in it, in small letters.
    texts: Vec<Vec<u8>>,
    /// Its level, or the least that it may be.
    levels: Vec<(Bound, Level)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    Exact,
    Least,
}

impl Words {
    /// Those of a filter that has nothing else, maybe none. What it finds in what a line shows, the server finds in the line.
    pub(super) fn of(filter: &str) -> Option<Self> {
        let mut words = Self::default();
        for term in terms(filter) {
            if let Some(level) = level(term) {
                words.levels.push(level);
                continue;
            }
            let quoted = term.strip_prefix('"');
            let word = match quoted {
                Some(text) => text.strip_suffix('"')?,
                None => term,
            };
            let plain = |b: u8| {
                b.is_ascii_alphanumeric()
                    || b"_.,#%@$+*()[]{}-".contains(&b)
                    || (quoted.is_some() && b" :=<>/;!?'".contains(&b))
            };
            let means_more = quoted.is_none() && (word.starts_with('-') || word.eq_ignore_ascii_case("or"));
            if word.is_empty() || means_more || !word.bytes().all(plain) {
                return None;
            }
            words.texts.push(word.to_ascii_lowercase().into_bytes());
        }
        Some(words)
    }

    /// Whether all of it holds for a line that has the level and the texts.
    pub(super) fn hold<'a>(&self, level: Level, texts: impl Iterator<Item = &'a str> + Clone) -> bool {
        self.levels.iter().all(|(bound, wanted)| match bound {
            Bound::Exact => level == *wanted,
            Bound::Least => level >= *wanted,
        }) && self.texts.iter().all(|word| texts.clone().any(|text| contains(text.as_bytes(), word)))
    }

    /// Whether whatever these hold for, the others do too.
    pub(super) fn narrow(&self, others: &Self) -> bool {
        others.texts.iter().all(|other| self.texts.iter().any(|word| contains(word, other)))
            && others.levels.iter().all(|(bound, wanted)| match bound {
                Bound::Exact => self.levels.contains(&(Bound::Exact, *wanted)),
                Bound::Least => self.levels.iter().any(|(_, level)| level >= wanted),
            })
    }
}

/// What a term says of the level, if it is such a term.
fn level(term: &str) -> Option<(Bound, Level)> {
    const LEVELS: [Level; 6] =
        [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Fatal];
    let rest = term.strip_prefix("level")?;
    let (bound, word) = match rest.strip_prefix(">=") {
        Some(word) => (Bound::Least, word),
        None => (Bound::Exact, rest.strip_prefix([':', '='])?),
    };
    LEVELS.into_iter().find(|level| level.word().eq_ignore_ascii_case(word)).map(|level| (bound, level))
}

/// Asked of every line that is held, at every key.
fn contains(mut text: &[u8], word: &[u8]) -> bool {
    let Some((first, rest)) = word.split_first() else { return true };
    let upper = first.to_ascii_uppercase();
    while let Some(at) = text.iter().position(|byte| byte == first || *byte == upper) {
        text = &text[at + 1..];
        match text.get(..rest.len()) {
            Some(next) if next.eq_ignore_ascii_case(rest) => return true,
            Some(_) => {}
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_texts_are_known_and_everything_else_is_left_to_the_server() {
        let has = |filter: &str, text: &str| Words::of(filter).unwrap().hold(Level::Warn, [text].into_iter());
        assert!(has("TIME out", "a Timeout"));
        assert!(has("\"time out: 5\" a", "A time OUT: 5"));
        assert!(!has("time out", "a time"));
        assert!(!has("longer", "long"));
        assert!(has(" ", "anything"));
        assert!(
            has("level>=info level:warn a", "a") && !has("level>=error a", "a") && !has("level=info", "a")
        );
        assert!(!Words::of("level>=trace").unwrap().hold(Level::Unknown, ["a"].into_iter()));
        for filter in [
            "-a",
            "a or b",
            "a:b",
            "level>warn",
            "level:loud",
            "-level:warn",
            "/a/",
            "\"open",
            "\"a\"b",
            "é",
            "\"a\\\"b\"",
        ] {
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
        assert!(words("level:error a").narrow(&words("level>=warn")));
        assert!(words("level>=error").narrow(&words("level>=warn")));
        assert!(!words("level>=info").narrow(&words("level>=warn")));
        assert!(!words("level>=error").narrow(&words("level:error")));
    }
}
