//! The same look from a terminal.

use crate::Terminal;
use crate::command::quoted;
use fairway_domain::{KeyName, ShellCommand};

/// The command that prints what a Redis says of itself, each of its primaries.
pub fn info_command(terminal: Terminal<'_>) -> ShellCommand {
    terminal.shell(|_, every| format!("{every} INFO"), "")
}

/// The command that counts the first 5,000 keys by how their names begin.
pub fn sample_command(terminal: Terminal<'_>) -> ShellCommand {
    let count = "head -n 5000 | sed 's/^\"\\([^:]*:\\).*/\\1/' | sort | uniq -c | sort -rn | head -n 50";
    terminal.shell(|_, every| format!("{every} --no-raw --scan | {count}"), "")
}

/// The command that prints the first elements of a key of that type, whatever bytes its name holds.
pub fn key_command(terminal: Terminal<'_>, key: &KeyName, kind: &str) -> ShellCommand {
    let name = format!("\"{}\"", quoted(key.as_bytes()));
    let look = match kind {
        "string" => format!("GETRANGE {name} 0 16383"),
        "list" => format!("LRANGE {name} 0 99"),
        "set" => format!("SSCAN {name} 0 COUNT 100"),
        "hash" => format!("HSCAN {name} 0 COUNT 100"),
        "zset" => format!("ZRANGE {name} 0 99 WITHSCORES"),
        "stream" => format!("XRANGE {name} - + COUNT 100"),
        _ => format!("TYPE {name}"),
    };
    terminal.shell(|cli, _| format!("printf '%s\\n' \"$1\" | {cli} --no-raw"), &look)
}
