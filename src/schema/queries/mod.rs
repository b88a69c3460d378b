//! Offline query data: what `cargo sqlx prepare` would write, made without a server from the tables.
//!
//! ```text
//! rendered .rs files → scan → SQL with places → infer (over the tables) → files of `.sqlx`
//! ```
//!
//! `tests/it/schema_on_servers/` holds it against what sqlx itself writes, byte for byte.

mod change;
mod figure;
mod file;
mod from;
mod functions;
mod infer;
mod kinds;
mod postgres;
mod scan;
mod scope;
mod sqlite;
mod statement;
mod text;
mod truth;

use std::collections::BTreeMap;

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

pub use scan::RustSource;

use super::model::Model;
use super::types::Database;
use crate::fault::{Fault, Faults};

/// A file of the folder for query data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryFile {
    /// `query-SHA256.json`, of the SQL.
    pub name: String,
    pub content: String,
}

/// Room for the deepest query that is taken; a thread's own would do in a release build only.
const STACK: usize = 32 << 20;

/// The names of the files that the queries in `source` need; none where it cannot be read.
pub fn query_names(source: &RustSource) -> Vec<String> {
    scan::queries(source).unwrap_or_default().iter().map(|query| file::name(&query.sql)).collect()
}

/// The data of every query in `sources`, each once; what cannot be told is a fault at the query.
pub fn query_files(sources: &[RustSource], model: &Model, database: Database) -> Result<Vec<QueryFile>, Faults> {
    let threads = rayon::ThreadPoolBuilder::new().stack_size(STACK).build();
    let threads = threads.map_err(|error| Fault::new(format!("no threads to read the queries in: {error}")))?;
    let all: Vec<_> = threads.install(|| sources.par_iter().map(|source| files_of(source, model, database)).collect());
    let mut faults = Faults::default();
    let mut files = BTreeMap::new();
    for (some, more) in all {
        files.extend(some);
        faults.extend(more);
    }
    let files = files.into_iter().map(|(name, content)| QueryFile { name, content }).collect();
    faults.or(files)
}

/// The content of each file of a source by its name, and what cannot be told.
fn files_of(source: &RustSource, model: &Model, database: Database) -> (BTreeMap<String, String>, Faults) {
    let mut faults = Faults::default();
    let mut files = BTreeMap::new();
    let queries = scan::queries(source).unwrap_or_else(|fault| {
        faults.push(fault);
        Vec::new()
    });
    for query in queries {
        let name = file::name(&query.sql);
        if files.contains_key(&name) {
            continue;
        }
        match infer::describe(&query.sql, model, database) {
            Ok(description) => drop(files.insert(name, file::content(&query.sql, &description, database))),
            Err(unclear) => {
                let message = format!("the data of this query cannot be told: {}", unclear.message);
                let fault = Fault::at(query.place, message);
                faults.push(fault.help(format!("{}; it comes from {}", unclear.help, source.from)));
            }
        }
    }
    (files, faults)
}
