//! THE table of casts: which type may become which, how, and what of the values does not outlive it.
//!
//! A pair that is in no row is refused: no SQL for it would run, or none would mean anything. Every pair is there
//! both ways, for a migration has its way back.

use super::guards;
use crate::schema::types::{Database, Type};

/// Types that are cast alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CastKind {
    /// Any text.
    Plain,
    /// A text of a form.
    Form,
    Whole,
    Decimal,
    Bool,
    Id,
    Date,
    Moment,
    Json,
}

struct CastRow {
    from: CastKind,
    to: CastKind,
    /// Over `{x}`, the column, to `{kind}`, the type that it gets.
    postgres: &'static str,
    /// Over `{x}`; none where it has no way. `{scaled}` is a number in units of the new type's last digit, `{scale}`,
    /// `{unit}` and `{zeros}` are of the decimal that it was, and `{padded}` has all digits of the one that it becomes.
    sqlite: Option<&'static str>,
}

const fn row(from: CastKind, to: CastKind, postgres: &'static str, sqlite: &'static str) -> CastRow {
    CastRow { from, to, postgres, sqlite: Some(sqlite) }
}

const fn postgres_only(from: CastKind, to: CastKind, postgres: &'static str) -> CastRow {
    CastRow { from, to, postgres, sqlite: None }
}

static TABLE: [CastRow; 31] = {
    use CastKind::{Bool, Date, Decimal, Form, Id, Json, Moment, Plain, Whole};
    [
        row(Plain, Plain, "{x}", "{x}"),
        row(Plain, Form, "{x}", "{x}"),
        row(Form, Plain, "{x}", "{x}"),
        row(Form, Form, "{x}", "{x}"),
        row(Whole, Whole, "{x}::{kind}", "{scaled}"),
        row(Whole, Decimal, "{x}::{kind}", "{scaled}"),
        row(Decimal, Whole, "{x}::{kind}", "{scaled}"),
        row(Decimal, Decimal, "{x}::{kind}", "{scaled}"),
        row(Whole, Bool, "{x} <> 0", "{x} <> 0"),
        row(Bool, Whole, "{x}::INTEGER", "{x}"),
        row(Id, Id, "{x}", "{x}"),
        row(Bool, Bool, "{x}", "{x}"),
        row(Date, Date, "{x}", "{x}"),
        row(Moment, Moment, "{x}", "{x}"),
        row(Json, Json, "{x}", "{x}"),
        // The day of UTC, whatever the zone of the session.
        row(Moment, Date, "({x} AT TIME ZONE 'UTC')::DATE", "substr({x}, 1, 10)"),
        row(Date, Moment, "{x}::TIMESTAMP AT TIME ZONE 'UTC'", "{x} || 'T00:00:00+00:00'"),
        row(Json, Plain, "{x}::TEXT", "{x}"),
        row(Plain, Json, "{x}::JSONB", "{x}"),
        row(Whole, Plain, "{x}::TEXT", "CAST({x} AS TEXT)"),
        row(Plain, Whole, "{x}::{kind}", "CAST({x} AS INTEGER)"),
        row(
            Decimal,
            Plain,
            "{x}::TEXT",
            "CASE WHEN {x} < 0 THEN '-' ELSE '' END || (abs({x}) / {unit}) || '.' \
             || substr('{zeros}' || (abs({x}) % {unit}), -{scale})",
        ),
        row(Plain, Decimal, "{x}::{kind}", "CAST(replace({padded}, '.', '') AS INTEGER)"),
        row(Bool, Plain, "{x}::TEXT", "CASE {x} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"),
        row(Plain, Bool, "{x}::BOOLEAN", "CASE {x} WHEN 'true' THEN 1 WHEN 'false' THEN 0 END"),
        row(Date, Plain, "to_char({x}, 'YYYY-MM-DD')", "{x}"),
        // Without a step, 30 February is one.
        row(Plain, Date, "{x}::DATE", "date({x}, '+0 days')"),
        row(Moment, Plain, "to_char({x} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')", "{x}"),
        row(Plain, Moment, "{x}::TIMESTAMPTZ", "replace({x}, 'Z', '+00:00')"),
        // SQLite writes its bytes as a text, and before 3.41 no text as bytes.
        postgres_only(Id, Plain, "{x}::TEXT"),
        postgres_only(Plain, Id, "{x}::UUID"),
    ]
};

