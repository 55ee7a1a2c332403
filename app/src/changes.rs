//! What differs between two texts.

/// A run of lines of a text: whether they are new to it, and the lines.
pub(crate) type Run<'a> = (bool, &'a str);

/// The text `now` in runs of lines that stood in `before` and lines that didn't. Lines keep their order: of two that changed places
/// one is new.
pub(crate) fn runs<'a>(before: &str, now: &'a str) -> Vec<Run<'a>> {
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = now.split_inclusive('\n').collect();
    let start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = (&old[start..], &new[start..]);
    let end = rest.0.iter().rev().zip(rest.1.iter().rev()).take_while(|(a, b)| a == b).count();
    let middle = (&rest.0[..rest.0.len() - end], &rest.1[..rest.1.len() - end]);
    let mut is_new = vec![false; start];
    is_new.extend(added(middle.0, middle.1));
    is_new.resize(new.len(), false);
    let mut runs: Vec<(bool, std::ops::Range<usize>)> = Vec::new();
    let mut at = 0;
    for (line, is_new) in new.iter().zip(is_new) {
        let range = at..at + line.len();
        at = range.end;
        match runs.last_mut() {
            Some((same, run)) if *same == is_new => run.end = at,
            _ => runs.push((is_new, range)),
        }
    }
    runs.into_iter().map(|(is_new, range)| (is_new, &now[range])).collect()
}

/// Which lines of `new` aren't part of the longest sequence that it has in common with `old`.
fn added(old: &[&str], new: &[&str]) -> Vec<bool> {
    let width = new.len() + 1;
    let mut common = vec![0_usize; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = if old[i] == new[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let mut added = vec![true; new.len()];
    let (mut i, mut j) = (0, 0);
    while i < old.len() && j < new.len() {
        if old[i] == new[j] {
            added[j] = false;
            (i, j) = (i + 1, j + 1);
        } else if common[(i + 1) * width + j] >= common[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    added
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_were_not_there_are_new() {
        let cases: [(&str, &str, &[Run<'_>]); 7] = [
            ("a\nb\nc\n", "a\nx\ny\nc\n", &[(false, "a\n"), (true, "x\ny\n"), (false, "c\n")]),
            ("a\nb\n", "a\nb\n", &[(false, "a\nb\n")]),
            ("a\nb\nc\nd\ne\n", "x\nb\nc\nd\ny\n", &[(true, "x\n"), (false, "b\nc\nd\n"), (true, "y\n")]),
            ("a\na\n", "a\na\na\n", &[(false, "a\na\n"), (true, "a\n")]),
            ("a\nb\n", "a\n", &[(false, "a\n")]),
            ("", "a", &[(true, "a")]),
            ("name: ä\nb\n", "name: äö\nb\n", &[(true, "name: äö\n"), (false, "b\n")]),
        ];
        for (before, now, expected) in cases {
            assert_eq!(runs(before, now), expected, "{before:?} {now:?}");
        }
    }
}
