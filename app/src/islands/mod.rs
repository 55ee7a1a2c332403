//! What truly moves. Everything else on a page is plain HTML.

mod held_lines;
mod live;
mod log_view;
mod new_service;
#[cfg(feature = "hydrate")]
mod patch;
mod services_filter;

// An island is called by its page, on the server; the browser finds it by its name.
#[cfg(feature = "ssr")]
pub(crate) use {live::Live, log_view::LogView, new_service::NewService, services_filter::ServicesFilter};
