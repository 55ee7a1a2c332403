//! What truly moves. Everything else on a page is plain HTML.

mod draft;
mod live;
#[cfg(any(feature = "ssr", feature = "logs", test))]
mod log_commands;
#[cfg(any(feature = "ssr", feature = "logs", test))]
mod logs;
#[cfg(feature = "hydrate")]
mod patch;
mod services_filter;

// An island is called by its page, on the server; the browser finds it by its name.
#[cfg(feature = "ssr")]
pub(crate) use {
    draft::Draft, live::Live, log_commands::LogCommands, logs::LogView, services_filter::ServicesFilter,
};
