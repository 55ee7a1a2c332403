//! The check that a repository's pre-receive hook runs. What it prints, the person who pushed reads.

use fairway_domain::ServiceName;
use std::{io::Read, path::Path, process::ExitCode};

/// Reads the push's updates from standard input, as Git gives them; a refused push exits with 1. Git runs hooks in the repository.
pub(crate) fn run(service: &str) -> ExitCode {
    match check(service) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problems) => {
            eprintln!("Fairway can't take this push:");
            for problem in problems {
                eprintln!("  - {}", printable(&problem));
            }
            eprintln!("Nothing was changed. Mend this in your commit, then push again.");
            ExitCode::FAILURE
        }
    }
}

/// What is pushed must not steer the terminal of whoever pushes it.
fn printable(problem: &str) -> String {
    let steers = |c: char| c.is_control() && c != '\n';
    let written = |c: char| if steers(c) { c.escape_default().to_string() } else { c.to_string() };
    problem.chars().map(written).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pushed_does_not_steer_the_terminal_of_who_pushed_it() {
        let problem = "“a\u{1b}[31m\u{9b}b” isn't a name: é.";
        assert_eq!(printable(problem), r"“a\u{1b}[31m\u{9b}b” isn't a name: é.");
    }
}
