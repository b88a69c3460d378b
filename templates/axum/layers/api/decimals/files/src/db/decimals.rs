//! Decimals, exact to the last digit.

use rust_decimal::Decimal;

/// The number with all digits of its column after the point. The database may return a zero
/// without them.
pub fn at_scale(mut number: Decimal, scale: u32) -> Decimal {
    number.rescale(scale);
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_extended_without_loss() {
        for (number, shown) in [("0", "0.00"), ("1.5", "1.50"), ("-12.25", "-12.25")] {
            assert_eq!(at_scale(number.parse().unwrap(), 2).to_string(), shown);
        }
    }
}
