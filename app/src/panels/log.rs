//! A log's tools and the places for its lines, as the page has them: the island that shows the lines finds everything by its class.

use crate::{components::filter_help, model::LogAsked};
use leptos::prelude::*;

/// How far back lines are wanted: what the address says, and what a person reads.
const SINCE: [(&str, &str); 5] = [
    ("", "Newest lines"),
    ("900", "Last 15 min"),
    ("3600", "Last hour"),
    ("86400", "Last 24 hours"),
    ("all", "All there are"),
];
/// Levels: the filter's term, and what a person reads.
const LEVELS: [(&str, &str); 4] = [
    ("level>=error", "Errors"),
    ("level>=warn", "Warnings and errors"),
    ("level>=info", "Info and worse"),
    ("level=debug", "Debug"),
];
/// In whose time: what the browser keeps, and what a person reads.
const TIMES: [(&str, &str); 3] = [("utc", "UTC"), ("local", "Local time"), ("ago", "How long ago")];
const KEYS: [(&str, &str); 13] = [
    ("/", "filter"),
    ("space", "pause, follow"),
    ("g", "first line"),
    ("G", "last line, follow"),
    ("j", "next line"),
    ("k", "line before"),
    ("n", "next error; with a filter, next line that matches"),
    ("N", "the one before"),
    ("Enter", "open or close the line"),
    ("c", "copy the line"),
    ("w", "wrap"),
    ("Esc", "close a menu, leave the line"),
    ("?", "these keys"),
];

/// Of a log at an address of the REST interface, for what is asked of it; and what is wrong with that.
pub(crate) fn log(api: &str, asked: &LogAsked, wrong: Option<String>) -> impl IntoView + use<> {
    let is_wrong = wrong.is_some().then_some("true");
    view! {
        <div class="log-tools">
            <label for="filter">"Filter"</label>
            <input
                id="filter"
                name="filter"
                form="log-filter"
                type="search"
                autocomplete="off"
                spellcheck="false"
                maxlength="2000"
                placeholder="timeout level>=warn -healthz"
                aria-describedby="filter-error filter-help"
                aria-invalid=is_wrong
                aria-keyshortcuts="/"
                value=asked.filter.clone()
            />
            {terms()}
            {range(asked)}
            <button form="log-filter" class="without-script">"Show"</button>
            {reading()}
            {download(api, asked)}
            {keys()}
            <button type="button" class="follow" aria-keyshortcuts="Space">"Pause"</button>
        </div>
        {filter_help()}
        <p class="field-error" id="filter-error" role="status">{wrong.map(|wrong| format!("▲ {wrong}"))}</p>
        <div class="histogram" hidden=true>
            <svg role="img" preserveAspectRatio="none">
                <path class="other"/>
                <path class="warn"/>
                <path class="error"/>
                <path class="selection"/>
            </svg>
        </div>
        <div class="log-list" role="log" aria-live="off" aria-label="Lines" tabindex="0">
            <p class="log-none" hidden=true></p>
            <div class="log-height">
                <div class="log-rows"></div>
            </div>
        </div>
        <p class="log-status">
            <span class="account">"Connecting …"</span>
            <button type="button" class="search" hidden=true>"Stop"</button>
        </p>
        <p class="unseen announcement" role="status"></p>
    }
}

/// Terms that needn't be typed. The island adds those of the lines that it has seen.
fn terms() -> impl IntoView {
    let levels = LEVELS.map(|(term, name)| view! { <button type="button" data-term=term>{name}</button> });
    view! {
        <details class="tool terms">
            <summary>"Only"</summary>
            <div>
                <p role="group" aria-label="Levels">{levels.to_vec()}</p>
                <p class="sources" role="group" aria-label="Pods, containers and revisions"></p>
            </div>
        </details>
    }
}

/// From when to when.
fn range(asked: &LogAsked) -> impl IntoView + use<> {
    let since = asked.since.clone();
    let options =
        SINCE.map(|(value, name)| view! { <option value=value selected=value == since>{name}</option> });
    let end = |name: &'static str, label: &'static str, value: &str| {
        let value = value.to_owned();
        view! {
            <label>
                {label}
                <input type="datetime-local" step="1" name=name form="log-filter" value=value/>
            </label>
        }
    };
    view! {
        <select name="since" form="log-filter" aria-label="Since">{options.to_vec()}</select>
        <details class="tool range">
            <summary>{asked.range()}</summary>
            <div>
                {end("from", "From (UTC)", &asked.from)}
                {end("until", "Until (UTC)", &asked.until)}
            </div>
        </details>
    }
}

/// How the lines are shown.
fn reading() -> impl IntoView {
    let times = TIMES.map(|(value, name)| view! { <option value=value>{name}</option> });
    view! {
        <label class="choice"><input type="checkbox" class="wrap-lines" aria-keyshortcuts="w"/>"Wrap"</label>
        <select class="times" aria-label="Times">{times.to_vec()}</select>
    }
}

/// The lines as a file. The island brings what the links lead to up to date.
fn download(api: &str, asked: &LogAsked) -> impl IntoView + use<> {
    let link = |label: &'static str, format: &str, all: bool| {
        let asked = asked.of_file();
        let asked = if all { LogAsked { filter: String::new(), ..asked } } else { asked };
        let to = format!("{api}/download?format={format}&");
        let href = to.clone() + &asked.query();
        view! { <li><a href=href data-to=to data-all=all.then_some("") download="">{label}</a></li> }
    };
    view! {
        <details class="tool download">
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
fn keys() -> impl IntoView {
    let keys = KEYS.map(|(key, does)| view! { <dt><kbd>{key}</kbd></dt><dd>{does}</dd> });
    view! {
        <details class="tool log-keys">
            <summary aria-keyshortcuts="?">"Keys"</summary>
            <dl>{keys.to_vec()}</dl>
        </details>
    }
}
