//! What people see: pages that the server renders, and the islands in them that a browser brings to life.
//!
//! A page is plain HTML; links and forms work without JavaScript. What stays true in a page is drawn by the server (`panels`), in
//! the page and again whenever it changes: the island around it follows one topic of the live stream (`live`) and changes what
//! differs. Only a log's rows, where a browser has to think for itself, are drawn by an island. What pages show
//! are plain values (`model`), made from the domain's types by pure functions. Features: `ssr` is the server's half, `hydrate` the
//! browser's.

#![recursion_limit = "512"]
// A component owns its properties, whether it consumes them or not: Leptos's macro builds them so.
#![allow(clippy::needless_pass_by_value)]
// On the server, what only a browser can do is a method that does nothing.
#![cfg_attr(not(feature = "hydrate"), allow(clippy::unused_self))]
// Each bundle has a part of the islands: what only the others need isn't used.
#![cfg_attr(feature = "hydrate", allow(dead_code, unused_imports))]

mod address;
#[cfg(any(feature = "hydrate", test))]
mod changes;
mod clock;
#[cfg(feature = "ssr")]
mod components;
#[cfg(feature = "ssr")]
mod field;
mod filter;
mod follow;
// An island's browser half is a `pub` function that only its generated name reaches.
#[allow(unreachable_pub)]
mod islands;
mod model;

mod words;

#[cfg(feature = "hydrate")]
mod ticking;
#[cfg(feature = "hydrate")]
pub use ticking::keep_times_true;

#[cfg(feature = "ssr")]
pub mod forms;
#[cfg(feature = "ssr")]
pub mod live;
// The macro of a component makes `pub` what only this crate uses.
#[cfg(feature = "ssr")]
#[allow(unreachable_pub)]
mod pages;
#[cfg(feature = "ssr")]
mod panels;
#[cfg(feature = "ssr")]
mod request;
#[cfg(feature = "ssr")]
#[allow(unreachable_pub)]
mod shell;
#[cfg(feature = "ssr")]
pub use {
    pages::draft,
    request::{CsrfToken, RequestId, failure_status, refusal_status},
    shell::{App, Assets, shell},
};
