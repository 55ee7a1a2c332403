use super::*;
use proptest::prelude::*;

fn fields(text: &str) -> Vec<(String, String)> {
    Line::read(text).fields()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_level_is_read_from_its_field_and_never_guessed() {
    let cases = [
        (r#"{"level":"WARNING","message":"x"}"#, Level::Warn),
        (r#"{"severity":"error"}"#, Level::Error),
        (r#"{"log.level":"debug"}"#, Level::Debug),
        (r#"{"log":{"level":"debug"}}"#, Level::Debug),
        (r#"{"level":30,"msg":"x"}"#, Level::Info),
        (r#"{"level":60,"msg":"x"}"#, Level::Fatal),
        (r#"{"levelname":"CRITICAL"}"#, Level::Fatal),
        ("time=x lvl=eror msg=x level=warn", Level::Warn),
        (r#"{"status":200,"referer":"/x?level=error"}"#, Level::Unknown),
        (r#"{"error":""}"#, Level::Unknown),
        (r#"{"msg":"ERROR: x"}"#, Level::Unknown),
        (r#"{"level":{"name":"error"}}"#, Level::Unknown),
        ("text level=error", Level::Unknown),
        ("INFO error count 0", Level::Info),
        ("", Level::Unknown),
        ("{broken", Level::Unknown),
    ];
    for (line, level) in cases {
        assert_eq!(Line::read(line).level(), level, "{line}");
    }
}

#[test]
fn a_json_line_is_its_message_and_its_other_fields() {
    let line = r#"{"time":"2026-11-25T02:28:09Z","level":"info","message":"GET / 200","took":4.50,"user":{"name":"a b","tags":["x",1]},"none":{}}"#;
    assert_eq!(Line::read(line).message().as_deref(), Some("GET / 200"));
    let expected = [("took", "4.50"), ("user.name", "a b"), ("user.tags", r#"["x",1]"#), ("none", "{}")];
    assert_eq!(fields(line), pairs(&expected));
}

#[test]
fn a_logfmt_line_is_its_message_and_its_other_fields() {
    let line = r#"time=2026-11-25T02:28:09Z level=INFO msg="it \"works\"" path=/ user="a b""#;
    assert_eq!(Line::read(line).message().as_deref(), Some(r#"it "works""#));
    assert_eq!(fields(line), pairs(&[("path", "/"), ("user", "a b")]));
}

#[test]
fn any_other_line_is_all_of_itself() {
    for line in ["", "plain", "{broken", r#"{"level":"info"}"#, r#"["message"]"#, r#"{"message":""}"#] {
        assert_eq!(Line::read(line).message(), None, "{line}");
    }
    assert_eq!(fields("plain took=5"), []);
}

#[test]
fn a_field_is_read_without_what_steers_a_terminal_and_keeps_its_lines() {
    let line = r#"{"msg":"x","stack":"a\n\tb\u001b[31m\r\nc","k\u0007":"v"}"#;
    assert_eq!(fields(line), pairs(&[("stack", "a\n\tb\nc"), ("k", "v")]));
}

#[test]
fn objects_within_objects_end_somewhere() {
    let deep = format!(r#"{{"msg":"x",{}"a":1{}"#, r#""a":{"#.repeat(40), "}".repeat(41));
    let [(name, value)] = &fields(&deep)[..] else { panic!("one field") };
    assert_eq!(name, "a.a.a.a.a.a.a.a.a");
    assert!(value.starts_with(r#"{"a":{"#));
}

proptest! {
    #[test]
    fn any_line_can_be_read(text in "\\PC{0,120}|[{}\":,a=\\\\\\[\\] 1]{0,60}") {
        let line = Line::read(&text);
        line.level();
        let fields = line.fields();
        prop_assert!(fields.iter().all(|(name, value)| !name.contains(char::is_control)
            && !value.contains(|c: char| c.is_control() && c != '\n' && c != '\t')));
    }

    #[test]
    fn every_field_of_an_object_is_found_under_its_name(name in "[a-z]{1,8}", value in "\\PC{0,20}") {
        prop_assume!(!value.contains(char::is_control));
        let inner = serde_json::json!({ name.clone(): value });
        let line = serde_json::json!({ "outer": inner }).to_string();
        let found = Line::read(&line).field(&format!("outer.{name}"));
        prop_assert_eq!(found.as_deref(), Some(&*value));
    }
}
