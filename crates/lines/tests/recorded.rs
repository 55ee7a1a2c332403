//! Logs as real programs of many kinds wrote them; `recorded/README.md` says which.

use fairway_domain::Level::{self, Debug, Error, Fatal, Info, Trace, Unknown, Warn};
use fairway_lines::{Line, plain};
use std::borrow::Cow;

/// The entries of a log: the level and the first line of each, and how many lines it has.
fn entries(log: &str) -> Vec<(Level, Cow<'_, str>, usize)> {
    let mut trace = fairway_lines::Trace::default();
    let mut entries: Vec<(Level, Cow<'_, str>, usize)> = Vec::new();
    for line in log.lines().map(plain) {
        let continues = trace.continues(&line);
        match entries.last_mut().filter(|_| continues) {
            Some((_, _, lines)) => *lines += 1,
            None => entries.push((Line::read(&line).level(), line, 1)),
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
    let starting: Vec<_> = entries(lines).into_iter().map(|(level, ..)| level).take(13).collect();
    assert_eq!(starting, [&[Info, Debug][..], &[Info; 11]].concat());
    let (_, lines) = lines.split_once("Completed initialization in 9 ms\n").unwrap();
    reads(
        lines,
        &[
            (Debug, 1, "ERROR count 0"),
            (Warn, 1, "slow reservation"),
            (Error, 60, "dispatcherServlet"),
            (Info, 1, "Commencing graceful shutdown"),
            (Info, 1, "complete"),
        ],
    );
}

#[test]
fn nginx() {
    let log = include_str!("recorded/nginx.log");
    let requests = |line: &&str| line.contains(" HTTP/1.1\" ");
    assert!(log.lines().filter(requests).all(|line| Line::read(line).level() == Unknown));
    let own: Vec<_> = log.lines().filter(|line| !requests(line)).collect();
    let own = own.join("\n");
    let entries = entries(&own);
    let level = |line: &str| if line.contains("[error]") { Error } else { Info };
    assert!(entries.iter().all(|(found, line, lines)| (*found, *lines) == (level(line), 1)), "{entries:#?}");
    assert_eq!(entries.iter().filter(|(level, ..)| *level == Error).count(), 2);
}

#[test]
fn json() {
    let log = include_str!("recorded/json.log");
    let own = |line| {
        let line = Line::read(line);
        (line.level(), line.message().unwrap_or_default().into_owned())
    };
    let found: Vec<_> = log.lines().map(own).collect();
    let expected = [
        (Info, "listening"),
        (Warn, "slow reservation"),
        (Error, "request failed"),
        (Fatal, "negative stock"),
        (Info, "listening"),
        (Error, "request failed"),
        (Unknown, ""),
        (Info, "listening"),
        (Error, "request failed"),
        (Trace, "it said \"no\""),
        (Info, "listening"),
        (Warn, "slow reservation"),
        (Error, "request failed"),
        (Debug, "ERROR count 0"),
        (Info, "listening on 8080"),
        (Error, "request failed"),
        (Fatal, "no stock"),
        (Info, "listening on 8080"),
        (Error, "request failed"),
        (Info, "reserved"),
        (Error, "reservation failed"),
        (Info, "reserved"),
        (Error, "reservation failed"),
        (Info, "listening"),
        (Warn, "slow reservation"),
        (Error, "can't reserve"),
        (Info, "ERROR count 0"),
    ];
    let expected = expected.map(|(level, message)| (level, message.to_owned()));
    let (first, spring_boots) = found.split_at(expected.len());
    assert_eq!(first, expected);
    let [(Info, starting), (Error, failed), (Info, _), (Info, _)] = spring_boots else {
        panic!("{spring_boots:?}")
    };
    assert!(starting.starts_with("Starting OrdersApplication"), "{starting}");
    assert!(failed.ends_with("java.lang.IllegalStateException: no stock] with root cause"), "{failed}");
    assert_eq!(entries(log).len(), found.len(), "each is an entry of its own");
}

#[test]
fn the_fields_of_json() {
    let fields = |program: &str, message: &str| {
        let of_it = |line: &&str| line.contains(program) && line.contains(message);
        let line = include_str!("recorded/json.log").lines().find(of_it).unwrap();
        let names: Vec<String> = Line::read(line).fields().into_iter().map(|(name, _)| name).collect();
        names.join(" ")
    };
    let pino = "pid hostname reqId req.method req.url err.type err.message err.stack";
    assert_eq!(fields("r-7", "request failed"), pino);
    assert_eq!(fields("caller", "slow"), "logger caller took referer");
    assert_eq!(fields("asctime", "reserved"), "name item count");
    assert_eq!(fields("fields", "slow"), "fields.took target span.count span.item span.name spans");
    let slow = include_str!("recorded/json.log").lines().find(|line| line.contains("\"seconds\"")).unwrap();
    assert_eq!(Line::read(slow).field("took.seconds").as_deref(), Some("1.52"));
}

#[test]
fn logfmt() {
    let log = include_str!("recorded/logfmt.log");
    reads(
        log,
        &[
            (Info, 1, "listening"),
            (Error, 1, "request failed"),
            (Trace, 1, "it said"),
            (Info, 1, "listening"),
            (Warn, 1, "slow reservation"),
            (Error, 1, "request failed"),
            (Debug, 1, "ERROR count 0"),
            (Debug, 1, "WAL segment loaded"),
            (Error, 1, "request failed"),
        ],
    );
    let line = |number| Line::read(log.lines().nth(number).unwrap());
    assert_eq!(line(1).field("status").as_deref(), Some("502"));
    let refused = "dial tcp 10.43.0.9:6379: connect: connection refused";
    assert_eq!(line(1).field("error").as_deref(), Some(refused));
    assert_eq!(line(2).message().as_deref(), Some("it said \"no\""));
    assert_eq!(line(2).field("said").as_deref(), Some("level=error"));
    assert_eq!(line(4).field("took.seconds").as_deref(), Some("1.52"));
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
            (Warn, 1, "slow reservation"),
            (Error, 2, "can't reserve"),
            (Unknown, 2, "main.rs:8"),
            (Unknown, 2, "at all"),
            (Info, 1, "ERROR count 0"),
            (Unknown, 1, ""),
            (Unknown, 2, "main.rs:23"),
            (Info, 1, "listening"),
            (Warn, 1, "slow reservation"),
            (Error, 2, "can't reserve"),
            (Unknown, 2, "main.rs:8"),
            (Unknown, 9, "at all"),
            (Info, 1, "ERROR count 0"),
            (Unknown, 1, ""),
            (Unknown, 14, "main.rs:23"),
        ],
    );
}

#[test]
fn go_loggers_for_people() {
    reads(
        include_str!("recorded/go-console.log"),
        &[
            (Info, 1, "ERROR count 0"),
            (Error, 7, "request failed"),
            (Warn, 1, "slow reservation"),
            (Error, 1, "request failed"),
        ],
    );
}

#[test]
fn uvicorn() {
    reads(
        include_str!("recorded/uvicorn.log"),
        &[
            (Info, 1, "Started server"),
            (Info, 1, "Waiting"),
            (Info, 1, "complete"),
            (Info, 1, "running on"),
            (Info, 1, "GET /orders"),
            (Warn, 1, "slow reservation"),
            (Info, 1, "500 Internal Server Error"),
            (Error, 38, "Exception in ASGI"),
            (Info, 1, "Shutting down"),
            (Info, 1, "Waiting"),
            (Info, 1, "complete"),
            (Info, 1, "Finished"),
        ],
    );
}

#[test]
fn gunicorn() {
    reads(
        include_str!("recorded/gunicorn.log"),
        &[
            (Info, 1, "Starting"),
            (Info, 1, "Listening"),
            (Info, 1, "Using worker"),
            (Info, 1, "Booting"),
            (Info, 1, "Control socket"),
            (Unknown, 1, "GET /orders"),
            (Error, 10, "GET /fails"),
            (Unknown, 1, "GET /fails"),
            (Fatal, 1, "WORKER TIMEOUT"),
            (Error, 12, "GET /slow"),
            (Unknown, 1, "GET /slow"),
            (Info, 1, "Worker exiting"),
            (Info, 1, "Handling signal"),
            (Info, 1, "was sent"),
            (Info, 1, "Shutting down"),
        ],
    );
}

#[test]
fn django() {
    let log = include_str!("recorded/django.log");
    let (_, requests) = log.split_once("howto/deployment/\n").unwrap();
    reads(
        requests,
        &[
            (Unknown, 1, "GET /orders"),
            (Unknown, 1, "Internal Server Error"),
            (Unknown, 10, "Traceback"),
            (Unknown, 1, "GET /fails"),
            (Unknown, 1, "Not Found"),
            (Unknown, 1, "GET /missing"),
        ],
    );
}

#[test]
fn loguru() {
    reads(
        include_str!("recorded/loguru.log"),
        &[(Info, 1, "ERROR count 0"), (Error, 11, "reservation failed"), (Info, 1, "done")],
    );
}
