//! How a person reads a log: what they chose is kept in the browser.

use leptos::prelude::window;
use web_sys::Storage;

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
    /// The word that it is kept as; the page has the same.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Utc => "utc",
            Self::Local => "local",
            Self::Ago => "ago",
        }
    }

    pub(super) fn named(word: &str) -> Self {
        match word {
            "local" => Self::Local,
            "ago" => Self::Ago,
            _ => Self::Utc,
        }
    }
}

/// What a person chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    /// Long lines go on in the next row instead of out of sight.
    pub(super) wrap: bool,
    pub(super) times: Times,
}

impl Reading {
    /// What was chosen the last time. Where nothing was, a small window wraps: little of a line is in its sight.
    pub(super) fn kept() -> Self {
        let kept = |name: &str| storage()?.get_item(name).ok()?;
        Self {
            wrap: kept("log-wrap").map_or_else(is_narrow, |wrap| wrap == "true"),
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

/// Whether the window is as the style sheet's small one.
fn is_narrow() -> bool {
    window().inner_width().ok().and_then(|width| width.as_f64()).is_some_and(|width| width <= 640.0)
}

fn storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}
