//! Random rows: values from the whole range of each type, its edges more often than what lies between.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use new_service::schema::{Database, Layout, Type};

/// Draws numbers from a seed (splitmix64).
pub struct Draw(pub u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    pub fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    /// Both ends and the numbers beside zero, or any other.
    fn whole(&mut self, low: i128, high: i128) -> i128 {
        let within = low + i128::from(self.next()) % (high - low + 1);
        let any = [low, high, 0, 1, -1, within, within, within];
        any[self.below(any.len())].clamp(low, high)
    }
}

/// What programs trip over, and what looks like a value of another type.
const TEXTS: [&str; 24] = [
    "",
    " ",
    "x",
    "O'Brien",
    "''",
    "\"",
    "\\",
    "a\nb",
    "\tx ",
    "日本語",
    "é",
    "e\u{301}",
    "👩‍🚀",
    "'); DROP TABLE orders; --",
    "%s $1 :x ?",
    "null",
    "0",
    "-7",
    "12.5",
    "true",
    "2026-01-31",
    "2026-01-31T12:30:00Z",
    "{}",
    "[1, \"a\"]",
];

pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn id(bytes: u128, dialect: Database) -> String {
    match dialect {
        Database::Postgres => format!("'{bytes:032x}'"),
        Database::Sqlite => format!("x'{bytes:032x}'"),
    }
}

fn decimal(units: i128, scale: u32) -> String {
    let (sign, digits) = (if units < 0 { "-" } else { "" }, units.unsigned_abs());
    let unit = 10_u128.pow(scale);
    if scale == 0 {
        return format!("{sign}{digits}");
    }
    format!("{sign}{}.{:0width$}", digits / unit, digits % unit, width = scale as usize)
}

/// A value of a type that is no reference, as SQL.
fn value(of: &Type, draw: &mut Draw, dialect: Database) -> String {
    let sqlite = dialect == Database::Sqlite;
    let bounds = |least: i64, most: i64| {
        let (low, high) = of.bounds();
        (low.unwrap_or(least).into(), high.unwrap_or(most).into())
    };
    match of {
        Type::String { .. } | Type::Text => {
            let (low, high) = of.length().unwrap();
            let (low, high) = (usize::try_from(low).unwrap(), usize::try_from(high).unwrap());
            let longest = if draw.one_in(20) { "é".repeat(high.min(2000)) } else { String::new() };
            let text = if longest.is_empty() { draw.one_of(&TEXTS) } else { &longest };
            let missing = low.saturating_sub(text.chars().count());
            literal(&text.chars().chain(std::iter::repeat_n('x', missing)).take(high).collect::<String>())
        }
        Type::Int { .. } => {
            let (low, high) = bounds(i32::MIN.into(), i32::MAX.into());
            draw.whole(low, high).to_string()
        }
        Type::BigInt { .. } => {
            let (low, high) = bounds(i64::MIN, i64::MAX);
            draw.whole(low, high).to_string()
        }
        Type::Decimal { precision, scale } => {
            let most = 10_i128.pow(*precision) - 1;
            let units = draw.whole(-most, most);
            if sqlite { units.to_string() } else { decimal(units, *scale) }
        }
        Type::Bool if sqlite => draw.below(2).to_string(),
        Type::Bool => draw.one_of(&["true", "false"]).into(),
        Type::Uuid | Type::Ref(_) => {
            let any = (u128::from(draw.next()) << 64) | u128::from(draw.next());
            id([0, u128::MAX, any, any, any][draw.below(5)], dialect)
        }
        Type::Date => literal(draw.one_of(&["0001-01-01", "9999-12-31", "2024-02-29", "1969-12-31", "2026-01-31"])),
        Type::DateTime => literal(draw.one_of(&[
            "0001-01-01T00:00:00+00:00",
            "9999-12-31T23:59:59.999999+00:00",
            "2024-02-29T12:30:00.250+00:00",
            "1969-12-31T23:59:59+00:00",
            "2026-01-31T12:30:00.000001+00:00",
        ])),
        Type::Json => literal(draw.one_of(&["null", "{}", "[]", "7", "\"it's\"", "{\"a\": [1, null], \"é\": \"日\"}"])),
        Type::Email => literal(draw.one_of(&["a@b", "o'brien+x@example.org", "é@例え.jp", "Ada@Example.ORG"])),
        Type::Url => literal(draw.one_of(&["http://a", "https://example.org/?q=it's", "https://例え.jp/é"])),
        Type::Enum(choices) => literal(&choices[draw.below(choices.len())]),
    }
}

/// The table that each column refers to, by table and column.
fn targets(lines: &[String]) -> BTreeMap<(&str, &str), &str> {
    let foreign = lines.iter().filter_map(|line| line.strip_prefix("foreign "));
    let words = foreign.map(|line| line.split(' ').collect::<Vec<_>>());
    words.map(|words| ((words[0], words[2]), words[3])).collect()
}

/// Rows for each table, the empty ones too: what a unique column holds already is left out.
pub fn inserts(at: &Layout, by_hand: impl Fn(&str) -> Vec<String>, draw: &mut Draw, rows: usize) -> String {
    let dialect = at.dialect;
    let lines = at.lines();
    let targets = targets(&lines);
    let mut sql = String::new();
    for table in &at.tables {
        for _ in 0..rows {
            let (mut names, mut values, mut needed) = (Vec::new(), Vec::new(), Vec::new());
            for column in &table.columns {
                let own = ["created_at", "updated_at", "version"].contains(&column.name.as_str());
                let has_default = column.default.is_some() && draw.one_in(4);
                if own || has_default || (column.nullable && draw.one_in(4)) {
                    continue;
                }
                let target = targets.get(&(table.name.as_str(), column.name.as_str()));
                names.push(format!("\"{}\"", column.name));
                values.push(match target {
                    Some(target) => {
                        let some = format!("FROM \"{target}\" ORDER BY id LIMIT 1 OFFSET {}", draw.below(2));
                        if !column.nullable {
                            needed.push(format!("EXISTS (SELECT 1 {some})"));
                        }
                        format!("(SELECT id {some})")
                    }
                    None => value(&Type::read(&column.spec).unwrap(), draw, dialect),
                });
            }
            for name in by_hand(&table.name) {
                if !draw.one_in(3) {
                    names.push(name);
                    values.push(literal(draw.one_of(&TEXTS)));
                }
            }
            let (names, values) = (names.join(", "), values.join(", "));
            let needed = if needed.is_empty() { "true".into() } else { needed.join(" AND ") };
            let table = &table.name;
            let _ = writeln!(
                sql,
                "INSERT INTO \"{table}\" ({names}) SELECT {values} WHERE {needed} ON CONFLICT DO NOTHING;"
            );
        }
    }
    sql
}
