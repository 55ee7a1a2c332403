//! An entry as a row of the page. What containers wrote only ever becomes text.

use super::{
    entry::{Entry, Source},
    reading::{Reading, Times},
};
use crate::{clock, model::in_line, words};
use fairway_domain::{Level, LogMarker};
use js_sys::{Array, JSON, Object, Reflect};
use leptos::prelude::document;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlElement};

/// What of a line's fields is shown before it is opened, in bytes.
const FIELDS: usize = 500;

/// How rows are drawn.
#[derive(Debug, Default)]
pub(super) struct Drawing {
    pub(super) reading: Reading,
    /// How many characters stand in a row, where long lines are wrapped.
    pub(super) columns: Option<usize>,
    /// The address of the service's log in the REST interface.
    pub(super) api: String,
}

/// A row, new.
pub(super) fn row(entry: &Entry, source: &Source, drawing: &Drawing) -> Option<HtmlElement> {
    let row = document().create_element("div").ok()?;
    row.set_class_name(&classes(entry));
    let time = time(entry, drawing.reading)?;
    row.append_child(&time).ok()?;
    let pod = add(&row, "span", "pod", source.short_pod())?;
    pod.set_attribute("title", &source.pod).ok()?;
    add(&row, "span", "container", &source.container)?;
    add(
        &row,
        "span",
        "revision",
        &source.revision.map(|revision| format!("r{revision}")).unwrap_or_default(),
    )?;
    add(&row, "span", "level", if entry.marker.is_some() { "" } else { entry.level.word() })?;
    let said = add(&row, "span", "said", "")?;
    let shown = if entry.open { &entry.text } else { entry.shown(drawing.columns) };
    text(&add(&said, "span", "text", "")?, shown, entry.spans(), entry.hits())?;
    if entry.late {
        let late = add(&said, "span", "chip", "late")?;
        late.set_attribute("title", "It came after lines that are later").ok()?;
    }
    if entry.open {
        let detail = detail(entry, source, &drawing.api)?;
        row.append_child(&detail).ok()?;
    } else {
        let fields = in_line(entry.fields());
        if !fields.is_empty() {
            add(&said, "span", "fields", &fields[..fields.floor_char_boundary(FIELDS)])?;
        }
        if let Some(more) = more(entry, shown.len()) {
            add(&said, "span", "chip", &more)?;
        }
    }
    row.dyn_into().ok()
}

fn classes(entry: &Entry) -> String {
    let mut classes = "row".to_owned();
    classes.push_str(match (entry.marker, entry.level) {
        (Some(LogMarker::Gap), _) => " marker gap",
        (Some(LogMarker::Ended | LogMarker::Restarted), _) => " marker ended",
        (Some(_), Level::Warn) => " marker warn",
        (Some(_), _) => " marker",
        (None, Level::Error | Level::Fatal) => " error",
        (None, Level::Warn) => " warn",
        (None, Level::Debug | Level::Trace) => " faint",
        (None, Level::Info | Level::Unknown) => "",
    });
    if entry.open {
        classes.push_str(" open");
    }
    classes
}

fn time(entry: &Entry, reading: Reading) -> Option<Element> {
    let element = document().create_element("time").ok()?;
    let text = match reading.times {
        Times::Utc => clock::time_of_day_exact(entry.at),
        Times::Local => clock::time_of_day_exact(clock::local(entry.at)),
        Times::Ago => {
            element.set_attribute("data-ago", &entry.at.to_string()).ok()?;
            clock::ago(clock::now() - entry.at)
        }
    };
    element.set_text_content(Some(&text));
    element.set_attribute("title", &clock::exact(entry.at)).ok()?;
    Some(element)
}

/// What is not shown before the entry is opened.
fn more(entry: &Entry, shown: usize) -> Option<String> {
    if !entry.trace().is_empty() {
        let more = format!("▸ {}", words::counted(entry.trace().len() as u64, "more line"));
        return Some(match entry.hits_in_trace() {
            0 => more,
            1 => more + ", 1 matches",
            hits => format!("{more}, {hits} match"),
        });
    }
    let bytes = entry.bytes().unwrap_or(entry.text.len() as u64);
    (bytes > shown as u64).then(|| format!("▸ {} in all", size(bytes)))
}