/// How the values of one type become those of another.
#[derive(Debug, PartialEq, Eq)]
pub struct Cast {
    /// An expression over the column; the column itself where nothing is to be done.
    pub sql: String,
    /// What has to hold of the column before ([`guards`]), for a database that would take more.
    pub guard: Option<String>,
    /// What the expression and the guard depend on, for the transaction.
    pub settings: &'static str,
    /// What is lost or refused, and of whom; none where every value stays and comes back.
    pub loses: Option<String>,
}

/// From one type to another, over the column `x`; none where no value of the one is one of the other.
pub fn cast(from: &Type, to: &Type, x: &str, database: Database) -> Option<Cast> {
    let sql = expression(from, to, x, database)?;
    let guard = match (kind(from), database) {
        (CastKind::Plain, _) if kind(to) != CastKind::Plain && kind(to) != CastKind::Form => {
            guards::text(to, x, &expression(to, from, &format!("({sql})"), database)?, database)
        }
        (_, Database::Postgres) => guards::narrowed(from, to, x),
        // The rules of the new table are asked as it is filled.
        _ => None,
    };
    let settings = match (kind(from), kind(to), database) {
        // Whatever the session thinks of time.
        (CastKind::Plain, CastKind::Date | CastKind::Moment, Database::Postgres) => {
            "SET LOCAL datestyle = 'ISO, YMD';\nSET LOCAL timezone = 'UTC';\n"
        }
        (CastKind::Plain, CastKind::Json, Database::Postgres) => guards::IS_JSON,
        _ => "",
    };
    Some(Cast { sql, guard, settings, loses: loses(from, to, database) })
}

fn expression(from: &Type, to: &Type, x: &str, database: Database) -> Option<String> {
    let row = TABLE.iter().find(|row| row.from == kind(from) && row.to == kind(to))?;
    let scale = scale(from);
    let pattern = match database {
        Database::Postgres if from.column(database) == to.column(database) => "{x}",
        Database::Postgres => row.postgres,
        Database::Sqlite => row.sqlite?,
    };
    let sql = pattern
        .replace("{scaled}", &scaled(scale, self::scale(to)))
        .replace("{kind}", &to.column(database))
        .replace("{unit}", &10_i64.pow(scale).to_string())
        .replace("{zeros}", &"0".repeat(scale as usize))
        .replace("{padded}", &guards::padded("{x}", self::scale(to)))
        .replace("{scale}", &scale.to_string());
    Some(sql.replace("{x}", x))
}

/// Whole numbers of units: what falls away is rounded, as `PostgreSQL` does it.
fn scaled(from: u32, to: u32) -> String {
    let unit = 10_i64.pow(from.abs_diff(to));
    match from.cmp(&to) {
        std::cmp::Ordering::Equal => "{x}".into(),
        std::cmp::Ordering::Less => format!("{{x}} * {unit}"),
        std::cmp::Ordering::Greater => format!("({{x}} + sign({{x}}) * {}) / {unit}", unit / 2),
    }
}

pub fn kind(of: &Type) -> CastKind {
    match of {
        Type::String { .. } | Type::Text => CastKind::Plain,
        Type::Email | Type::Url | Type::Enum(_) => CastKind::Form,
        Type::Int { .. } | Type::BigInt { .. } | Type::Decimal { scale: 0, .. } => CastKind::Whole,
        Type::Decimal { .. } => CastKind::Decimal,
        Type::Bool => CastKind::Bool,
        Type::Uuid | Type::Ref(_) => CastKind::Id,
        Type::Date => CastKind::Date,
        Type::DateTime => CastKind::Moment,
        Type::Json => CastKind::Json,
    }
}

pub fn scale(of: &Type) -> u32 {
    if let Type::Decimal { scale, .. } = of { *scale } else { 0 }
}

