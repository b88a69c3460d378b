//! Exact numbers.

use rust_decimal::Decimal;

/// With the digits after the point that its column has: a zero may come from the database without.
pub fn at_scale(mut number: Decimal, scale: u32) -> Decimal {
    number.rescale(scale);
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_added_and_nothing_is_lost() {
        for (number, shown) in [("0", "0.00"), ("1.5", "1.50"), ("-12.25", "-12.25")] {
            assert_eq!(at_scale(number.parse().unwrap(), 2).to_string(), shown);
        }
    }
}
