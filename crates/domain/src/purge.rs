//! What of a Redis is to be removed.

use crate::{Invalid, names::parsed_text};
use serde::{Deserialize, Serialize};

parsed_text! {
    /// Redis's glob over key names: `*`, `?`, `[…]`, a backslash before a literal one. 1 to 512 characters, no control characters.
    KeyPattern, check_key_pattern
}

fn check_key_pattern(text: &str) -> Result<(), Invalid> {
    if text.is_empty() {
        return Err(Invalid::new(
            "Type a pattern such as session:*, or choose everything. An empty pattern matches nothing.",
        ));
    }
    if text.chars().count() > 512 || text.chars().any(char::is_control) {
        return Err(Invalid::new("A pattern is 1 to 512 characters without control characters."));
    }
    Ok(())
}

/// Which keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "keys", content = "pattern")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum PurgeSelection {
    /// Those whose name matches.
    Matching(KeyPattern),
    /// All of them.
    Everything,
}

impl PurgeSelection {
    /// The glob that SCAN is given.
    pub fn glob(&self) -> &str {
        match self {
            Self::Matching(pattern) => pattern.as_str(),
            Self::Everything => "*",
        }
    }
}

impl std::fmt::Display for PurgeSelection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Matching(pattern) => write!(f, "keys matching {pattern}"),
            Self::Everything => f.write_str("every key"),
        }
    }
}

/// What a dry run found: nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PurgeCount {
    /// Keys that match, each counted once.
    pub matching: u64,
    /// Keys that there are in all.
    pub total: u64,
    /// Up to twenty of the names, with what isn't printable escaped.
    pub sample: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_pattern_is_refused_rather_than_read_as_everything() {
        assert!("".parse::<KeyPattern>().is_err());
        assert!("a\nb".parse::<KeyPattern>().is_err());
        assert_eq!("session:*".parse::<KeyPattern>().unwrap().as_str(), "session:*");
    }
}
