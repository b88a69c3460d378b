//! The schema as one database has it, down to the names of constraints: what migrations are written from, and
//! what `.new-service/lock` keeps, so that the next change knows what they have reached.
//!
//! ```text
//! dialect postgres
//! table orders key id
//! resource orders order
//! column orders 3 note null TEXT text
//! default orders note 'none'
//! unique orders orders_email_key email
//! check orders orders_note_check note char_length(note) <= 65536
//! foreign orders orders_customer_id_fkey customer_id people keep
//! index orders orders_created_at_id_idx created_at,id
//! index orders orders_status_created_at_desc_idx status,-created_at,-id
//! ```

use std::collections::{BTreeSet, HashMap};

use super::draft::RenamedChoice;
use super::index::{self, IndexColumn};
use super::model::{Model, Table};
use super::names;
use super::resource::Resource;
use super::types::Database;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    pub dialect: Database,
    /// In an order that they can be created in.
    pub tables: Vec<TableLayout>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableLayout {
    pub name: String,
    /// The first line of its migration.
    pub purpose: String,
    /// A name that it may have had before.
    pub was: Vec<String>,
    /// The resource that it is of; none where an earlier new-service did not keep it.
    pub resource: Option<String>,
    pub columns: Vec<ColumnLayout>,
    pub key: Vec<String>,
    pub constraints: Vec<Constraint>,
    pub indexes: Vec<IndexLayout>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnLayout {
    pub name: String,
    pub was: Vec<String>,
    /// Choices that rows may hold by other names.
    pub renamed_choices: Vec<RenamedChoice>,
    /// In SQL: `NUMERIC(12,2)`.
    pub kind: String,
    /// In the grammar of resources, where SQL does not say it all: `decimal(12,2)` is a whole number in `SQLite`.
    pub spec: String,
    pub nullable: bool,
    pub default: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    pub name: String,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Unique(Vec<String>),
    Check { column: String, sql: String },
    Foreign { column: String, table: String, cascade: bool },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexLayout {
    pub name: String,
    pub columns: Vec<IndexColumn>,
    pub why: String,
}

impl Layout {
    pub fn of(model: &Model, dialect: Database) -> Self {
        Self { dialect, tables: model.tables.iter().map(|table| TableLayout::of(table, dialect)).collect() }
    }

    pub fn table(&self, name: &str) -> Option<&TableLayout> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// The table that `resource` had, where it has another name now and no other resource has taken that. A layout
    /// that does not say whose its tables are has the one that the resource's name makes.
    pub fn earlier_table(&self, resource: &Resource, all: &[Resource]) -> Option<&str> {
        if self.table(&resource.plural).is_some() {
            return None;
        }
        let name = resource.was.as_ref().unwrap_or(&resource.name);
        let recorded = self.tables.iter().find(|table| table.resource.as_ref() == Some(name));
        let made = || self.table(&names::plural_of(name)).filter(|table| table.resource.is_none());
        let earlier = recorded.or_else(made)?.name.as_str();
        (!all.iter().any(|other| other.plural == earlier)).then_some(earlier)
    }

    /// A fact a line, in no order that matters.
    pub fn lines(&self) -> Vec<String> {
        let dialect = match self.dialect {
            Database::Postgres => "postgres",
            Database::Sqlite => "sqlite",
        };
        let mut lines = vec![format!("dialect {dialect}")];
        for table in &self.tables {
            let name = &table.name;
            lines.push(format!("table {name} key {}", table.key.join(",")));
            lines.extend(table.resource.iter().map(|resource| format!("resource {name} {resource}")));
            for (number, column) in table.columns.iter().enumerate() {
                let null = if column.nullable { "null" } else { "not-null" };
                lines.push(format!(
                    "column {name} {number} {} {null} {} {}",
                    column.name,
                    column.kind.replace(' ', "_"),
                    column.spec
                ));
                if let Some(default) = &column.default {
                    lines.push(format!("default {name} {} {default}", column.name));
                }
            }
            lines.extend(table.constraints.iter().map(|Constraint { name: own, what }| match what {
                What::Unique(columns) => format!("unique {name} {own} {}", columns.join(",")),
                What::Check { column, sql } => format!("check {name} {own} {column} {sql}"),
                What::Foreign { column, table, cascade } => {
                    format!("foreign {name} {own} {column} {table} {}", if *cascade { "cascade" } else { "keep" })
                }
            }));
            let index = |index: &IndexLayout| format!("index {name} {} {}", index.name, index::listed(&index.columns));
            lines.extend(table.indexes.iter().map(index));
        }
        lines
    }

    /// Reads what [`Self::lines`] wrote; none where a line is not of its kind.
    pub fn read<'a>(lines: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut lines: Vec<Vec<&str>> = lines.into_iter().map(|line| line.splitn(5, ' ').collect()).collect();
        lines.iter().find(|words| words.first() == Some(&"dialect"))?;
        // Tables before columns, and those before what is said of them.
        lines.sort_by_key(|words| match words.first() {
            Some(&("dialect" | "table")) => 0,
            Some(&"column") => 1,
            _ => 2,
        });
        let mut layout = Self { dialect: Database::Postgres, tables: Vec::new() };
        let mut numbers: HashMap<[String; 2], u32> = HashMap::new();
        let list = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        for words in &lines {
            match words.as_slice() {
                ["dialect", "postgres"] => layout.dialect = Database::Postgres,
                ["dialect", "sqlite"] => layout.dialect = Database::Sqlite,
                ["table", name, "key", _] if layout.table(name).is_some() => {}
                ["table", name, "key", key] => layout.tables.push(TableLayout {
                    name: (*name).to_owned(),
                    purpose: String::new(),
                    was: Vec::new(),
                    resource: None,
                    columns: Vec::new(),
                    key: list(key),
                    constraints: Vec::new(),
                    indexes: Vec::new(),
                }),
                [kind, table, rest @ ..] => {
                    let table = layout.tables.iter_mut().find(|known| known.name == *table)?;
                    table.fact(kind, rest, &mut numbers)?;
                }
                _ => return None,
            }
        }
        for table in &mut layout.tables {
            let place = |column: &str| numbers.get(&[table.name.clone(), column.to_owned()]).copied();
            table.columns.sort_by_cached_key(|column| (place(&column.name), column.name.clone()));
            table.constraints.sort_by(|one, other| one.name.cmp(&other.name));
            table.indexes.sort_by(|one, other| one.name.cmp(&other.name));
        }
        layout.sort();
        Some(layout)
    }

    /// Each table after what it refers to, and else by name.
    pub fn sort(&mut self) {
        let mut waiting = std::mem::take(&mut self.tables);
        waiting.sort_by(|one, other| one.name.cmp(&other.name));
        while !waiting.is_empty() {
            let ready = waiting.iter().position(|table| {
                table.refers_to().all(|to| to == table.name || !waiting.iter().any(|other| other.name == to))
            });
            self.tables.push(waiting.remove(ready.unwrap_or(0)));
        }
    }
}

impl TableLayout {
    fn of(table: &Table, dialect: Database) -> Self {
        let mut constraints: Vec<Constraint> = table
            .unique
            .iter()
            .map(|unique| Constraint { name: unique.name.clone(), what: What::Unique(unique.columns.clone()) })
            .collect();
        for column in &table.columns {
            if let Some(sql) = column.kind.check(&names::sql(&column.name), dialect) {
                let name = format!("{}_{}_check", table.name, column.name);
                constraints.push(Constraint { name, what: What::Check { column: column.name.clone(), sql } });
            }
        }
        constraints.extend(table.references.iter().map(|reference| Constraint {
            name: format!("{}_{}_fkey", table.name, reference.column),
            what: What::Foreign {
                column: reference.column.clone(),
                table: reference.table.clone(),
                cascade: reference.cascade,
            },
        }));
        let column = |column: &super::model::Column| ColumnLayout {
            name: column.name.clone(),
            was: column.was.iter().flat_map(|was| [format!("{was}_id"), was.clone()]).collect(),
            renamed_choices: column.renamed_choices.clone(),
            kind: column.kind.column(dialect),
            spec: column.kind.to_string(),
            nullable: column.nullable,
            default: column.default.as_ref().map(|default| default.sql(dialect, &column.kind)),
        };
        let index = |index: &super::model::Index| IndexLayout {
            name: index.name.clone(),
            columns: index.columns.clone(),
            why: index.why.clone(),
        };
        Self {
            name: table.name.clone(),
            purpose: table.purpose.clone(),
            was: table.was.clone(),
            resource: Some(table.resource.clone()),
            columns: table.columns.iter().map(column).collect(),
            key: table.key.clone(),
            constraints,
            indexes: table.index.iter().map(index).collect(),
        }
    }

    fn fact(&mut self, kind: &str, rest: &[&str], numbers: &mut HashMap<[String; 2], u32>) -> Option<()> {
        let list = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        let joined = rest.join(" ");
        let words: Vec<&str> = joined.splitn(5, ' ').collect();
        match (kind, words.as_slice()) {
            ("column", [number, name, null, sql, spec]) => {
                // Of two branches that each moved it, one stays.
                if self.column(name).is_some() {
                    return Some(());
                }
                numbers.entry([self.name.clone(), (*name).to_owned()]).or_insert(number.parse().ok()?);
                self.columns.push(ColumnLayout {
                    name: (*name).to_owned(),
                    was: Vec::new(),
                    renamed_choices: Vec::new(),
                    kind: sql.replace('_', " "),
                    spec: (*spec).to_owned(),
                    nullable: *null == "null",
                    default: None,
                });
            }
            // Of two branches that each renamed it, one stays.
            ("resource", [name]) => self.resource = Some((*name).to_owned()),
            ("default", [column, ..]) => {
                let sql = joined.strip_prefix(column)?.trim_start().to_owned();
                self.columns.iter_mut().find(|known| known.name == *column)?.default = Some(sql);
            }
            ("unique", [name, columns]) => self.constraint(name, What::Unique(list(columns))),
            ("check", [name, column, ..]) => {
                let sql = joined.splitn(3, ' ').nth(2)?.to_owned();
                self.constraint(name, What::Check { column: (*column).to_owned(), sql });
            }
            ("foreign", [name, column, table, cascade]) => {
                let (column, table) = ((*column).to_owned(), (*table).to_owned());
                self.constraint(name, What::Foreign { column, table, cascade: *cascade == "cascade" });
            }
            ("index", [name, _]) if self.indexes.iter().any(|known| known.name == *name) => {}
            ("index", [name, columns]) => {
                let columns = columns.split(',').map(IndexColumn::read).collect();
                self.indexes.push(IndexLayout { name: (*name).to_owned(), columns, why: String::new() });
            }
            _ => return None,
        }
        Some(())
    }

    fn constraint(&mut self, name: &str, what: What) {
        if self.constraints.iter().any(|known| known.name == name) {
            return;
        }
        self.constraints.push(Constraint { name: name.to_owned(), what });
    }

    pub fn column(&self, name: &str) -> Option<&ColumnLayout> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Tables that its references lead to.
    pub fn refers_to(&self) -> impl Iterator<Item = &str> {
        self.constraints.iter().filter_map(|constraint| match &constraint.what {
            What::Foreign { table, .. } => Some(table.as_str()),
            _ => None,
        })
    }
}

impl What {
    /// The columns that it is over.
    pub fn columns(&self) -> BTreeSet<&str> {
        match self {
            Self::Unique(columns) => columns.iter().map(String::as_str).collect(),
            Self::Check { column, .. } | Self::Foreign { column, .. } => [column.as_str()].into(),
        }
    }

    /// As SQL has it after the name of the constraint.
    pub fn sql(&self) -> String {
        match self {
            Self::Unique(columns) => format!("UNIQUE ({})", list(columns)),
            Self::Check { sql, .. } => format!("CHECK ({sql})"),
            Self::Foreign { column, table, cascade } => {
                let cascade = if *cascade { " ON DELETE CASCADE" } else { "" };
                format!("FOREIGN KEY ({}) REFERENCES {} (id){cascade}", names::sql(column), names::sql(table))
            }
        }
    }
}

impl Constraint {
    pub fn sql(&self) -> String {
        format!("CONSTRAINT {} {}", names::sql(&self.name), self.what.sql())
    }
}

impl ColumnLayout {
    /// `note TEXT DEFAULT 'x'`.
    pub fn sql(&self) -> String {
        let mut line = format!("{} {}", names::sql(&self.name), self.kind);
        if !self.nullable {
            line.push_str(" NOT NULL");
        }
        if let Some(default) = &self.default {
            line = format!("{line} DEFAULT {default}");
        }
        line
    }
}

impl IndexLayout {
    pub fn is_over(&self, column: &str) -> bool {
        self.columns.iter().any(|own| own.name == column)
    }

    pub fn sql(&self, table: &str, how: &str) -> String {
        let columns = index::sql(&self.columns);
        format!("CREATE INDEX{how} {} ON {} ({columns});\n", names::sql(&self.name), names::sql(table))
    }
}

/// Columns as SQL lists them.
pub fn list(columns: &[String]) -> String {
    columns.iter().map(|column| names::sql(column)).collect::<Vec<_>>().join(", ")
}
