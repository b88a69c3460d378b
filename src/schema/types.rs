//! THE table of types: what a field is in Rust, in SQL, in offline query data, in `OpenAPI` and in a test.
//!
//! Names of SQL types as sqlx 0.9 has them: its `sqlx-postgres/src/type_info.rs` and
//! `sqlx-sqlite/src/type_info.rs` (`DataType::from_str` reads the type that a column was declared with).

use std::fmt::{self, Write as _};

pub use crate::pack::Dialect as Database;

/// The longest string, in characters; more is `text`.
pub const MAX_STRING: u32 = 10_000;
const MAX_TEXT: i64 = 65_536;
/// RFC 5321, 4.5.3.1.3, less the two brackets.
const MAX_EMAIL: i64 = 254;
const MAX_URL: i64 = 2048;
/// A B-tree of `PostgreSQL` holds keys of up to 2704 bytes, and a character has up to four.
const MAX_INDEXED: i64 = 600;

/// A type, with what stands between its brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// Bounds in characters.
    String {
        min: u32,
        max: u32,
    },
    Text,
    Int {
        min: Option<i64>,
        max: Option<i64>,
    },
    BigInt {
        min: Option<i64>,
        max: Option<i64>,
    },
    /// Digits in all, and those after the point.
    Decimal {
        precision: u32,
        scale: u32,
    },
    Bool,
    Uuid,
    Date,
    DateTime,
    Json,
    Email,
    Url,
    Enum(Vec<String>),
    /// The name of a resource, or of a table that the service has anyway.
    Ref(String),
}

/// How a database keeps a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Storage {
    /// The type of the column, without its numbers.
    pub column: &'static str,
    /// `type_info` of a column in `.sqlx/query-*.json`.
    pub info: &'static str,
    /// Whether sqlx's macros come to our Rust type by themselves; else a query says `"column: Type"`.
    pub inferred: bool,
}

const fn storage(column: &'static str, info: &'static str, inferred: bool) -> Storage {
    Storage { column, info, inferred }
}

/// What holds for a type whatever stands in its brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Its name in the grammar.
    pub word: &'static str,
    /// How it is written, for help and documents.
    pub form: &'static str,
    /// The Rust type; a choice gets a type of its own, named by its field.
    pub rust: &'static str,
    /// What a file that names the Rust type imports.
    pub import: Option<&'static str>,
    /// The package that it is from.
    pub package: Option<&'static str>,
    /// The feature that sqlx needs for it.
    pub sqlx_feature: Option<&'static str>,
    pub postgres: Storage,
    pub sqlite: Storage,
    /// `type` in `OpenAPI`; none is "any value".
    pub openapi: Option<&'static str>,
    pub format: Option<&'static str>,
    /// Whether a listing may be sorted by it.
    pub sortable: bool,
    /// Whether a listing may be narrowed to one value of it.
    pub filterable: bool,
}

const TEXT: Facts = Facts {
    word: "text",
    form: "text",
    rust: "String",
    import: None,
    package: None,
    sqlx_feature: None,
    postgres: storage("TEXT", "Text", true),
    sqlite: storage("TEXT", "Text", true),
    openapi: Some("string"),
    format: None,
    sortable: false,
    filterable: false,
};

const INT: Facts = Facts {
    word: "int",
    form: "int(0..100)",
    rust: "i32",
    postgres: storage("INTEGER", "Int4", true),
    sqlite: storage("INTEGER", "Integer", false),
    openapi: Some("integer"),
    format: Some("int32"),
    sortable: true,
    filterable: true,
    ..TEXT
};

const UUID: Facts = Facts {
    word: "uuid",
    form: "uuid",
    rust: "Uuid",
    import: Some("uuid::Uuid"),
    package: Some("uuid"),
    sqlx_feature: Some("uuid"),
    postgres: storage("UUID", "Uuid", true),
    // 16 bytes; without a word in the query sqlx takes them for bytes.
    sqlite: storage("BLOB", "Blob", false),
    format: Some("uuid"),
    filterable: true,
    ..TEXT
};

const DATE: Facts = Facts {
    word: "date",
    form: "date",
    rust: "NaiveDate",
    import: Some("chrono::NaiveDate"),
    package: Some("chrono"),
    sqlx_feature: Some("chrono"),
    postgres: storage("DATE", "Date", true),
    sqlite: storage("DATE", "Date", true),
    format: Some("date"),
    sortable: true,
    filterable: true,
    ..TEXT
};

