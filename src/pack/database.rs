//! What a layer says of databases: that it is one, and the tables that it owns.

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::text::Text;
use crate::fault::Place;

/// What a layer says that is the database.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DatabaseForm {
    /// The SQL that it speaks.
    dialect: Dialect,
    /// Folder of the migrations in the service. Left out: none are made.
    migrations: Option<String>,
    /// Folder of the offline query data in the service. Left out: none is made.
    queries: Option<String>,
    /// The command that runs the migrations: a next step of changes that make some.
    migrate: Option<String>,
}

/// The SQL that a database speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// `PostgreSQL`.
    Postgres,
    /// `SQLite`.
    Sqlite,
}

/// `[database]`: the layer is the database.
#[derive(Debug, Clone)]
pub struct DatabaseRule {
    pub dialect: Dialect,
    /// Output folder of the migrations; none are made without it.
    pub migrations: Option<String>,
    /// Output folder of offline query data; none is made without it.
    pub queries: Option<String>,
    /// The command that runs the migrations, for the next steps of a change.
    pub migrate: Option<String>,
    pub place: Place,
}

/// A table that the layer owns, as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableForm {
    /// Its name, in the singular.
    pub name: Spanned<String>,
    /// Its plural, which names the table; left out: made of the name.
    pub plural: Option<Spanned<String>>,
    /// Its name in an earlier version of the template: an update renames the table and keeps its rows.
    pub was: Option<Spanned<String>>,
    /// In the grammar of resources.
    pub fields: Vec<Spanned<String>>,
    /// The fields of its primary key, where that is not `id`.
    #[serde(default)]
    pub key: Vec<Spanned<String>>,
    /// Fields that are unique together, a list for each such group.
    #[serde(default)]
    pub unique: Vec<Vec<Spanned<String>>>,
    /// Fields that have an index together, a list for each such group.
    #[serde(default)]
    pub index: Vec<Vec<Spanned<String>>>,
    /// References whose rows go when what they refer to goes.
    #[serde(default)]
    pub cascade: Vec<Spanned<String>>,
    /// Whether it lacks what every resource has: `created_at`, `updated_at`, `version`.
    #[serde(default)]
    pub plain: bool,
    /// Whether its rows are those who log in.
    #[serde(default)]
    pub accounts: bool,
}

impl DatabaseRule {
    pub(super) fn new(rule: Spanned<DatabaseForm>, text: &Text) -> Self {
        let place = text.place(rule.span().start);
        let DatabaseForm { dialect, migrations, queries, migrate } = rule.into_inner();
        Self { dialect, migrations, queries, migrate, place }
    }
}
