//! The filter over the list of services.

/// Whether every word of `filter` stands in `words`; both are in lower case.
pub(crate) fn matches(words: &str, filter: &str) -> bool {
    filter.split_whitespace().all(|word| words.contains(word))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn every_word_has_to_be_found() {
        let words = "orders checkout takes orders";
        assert!(matches(words, "ord check") && matches(words, " ") && !matches(words, "orders billing"));
    }
}
