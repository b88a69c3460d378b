//! Decimals as clients write them. By itself serde reads an exponent, a plus sign and underscores, too, and
//! rounds a number with more digits than fit.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, de::Error};

use super::merge_patch::Patch;

/// Reads a decimal from digits, for `#[serde(deserialize_with = "exact")]`.
///
/// # Errors
/// The text has anything but digits, a point and a minus sign, or more digits than can be kept.
pub fn exact<'de, T: Exact<'de>, D: Deserializer<'de>>(field: D) -> Result<T, D::Error> {
    T::read(field)
}

/// A decimal, or a field that may have one.
pub trait Exact<'de>: Sized {
    /// Reads the value of a field.
    ///
    /// # Errors
    /// The errors of [`exact`].
    fn read<D: Deserializer<'de>>(field: D) -> Result<Self, D::Error>;
}

impl<'de> Exact<'de> for Decimal {
    fn read<D: Deserializer<'de>>(field: D) -> Result<Self, D::Error> {
        let text = String::deserialize(field)?;
        parse(&text).ok_or_else(|| D::Error::custom("expected a decimal as digits"))
    }
}

impl<'de, T: Exact<'de>> Exact<'de> for Option<T> {
    fn read<D: Deserializer<'de>>(field: D) -> Result<Self, D::Error> {
        Ok(Option::<Read<T>>::deserialize(field)?.map(|Read(value)| value))
    }
}

impl<'de, T: Exact<'de>> Exact<'de> for Patch<T> {
    fn read<D: Deserializer<'de>>(field: D) -> Result<Self, D::Error> {
        T::read(field).map(Self::Set)
    }
}

struct Read<T>(T);

impl<'de, T: Exact<'de>> Deserialize<'de> for Read<T> {
    fn deserialize<D: Deserializer<'de>>(field: D) -> Result<Self, D::Error> {
        T::read(field).map(Self)
    }
}

fn parse(text: &str) -> Option<Decimal> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or(("", digits));
    let is_plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let good = !fraction.is_empty() && is_plain(whole) && is_plain(fraction);
    good.then(|| Decimal::from_str_exact(text).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_digits_and_loses_none() {
        for (text, number) in [("19.90", "19.90"), ("-0.5", "-0.5"), (".5", "0.5"), ("007", "7")] {
            assert_eq!(parse(text).unwrap().to_string(), number);
        }
        let rounded = format!("1.{}", "9".repeat(30));
        let arabic = "\u{661}";
        for bad in ["", "-", "+1", "1e5", "1_000", " 1", "1.", "--1", "1.2.3", arabic, &rounded] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
