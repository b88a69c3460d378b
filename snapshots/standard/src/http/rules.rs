//! Validation beyond a type, for `#[garde(custom(…))]`.

#![allow(clippy::missing_errors_doc, reason = "each fails where the value breaks its rule")]

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use garde::Error;
use rust_decimal::Decimal;
use uuid::Uuid;

/// A text without NUL, which not every database stores.
pub fn text(value: &str, (): &()) -> garde::Result {
    reject_if(value.contains('\0'), "must not contain NUL")
}

/// A date whose year has four digits, as RFC 3339 requires.
pub fn date(value: &NaiveDate, (): &()) -> garde::Result {
    reject_if(!(1..=9999).contains(&value.year()), "must be in the years 0001 to 9999")
}

/// A time whose year has four digits, as RFC 3339 requires.
pub fn datetime(value: &DateTime<Utc>, (): &()) -> garde::Result {
    date(&value.date_naive(), &())
}

/// A decimal of at most `precision` digits, `scale` of them after the point.
pub fn decimal(precision: u32, scale: u32) -> impl FnOnce(&Decimal, &()) -> garde::Result {
    move |value, ()| {
        let value = value.normalize();
        let most = Decimal::from_i128_with_scale(10_i128.pow(precision), scale);
        reject_if(
            value.scale() > scale,
            format!("must have at most {scale} digits after the point"),
        )?;
        reject_if(
            value.abs() >= most,
            format!("must have at most {} digits before the point", precision - scale),
        )
    }
}

/// IDs without repetition.
pub fn distinct(ids: &[Uuid], (): &()) -> garde::Result {
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    reject_if(sorted.windows(2).any(|pair| pair[0] == pair[1]), "must not repeat an ID")
}

fn reject_if(bad: bool, why: impl Into<String>) -> garde::Result {
    if bad { Err(Error::new(why.into())) } else { Ok(()) }
}
