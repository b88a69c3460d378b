//! What has to hold of a value before it is cast, so that no cast guesses: `PostgreSQL` would round `7.255`, and
//! take `today` for the day of the migration.
//!
//! A text is exactly a value of a type where it is written as JSON would have it: `-12`, `7.5`, `true`,
//! `2026-01-31`, `2026-01-31T12:30:00Z` (RFC 3339).

use super::casts::{CastKind, kind, range, scale};
use crate::schema::types::{Database, Type};

/// Year, month and day, each within its bounds; a month's length comes on top.
const DAY: &str = "(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])";
const TIME: &str = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]";
const ZONE: &str = "(Z|[+-](0[0-9]|1[0-5]):[0-5][0-9])";

/// A predicate over `x`, a text, that is true of exactly the values of `to`; none where every text is one.
/// `back` is the text that would be written of what `x` becomes. `x` is not NULL.
pub fn text(to: &Type, x: &str, back: &str, database: Database) -> Option<String> {
    match database {
        Database::Postgres => in_postgres(to, x),
        Database::Sqlite => in_sqlite(to, x, back),
    }
}

fn in_postgres(to: &Type, x: &str) -> Option<String> {
    let matches = |pattern: &str| format!("{x} ~ '^{pattern}$'");
    Some(match kind(to) {
        CastKind::Plain | CastKind::Form => return None,
        CastKind::Whole => {
            let (low, high) = range(to)?;
            let number = matches("(0|-?[1-9][0-9]{0,18})");
            format!("CASE WHEN {number} THEN {x}::NUMERIC BETWEEN {low} AND {high} ELSE FALSE END")
        }
        CastKind::Decimal => {
            let Type::Decimal { precision, scale } = to else { return None };
            let whole = match precision - scale {
                0 => "0".to_owned(),
                digits => format!("(0|[1-9][0-9]{{0,{}}})", digits - 1),
            };
            // Zero has no sign.
            format!("{} AND {x} !~ '^-[0.]*$'", matches(&format!("-?{whole}([.][0-9]{{1,{scale}}})?")))
        }
        CastKind::Bool => format!("{x} IN ('true', 'false')"),
        CastKind::Id => {
            format!("{x} ~* '^[0-9a-f]{{8}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{12}}$'")
        }
        CastKind::Date => of_a_month(&matches(DAY), x),
        CastKind::Moment => of_a_month(&matches(&format!("{DAY}T{TIME}([.][0-9]{{1,6}})?{ZONE}")), x),
        CastKind::Json => format!("pg_temp.is_json({x})"),
    })
}

/// CASE, because a planner may ask the parts of an AND in any order, and `make_date` fails on what is no number.
fn of_a_month(matches: &str, x: &str) -> String {
    let last = format!(
        "extract(DAY FROM make_date(substr({x}, 1, 4)::INTEGER, substr({x}, 6, 2)::INTEGER, 1) + INTERVAL '1 month - 1 day')"
    );
    format!("CASE WHEN {matches} THEN substr({x}, 9, 2)::INTEGER <= {last} ELSE FALSE END")
}

/// Whether a text is JSON, before `PostgreSQL` 16 has `IS JSON`.
pub const IS_JSON: &str = "CREATE OR REPLACE FUNCTION pg_temp.is_json(value TEXT) RETURNS BOOLEAN LANGUAGE plpgsql AS $$\n\
     BEGIN\n    RETURN value::JSONB IS NOT NULL OR value IS NULL;\n\
     EXCEPTION WHEN OTHERS THEN\n    RETURN FALSE;\nEND $$;\n";

fn in_sqlite(to: &Type, x: &str, back: &str) -> Option<String> {
    // SQLite knows a year 0, and years before.
    let year = format!("{x} GLOB '[0-9][0-9][0-9][0-9]-*' AND {x} NOT GLOB '0000*'");
    Some(match kind(to) {
        CastKind::Plain | CastKind::Form | CastKind::Id => return None,
        CastKind::Bool => format!("{back} IS {x}"),
        CastKind::Whole => {
            let (low, high) = range(to)?;
            format!("{back} IS {x} AND CAST({x} AS INTEGER) BETWEEN {low} AND {high}")
        }
        CastKind::Decimal => {
            let Type::Decimal { precision, scale } = *to else { return None };
            let point = format!("instr({x}, '.')");
            let fraction = format!("length({x}) - {point} BETWEEN 1 AND {scale}");
            let digits = format!("length(replace(ltrim({}, '-0'), '.', '')) <= {precision}", padded(x, scale));
            format!("{back} IS {} AND ({point} = 0 OR {fraction}) AND {digits}", padded(x, scale))
        }
        CastKind::Date => format!("{back} IS {x} AND {year}"),
        CastKind::Moment => {
            let digits = |number: usize| format!(".{}", "[0-9]".repeat(number));
            let fractions = ["", &digits(3), &digits(6)].map(|fraction| format!("substr({x}, 20) GLOB '{fraction}Z'"));
            let zoned = fractions.clone().map(|fraction| fraction.replace("Z'", "+00:00'"));
            let rest = fractions.into_iter().chain(zoned).collect::<Vec<_>>().join(" OR ");
            format!(
                "strftime('%Y-%m-%dT%H:%M:%S', substr({x}, 1, 19), '+0 days') IS substr({x}, 1, 19) \
                 AND {year} AND ({rest})"
            )
        }
        CastKind::Json => format!("json_valid({x})"),
    })
}

/// A decimal with all digits after its point: `7.5` as `7.50`.
pub fn padded(x: &str, scale: u32) -> String {
    let zeros = "0".repeat(scale as usize);
    format!("iif(instr({x}, '.') = 0, {x} || '.{zeros}', substr({x} || '{zeros}', 1, instr({x}, '.') + {scale}))")
}

/// A predicate over a value of `from` that the narrower `to` has it, too; none where it always does. In
/// `PostgreSQL`, whose rules are proved after the table was written anew, and name no row.
pub fn narrowed(from: &Type, to: &Type, x: &str) -> Option<String> {
    let (one, other) = (kind(from), kind(to));
    match (one, other) {
        (CastKind::Plain | CastKind::Form, CastKind::Plain | CastKind::Form) => {
            let rule = to.check(x, Database::Postgres)?;
            (from.check(x, Database::Postgres).as_ref() != Some(&rule)).then_some(rule)
        }
        (CastKind::Whole | CastKind::Decimal, CastKind::Whole | CastKind::Decimal) => {
            let (low, high) = range(to)?;
            let (least, most) = range(from)?;
            let is_rounded = scale(to) < scale(from);
            if low <= least && most <= high && !is_rounded {
                return None;
            }
            let value = if is_rounded { format!("round({x}, {})", scale(to)) } else { x.to_owned() };
            Some(match other {
                // 9.99 lies within a range that ends with 9.
                CastKind::Decimal => format!("{value} > {} AND {value} < {}", low - 1, high + 1),
                _ => format!("{value} BETWEEN {low} AND {high}"),
            })
        }
        _ => None,
    }
}
