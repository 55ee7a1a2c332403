//! What truly moves. Everything else on a page is plain HTML.

// A bundle has the islands of its pages: the one with the log view is that page's alone.
#[cfg(any(feature = "ssr", not(feature = "logs")))]
mod draft;
mod live;
#[cfg(any(feature = "ssr", feature = "logs"))]
mod log_commands;
#[cfg(any(feature = "ssr", feature = "logs"))]
mod logs;
#[cfg(feature = "hydrate")]
mod patch;
#[cfg(any(feature = "ssr", not(feature = "logs")))]
mod services_filter;

// An island is called by its page, on the server; the browser finds it by its name.
#[cfg(feature = "ssr")]
pub(crate) use {
    draft::Draft, live::Live, log_commands::LogCommands, logs::LogView, services_filter::ServicesFilter,
};
