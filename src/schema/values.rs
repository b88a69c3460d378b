//! Values of each type for tests: some that it takes, and one that it must refuse.

use serde_json::{Value, json};

use super::types::Type;

impl Type {
    /// The `n`th valid value as JSON, for tests: another for each `n` where the type has as many.
    pub fn valid(&self, n: u32) -> Value {
        match self {
            Self::String { min, max } => json!(label(n, *min as usize, *max as usize)),
            Self::Text => json!(format!("text {n}")),
            Self::Int { min, max } => json!(whole(n, *min, *max, i32::MIN.into(), i32::MAX.into())),
            Self::BigInt { min, max } => json!(whole(n, *min, *max, i64::MIN, i64::MAX)),
            Self::Decimal { precision, scale } => {
                json!(pointed(1 + i64::from(n) % (10_i64.pow(*precision) - 1), *scale))
            }
            Self::Bool => json!(n.is_multiple_of(2)),
            Self::Uuid | Self::Ref(_) => json!(format!("01890000-0000-7000-8000-{n:012x}")),
            Self::Date => json!(format!("20{:02}-01-31", n % 100)),
            Self::DateTime => json!(format!("20{:02}-01-31T12:30:00Z", n % 100)),
            Self::Json => json!({ "n": n }),
            Self::Email => json!(format!("ada{n}@example.org")),
            Self::Url => json!(format!("https://example.org/{n}")),
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

/// A text of `min` to `max` letters that begins with `n`, last digit first, so that short ones differ too.
fn label(n: u32, min: usize, max: usize) -> String {
    let mut text: String = n.to_string().chars().rev().take(max).collect();
    while text.chars().count() < min.max(8).min(max) {
        text.push('x');
    }
    text
}

fn whole(n: u32, min: Option<i64>, max: Option<i64>, least: i64, most: i64) -> i64 {
    let low = min.unwrap_or_else(|| max.map_or(0, |max| max.saturating_sub(1000).max(least)));
    let high = max.unwrap_or(most);
    let many = i128::from(high) - i128::from(low) + 1;
    i64::try_from(i128::from(low) + i128::from(n) % many).unwrap_or(low)
}

/// A whole number of the last digit's units, with its point: 1250 and 2 give `12.50`.
pub(super) fn pointed(units: i64, scale: u32) -> String {
    let width = scale as usize + 1;
    let digits = format!("{:0>width$}", units.unsigned_abs());
    let (whole, rest) = digits.split_at(digits.len() - scale as usize);
    let sign = if units < 0 { "-" } else { "" };
    if rest.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest}") }
}
