//! How names begin.

use std::collections::{BTreeMap, HashMap};

/// What parts a name, wherever it stands first.
const SEPARATORS: &[u8] = b":/|.";

/// What parts a name that has none of these, tried in this order.
const LESSER: &[u8] = b"-_";

/// So many prefixes are named at most.
const NAMED: usize = 50;

/// With more prefixes than this, one that a single name has isn't named.
const FEW: usize = 20;

/// A prefix is no longer than this, as for a purge.
const LONGEST: usize = 512;

/// A prefix, and the names that begin so.
type Parted<'a> = (&'a [u8], Vec<&'a [u8]>);

/// The prefixes that tell most of the names apart, those of the most names first. A prefix that more than half of all names share
/// is parted further, where that gives only few.
pub(crate) fn prefixes(names: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut found: HashMap<&[u8], Vec<&[u8]>> = HashMap::new();
    for name in names {
        if let Some(end) = first_end(name) {
            found.entry(&name[..end]).or_default().push(name);
        }
    }
    let mut parted: Vec<(&[u8], usize)> = Vec::new();
    let mut open: Vec<Parted<'_>> = found.into_iter().collect();
    while let Some((prefix, members)) = open.pop() {
        match finer(prefix, &members, names.len()) {
            Some(finer) => open.extend(finer),
            None => parted.push((prefix, members.len())),
        }
    }
    let many = parted.len() > FEW;
    parted.retain(|(_, members)| !many || *members > 1);
    parted.sort_by(|(one, most), (other, more)| more.cmp(most).then(one.cmp(other)));
    parted.into_iter().take(NAMED).map(|(prefix, _)| prefix.to_vec()).collect()
}

/// Where the first part of a name ends: behind a separator, or before a number.
fn first_end(name: &[u8]) -> Option<usize> {
    let behind = |byte: u8| name.iter().position(|one| *one == byte).map(|place| place + 1);
    let separated = next_end(name, 0);
    let lesser = || LESSER.iter().find_map(|byte| behind(*byte));
    let numbered = || name.iter().position(u8::is_ascii_digit).filter(|place| *place > 0);
    separated.or_else(lesser).or_else(numbered).filter(|end| *end <= LONGEST)
}

fn next_end(name: &[u8], from: usize) -> Option<usize> {
    let end = name[from..].iter().position(|byte| SEPARATORS.contains(byte))? + from + 1;
    (end <= LONGEST).then_some(end)
}

/// The same names by one more part of theirs, if the prefix says little without it.
fn finer<'a>(prefix: &[u8], members: &[&'a [u8]], all: usize) -> Option<Vec<Parted<'a>>> {
    if members.len() * 2 <= all || members.len() < 2 {
        return None;
    }
    let mut parts: BTreeMap<&[u8], Vec<&[u8]>> = BTreeMap::new();
    for name in members {
        if let Some(end) = next_end(name, prefix.len()) {
            parts.entry(&name[..end]).or_default().push(name);
        }
    }
    let parted: usize = parts.values().map(Vec::len).sum();
    let few = parts.len() <= FEW && parts.len() * 2 <= members.len();
    // What ends here would have no prefix any more.
    (few && parted * 10 >= members.len() * 9).then(|| parts.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(names: &[&str]) -> Vec<String> {
        let names: Vec<Vec<u8>> = names.iter().map(|name| name.as_bytes().to_vec()).collect();
        prefixes(&names).iter().map(|prefix| String::from_utf8_lossy(prefix).into_owned()).collect()
    }

    #[test]
    fn a_prefix_ends_behind_the_first_separator_or_before_a_number() {
        assert_eq!(shown(&["session:1", "session:2", "cart:1"]), ["session:", "cart:"]);
        assert_eq!(shown(&["a/b:c", "a/x", "user_session:1"]), ["a/", "user_session:"]);
        assert_eq!(shown(&["user_1", "user_2", "lock-a", "key1", "key2"]), ["key", "user_", "lock-"]);
        assert_eq!(shown(&["", "alone", "123"]), [""; 0]);
    }

    #[test]
    fn what_most_names_share_is_parted_further() {
        assert_eq!(
            shown(&["app:session:1", "app:session:2", "app:cart:1", "app:cart:2"]),
            ["app:cart:", "app:session:"]
        );
        assert_eq!(shown(&["app:session:1", "app:session:2", "app:session:3"]), ["app:session:"]);
        assert_eq!(shown(&["user:1:name", "user:2:name", "user:3:name"]), ["user:"]);
        assert_eq!(shown(&["app:session:1", "app:session:2", "app:x", "app:y"]), ["app:"]);
    }

    #[test]
    fn many_names_that_share_nothing_are_not_listed_one_by_one() {
        let mut names: Vec<String> = (0..1000).map(|number| format!("{number:x}-{number}:a")).collect();
        assert_eq!(shown(&names.iter().map(String::as_str).collect::<Vec<_>>()), [""; 0]);
        names.extend((0..200).map(|number| format!("group{}:{number}", number / 2)));
        let listed = shown(&names.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!((listed.len(), listed[0].as_str()), (50, "group0:"));
    }

    #[test]
    fn a_prefix_is_never_longer_than_a_purge_takes() {
        let long = format!("{}:1", "x".repeat(600));
        assert_eq!(shown(&[&long, &long]), [""; 0]);
    }
}
