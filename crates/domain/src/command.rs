//! The command that shows the same facts or does the same thing from a terminal.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A command line for a POSIX shell, each argument quoted where it must be, so that pasting it runs exactly what is meant. It has no
/// control characters but tabs and line ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
pub struct ShellCommand(String);

impl ShellCommand {
    /// `program` with `arguments`.
    pub fn new<A: AsRef<str>>(program: &str, arguments: impl IntoIterator<Item = A>) -> Self {
        let mut line = quoted(program);
        for argument in arguments {
            line.push(' ');
            line.push_str(&quoted(argument.as_ref()));
        }
        Self(line)
    }

    /// This command, then `next` if it succeeded.
    #[must_use]
    pub fn and_then(self, next: &Self) -> Self {
        Self(format!("{} && {}", self.0, next.0))
    }

    /// This command with its output piped into `next`.
    #[must_use]
    pub fn pipe(self, next: &Self) -> Self {
        Self(format!("{} | {}", self.0, next.0))
    }

    /// This command with one more option: how many seconds ago it will be that a time (in seconds since 1970) was, when the line is
    /// pasted.
    #[must_use]
    pub fn seconds_since(self, option: &str, second: i64) -> Self {
        Self(format!("{} {}=$(($(date +%s) - {second}))s", self.0, quoted(option)))
    }

    /// The line to paste.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ShellCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    let mut line = "'".to_owned();
    for c in argument.chars() {
        match c {
            '\'' => line.push_str(r"'\''"),
            // Whoever looks at the line in a terminal must not have it obeyed.
            c if c.is_control() && c != '\n' && c != '\t' => line.push_str(&printed(c)),
            c => line.push(c),
        }
    }
    line + "'"
}

/// A character within single quotes, that only the shell which runs the line makes.
fn printed(c: char) -> String {
    let bytes: Vec<String> = c.to_string().bytes().map(|byte| format!("\\{byte:03o}")).collect();
    format!("'\"$(printf '{}')\"'", bytes.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_that_a_shell_would_read_is_quoted() {
        let command = ShellCommand::new("redis-cli", ["--scan", "--pattern", "it's *", "", "a=b"]);
        assert_eq!(command.as_str(), r"redis-cli --scan --pattern 'it'\''s *' '' a=b");
    }

    #[test]
    fn no_line_to_paste_steers_the_terminal_that_it_is_pasted_into() {
        let command = ShellCommand::new("grep", ["a\u{1b}[31m", "\u{9b}b\n\tc"]);
        let escape = r#"'a'"$(printf '\033')"'[31m'"#;
        assert_eq!(command.as_str(), format!("grep {escape} ''\"$(printf '\\302\\233')\"'b\n\tc'"));
    }

    #[test]
    fn commands_can_be_joined() {
        let one = ShellCommand::new("a", ["b"]);
        let two = ShellCommand::new("c", ["$d"]);
        assert_eq!(one.clone().and_then(&two).as_str(), "a b && c '$d'");
        assert_eq!(one.clone().pipe(&two).as_str(), "a b | c '$d'");
        assert_eq!(one.seconds_since("--since", 7).as_str(), "a b --since=$(($(date +%s) - 7))s");
    }
}