/// In the words of a message: "loses …" and "rows with … are refused".
fn loses(from: &Type, to: &Type, database: Database) -> Option<String> {
    let mut lost = Vec::new();
    let mut refused = Vec::new();
    match (kind(from), kind(to)) {
        (CastKind::Plain | CastKind::Form, CastKind::Plain | CastKind::Form) => refused.extend(no_choice(from, to)),
        (CastKind::Plain, _) => {
            refused.push(format!("what is no {}", to.facts().word));
            if kind(to) == CastKind::Json && database == Database::Postgres {
                lost.push("spaces, the order of keys, and all but the last of equal ones".to_owned());
            }
        }
        (CastKind::Moment, CastKind::Date) => lost.push("the time of the day".to_owned()),
        (CastKind::Whole, CastKind::Bool) if !within(range(from), Some((0, 1))) => {
            lost.push("which number it was: all but 0 become true".to_owned());
        }
        _ => {}
    }
    let (had, keeps) = (scale(from), scale(to));
    if keeps < had && matches!(kind(to), CastKind::Whole | CastKind::Decimal) {
        lost.push(format!("digits after the point: it has {had}, and keeps {keeps}"));
    }
    if let (Some(had), Some((low, high))) = (range(from), range(to))
        && kind(to) != CastKind::Bool
        && !within(Some(had), Some((low, high)))
    {
        refused.push(match to {
            Type::Decimal { .. } => format!("more before the point than {high}"),
            _ => format!("a number that is not from {low} to {high}"),
        });
    }
    if let (Some((least, most)), Some((low, high))) = (written(from), to.length()) {
        if most.is_none_or(|most| most > high) {
            refused.push(format!("more than {high} characters"));
        }
        if least < low {
            refused.push(format!("less than {low} characters"));
        }
    }
    let lost = (!lost.is_empty()).then(|| format!("loses {}", lost.join(", ")));
    let refused = (!refused.is_empty()).then(|| format!("rows with {} make the migration fail", refused.join(", or ")));
    let parts: Vec<String> = lost.into_iter().chain(refused).collect();
    (!parts.is_empty()).then(|| parts.join(", and "))
}

/// Texts that the choices of `to` leave out.
fn no_choice(from: &Type, to: &Type) -> Option<String> {
    let Type::Enum(values) = to else { return None };
    let Type::Enum(before) = from else { return Some(format!("anything but {}", values.join(", "))) };
    let gone: Vec<&str> = before.iter().filter(|value| !values.contains(value)).map(String::as_str).collect();
    (!gone.is_empty()).then(|| gone.join(", or "))
}

pub type Range = Option<(i128, i128)>;

fn within(inner: Range, outer: Range) -> bool {
    matches!((inner, outer), (Some(inner), Some(outer)) if outer.0 <= inner.0 && inner.1 <= outer.1)
}

/// The whole numbers that a number may be, or may begin with.
pub fn range(of: &Type) -> Range {
    let bounds = |least: i64, most: i64| {
        let (min, max) = of.bounds();
        Some((min.unwrap_or(least).into(), max.unwrap_or(most).into()))
    };
    match of {
        Type::Int { .. } => bounds(i32::MIN.into(), i32::MAX.into()),
        Type::BigInt { .. } => bounds(i64::MIN, i64::MAX),
        Type::Decimal { precision, scale } => {
            let most = 10_i128.pow(precision - scale) - 1;
            Some((-most, most))
        }
        Type::Bool => Some((0, 1)),
        _ => None,
    }
}

