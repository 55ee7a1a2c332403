//! What a deploy changes, object by object.

use crate::{
    manifest::{hide_values_of_both, normalised, text_at},
    yaml::text,
};
use fairway_domain::{Change, DiffLine, ObjectDiff};
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

/// Unchanged lines that are shown around a change.
const CONTEXT: usize = 3;

/// What happens to one object: `live` is as it is, `planned` as it would be, each `None` where it isn't. Both should have been
/// filled in by the server (a dry run), or defaults show as changes. What the server and Helm note on objects is left out,
/// and a Secret's values read `(unchanged)`, `(changed)` or `(set)`.
pub fn diff(live: Option<&Value>, planned: Option<&Value>) -> ObjectDiff {
    let named = planned.or(live).unwrap_or(&Value::Null);
    let (kind, name) = (text_at(named, "/kind").to_owned(), text_at(named, "/metadata/name").to_owned());
    let (mut old, mut new) = (live.map(normalised), planned.map(normalised));
    if kind == "Secret" {
        hide_values_of_both(old.as_mut(), new.as_mut());
    }
    let (change, lines) = match (old.as_ref().map(text), new.as_ref().map(text)) {
        (Some(old), Some(new)) if old != new => (Change::Changed, changed_lines(&old, &new)),
        (None, Some(new)) => (Change::Added, new.lines().map(|line| DiffLine::Added(line.into())).collect()),
        (Some(old), None) => {
            (Change::Removed, old.lines().map(|line| DiffLine::Removed(line.into())).collect())
        }
        _ => (Change::Unchanged, Vec::new()),
    };
    ObjectDiff { kind, name, change, lines }
}

/// What happens to each object of two whole sets: what changes first, then what is added, removed, and stays.
pub fn differences(live: &[Value], planned: &[Value]) -> Vec<ObjectDiff> {
    let find = |set: &'_ [Value], object: &Value| set.iter().position(|other| same_object(other, object));
    let mut all: Vec<ObjectDiff> = planned
        .iter()
        .map(|object| diff(find(live, object).and_then(|at| live.get(at)), Some(object)))
        .chain(
            live.iter()
                .filter(|object| find(planned, object).is_none())
                .map(|object| diff(Some(object), None)),
        )
        .collect();
    all.sort_by(|one, other| {
        let key = |object: &ObjectDiff| (order(object.change), object.kind.clone(), object.name.clone());
        key(one).cmp(&key(other))
    });
    all
}

/// Whether both are the same object at two times: of one kind, with one name.
pub fn same_object(one: &Value, other: &Value) -> bool {
    ["/kind", "/metadata/name"].iter().all(|pointer| text_at(one, pointer) == text_at(other, pointer))
}

fn order(change: Change) -> u8 {
    match change {
        Change::Changed => 0,
        Change::Added => 1,
        Change::Removed => 2,
        Change::Unchanged => 3,
    }
}

fn changed_lines(old: &str, new: &str) -> Vec<DiffLine> {
    let difference = TextDiff::from_lines(old, new);
    let mut lines = Vec::new();
    let mut shown = 0;
    for group in difference.grouped_ops(CONTEXT) {
        let begin = group.first().map_or(shown, |op| op.old_range().start);
        lines.extend(gap(begin - shown));
        shown = group.last().map_or(begin, |op| op.old_range().end);
        for change in group.iter().flat_map(|op| difference.iter_changes(op)) {
            let text = change.value().trim_end_matches('\n').to_owned();
            lines.push(match change.tag() {
                ChangeTag::Delete => DiffLine::Removed(text),
                ChangeTag::Insert => DiffLine::Added(text),
                ChangeTag::Equal => DiffLine::Same(text),
            });
        }
    }
    lines.extend(gap(old.lines().count() - shown));
    lines
}

fn gap(lines: usize) -> Option<DiffLine> {
    (lines > 0).then_some(DiffLine::Gap(lines))
}

#[cfg(test)]
#[path = "difference_tests.rs"]
mod tests;
