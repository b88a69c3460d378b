//! The default of a field: read as its type, and written as SQL and JSON.

use serde_json::Value;

use super::types::{Database, Type};
use super::values::pointed;
use crate::fault::did_you_mean;
use crate::pack::shown;

/// A default that its type takes.
#[derive(Debug, Clone, PartialEq)]
pub enum Default {
    /// The moment, or the day, of the insert.
    Now,
    Text(String),
    Int(i64),
    Bool(bool),
    /// In units of the last digit, and how many digits stand after the point.
    Decimal(i64, u32),
    Json(Value),
}

impl Default {
    /// Reads `text` as a value of `kind`; the error says what would do.
    pub fn read(kind: &Type, text: &str) -> Result<Self, String> {
        let own = || Self::Text(text.to_owned());
        let given = shown(text);
        if let Some((low, high)) = kind.length() {
            let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
            if !(low..=high).contains(&length) {
                return Err(format!("it has {length} characters, and {low} to {high} are allowed"));
            }
        }
        match kind {
            Type::String { .. } | Type::Text => Ok(own()),
            Type::Email => {
                let parts = text.split_once('@').filter(|(local, host)| !local.is_empty() && host.contains('.'));
                parts.map(|_| own()).ok_or_else(|| format!("\"{given}\" is no email address"))
            }
            Type::Url => {
                let web = ["http://", "https://"].iter().any(|scheme| text.strip_prefix(scheme).is_some_and(full));
                if web { Ok(own()) } else { Err(format!("\"{given}\" is no http or https URL")) }
            }
            Type::Int { .. } | Type::BigInt { .. } => {
                let number: i64 = text.parse().map_err(|_| format!("\"{given}\" is no whole number"))?;
                let wide = matches!(kind, Type::Int { .. }).then_some((i32::MIN.into(), i32::MAX.into()));
                let (least, most) = wide.unwrap_or((i64::MIN, i64::MAX));
                let (low, high) = kind.bounds();
                let (low, high) = (low.unwrap_or(least), high.unwrap_or(most));
                if (low..=high).contains(&number) {
                    Ok(Self::Int(number))
                } else {
                    Err(format!("{number} is not from {low} to {high}"))
                }
            }
            Type::Decimal { precision, scale } => decimal(text, *precision, *scale),
            Type::Bool => match text {
                "true" => Ok(Self::Bool(true)),
                "false" => Ok(Self::Bool(false)),
                _ => Err(format!("\"{given}\" is neither true nor false")),
            },
            Type::Date | Type::DateTime if text == "now" => Ok(Self::Now),
            // TOML's days and moments are those of RFC 3339, and its parser knows the calendar.
            Type::Date => match text.parse::<toml::value::Datetime>() {
                Ok(day) if day.time.is_none() => Ok(own()),
                _ => Err(format!("\"{given}\" is neither `now` nor a day such as 2026-01-31")),
            },
            Type::DateTime => match text.parse::<toml::value::Datetime>() {
                Ok(moment) if moment.offset == Some(toml::value::Offset::Z) && text.contains('T') => Ok(own()),
                _ => Err(format!("\"{given}\" is neither `now` nor a moment in UTC such as \"2026-01-31T12:30:00Z\"")),
            },
            Type::Json => serde_json::from_str(text).map(Self::Json).map_err(|why| format!("it is no JSON: {why}")),
            Type::Enum(values) if values.iter().any(|value| value == text) => Ok(own()),
            Type::Enum(values) => {
                let near = did_you_mean(text, values.iter().map(String::as_str));
                Err(format!("\"{given}\" is not one of {}{near}", values.join(", ")))
            }
            Type::Uuid => Err("a uuid has none: no two are the same".into()),
            Type::Ref(target) => Err(format!("a reference has none: which {target} it is, is known at run time")),
        }
    }

