//! Numbers as people read them.

/// A count with its thousands apart: `18,402`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn the_thousands_of_a_count_stand_apart() {
        assert_eq!([0, 999, 18_402, 1_000_000].map(grouped), ["0", "999", "18,402", "1,000,000"]);
    }
}
