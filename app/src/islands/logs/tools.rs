//! What stands above the lines: which are shown, and how.

use super::{
    Log,
    histogram::{BARS, HEIGHT},
    parts::{hold, part},
    reading::Times,
};
use crate::model::LogAsked;
use leptos::{ev::PointerEvent, html, prelude::*};

/// How far back lines are wanted: what the address says, and what a person reads.
const SINCE: [(&str, &str); 5] = [
    ("", "Newest lines"),
    ("900", "Last 15 min"),
    ("3600", "Last hour"),
    ("86400", "Last 24 hours"),
    ("all", "All there are"),
];

/// From when to when.
pub(super) fn range(log: Log, asked: &LogAsked) -> impl IntoView + use<> {
    let since = asked.since.clone();
    let options =
        SINCE.map(|(value, name)| view! { <option value=value selected=value == since>{name}</option> });
    let open = !asked.from.is_empty() || !asked.until.is_empty();
    let end = move |name: &'static str, label: &'static str, value: String| {
        view! {
            <label>
                {label}
                <input
                    type="datetime-local"
                    step="1"
                    name=name
                    form="log-filter"
                    value=value
                    prop:value=move || log.range.get()[usize::from(name == "until")].clone()
                    on:change=move |event| {
                        let value = event_target_value(&event);
                        log.ask(|asked| {
                            *(if name == "from" { &mut asked.from } else { &mut asked.until }) = value;
                        });
                    }
                />
            </label>
        }
    };
    view! {
        <select
            name="since"
            form="log-filter"
            aria-label="Since"
            on:change=move |event| log.ask(|asked| asked.since = event_target_value(&event))
        >
            {options.to_vec()}
        </select>
        <details class="tool" open=open>
            <summary>"Range"</summary>
            <div>
                {end("from", "From (UTC)", asked.from.clone())}
                {end("until", "Until (UTC)", asked.until.clone())}
            </div>
        </details>
    }
}

/// How the lines are shown.
pub(super) fn reading(log: Log) -> impl IntoView {
    let choices = Times::ALL.map(|(times, word, name)| {
        view! { <option value=word prop:selected=move || log.reading.get().times == times>{name}</option> }
    });
    view! {
        <label class="choice">
            <input
                type="checkbox"
                aria-keyshortcuts="w"
                prop:checked=move || log.reading.get().wrap
                on:change=move |event| log.read_as(|reading| reading.wrap = event_target_checked(&event))
            />
            "Wrap"
        </label>
        <select
            class="times"
            aria-label="Times"
            on:change=move |event| log.read_as(|reading| reading.times = Times::named(&event_target_value(&event)))
        >
            {choices.to_vec()}
        </select>
    }
}

/// The lines as a file. What the links lead to is made when they are shown.
pub(super) fn download(log: Log, asked: &LogAsked) -> impl IntoView + use<> {
    let wanted = RwSignal::new((asked.clone(), LogAsked { filter: String::new(), ..asked.clone() }));
    let link = move |label: &'static str, format: &'static str, all: bool| {
        let href = move || {
            let (shown, everything) = wanted.get();
            let query = if all { everything } else { shown }.query();
            log.feed.with_value(|feed| format!("{}/download?format={format}&{query}", feed.api))
        };
        view! { <li><a href=href download="">{label}</a></li> }
    };
    view! {
        <details class="tool" on:toggle=move |_| wanted.set(log.downloads())>
            <summary>"Download"</summary>
            <ul>
                {link("What matches, as text", "text", false)}
                {link("What matches, as JSON lines", "json", false)}
                {link("Every line of that time, as text", "text", true)}
                {link("Every line of that time, as JSON lines", "json", true)}
            </ul>
        </details>
    }
}

/// What keys there are.
pub(super) fn keys(details: NodeRef<html::Details>) -> impl IntoView {
    const KEYS: [(&str, &str); 12] = [
        ("/", "filter"),
        ("space", "pause, follow"),
        ("g", "first line"),
        ("G", "last line, follow"),
        ("j", "next line"),
        ("k", "line before"),
        ("n", "next error"),
        ("N", "error before"),
        ("Enter", "open or close the line"),
        ("c", "copy the line"),
        ("w", "wrap"),
        ("Esc", "mean no line"),
    ];
    let keys = KEYS.map(|(key, does)| view! { <dt><kbd>{key}</kbd></dt><dd>{does}</dd> });
    view! {
        <details class="tool log-keys" node_ref=details>
            <summary aria-keyshortcuts="?">"Keys"</summary>
            <dl>{keys.to_vec()}</dl>
        </details>
    }
}

/// Lines over time. A click leads to a time, a drag asks for a range.
pub(super) fn histogram(log: Log) -> impl IntoView {
    // From where to where a pointer was drawn, as parts of the width.
    let drawn = RwSignal::new(None::<(f64, f64)>);
    let let_go = move |event: PointerEvent| {
        let Some((from, _)) = drawn.get_untracked() else { return };
        let until = part(&event);
        drawn.set(None);
        log.selected_time(from.min(until), from.max(until));
    };
    let path = move |kind: usize| move || log.histogram.with(|histogram| histogram.path(kind));
    view! {
        <div
            class="histogram"
            hidden=move || log.histogram.with(super::Histogram::is_empty)
            on:pointerdown=move |event| {
                hold(&event);
                drawn.set(Some((part(&event), part(&event))));
            }
            on:pointermove=move |event| drawn.update(|drawn| {
                if let Some((_, until)) = drawn {
                    *until = part(&event);
                }
            })
            on:pointerup=let_go
            on:pointercancel=move |_| drawn.set(None)
        >
            <svg
                role="img"
                viewBox=format!("0 0 {BARS} {HEIGHT}")
                preserveAspectRatio="none"
                aria-label=move || log.histogram.with(super::Histogram::sentence)
            >
                <path class="other" d=path(0)/>
                <path class="warn" d=path(1)/>
                <path class="error" d=path(2)/>
                <path class="selection" d=move || drawn.get().map(|(from, until)| selection(from.min(until), from.max(until)))/>
            </svg>
        </div>
    }
}

/// The part of the picture that is drawn over.
fn selection(from: f64, until: f64) -> String {
    let width = f64::from(BARS);
    format!("M{:.1} 0H{:.1}V{HEIGHT}H{:.1}z", from * width, until * width, from * width)
}
