//! Rules that values must keep beyond their type, for `#[garde(custom(…))]`.

#![allow(clippy::missing_errors_doc, reason = "each says what it asks for")]

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use garde::Error;
use rust_decimal::Decimal;

/// A text that every database keeps: not all have zeros in their texts.
pub fn text(value: &str, (): &()) -> garde::Result {
    refuse_if(value.contains('\0'), "holds a zero character")
}

/// A day that RFC 3339 can write: its years have four digits.
pub fn date(value: &NaiveDate, (): &()) -> garde::Result {
    refuse_if(!(1..=9999).contains(&value.year()), "not in the years 0001 to 9999")
}

/// A moment that RFC 3339 can write.
pub fn datetime(value: &DateTime<Utc>, (): &()) -> garde::Result {
    date(&value.date_naive(), &())
}

/// `precision` digits, `scale` of them after the point.
pub fn decimal(precision: u32, scale: u32) -> impl FnOnce(&Decimal, &()) -> garde::Result {
    move |value, ()| {
        let value = value.normalize();
        let most = Decimal::from_i128_with_scale(10_i128.pow(precision), scale);
        refuse_if(value.scale() > scale, format!("more than {scale} digits after the point"))?;
        refuse_if(
            value.abs() >= most,
            format!("more than {} digits before the point", precision - scale),
        )
    }
}

fn refuse_if(bad: bool, why: impl Into<String>) -> garde::Result {
    if bad { Err(Error::new(why.into())) } else { Ok(()) }
}
