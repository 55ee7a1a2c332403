//! The program: configuration, the HTTP edge, and the hook that Git runs for it.

mod actor;
mod api;
mod assets;
mod compression;
mod configuration;
mod events;
mod extract;
mod forms;
mod git;
mod health;
mod hook;
mod idempotency;
mod logging;
mod pages;
mod problem;
mod router;
mod security;
mod serve;

use std::process::ExitCode;

/// What `fairway --help` says.
const USAGE: &str = "Usage: fairway [--config FILE]      serve pages, API and repositories
       fairway pre-receive SERVICE   check a push (run by a repository's hook)

Every value of the configuration is described in docs/configuration.md; each can also be set by a FAIRWAY_… variable.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--help" | "-h"] => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        ["pre-receive", service] => hook::run(service),
        _ => serve::run(&arguments),
    }
}
