//! Resources as tables of data: one grammar to write them, one table of types that everything else is
//! read from, so that SQL, DTOs, validation, documents and tests cannot drift apart.
//!
//! ```text
//! --resource, [[resource]] → grammar → Drafts (with places) → check → Resource → view → templates
//! ```

mod access;
mod arguments;
mod branches;
mod chain;
mod changes;
mod check;
mod default;
mod describe;
mod draft;
mod grammar;
mod index;
mod layout;
mod migrations;
mod model;
mod names;
mod queries;
mod resource;
mod retention;
mod types;
mod values;
mod view;

pub use access::{Access, AccessRules};
pub use branches::{BranchSchema, Disagreement, DisagreementKind, disagreements};
pub use chain::{HandWritten, MigrationFile, TouchedTables};
pub use changes::{SchemaRename, changes, changes_beside, renames};
pub use check::{Known, MAX_IDENTIFIER, OWN_COLUMNS, Surroundings, check, unwanted};
pub use default::Default;
pub use describe::sentence;
pub use draft::{Draft, DraftField, Drafts, Mark, Marked, Written};
pub use grammar::HEAD;
pub use index::{CompositeIndex, DraftIndex, IndexColumn};
pub use layout::Layout;
pub use migrations::{Migration, migrations};
pub use model::{Column, Model, OwnTable, Table};
pub use names::{plural_of, read_plurals, rust as rust_ident};
pub use queries::{QueryFile, RustSource, query_files, query_names};
pub use resource::{Field, Resource};
pub use retention::Retention;
pub use types::{Database, Facts, Storage, TABLE, Type};
pub use values::FieldName;
pub use view::{ResourceView, views};