/// How many characters a value is written with: at least, and at most, where there is an end.
fn written(of: &Type) -> Option<(i64, Option<i64>)> {
    let digits = |number: i128| i64::try_from(number.to_string().len()).unwrap_or(i64::MAX);
    if let Some((low, high)) = of.length() {
        return Some((low, Some(high)));
    }
    Some(match of {
        Type::Enum(values) => {
            let lengths = || values.iter().map(|value| i64::try_from(value.len()).unwrap_or(i64::MAX));
            (lengths().min()?, lengths().max())
        }
        Type::Bool => (4, Some(5)),
        Type::Uuid | Type::Ref(_) => (36, Some(36)),
        Type::Date => (10, Some(10)),
        // To the second in SQLite, and to its millionth.
        Type::DateTime => (20, Some(35)),
        Type::Json => (1, None),
        _ => {
            let (low, high) = range(of)?;
            let rest = i64::from(scale(of));
            let point = i64::from(rest > 0);
            // `-0.05` has a sign that its whole number has not.
            (1 + rest + point, Some(digits(low).max(digits(high)).max(1 + point) + rest + point))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types() -> Vec<Type> {
        [
            "string",
            "text",
            "int",
            "bigint",
            "decimal(12,2)",
            "decimal(9,0)",
            "bool",
            "uuid",
            "date",
            "datetime",
            "json",
            "email",
            "url",
            "enum(draft,paid)",
            "ref(user)",
        ]
        .map(|text| Type::read(text).unwrap())
        .into()
    }

    #[test]
    fn what_has_a_way_has_a_way_back() {
        for database in [Database::Postgres, Database::Sqlite] {
            for from in &types() {
                for to in &types() {
                    let there = |one, other| cast(one, other, "x", database).is_some();
                    assert_eq!(there(from, to), there(to, from), "{from} and {to}");
                    assert!(from != to || there(from, to), "{from}");
                }
            }
        }
    }

    #[test]
    fn a_type_that_becomes_itself_needs_nothing() {
        for database in [Database::Postgres, Database::Sqlite] {
            for same in &types() {
                let nothing = Cast { sql: "x".into(), guard: None, settings: "", loses: None };
                assert_eq!(cast(same, same, "x", database), Some(nothing), "{same}");
            }
        }
    }

    #[test]
    fn what_is_lost_is_named() {
        for (from, to, loses) in [
            ("int", "bigint", None),
            ("int(0..9)", "decimal(3,2)", None),
            ("int(0..10)", "decimal(3,2)", Some("rows with more before the point than 9 make the migration fail")),
            (
                "bigint",
                "int",
                Some("rows with a number that is not from -2147483648 to 2147483647 make the migration fail"),
            ),
            ("int", "int(0..)", Some("rows with a number that is not from 0 to 2147483647 make the migration fail")),
            ("decimal(12,2)", "decimal(14,3)", None),
            ("decimal(12,2)", "decimal(12,1)", Some("loses digits after the point: it has 2, and keeps 1")),
            (
                "decimal(12,2)",
                "int",
                Some(
                    "loses digits after the point: it has 2, and keeps 0, and rows with a number that is not from \
                     -2147483648 to 2147483647 make the migration fail",
                ),
            ),
            ("bool", "int", None),
            ("int(0..1)", "bool", None),
            ("int", "bool", Some("loses which number it was: all but 0 become true")),
            ("string(..20)", "string(..30)", None),
            (
                "string(..20)",
                "string(3..10)",
                Some("rows with more than 10 characters, or less than 3 characters make the migration fail"),
            ),
            ("int", "string(..11)", None),
            ("decimal(4,2)", "string(..6)", None),
            ("decimal(4,2)", "string(..5)", Some("rows with more than 5 characters make the migration fail")),
            ("uuid", "string(36..36)", None),
            ("date", "datetime", None),
            ("datetime", "date", Some("loses the time of the day")),
            ("text", "date", Some("rows with what is no date make the migration fail")),
            ("enum(draft,paid)", "enum(paid,draft,sent)", None),
            ("enum(draft,paid,sent)", "enum(paid)", Some("rows with draft, or sent make the migration fail")),
            ("enum(draft,paid)", "string(..5)", None),
            ("string", "enum(draft,paid)", Some("rows with anything but draft, paid make the migration fail")),
            ("json", "text", Some("rows with more than 65536 characters make the migration fail")),
        ] {
            let read = |text| Type::read(text).unwrap();
            for database in [Database::Postgres, Database::Sqlite] {
                let Some(cast) = cast(&read(from), &read(to), "x", database) else {
                    assert_eq!((from, database), ("uuid", Database::Sqlite));
                    continue;
                };
                assert_eq!(cast.loses.as_deref(), loses, "{from} to {to}");
            }
        }
    }
}