/// In the order of the grammar's page.
pub static TABLE: [Facts; 14] = [
    Facts { word: "string", form: "string(1..200)", sortable: true, filterable: true, ..TEXT },
    TEXT,
    INT,
    Facts {
        word: "bigint",
        form: "bigint(0..)",
        rust: "i64",
        postgres: storage("BIGINT", "Int8", true),
        sqlite: storage("INTEGER", "Integer", true),
        format: Some("int64"),
        ..INT
    },
    Facts {
        word: "decimal",
        form: "decimal(12,2)",
        rust: "Decimal",
        import: Some("rust_decimal::Decimal"),
        package: Some("rust_decimal"),
        sqlx_feature: Some("rust_decimal"),
        postgres: storage("NUMERIC", "Numeric", true),
        // sqlx has no decimal for SQLite: a whole number of the last digit's units.
        sqlite: storage("INTEGER", "Integer", false),
        // A text, because a number loses digits in most clients.
        format: Some("decimal"),
        sortable: true,
        filterable: true,
        ..TEXT
    },
    Facts {
        word: "bool",
        form: "bool",
        rust: "bool",
        postgres: storage("BOOLEAN", "Bool", true),
        sqlite: storage("BOOLEAN", "Bool", true),
        openapi: Some("boolean"),
        filterable: true,
        ..TEXT
    },
    UUID,
    DATE,
    Facts {
        word: "datetime",
        form: "datetime",
        rust: "DateTime<Utc>",
        import: Some("chrono::{DateTime, Utc}"),
        postgres: storage("TIMESTAMPTZ", "Timestamptz", true),
        // RFC 3339 in UTC, which sorts as text; sqlx comes to a time without a zone.
        sqlite: storage("DATETIME", "Datetime", false),
        format: Some("date-time"),
        ..DATE
    },
    Facts {
        word: "json",
        form: "json",
        rust: "Value",
        import: Some("serde_json::Value"),
        package: Some("serde_json"),
        sqlx_feature: Some("json"),
        postgres: storage("JSONB", "Jsonb", true),
        sqlite: storage("TEXT", "Text", false),
        openapi: None,
        ..TEXT
    },
    Facts { word: "email", form: "email", format: Some("email"), sortable: true, filterable: true, ..TEXT },
    Facts { word: "url", form: "url", format: Some("uri"), filterable: true, ..TEXT },
    Facts {
        word: "enum",
        form: "enum(draft,paid,shipped)",
        rust: "",
        postgres: storage("TEXT", "Text", false),
        sqlite: storage("TEXT", "Text", false),
        sortable: true,
        filterable: true,
        ..TEXT
    },
    Facts { word: "ref", form: "ref(user)", ..UUID },
];

/// Words of other languages and databases, and ours for them.
pub(super) fn word_of(other: &str) -> Option<&'static str> {
    Some(match other.to_ascii_lowercase().as_str() {
        "varchar" | "char" | "str" => "string",
        "integer" | "i32" | "number" | "int4" | "u32" => "int",
        "i64" | "long" | "int8" | "u64" => "bigint",
        "numeric" | "money" | "float" | "double" | "f64" => "decimal",
        "boolean" => "bool",
        "timestamp" | "timestamptz" | "time" => "datetime",
        "jsonb" | "object" => "json",
        "uri" | "link" => "url",
        "references" | "reference" | "belongs_to" | "fk" => "ref",
        "choice" => "enum",
        _ => return None,
    })
}

impl Type {
    /// `string`, without brackets.
    pub const STRING: Self = Self::String { min: 0, max: 255 };

