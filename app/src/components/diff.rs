//! What a deploy does, object by object.

use crate::words;
use fairway_domain::{Change, DiffLine, ObjectDiff};
use leptos::prelude::*;

/// The objects, changed ones open, unchanged ones folded into one line.
pub(crate) fn diff(objects: &[ObjectDiff]) -> impl IntoView + use<> {
    let (same, different): (Vec<_>, Vec<_>) =
        objects.iter().partition(|object| object.change == Change::Unchanged);
    let names = same.iter().map(|object| format!("{} {}", object.kind, object.name)).collect::<Vec<_>>();
    let none = different.is_empty();
    view! {
        <div class="diff">
            {none.then(|| view! { <p class="quiet">"No object changes."</p> })}
            {different.into_iter().map(object_diff).collect_view()}
            {(!names.is_empty())
                .then(|| {
                    view! {
                        <details class="unchanged">
                            <summary>{words::counted(names.len() as u64, "object")} " unchanged"</summary>
                            <ul>{names.into_iter().map(|name| view! { <li>{name}</li> }).collect_view()}</ul>
                        </details>
                    }
                })}
        </div>
    }
}

fn object_diff(object: &ObjectDiff) -> impl IntoView + use<> {
    let (tone, word) = match object.change {
        Change::Added => ("good", "+ added"),
        Change::Changed => ("moving", "~ changed"),
        Change::Removed => ("bad", "− removed"),
        Change::Unchanged => ("off", "unchanged"),
    };
    let counted = |wanted: fn(&DiffLine) -> bool| object.lines.iter().filter(|line| wanted(line)).count();
    let added = counted(|line| matches!(line, DiffLine::Added(_)));
    let removed = counted(|line| matches!(line, DiffLine::Removed(_)));
    view! {
        <details class="object" open=object.change == Change::Changed>
            <summary>
                <span class=format!("change {tone}")>{word}</span>
                <span class="kind">{object.kind.clone()}</span>
                <span class="name">{object.name.clone()}</span>
                <span class="lines number">
                    <span class="added">{format!("+{added}")}</span>
                    " "
                    <span class="removed">{format!("−{removed}")}</span>
                </span>
            </summary>
            <pre tabindex="0">{object.lines.iter().map(diff_line).collect_view()}</pre>
        </details>
    }
}

fn diff_line(line: &DiffLine) -> impl IntoView + use<> {
    match line {
        DiffLine::Added(text) => view! { <ins>{format!("+ {text}\n")}</ins> }.into_any(),
        DiffLine::Removed(text) => view! { <del>{format!("- {text}\n")}</del> }.into_any(),
        DiffLine::Same(text) => view! { <span>{format!("  {text}\n")}</span> }.into_any(),
        DiffLine::Gap(lines) => {
            view! { <span class="gap">{format!("⋯ {}\n", words::counted(*lines as u64, "line"))}</span> }
                .into_any()
        }
    }
}
