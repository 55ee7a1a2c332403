//! What differs between two texts.

/// A text around the lines that differ from those before.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Changed<'a> {
    pub start: &'a str,
    /// From the first line that isn't the same to the last; empty where all are.
    pub changed: &'a str,
    pub end: &'a str,
}

/// The parts of `now`.
pub(crate) fn changed<'a>(before: &str, now: &'a str) -> Changed<'a> {
    let same = |(a, b): &(&str, &str)| a == b;
    let length = |pairs: Vec<(&str, &str)>| pairs.iter().map(|(_, line)| line.len()).sum::<usize>();
    let start =
        length(before.split_inclusive('\n').zip(now.split_inclusive('\n')).take_while(same).collect());
    let (old, new) = (before.get(start..).unwrap_or_default(), &now[start..]);
    let old_lines = old.split_inclusive('\n').rev();
    let end = length(old_lines.zip(new.split_inclusive('\n').rev()).take_while(same).collect());
    let (changed, end) = new.split_at(new.len() - end);
    Changed { start: &now[..start], changed, end }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_lines_between_the_common_start_and_end_are_changed() {
        let cases = [
            ("a\nb\nc\n", "a\nx\ny\nc\n", ("a\n", "x\ny\n", "c\n")),
            ("a\nb\n", "a\nb\n", ("a\nb\n", "", "")),
            ("a\na\n", "a\na\na\n", ("a\na\n", "a\n", "")),
            ("a\nb\n", "a\n", ("a\n", "", "")),
            ("", "a", ("", "a", "")),
            ("name: ä\nb\n", "name: äö\nb\n", ("", "name: äö\n", "b\n")),
        ];
        for (before, now, (start, middle, end)) in cases {
            assert_eq!(changed(before, now), Changed { start, changed: middle, end }, "{before:?} {now:?}");
        }
    }
}
