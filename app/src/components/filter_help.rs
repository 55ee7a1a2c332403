//! How a filter of log lines is written.

use leptos::prelude::*;

/// What is written, and which lines it keeps.
const WAYS: [(&str, &str); 10] = [
    ("timeout redis", "have both words, whatever their case"),
    ("\"not found\"", "have this text"),
    ("/time(d )?out/", "match a regular expression; /…/i for any case"),
    ("-healthz", "don't have it; before any term"),
    ("timeout or refused", "have one or the other"),
    ("level:error", "say that they are errors; level:unknown for those that say nothing"),
    ("level>=warn", "are warnings or worse; also >, <=, < and !="),
    (
        "status>=500 path:/orders",
        "have such a field, in JSON, logfmt or as name=value; : is a part, = the whole",
    ),
    ("user.id=42", "have such a field within a field"),
    ("pod:x2 container:app revision:8", "come from there"),
];

/// The filter's language, folded.
pub(crate) fn filter_help() -> impl IntoView {
    let ways = WAYS.map(|(written, meaning)| {
        view! {
            <div>
                <dt>
                    <code>{written}</code>
                </dt>
                <dd>{meaning}</dd>
            </div>
        }
    });
    view! {
        <details class="filter-help">
            <summary id="filter-help">"How to filter"</summary>
            <div tabindex="0">
                <p>"Lines are kept that …"</p>
                <dl>{ways.to_vec()}</dl>
                <p>
                    "All terms have to hold; where a line of a stack trace is kept, all of the trace is, with the line that it explains. A level is never guessed from a word in the text: the line says it in a field or at its usual place."
                </p>
            </div>
        </details>
    }
}
