//! The parts of pages that stay true: the server draws them into the page, and again whenever what they show has changed.

mod bar;
mod deploy;
mod job;
mod log;
mod log_commands;
mod new_service;
mod purge;
mod service;
mod services;

pub(crate) use bar::lights;
pub(crate) use deploy::deploy;
pub(crate) use job::{JobPanel, job};
pub(crate) use log::log;
pub(crate) use log_commands::log_commands;
pub(crate) use new_service::{DraftPanel, new_service};
pub(crate) use purge::purge_progress;
pub(crate) use service::service;
pub(crate) use services::services;