    pub fn facts(&self) -> &'static Facts {
        let at = match self {
            Self::String { .. } => 0,
            Self::Text => 1,
            Self::Int { .. } => 2,
            Self::BigInt { .. } => 3,
            Self::Decimal { .. } => 4,
            Self::Bool => 5,
            Self::Uuid => 6,
            Self::Date => 7,
            Self::DateTime => 8,
            Self::Json => 9,
            Self::Email => 10,
            Self::Url => 11,
            Self::Enum(_) => 12,
            Self::Ref(_) => 13,
        };
        &TABLE[at]
    }

    pub fn storage(&self, database: Database) -> Storage {
        match database {
            Database::Postgres => self.facts().postgres,
            Database::Sqlite => self.facts().sqlite,
        }
    }

    /// The type of its column: `NUMERIC(12,2)`.
    pub fn column(&self, database: Database) -> String {
        match (self, database) {
            (Self::Decimal { precision, scale }, Database::Postgres) => format!("NUMERIC({precision},{scale})"),
            _ => self.storage(database).column.to_owned(),
        }
    }

    /// Bounds of a text, in characters.
    pub fn length(&self) -> Option<(i64, i64)> {
        match self {
            Self::String { min, max } => Some(((*min).into(), (*max).into())),
            Self::Text => Some((0, MAX_TEXT)),
            Self::Email => Some((3, MAX_EMAIL)),
            Self::Url => Some((8, MAX_URL)),
            _ => None,
        }
    }

    /// Bounds of a whole number, where it has any.
    pub fn bounds(&self) -> (Option<i64>, Option<i64>) {
        match self {
            Self::Int { min, max } | Self::BigInt { min, max } => (*min, *max),
            _ => (None, None),
        }
    }

    /// Why no index can be made over it, where none can.
    pub fn unindexable(&self) -> Option<String> {
        match self {
            Self::Text => Some("a text may be longer than what an index holds: `string(..200)` has an end".into()),
            Self::Json => Some("an index over json compares whole documents: give what is looked for a field".into()),
            Self::String { max, .. } if i64::from(*max) > MAX_INDEXED => {
                Some(format!("an index holds up to {MAX_INDEXED} characters: `string(..{MAX_INDEXED})`"))
            }
            _ => None,
        }
    }

    /// The expression of its CHECK over `column` (an identifier, quoted where it must be).
    pub fn check(&self, column: &str, database: Database) -> Option<String> {
        let range = |what: &str, low: Option<i64>, high: Option<i64>| match (low, high) {
            (Some(low), Some(high)) => Some(format!("{what} BETWEEN {low} AND {high}")),
            (Some(low), None) => Some(format!("{what} >= {low}")),
            (None, Some(high)) => Some(format!("{what} <= {high}")),
            (None, None) => None,
        };
        if let Some((low, high)) = self.length() {
            let length = if database == Database::Postgres { "char_length" } else { "length" };
            return range(&format!("{length}({column})"), Some(low).filter(|low| *low > 0), Some(high));
        }
        let sqlite = database == Database::Sqlite;
        match self {
            // A column of SQLite takes 64 bits, whatever it is called.
            Self::Int { min, max } if sqlite => {
                range(column, min.or(Some(i32::MIN.into())), max.or(Some(i32::MAX.into())))
            }
            Self::Int { min, max } | Self::BigInt { min, max } => range(column, *min, *max),
            Self::Decimal { precision, .. } if sqlite => {
                let most = 10_i64.pow(*precision) - 1;
                range(column, Some(-most), Some(most))
            }
            Self::Bool if sqlite => Some(format!("{column} IN (0, 1)")),
            Self::Uuid | Self::Ref(_) if sqlite => Some(format!("length({column}) = 16")),
            Self::Json if sqlite => Some(format!("json_valid({column})")),
            // Not IN: sqlx would take a column that may be empty for one that may not, once it is set.
            Self::Enum(values) if sqlite => {
                let values: Vec<String> = values.iter().map(|value| format!("{column} = '{value}'")).collect();
                Some(values.join(" OR "))
            }
            Self::Enum(values) => {
                let values: Vec<String> = values.iter().map(|value| format!("'{value}'")).collect();
                Some(format!("{column} IN ({})", values.join(", ")))
            }
            _ => None,
        }
    }
}

/// As the grammar has it: what is printed reads back as the same type.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.facts().word)?;
        match self {
            Self::String { .. } if *self == Self::STRING => Ok(()),
            Self::String { min: 0, max } => write!(f, "(..{max})"),
            Self::String { min, max } => write!(f, "({min}..{max})"),
            Self::Int { min: None, max: None } | Self::BigInt { min: None, max: None } => Ok(()),
            Self::Int { min, max } | Self::BigInt { min, max } => {
                let shown = |bound: &Option<i64>| bound.map(|bound| bound.to_string()).unwrap_or_default();
                write!(f, "({}..{})", shown(min), shown(max))
            }
            Self::Decimal { precision, scale } => write!(f, "({precision},{scale})"),
            Self::Enum(values) => write!(f, "({})", values.join(",")),
            Self::Ref(target) => {
                f.write_char('(')?;
                f.write_str(target)?;
                f.write_char(')')
            }
            _ => Ok(()),
        }
    }
}
