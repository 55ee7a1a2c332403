use super::*;
use crate::plain;
use proptest::prelude::*;

fn masks(written: &[&str]) -> Masks {
    let mut masks = Masks::default();
    for mask in written {
        masks.add(mask).unwrap();
    }
    masks
}

#[test]
fn what_a_mask_matches_is_hidden_and_the_rest_stays() {
    let cases = [
        ("token", "Authorization: Bearer abcdef123456.x-y", "Authorization: Bearer [hidden]"),
        ("token", "jwt eyJhbGciOi.eyJzdWIi.c2ln ok", "jwt [hidden] ok"),
        ("token", r#"{"accessToken":"s3cr\"et","a":1}"#, r#"{"accessToken":"[hidden]","a":1}"#),
        ("token", "GET /x?api_key=abc&a=1", "GET /x?api_key=[hidden]&a=1"),
        ("token", "ghp_0123456789abcdef", "[hidden]"),
        ("token", "tokens: 5 were counted", "tokens: 5 were counted"),
        ("password", "db_password=hunter2 host=x", "db_password=[hidden] host=x"),
        ("password", r#"{"password": "hunter2"}"#, r#"{"password": "[hidden]"}"#),
        ("password", "postgres://ada:hunter2@db/orders", "postgres://ada:[hidden]@db/orders"),
        ("email", "mail to ada.l+x@shop.example.com.", "mail to [hidden]."),
        ("/cust-[0-9]+/", "cust-12 and cust-9x", "[hidden] and [hidden]x"),
        ("/(?P<x>a)$1/", "a$1", "a$1"),
    ];
    for (mask, line, shown) in cases {
        assert_eq!(masks(&[mask]).hide(line), shown, "{mask} {line}");
    }
    assert_eq!(masks(&["email", "/42/"]).hide("a@b.c 42 d@e.f"), "[hidden] [hidden] [hidden]");
}

#[test]
fn colours_part_nothing_that_is_hidden() {
    assert_eq!(
        masks(&["email"]).hide("\u{1b}[1mada\u{1b}[0m@\u{1b}[31mx.org\u{1b}[0m said"),
        "[hidden] said"
    );
    assert_eq!(masks(&["email"]).hide("\u{1b}[1mada\u{1b}[0m"), "\u{1b}[1mada\u{1b}[0m");
}

#[test]
fn what_a_text_only_means_is_hidden_and_json_stays_json() {
    let cases = [
        ("email", r#"{"user":"ada\u0040example.org","n":1}"#, r#"{"user":"[hidden]","n":1}"#),
        ("email", r#"{"msg":"line\nada@x.org\tsaid"}"#, r#"{"msg":"line[hidden]\tsaid"}"#),
        ("email", r#"{"a\u0064a@x.org":"k"}"#, r#"{"[hidden]":"k"}"#),
        ("email", r#"{"user":"ada\u0040example.org","n"#, r#"{"user":"[hidden]","n"#),
        ("email", r#"{"msg":"{\"user\":\"ada\\u0040x.org\"}"}"#, r#"{"msg":"{\"user\":\"[hidden]\"}"}"#),
        ("email", r#"user="ada\u0040x.org" a=1"#, r#"user="[hidden]" a=1"#),
        ("email", r#"{"a":"\u001b[1mada\u001b[0m@x.org"}"#, r#"{"a":"\u001b[1m[hidden]"}"#),
        ("email", r#"{"a":"\u001b]0;ada@x.org\u0007 b"}"#, r#"{"a":"\u001b]0;[hidden] b"}"#),
        ("password", r#"{"q":"password\u003dx\u0026a=1"}"#, r#"{"q":"password\u003d[hidden]\u0026a=1"}"#),
        ("password", r#"{"msg":"{\"password\":\"hunter2\"}"}"#, r#"{"msg":"{\"password\":\"[hidden]\"}"}"#),
        ("password", r#"{"msg":"password=\"hunter2\" a"}"#, r#"{"msg":"password=[hidden]\" a"}"#),
        ("password", r#"{"pass\u0077ord":"hun\"ter2"}"#, r#"{"pass\u0077ord":"[hidden]"}"#),
        ("password", "pass\u{1b}[0mword=hunter2 a", "password=[hidden] a"),
        ("token", r#"{"msg":"so\nAKIA0123456789ABCDEF"}"#, r#"{"msg":"so\n[hidden]"}"#),
        ("email", r#"C:\new\table "a\"b" \x"#, r#"C:\new\table "a\"b" \x"#),
    ];
    for (mask, line, shown) in cases {
        assert_eq!(masks(&[mask]).hide(line), shown, "{mask} {line}");
    }
}

#[test]
fn what_steers_a_terminal_hides_nothing_from_a_mask() {
    let title = "a\u{1b}]0;ada@x.org\u{7} b";
    assert_eq!(masks(&["email"]).hide(title), "a b");
    assert_eq!(masks(&["/nobody/"]).hide(title), title);
    let escaped = "a\u{1b}]0;ada\\u0040x.org\u{7} b";
    assert_eq!(masks(&["email"]).hide(escaped), "a b");
    assert_eq!(masks(&["email"]).hide("\u{1b}[1mada@x.org"), "[hidden]");
}

#[test]
fn what_is_escaped_too_often_to_be_searched_is_hidden_whole() {
    let mut line = "ada\\u0040x.org".to_owned();
    for _ in 1..DEEPEST {
        line = line.replace('\\', r"\\");
        assert_eq!(masks(&["email"]).hide(&format!("a {line} b")), "a [hidden] b");
    }
    line = line.replace('\\', r"\\");
    assert_eq!(masks(&["email"]).hide(&format!("a {line} b")), HIDDEN);
}

#[test]
fn what_is_no_mask_is_refused_with_what_is_allowed() {
    let wrong = |mask: &str| Masks::default().add(mask).unwrap_err().to_string();
    assert!(wrong("tokens").contains("token, password or email"));
    assert!(wrong("//").contains("is no mask"));
    assert!(wrong("/(/").contains("unclosed group"));
    assert!(wrong("/x*/").contains("at least one character"));
}

/// A text as JSON may write it: each character as itself or in one of the ways to escape it, as `ways` say.
fn escaped(text: &str, ways: &[u8]) -> String {
    let unicode = |c: char| {
        let units =
            c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect::<Vec<_>>();
        units.concat()
    };
    let written = |(c, way): (char, &u8)| match (way, c) {
        (0, _) | (_, '\0'..' ') => unicode(c),
        (1, '/') => r"\/".to_owned(),
        (_, '"' | '\\') => format!("\\{c}"),
        _ => c.to_string(),
    };
    text.chars().zip(ways.iter().cycle()).map(written).collect()
}

/// Every text that somebody may read in a line: as it is, or decoded and shown, as often as that changes anything.
fn readings(line: &str) -> Vec<String> {
    let mut readings = vec![line.to_owned(), plain(line).into_owned()];
    let mut layer = Layer::of(line);
    while let Some(decoded) = layer.decoded(Quotes::Plain) {
        readings.push(decoded.text.to_string());
        let shown = layer.decoded(Quotes::Plain).map(|again| again.shown(Strings::LeftOut));
        readings.extend(shown.map(|shown| shown.text.into_owned()));
        layer = decoded;
    }
    let read = crate::Line::read(&plain(line)).fields();
    readings.extend(read.into_iter().flat_map(|(name, value)| [name, value]));
    readings
}

#[test]
fn of_a_text_that_goes_on_nothing_is_shown_that_may_go_on() {
    let first = |text: &str| {
        let (shown, length) = masks(&["password"]).hide_first(text, 9)?;
        Some((shown.into_owned(), length))
    };
    let text = "a password=x and something more";
    assert_eq!(first(text).unwrap(), ("a password=[hidden] and ".to_owned(), 17));
    assert_eq!(first("a password=hunter2").unwrap(), ("a ".to_owned(), 2));
    assert_eq!(first("password=hunter2"), None);
    assert_eq!(first(r"aaaaaa\\nbbbbbbb").unwrap().1, 6, "an escape stays whole");
}

proptest! {
    #[test]
    fn no_secret_is_ever_shown_however_it_is_escaped_parted_and_cut(
        before in "\\PC{0,12}",
        name in "[a-z]{3,8}",
        colour in proptest::option::of(0..9_usize),
        levels in proptest::collection::vec(proptest::collection::vec(0..3_u8, 1..9), 0..4),
        shape in 0..3_u8,
        cut in prop_oneof![Just(0), 0..80_usize],
    ) {
        let address = format!("{name}@example.org");
        let mut said = address.clone();
        if let Some(at) = colour {
            said.insert_str(at.min(said.len()), "\u{1b}[31m");
        }
        let mut line = format!("{before} {said} ");
        for ways in &levels {
            let text = escaped(&line, ways);
            line = match shape {
                0 => format!("{{\"msg\":\"{text}\",\"n\":1}}"),
                1 => format!("{{\"{text}\":\"x\",\"message\":\"it\"}}"),
                _ => format!("level=info msg=\"{text}\" n=1"),
            };
        }
        line.truncate(line.floor_char_boundary(line.len().saturating_sub(cut)));
        let hidden = masks(&["email"]).hide(&line).into_owned();
        for reading in readings(&hidden) {
            prop_assert!(!reading.contains(&address), "{reading}");
        }
        if cut == 0 && levels.len() == 1 && shape < 2 {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&hidden).is_ok(), "{hidden}");
        }
    }

    #[test]
    fn no_address_is_ever_shown(before in "\\PC{0,20}", name in "[a-z]{1,8}", after in "\\PC{0,20}") {
        let line = format!("{before} {name}@example.org {after}");
        let address = format!("{name}@example.org");
        prop_assert!(!masks(&["email"]).hide(&line).contains(&address));
    }
}
