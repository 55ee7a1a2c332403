//! Logs as programs of many kinds write them. Python's, Node's, Go's and Rust's were written by real programs, the others are as their
//! frameworks write them with the settings they come with.

use fairway_domain::Level::{self, Debug, Error, Fatal, Info, Unknown, Warn};
use fairway_lines::{Line, Trace};

/// The entries of a log: the level and the first line of each, and how many lines it has.
fn entries(log: &str) -> Vec<(Level, &str, usize)> {
    let mut trace = Trace::default();
    let mut entries: Vec<(Level, &str, usize)> = Vec::new();
    for line in log.lines() {
        let continues = trace.continues(line);
        match entries.last_mut().filter(|_| continues) {
            Some((_, _, lines)) => *lines += 1,
            None => entries.push((Line::read(line).level(), line, 1)),
        }
    }
    entries
}

/// Asserts what the entries of a log are: for each its level, how many lines it has, and a part of the first.
fn reads(log: &str, expected: &[(Level, usize, &str)]) {
    let entries = entries(log);
    for ((level, line, lines), expected) in entries.iter().zip(expected) {
        assert_eq!((*level, *lines), (expected.0, expected.1), "{line}");
        assert!(line.contains(expected.2), "{line} has {}", expected.2);
    }
    assert_eq!(entries.len(), expected.len(), "{entries:#?}");
}

#[test]
fn python() {
    reads(
        include_str!("recorded/python.log"),
        &[
            (Info, 1, "reserving"),
            (Error, 15, "reservation failed"),
            (Warn, 1, "retrying"),
            (Error, 10, "group"),
            (Debug, 1, "done"),
            (Unknown, 5, "Traceback"),
        ],
    );
}

#[test]
fn node() {
    reads(
        include_str!("recorded/node.log"),
        &[
            (Unknown, 1, "listening"),
            (Unknown, 1, "stock.js:2"),
            (Unknown, 1, "throw"),
            (Unknown, 1, "^"),
            (Unknown, 1, ""),
            (Unknown, 10, "TypeError"),
            (Unknown, 1, "Node.js"),
        ],
    );
}

#[test]
fn spring_boot() {
    let log = include_str!("recorded/spring-boot.log");
    let (banner, lines) = log.split_once("(v3.5.7)\n\n").unwrap();
    assert!(entries(banner).iter().all(|(level, _, lines)| (*level, *lines) == (Unknown, 1)));
    reads(
        lines,
        &[
            (Info, 1, "Starting"),
            (Info, 1, "Tomcat"),
            (Warn, 1, "SQL Error"),
            (Error, 13, "dispatcherServlet"),
            (Debug, 1, "ERROR count 0"),
        ],
    );
}

#[test]
fn nginx() {
    reads(
        include_str!("recorded/nginx.log"),
        &[(Unknown, 1, "GET"), (Unknown, 1, "POST"), (Error, 1, "refused"), (Info, 1, "SIGQUIT")],
    );
}

#[test]
fn json() {
    let log = include_str!("recorded/json.log");
    reads(
        log,
        &[
            (Info, 1, "listening"),
            (Error, 1, "request failed"),
            (Warn, 1, "slow"),
            (Fatal, 1, "negative"),
            (Info, 1, "reserved"),
            (Error, 1, "in vain"),
            (Unknown, 1, "referer"),
            (Unknown, 1, "error"),
        ],
    );
    let messages: Vec<_> = log.lines().map(|line| Line::read(line).message().unwrap_or_default()).collect();
    let expected = [
        "listening on 8080",
        "request failed",
        "slow reservation",
        "negative stock",
        "reserved",
        "payé in vain",
        "",
        "",
    ];
    assert_eq!(messages, expected);
    let failed = Line::read(log.lines().nth(1).unwrap());
    assert_eq!(failed.field("req.url").as_deref(), Some("/orders?level=info"));
    let names: Vec<String> = failed.fields().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        ["pid", "hostname", "reqId", "req.method", "req.url", "err.type", "err.message", "err.stack"]
    );
}

#[test]
fn logfmt() {
    let log = include_str!("recorded/logfmt.log");
    reads(log, &[(Info, 1, "listening"), (Error, 1, "failed"), (Warn, 1, "slow"), (Debug, 1, "WAL")]);
    let failed = Line::read(log.lines().nth(1).unwrap());
    assert_eq!(failed.field("status").as_deref(), Some("502"));
    assert_eq!(
        failed.field("error").as_deref(),
        Some("dial tcp 10.43.0.9:6379: connect: connection refused")
    );
}

#[test]
fn go() {
    reads(
        include_str!("recorded/go.log"),
        &[
            (Unknown, 1, "listening"),
            (Info, 1, "ready"),
            (Error, 1, "can't reserve"),
            (Unknown, 16, "http: panic serving"),
            (Fatal, 8, "nil map"),
        ],
    );
}

#[test]
fn rust() {
    reads(
        include_str!("recorded/rust.log"),
        &[
            (Info, 1, "listening"),
            (Unknown, 1, ""),
            (Unknown, 3, "m.rs:4"),
            (Warn, 2, "a worker died"),
            (Unknown, 2, "m.rs:1"),
            (Info, 1, "listening"),
            (Unknown, 1, ""),
            (Unknown, 8, "m.rs:4"),
            (Warn, 2, "a worker died"),
            (Unknown, 16, "m.rs:1"),
        ],
    );
}