/// How much a text takes: *64 KB*.
fn size(bytes: u64) -> String {
    match bytes {
        ..1000 => words::counted(bytes, "byte"),
        1000..1_000_000 => format!("{} KB", bytes / 1000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

/// Writes a text with the colours that it gave itself, and marks what was looked for.
fn text(element: &Element, text: &str, spans: &[(String, u32, u32)], hits: &[(u32, u32)]) -> Option<()> {
    if spans.is_empty() && hits.is_empty() {
        element.set_text_content(Some(text));
        return Some(());
    }
    let pieces = || spans.iter().map(|(_, from, to)| (*from, *to)).chain(hits.iter().copied());
    let mut at = 0;
    while at < text.len() {
        let edges = pieces().flat_map(|(from, to)| [from as usize, to as usize]).filter(|edge| *edge > at);
        let end = edges.min().unwrap_or(text.len()).min(text.len());
        let inside = |from: u32, to: u32| (from as usize..to as usize).contains(&at);
        let tag = if hits.iter().any(|(from, to)| inside(*from, *to)) { "mark" } else { "span" };
        let colour = spans.iter().find(|(_, from, to)| inside(*from, *to)).map_or("", |(class, ..)| class);
        add(element, tag, colour, text.get(at..end).unwrap_or_default())?;
        at = end;
    }
    Some(())
}

/// What an opened entry shows below its first line.
fn detail(entry: &Entry, source: &Source, api: &str) -> Option<Element> {
    let detail = document().create_element("div").ok()?;
    detail.set_class_name("detail");
    if !entry.trace().is_empty() {
        let trace = add(&detail, "pre", "", "")?;
        for (line, hits) in entry.trace() {
            text(&add(&trace, "span", "line", "")?, line, &[], hits)?;
        }
    }
    if entry.fields().next().is_some() {
        let list = add(&detail, "dl", "", "")?;
        for (name, value) in entry.fields() {
            add(&list, "dt", "", name)?;
            add(&list, "dd", "", value)?;
        }
    }
    add(&detail, "p", "facts", &facts(entry, source))?;
    let acts = add(&detail, "p", "acts", "")?;
    for (act, label) in [("copy", "Copy"), ("json", "Copy as JSON"), ("link", "Copy link")] {
        let button = add(&acts, "button", "", label)?;
        button.set_attribute("type", "button").ok()?;
        button.set_attribute("data-act", act).ok()?;
    }
    if let Some((bytes, place)) = entry.bytes().zip(source.place(entry)) {
        let link = add(&acts, "a", "button", &format!("Download the whole line ({})", size(bytes)))?;
        link.set_attribute("href", &format!("{api}/lines/{place}")).ok()?;
        link.set_attribute("download", "").ok()?;
    }
    Some(detail)
}

/// Where it comes from, and when, in words.
fn facts(entry: &Entry, source: &Source) -> String {
    let mut facts = vec![format!(
        "{}.{:03} UTC",
        clock::exact(entry.at).trim_end_matches(" UTC"),
        entry.at.rem_euclid(1000)
    )];
    if !source.pod.is_empty() {
        facts.push(format!("pod {}", source.pod));
    }
    if !source.container.is_empty() {
        facts.push(format!("container {}", source.container));
    }
    facts.extend(source.revision.map(|revision| format!("revision {revision}")));
    if source.restart > 0 {
        facts.push(format!("restarted {}", words::counted(source.restart.into(), "time")));
    }
    if let Some(bytes) = entry.bytes() {
        facts.push(format!("the first {} of {}", size(entry.text.len() as u64), size(bytes)));
    }
    facts.join(" · ")
}

/// The entry as lines of text.
pub(super) fn as_text(entry: &Entry, source: &Source) -> String {
    let mut text = format!("{} {}", clock::machine_exact(entry.at), source.pod);
    for part in [&source.container, entry.level.word(), &entry.text] {
        if !part.is_empty() {
            text.push(' ');
            text.push_str(part);
        }
    }
    text.push_str(&in_line(entry.fields()));
    for (line, _) in entry.trace() {
        text.push('\n');
        text.push_str(line);
    }
    text
}

/// The entry as a JSON object.
pub(super) fn as_json(entry: &Entry, source: &Source) -> Option<String> {
    let object = Object::new();
    let at = clock::machine_exact(entry.at);
    let level = entry.level.word().to_ascii_lowercase();
    #[allow(clippy::cast_precision_loss)] // Kubernetes counts revisions from 1
    let revision = source.revision.map_or(JsValue::NULL, |revision| (revision as f64).into());
    let values = [
        ("at", JsValue::from_str(&at)),
        ("pod", JsValue::from_str(&source.pod)),
        ("container", JsValue::from_str(&source.container)),
        ("restart", source.restart.into()),
        ("revision", revision),
        ("level", JsValue::from_str(&level)),
        ("message", JsValue::from_str(&entry.text)),
    ];
    for (name, value) in &values {
        put(&object, name, value)?;
    }
    if entry.fields().next().is_some() {
        let fields = Object::new();
        for (name, value) in entry.fields() {
            put(&fields, name, &JsValue::from_str(value))?;
        }
        put(&object, "fields", &fields)?;
    }
    if !entry.trace().is_empty() {
        let lines: Array = entry.trace().iter().map(|(line, _)| JsValue::from_str(line)).collect();
        put(&object, "trace", &lines)?;
    }
    JSON::stringify(&object).ok()?.as_string()
}

#[inline(never)]
fn put(object: &Object, name: &str, value: &JsValue) -> Option<bool> {
    Reflect::set(object, &JsValue::from_str(name), value).ok()
}

fn add(parent: &Element, tag: &str, class: &str, text: &str) -> Option<Element> {
    let element = document().create_element(tag).ok()?;
    if !class.is_empty() {
        element.set_class_name(class);
    }
    if !text.is_empty() {
        element.set_text_content(Some(text));
    }
    parent.append_child(&element).ok()?;
    Some(element)
}
