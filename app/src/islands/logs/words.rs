//! A filter that a browser can ask of the lines it holds: plain words and levels. What other filters mean is known by the server alone.

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
        let mut rest = filter.trim_start();
        while !rest.is_empty() {
            let (word, after) = match rest.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"')?,
                None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
            };
            let quoted = rest.starts_with('"');
            if !quoted && let Some(level) = level(word) {
                words.levels.push(level);
                rest = after.trim_start();
                continue;
            }
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
            words.texts.push(word.to_ascii_lowercase().into_bytes());
            rest = after.trim_start();
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
