//! Rules that values must keep beyond their type, for `#[garde(custom(…))]`.

#![allow(clippy::missing_errors_doc, reason = "each says what it asks for")]

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use garde::Error;
use rust_decimal::Decimal;
use serde_json::Value;
use url::Url;

/// Bytes of a JSON value that is kept.
const MAX_JSON: usize = 65_536;

/// A text that every database keeps: not all have zeros in their texts.
pub fn text(value: &str, (): &()) -> garde::Result {
    refuse_if(value.contains('\0'), "holds a zero character")
}

/// An address to write to: whether it exists shows when it is written to.
pub fn email(value: &str, (): &()) -> garde::Result {
    let plain = |c: char| !c.is_whitespace() && !c.is_control();
    let good = value.split_once('@').is_some_and(|(local, host)| {
        !local.is_empty()
            && !host.contains('@')
            && host.split('.').count() > 1
            && host.split('.').all(|label| !label.is_empty())
            && value.chars().all(plain)
    });
    refuse_if(!good, "not an email address")
}

/// An address that a browser may open.
pub fn url(value: &str, (): &()) -> garde::Result {
    let good = Url::parse(value).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    refuse_if(!good || value.contains('\0'), "not an http or https address")
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

/// JSON that is not too large, and that comes back from a database as it was.
pub fn json(value: &Value, (): &()) -> garde::Result {
    let size = serde_json::to_vec(value).map_or(usize::MAX, |json| json.len());
    refuse_if(size > MAX_JSON, format!("longer than {MAX_JSON} bytes"))?;
    refuse_if(!keeps(value), "holds a zero character, or a number beyond 1e300")
}

/// The database writes a number out in digits, and with so many of them it may not read back.
const MAX_JSON_NUMBER: f64 = 1e300;

fn keeps(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.contains('\0'),
        Value::Number(number) => number.as_f64().is_some_and(|n| n.abs() <= MAX_JSON_NUMBER),
        Value::Array(items) => items.iter().all(keeps),
        Value::Object(members) => {
            members.iter().all(|(name, value)| !name.contains('\0') && keeps(value))
        }
        Value::Null | Value::Bool(_) => true,
    }
}

fn refuse_if(bad: bool, why: impl Into<String>) -> garde::Result {
    if bad { Err(Error::new(why.into())) } else { Ok(()) }
}
