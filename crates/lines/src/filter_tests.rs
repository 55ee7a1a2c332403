use super::*;
use crate::FilterProblem;
use fairway_domain::LogMarker;
use proptest::prelude::*;

fn entry(text: &str) -> LogEntry {
    LogEntry {
        at: fairway_domain::Timestamp::UNIX_EPOCH,
        pod: "orders-7c9f-x2k4p".into(),
        container: "app".into(),
        restart: 0,
        revision: Some(8),
        level: Level::Unknown,
        text: text.to_owned(),
        bytes: 0,
        place: None,
        continues: false,
        late: false,
        marker: None,
    }
}

fn verdict(filter: &str, entry: &LogEntry) -> Verdict {
    Filter::parse(filter).unwrap().verdict(entry)
}

fn keeps(filter: &str, text: &str) -> bool {
    verdict(filter, &entry(text)) == Verdict::Kept
}

/// Each filter, a line that it keeps and one that it doesn't.
fn told_apart(cases: &[(&str, &str, &str)]) {
    for (filter, kept, left) in cases {
        assert!(keeps(filter, kept), "{filter} keeps {kept}");
        assert!(!keeps(filter, left), "{filter} leaves out {left}");
    }
}

#[test]
fn words_and_texts_are_found_whatever_their_case_and_all_have_to_be() {
    told_apart(&[
        ("refused redis", "connection REFUSED: Redis:6379", "refused: postgres"),
        (r#""not found""#, "path Not Found", "found, not lost"),
        (r#""say \"x\"""#, r#"they say "x""#, "they say x"),
        ("straße", "STRASSE Straße", "strasse"),
        ("/orders/42", "GET /orders/42", "GET /orders/43"),
        ("10:00:01", "at 10:00:01", "at 10:00:02"),
        ("http://redis", "GET http://redis", "GET https://redis"),
        ("a.c", "a.c", "abc"),
        ("-", "a - b", "a b"),
    ]);
    assert!(keeps("", "anything") && keeps("   ", ""));
}

#[test]
fn what_is_excluded_is_left_out_and_either_side_of_or_will_do() {
    told_apart(&[
        ("-healthz", "GET /orders", "GET /healthz"),
        (r#"-"not found" get"#, "GET /", "GET / not found"),
        ("timeout or refused", "a timeout", "a success"),
        ("timeout or refused redis", "refused: redis", "timeout: postgres"),
        ("-a OR b", "a and b", "a alone"),
        ("-level:info", "ERROR: x", "INFO: x"),
    ]);
}

#[test]
fn a_regular_expression_stands_between_slashes_and_minds_case_unless_told() {
    told_apart(&[
        ("/time(d )?out/", "it timed out", "Timeout"),
        ("/time(d )?out/i", "Timeout", "tame out"),
        (r"/a\/b c/", "a/b c", "a b c"),
        ("/^GET .* 5\\d\\d$/", "GET / 502", "GET / 200"),
        ("-/x{3}/", "xx", "xxx"),
    ]);
}

#[test]
fn a_level_is_what_the_line_itself_says() {
    told_apart(&[
        ("level:error", r#"{"level":"error"}"#, "INFO error count 0"),
        ("level:error", "2026-11-25 10:00:00 ERROR x", r#"{"status":200,"referer":"/x?level=error"}"#),
        ("level>=warn", r#"{"level":50}"#, r#"{"error":""}"#),
        ("level>=warn", "level=fatal msg=x", "level=info msg=x"),
        ("level<warn", "INFO: x", "no level"),
        ("level:unknown", "no level", "INFO: x"),
        ("level!=debug", "INFO: x", "DEBUG: x"),
        ("level=WARNING", "WARN - x", "INFO - x"),
    ]);
}

#[test]
fn fields_are_those_of_json_of_logfmt_and_pairs_in_the_text() {
    let json = r#"{"status":502,"path":"/orders/7","user":{"id":42,"name":"Ada L"},"ok":true,"big":12345678901234567890}"#;
    let other = r#"{"status":404,"path":"/x","user":{"id":422},"ok":false,"big":12345678901234567891}"#;
    for filter in [
        "status>=500",
        "status>404 status<503 status<=502",
        "path:/orders",
        "user.id=42",
        "USER.ID=42",
        "ok=true",
        r#"user.name:"ada l""#,
        "status!=404",
        "status>=500 path:/orders -ok=false",
    ] {
        told_apart(&[(filter, json, other)]);
    }
    told_apart(&[
        ("status>=500", "level=info status=502", "level=info status=404"),
        ("took>=5", "INFO done took=5.5", "INFO done took=4"),
        ("orderId=42", r#"{"msg":"placed orderId=42"}"#, r#"{"msg":"placed orderId=422"}"#),
        ("redis:6379", "refused: redis:6379", "refused: redis"),
        ("redis:6379", r#"{"msg":"refused: redis:6379"}"#, r#"{"msg":"x","redis":"up"}"#),
        ("error:x", r#"{"error":"x"}"#, r#"{"error":""}"#),
        ("missing!=1", r#"{"missing":2}"#, "no field"),
        ("status>=500", r#"{"status":"502"}"#, r#"{"status":"many"}"#),
    ]);
}

#[test]
fn text_that_json_escapes_is_found_as_it_is_read() {
    told_apart(&[
        ("café", r#"{"msg":"caf\u00e9"}"#, r#"{"msg":"cafe"}"#),
        (r#""say \"x\"""#, r#"{"msg":"say \"x\""}"#, r#"{"msg":"say x"}"#),
    ]);
}

#[test]
fn colours_dont_hide_what_is_looked_for() {
    assert!(keeps("level:error", "\u{1b}[31mERROR\u{1b}[0m: x"));
    assert!(keeps("\"error x\"", "\u{1b}[31merror\u{1b}[0m x"));
}

#[test]
fn pods_containers_and_revisions_are_asked_for_by_name_and_number() {
    for filter in [
        "pod:x2",
        "pod=orders-7c9f-x2k4p",
        "pod:X2K4",
        "container:app",
        "container!=proxy",
        "revision:8",
        "revision>=8",
    ] {
        assert!(keeps(filter, "text"), "{filter}");
    }
    for filter in ["pod:zz", "pod=x2k4p", "-pod:x2", "container=ap", "revision:7", "revision<8"] {
        assert!(!keeps(filter, "text"), "{filter}");
    }
}

#[test]
fn what_happened_to_a_pod_is_kept_unless_another_is_asked_for() {
    let left = LogEntry { marker: Some(LogMarker::Left), ..entry("orders-7c9f-x2k4p left") };
    for filter in ["nothing like it", "level:error", "-left", "status>=500", "pod:x2", "revision:8"] {
        assert_eq!(verdict(filter, &left), Verdict::Kept, "{filter}");
    }
    for filter in ["pod:zz", "revision:7", "-container:app"] {
        assert_ne!(verdict(filter, &left), Verdict::Kept, "{filter}");
    }
    let of_nobody = LogEntry {
        pod: std::sync::Arc::from(""),
        container: std::sync::Arc::from(""),
        revision: None,
        ..left
    };
    assert_eq!(verdict("pod:zz revision:7", &of_nobody), Verdict::Kept);
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_what_is_allowed() {
    let cases = [
        ("é \"open", 2..3, FilterProblem::OpenQuote),
        ("x /(a", 2..5, FilterProblem::OpenPattern),
        ("x /(/", 2..5, FilterProblem::Pattern("unclosed group".into())),
        ("level:loud", 6..10, FilterProblem::Level("loud".into())),
        ("status>=many", 8..12, FilterProblem::Number("many".into())),
        ("a->b", 3..4, FilterProblem::Number("b".into())),
        ("path: x", 4..5, FilterProblem::Empty),
        ("\"\"", 0..2, FilterProblem::Empty),
        ("//", 0..2, FilterProblem::Empty),
        ("pod>x", 0..4, FilterProblem::Size("pod")),
        ("revision:new", 9..12, FilterProblem::Revision("new".into())),
        ("\"a\"b", 3..4, FilterProblem::NoSpace),
        ("or x", 0..2, FilterProblem::Or),
        ("x or", 2..4, FilterProblem::Or),
        ("x or or y", 5..7, FilterProblem::Or),
    ];
    for (filter, at, problem) in cases {
        assert_eq!(Filter::parse(filter).map(|_| ()), Err(FilterError { at, problem }), "{filter}");
    }
    let many = "a ".repeat(51);
    assert_eq!(Filter::parse(&many).unwrap_err().problem, FilterProblem::TooMany(50));
    assert!(Filter::parse("a or ".repeat(49).trim_end_matches(" or ")).is_ok());
}

#[test]
fn a_pattern_that_would_take_much_memory_is_refused() {
    let error = Filter::parse(r"/(\w{500}){500}/").unwrap_err();
    assert_eq!(error.problem, FilterProblem::Pattern("it is too big; let it repeat less".into()));
}

#[test]
fn what_is_excluded_is_told_from_what_is_only_not_asked_for() {
    assert_eq!(verdict("a -b", &entry("a")), Verdict::Kept);
    assert_eq!(verdict("a -b", &entry("c")), Verdict::NotAsked);
    assert_eq!(verdict("a -b", &entry("a b")), Verdict::LeftOut);
    assert_eq!(verdict("a or -b", &entry("b")), Verdict::NotAsked);
}

/// A word that means nothing but itself.
fn word() -> impl Strategy<Value = String> {
    "[a-z]{2,8}".prop_filter("or joins", |word| word != "or")
}

proptest! {
    // Each builds several regular expressions, which takes a while without optimization.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_a_filter_or_is_wrong_at_a_place_within_it(text in "\\PC{0,60}|[-\"/\\\\a-c:=<>or ]{0,40}") {
        match Filter::parse(&text) {
            Ok(filter) => drop(filter.verdict(&entry("some text"))),
            Err(FilterError { at, .. }) => {
                prop_assert!(at.start < at.end && at.end <= text.chars().count(), "{at:?} in {text:?}");
            }
        }
    }

    #[test]
    fn a_text_in_quotation_marks_finds_itself(text in "\\PC{1,30}", before in "\\PC{0,9}", after in "\\PC{0,9}") {
        let quoted = format!("\"{}\"", text.replace('\\', r"\\").replace('"', r#"\""#));
        let excluded = format!("-{quoted}");
        let line = format!("{before}{text}{after}");
        prop_assume!(!text.contains(char::is_control) && !line.contains(char::is_control));
        prop_assert!(keeps(&quoted, &line));
        prop_assert!(!keeps(&excluded, &line));
    }

    #[test]
    fn words_are_found_as_the_standard_library_finds_them(wanted in word(), line in "[a-zA-Z ]{0,30}") {
        prop_assert_eq!(keeps(&wanted, &line), line.to_lowercase().contains(&wanted));
    }

    #[test]
    fn terms_are_all_asked_and_or_is_either(a in word(), b in word(), line in "[a-d ]{0,20}") {
        let (with_a, with_b) = (keeps(&a, &line), keeps(&b, &line));
        let both = format!("{a} {b}");
        let either = format!("{a} or {b}");
        prop_assert_eq!(keeps(&both, &line), with_a && with_b);
        prop_assert_eq!(keeps(&either, &line), with_a || with_b);
    }

    #[test]
    fn numbers_are_compared_by_size(value in -1000i32..1000, wanted in -1000i32..1000) {
        let line = format!(r#"{{"n":{value}}}"#);
        for (sign, holds) in [(">=", value >= wanted), ("<", value < wanted), ("=", value == wanted), ("!=", value != wanted)] {
            let filter = format!("n{sign}{wanted}");
            prop_assert_eq!(keeps(&filter, &line), holds, "{} {}", filter, line);
        }
    }
}

#[test]
fn what_is_looked_for_is_found_in_the_text_and_what_is_excluded_is_not() {
    let filter = Filter::parse("TIME or /o+ut/ -late level:error").unwrap();
    let hits: Vec<_> = filter.hits("a timeout, too late: Time out").collect();
    assert_eq!(hits, [2..6, 21..25, 6..9, 26..29]);
}
