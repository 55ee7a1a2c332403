//! How a person reads a log: what they chose is kept in the browser.

/// In whose time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Times {
    #[default]
    Utc,
    /// That of the browser.
    Local,
    /// How long ago.
    Ago,
}

impl Times {
    pub(super) const ALL: [(Self, &str, &str); 3] =
        [(Self::Utc, "utc", "UTC"), (Self::Local, "local", "Local time"), (Self::Ago, "ago", "How long ago")];

    /// The word that it is kept as.
    #[cfg(feature = "hydrate")]
    pub(super) fn word(self) -> &'static str {
        Self::ALL.iter().find(|(times, ..)| *times == self).map_or("", |(_, word, _)| word)
    }

    pub(super) fn named(word: &str) -> Self {
        Self::ALL.iter().find(|(_, name, _)| *name == word).map_or(Self::Utc, |(times, ..)| *times)
    }
}

/// What a person chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    /// Long lines go on in the next row instead of out of sight.
    pub(super) wrap: bool,
    pub(super) times: Times,
}

#[cfg(feature = "hydrate")]
impl Reading {
    /// What was chosen the last time.
    pub(super) fn kept() -> Self {
        let kept = |name: &str| storage()?.get_item(name).ok()?;
        Self {
            wrap: kept("log-wrap").is_some_and(|wrap| wrap == "true"),
            times: Times::named(&kept("log-times").unwrap_or_default()),
        }
    }

    pub(super) fn keep(self) {
        if let Some(storage) = storage() {
            storage.set_item("log-wrap", if self.wrap { "true" } else { "" }).ok();
            storage.set_item("log-times", self.times.word()).ok();
        }
    }
}

#[cfg(feature = "hydrate")]
fn storage() -> Option<web_sys::Storage> {
    leptos::prelude::window().local_storage().ok().flatten()
}
