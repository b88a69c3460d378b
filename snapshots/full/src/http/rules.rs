//! Validation beyond a type, for `#[garde(custom(…))]`.

#![allow(clippy::missing_errors_doc, reason = "each fails where the value breaks its rule")]

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use garde::Error;
use rust_decimal::Decimal;
use serde_json::Value;
use url::Url;
use uuid::Uuid;

/// Maximum size of a JSON value, in bytes.
const MAX_JSON: usize = 65_536;

/// A text without NUL, which not every database stores.
pub fn text(value: &str, (): &()) -> garde::Result {
    reject_if(value.contains('\0'), "must not contain NUL")
}

/// An email address by its form; only a message shows whether it exists.
pub fn email(value: &str, (): &()) -> garde::Result {
    let plain = |c: char| !c.is_whitespace() && !c.is_control();
    let good = value.split_once('@').is_some_and(|(local, host)| {
        !local.is_empty()
            && !host.contains('@')
            && host.split('.').count() > 1
            && host.split('.').all(|label| !label.is_empty())
            && value.chars().all(plain)
    });
    reject_if(!good, "must be an email address")
}

/// An http or https URL.
pub fn url(value: &str, (): &()) -> garde::Result {
    let good = Url::parse(value).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    reject_if(!good || value.contains('\0'), "must be an http or https URL")
}

/// A date whose year has four digits, as RFC 3339 requires.
pub fn date(value: &NaiveDate, (): &()) -> garde::Result {
    reject_if(!(1..=9999).contains(&value.year()), "must be in the years 0001 to 9999")
}

/// A time whose year has four digits, as RFC 3339 requires.
pub fn datetime(value: &DateTime<Utc>, (): &()) -> garde::Result {
    // A database stores a leap second as the second after it.
    let leap = i64::from(value.timestamp_subsec_nanos() >= 1_000_000_000);
    let stored = value.checked_add_signed(TimeDelta::seconds(leap));
    date(&stored.map_or(NaiveDate::MAX, |stored| stored.date_naive()), &())
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

/// JSON of bounded size that a database returns unchanged.
pub fn json(value: &Value, (): &()) -> garde::Result {
    let size = serde_json::to_vec(value).map_or(usize::MAX, |json| json.len());
    reject_if(size > MAX_JSON, format!("must have at most {MAX_JSON} bytes"))?;
    // A field that may be absent is `None` instead.
    reject_if(value.is_null(), "must not be null")?;
    reject_if(!keeps(value), "must not contain NUL or a number beyond 1e300")
}

/// From here on, PostgreSQL returns a whole number without a point or an exponent.
const WHOLE: f64 = 1e16;

/// Turns each number into the one that is read back, so that the same values are no change.
pub fn as_stored(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let float = number.as_f64().filter(|float| number.is_f64() && float.abs() >= WHOLE);
            if let Some(Ok(stored)) = float.map(|float| float.to_string().parse()) {
                *number = stored;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(as_stored),
        Value::Object(members) => members.values_mut().for_each(as_stored),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Beyond this the database writes more digits than it reads back.
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

/// IDs without repetition.
pub fn distinct(ids: &[Uuid], (): &()) -> garde::Result {
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    reject_if(sorted.windows(2).any(|pair| pair[0] == pair[1]), "must not repeat an ID")
}

fn reject_if(bad: bool, why: impl Into<String>) -> garde::Result {
    if bad { Err(Error::new(why.into())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_year_of_four_digits_as_it_is_stored() {
        for (time, good) in [
            ("2026-12-31T23:59:60Z", true),
            ("9999-12-31T23:59:59.999999Z", true),
            ("9999-12-31T23:59:60Z", false),
            ("+10000-01-01T00:00:00Z", false),
        ] {
            assert_eq!(datetime(&time.parse().unwrap(), &()).is_ok(), good, "{time}");
        }
    }
}
