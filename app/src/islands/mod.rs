//! What truly moves. Everything else on a page is plain HTML.

mod bar;
mod deploy_progress;
mod held_lines;
mod job_progress;
mod log_view;
mod new_service;
mod service_panel;
mod services_table;

// An island is called by its page, on the server; the browser finds it by its name.
#[cfg(feature = "ssr")]
pub(crate) use {
    bar::Lights,
    deploy_progress::DeployProgress,
    job_progress::{CreatedView, JobProgress},
    log_view::LogView,
    new_service::NewService,
    service_panel::ServicePanel,
    services_table::ServicesTable,
};
