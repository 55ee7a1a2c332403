//! Which keys there are, and what was probably meant by one that isn't.

use super::source::Place;
use super::{KEYS, history};
use toml::de::{DeTable, DeValue};

/// The keys of an environment in the file.
const ENVIRONMENT_KEYS: [&str; 4] = ["name", "namespace", "purgeable", "history"];

/// `registry.plain_http` is `FAIRWAY_REGISTRY_PLAIN_HTTP`.
pub(super) fn variable_of(key: &str) -> String {
    format!("FAIRWAY_{}", key.replace('.', "_").to_uppercase())
}

/// What is wrong with the names in a table, `section` being the path that leads to it, with a dot at its end.
pub(super) fn collect_unknown(table: &DeTable<'_>, section: &str, unknown: &mut Vec<(Place, String)>) {
    for (name, value) in table {
        let path = format!("{section}{}", name.get_ref());
        let inside = format!("{path}.");
        let place = Place::File(name.span().start, path.clone());
        let is_section = KEYS.iter().any(|key| key.starts_with(&inside));
        match (KEYS.contains(&path.as_str()), is_section, value.get_ref()) {
            (true, ..) => {}
            (false, true, DeValue::Table(table)) => collect_unknown(table, &inside, unknown),
            (false, true, _) => {
                unknown.push((place, format!("is a section: write [{path}] above its values.")));
            }
            (false, false, _) => {
                let known = KEYS.iter().filter(|key| key.starts_with(section)).map(|key| (*key).to_owned());
                unknown.push((place, not_known(&path, &known.collect::<Vec<_>>())));
            }
        }
    }
    let environments = table.get("environments").and_then(|value| value.get_ref().as_array());
    for table in environments.into_iter().flatten().filter_map(|value| value.get_ref().as_table()) {
        collect_others(table, "environments", &ENVIRONMENT_KEYS, unknown);
        if let Some(history) = table.get("history").and_then(|value| value.get_ref().as_table()) {
            collect_others(history, "environments.history", &history::keys().collect::<Vec<_>>(), unknown);
        }
    }
}

/// What a table has beside the keys that it may have.
fn collect_others(table: &DeTable<'_>, section: &str, keys: &[&str], unknown: &mut Vec<(Place, String)>) {
    let known: Vec<String> = keys.iter().map(|key| format!("{section}.{key}")).collect();
    for (name, _) in table {
        let path = format!("{section}.{}", name.get_ref());
        if !known.contains(&path) {
            unknown.push((Place::File(name.span().start, path.clone()), not_known(&path, &known)));
        }
    }
}

fn not_known(key: &str, known: &[String]) -> String {
    nearest(key, known).map_or_else(
        || format!("isn't known. Known are: {}.", known.join(", ")),
        |near| format!("isn't known. Did you mean {near}?"),
    )
}

/// The known key that was probably meant: one that differs by a few letters, or that has the same last word elsewhere.
fn nearest<'k>(key: &str, known: &'k [String]) -> Option<&'k String> {
    let distance = |other: &&String| strsim::damerau_levenshtein(key, other);
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    known
        .iter()
        .min_by_key(distance)
        .filter(|other| distance(other) <= 3)
        .or_else(|| known.iter().find(|other| last(other) == last(key)))
}
