//! What truly moves. Everything else on a page is plain HTML.

mod draft;
mod held_lines;
mod live;
mod log_commands;
mod log_view;
#[cfg(feature = "hydrate")]
mod patch;
mod services_filter;

// An island is called by its page, on the server; the browser finds it by its name.
#[cfg(feature = "ssr")]
pub(crate) use {
    draft::Draft, live::Live, log_commands::LogCommands, log_view::LogView, services_filter::ServicesFilter,
};
