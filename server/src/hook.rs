//! The check that a repository's pre-receive hook runs. What it prints, the person who pushed reads.

use crate::logging::printable;
use fairway_domain::ServiceName;
use std::{io::Read, path::Path, process::ExitCode};

/// Reads the push's updates from standard input, as Git gives them; a refused push exits with 1. Git runs hooks in the repository.
pub(crate) fn run(service: &str) -> ExitCode {
    match check(service) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problems) => {
            eprintln!("Fairway can't take this push:");
            for problem in problems {
                eprintln!("  - {}", printable(&problem, &['\n']));
            }
            eprintln!("Nothing was changed. Mend this in your commit, then push again.");
            ExitCode::FAILURE
        }
    }
}

fn check(service: &str) -> Result<(), Vec<String>> {
    let service: ServiceName = service.parse().map_err(|error| vec![format!("{error}")])?;
    let mut updates = String::new();
    std::io::stdin()
        .read_to_string(&mut updates)
        .map_err(|error| vec![format!("The push can't be read: {error}.")])?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| vec![format!("The check can't start: {error}.")])?;
    runtime.block_on(fairway_portal::check_push(Path::new("."), &service, &updates))
}