    /// An SQL expression, for DEFAULT.
    pub fn sql(&self, database: Database, kind: &Type) -> String {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let sqlite = database == Database::Sqlite;
        match self {
            Self::Now => match (kind, sqlite) {
                (Type::Date, false) => "CURRENT_DATE".into(),
                (Type::Date, true) => "(date('now'))".into(),
                (_, false) => "now()".into(),
                // As sqlx writes a moment, so that it sorts among the others.
                (_, true) => "(strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'))".into(),
            },
            Self::Text(text) if sqlite && *kind == Type::DateTime => quoted(&text.replace('Z', "+00:00")),
            Self::Text(text) => quoted(text),
            Self::Int(number) => number.to_string(),
            Self::Bool(flag) if sqlite => u8::from(*flag).to_string(),
            Self::Bool(flag) => flag.to_string().to_uppercase(),
            Self::Decimal(units, _) if sqlite => units.to_string(),
            Self::Decimal(units, scale) => pointed(*units, *scale),
            Self::Json(value) => quoted(&value.to_string()),
        }
    }

    /// As the API writes it; none for what the moment decides.
    pub fn json(&self) -> Option<Value> {
        Some(match self {
            Self::Now => return None,
            Self::Text(text) => text.as_str().into(),
            Self::Int(number) => (*number).into(),
            Self::Bool(flag) => (*flag).into(),
            Self::Decimal(units, scale) => pointed(*units, *scale).into(),
            Self::Json(value) => value.clone(),
        })
    }
}

fn full(rest: &str) -> bool {
    !rest.is_empty() && !rest.contains(char::is_whitespace)
}

fn decimal(text: &str, precision: u32, scale: u32) -> Result<Default, String> {
    let wrong = || format!("\"{}\" is no decimal with up to {precision} digits, {scale} after the point", shown(text));
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, rest) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.chars().all(|c| c.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(rest) || digits.ends_with('.') || rest.len() > scale as usize {
        return Err(wrong());
    }
    let width = scale as usize;
    let units: i64 = format!("{whole}{rest:0<width$}").parse().map_err(|_| wrong())?;
    if units >= 10_i64.pow(precision) { Err(wrong()) } else { Ok(Default::Decimal(sign * units, scale)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_is_read_as_its_type_and_written_for_each_database() {
        let price = Type::Decimal { precision: 5, scale: 2 };
        let status = Type::Enum(vec!["draft".into(), "paid".into()]);
        for (kind, text, postgres, sqlite) in [
            (Type::Text, "it's", "'it''s'", "'it''s'"),
            (Type::Bool, "true", "TRUE", "1"),
            (Type::BigInt { min: None, max: None }, "-5", "-5", "-5"),
            (price.clone(), "12.5", "12.50", "1250"),
            (price.clone(), "-0.05", "-0.05", "-5"),
            (Type::Date, "now", "CURRENT_DATE", "(date('now'))"),
            (Type::Date, "2024-02-29", "'2024-02-29'", "'2024-02-29'"),
            (Type::DateTime, "2026-01-31T12:00:00Z", "'2026-01-31T12:00:00Z'", "'2026-01-31T12:00:00+00:00'"),
            (Type::Json, "[1, 2]", "'[1,2]'", "'[1,2]'"),
            (status.clone(), "paid", "'paid'", "'paid'"),
            (Type::Url, "https://example.org", "'https://example.org'", "'https://example.org'"),
        ] {
            let default = Default::read(&kind, text).unwrap();
            assert_eq!(default.sql(Database::Postgres, &kind), postgres);
            assert_eq!(default.sql(Database::Sqlite, &kind), sqlite);
        }
        for (kind, text) in [
            (Type::String { min: 2, max: 3 }, "x"),
            (Type::Int { min: Some(0), max: None }, "-1"),
            (Type::Int { min: None, max: None }, "3000000000"),
            (price.clone(), "1000"),
            (price.clone(), "0.001"),
            (price, "1e3"),
            (Type::Bool, "yes"),
            (Type::Date, "2026-02-30"),
            (Type::Date, "12:30:00"),
            (Type::DateTime, "2026-01-31T12:00:00+02:00"),
            (Type::Json, "{"),
            (Type::Email, "ada"),
            (Type::Url, "ftp://x.example"),
            (status, "piad"),
            (Type::Uuid, "01890000-0000-7000-8000-000000000001"),
            (Type::Ref("user".into()), "1"),
        ] {
            assert!(Default::read(&kind, text).is_err(), "{kind}: {text}");
        }
    }
}
