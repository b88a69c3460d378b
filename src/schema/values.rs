//! Values of a type for examples and tests. None is drawn by chance: the same number gives the same value.

mod samples;

use serde_json::{Value, json};

use self::samples::Samples;
use super::types::Type;

/// The name of a field, and of the resource that it is in: what a realistic value goes by.
#[derive(Debug, Clone, Copy)]
pub struct FieldName<'a> {
    pub resource: &'a str,
    pub field: &'a str,
}

impl Type {
    /// The `n`th valid value as JSON: another for each `n` where the type has as many.
    pub fn example(&self, of: FieldName, n: u32) -> Value {
        match self {
            Self::String { min, max } => json!(fitted(of, n, *min as usize, *max as usize)),
            Self::Text => json!(Samples::of(of, usize::MAX).nth(n)),
            Self::Int { min, max } => {
                json!(whole(samples::number(of), n, *min, *max, i32::MIN.into(), i32::MAX.into()))
            }
            Self::BigInt { min, max } => json!(whole(samples::number(of), n, *min, *max, i64::MIN, i64::MAX)),
            Self::Decimal { precision, scale } => json!(decimal(samples::hundredths(of), n, *precision, *scale)),
            Self::Bool => json!(n.is_multiple_of(2)),
            Self::Uuid | Self::Ref(_) => json!(format!("01890000-0000-7000-8000-{n:012x}")),
            Self::Date => json!(day(n)),
            Self::DateTime => json!(format!("{}T12:30:00Z", day(n))),
            Self::Json => match n {
                0 => json!({ "priority": "high" }),
                1 => json!({ "priority": "low" }),
                _ => json!({ "priority": "high", "position": n }),
            },
            Self::Email => json!(samples::email(n)),
            Self::Url => json!(samples::url(of, n)),
            Self::Enum(values) => json!(values[n as usize % values.len().max(1)]),
        }
    }

    /// A value that must be refused, as JSON, and with what it breaks; json takes all there are.
    pub fn invalid(&self) -> Option<Value> {
        Some(match self {
            Self::String { max, .. } => json!("x".repeat(*max as usize + 1)),
            Self::Int { min: Some(min), .. } | Self::BigInt { min: Some(min), .. } if *min > i64::MIN => json!(min - 1),
            Self::Int { max: Some(max), .. } | Self::BigInt { max: Some(max), .. } if *max < i64::MAX => json!(max + 1),
            Self::Decimal { precision, scale } => json!(pointed(10_i64.pow(*precision), *scale)),
            // No database keeps it in a text.
            Self::Text => json!("\0"),
            Self::Int { .. } | Self::BigInt { .. } | Self::Bool => json!("many"),
            Self::Uuid | Self::Ref(_) => json!("not-a-uuid"),
            Self::Date => json!("2026-02-30"),
            Self::DateTime => json!("2026-02-30T12:00:00Z"),
            Self::Email => json!("ada"),
            Self::Url => json!("javascript:alert(1)"),
            Self::Enum(values) => json!(format!("not_{}", values.join("_"))),
            Self::Json => return None,
        })
    }
}

/// The `n`th sample where its length is within the bounds; else the field's name and a number, or letters, where
/// that is too long; and more behind it where it is too short.
fn fitted(of: FieldName, n: u32, min: usize, max: usize) -> String {
    let fits = |text: &String| text.chars().count() <= max;
    let samples = Samples::of(of, max);
    let short = || Some(Samples::numbered(of).nth(n)).filter(fits);
    let Some(mut text) = Some(samples.nth(n)).filter(fits).or_else(short) else { return letters(n, min, max) };
    let length = text.chars().count();
    if length < min {
        let more = samples.more();
        text.extend(more.chars().cycle().take(min - length));
        // A space at the end is one that nobody sees.
        if text.ends_with(' ') {
            text.pop();
            text.push('.');
        }
    }
    text
}

/// `AAA`, `AAB` … of a length between the bounds, three where that is one.
fn letters(n: u32, min: usize, max: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = n;
    while letters.len() < max && (rest > 0 || letters.len() < min.max(3.min(max))) {
        letters.push(char::from(b'A' + u8::try_from(rest % 26).unwrap_or(0)));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

/// `start` and on, within the bounds, and from the lower one again after the upper.
fn whole(start: i64, n: u32, min: Option<i64>, max: Option<i64>, least: i64, most: i64) -> i64 {
    let low = min.unwrap_or_else(|| max.map_or(0, |max| max.saturating_sub(1000).max(least)).min(start.max(least)));
    let high = max.unwrap_or(most);
    let many = i128::from(high) - i128::from(low) + 1;
    let first = if (low..=high).contains(&start) { i128::from(start) - i128::from(low) } else { 0 };
    i64::try_from(i128::from(low) + (first + i128::from(n)) % many).unwrap_or(low)
}

/// The number of hundredths, or as many digits of it as there is room for, and on.
fn decimal(hundredths: i64, n: u32, precision: u32, scale: u32) -> String {
    let most = 10_i64.pow(precision) - 1;
    let mut first = if scale >= 2 {
        hundredths.saturating_mul(10_i64.pow(scale - 2))
    } else {
        (hundredths + 5) / 10_i64.pow(2 - scale)
    };
    while first > most {
        first /= 10;
    }
    pointed(1 + (first.max(1) - 1 + i64::from(n)) % most, scale)
}

/// 31 January 2026, and on: days that every month has.
fn day(n: u32) -> String {
    if n == 0 {
        return "2026-01-31".into();
    }
    let since = 27 + n;
    let (year, month, day) = (2026 + since / (12 * 28) % 7000, since / 28 % 12 + 1, since % 28 + 1);
    format!("{year}-{month:02}-{day:02}")
}

/// A whole number of the last digit's units, with its point: 1250 and 2 give `12.50`.
pub(super) fn pointed(units: i64, scale: u32) -> String {
    let width = scale as usize + 1;
    let digits = format!("{:0>width$}", units.unsigned_abs());
    let (whole, rest) = digits.split_at(digits.len() - scale as usize);
    let sign = if units < 0 { "-" } else { "" };
    if rest.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest}") }
}
