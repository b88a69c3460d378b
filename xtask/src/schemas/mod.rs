//! `schemas`: what editors and readers are told of `pack.toml`, `layer.toml`, `service.toml` and the lock is read
//! off the types that read these files: no second list of keys is kept by hand.

mod page;
mod schema;
mod types;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use types::{Table, Types};

/// A file that people write: its name, what its schema is called, and the type it is read into.
struct Form {
    title: &'static str,
    schema: &'static str,
    source: &'static str,
    name: &'static str,
    /// What any other key holds, of a file that has some: lists of tables.
    others: Option<&'static str>,
}

const FORMS: [Form; 4] = [
    Form { title: "pack.toml", schema: "pack", source: "src/pack/manifest.rs", name: "ManifestForm", others: None },
    Form {
        title: "pack.toml of an overlay",
        schema: "overlay",
        source: "src/pack/manifest.rs",
        name: "OverlayForm",
        others: None,
    },
    Form {
        title: "layer.toml",
        schema: "layer",
        source: "src/pack/layer.rs",
        name: "LayerForm",
        others: Some("Contributions of a kind that pack.toml declares under `[contribution]`."),
    },
    Form {
        title: "service.toml",
        schema: "service",
        source: "src/blueprint/file.rs",
        name: "ServiceForm",
        others: None,
    },
];

const LOCK: &str = "src/evolve/record.rs";

/// What is written: JSON Schemas by path, and the page.
struct Made {
    schemas: Vec<(PathBuf, Value)>,
    page: (PathBuf, String),
}

/// Writes `docs/schemas/*.schema.json` and `docs/reference.md`.
pub fn run() -> anyhow::Result<()> {
    let made = make()?;
    fs::create_dir_all(crate::root().join("docs/schemas"))?;
    for (path, schema) in made.schemas {
        fs::write(&path, serde_json::to_string_pretty(&schema)? + "\n")?;
    }
    let (path, page) = made.page;
    Ok(fs::write(path, page)?)
}

fn make() -> anyhow::Result<Made> {
    let types = Types::read(&crate::root(), &["src/pack", "src/blueprint"])?;
    let mut schemas = Vec::new();
    let mut tables: Vec<(&Form, Table)> = Vec::new();
    for form in &FORMS {
        let table = types.table(form.source, form.name)?;
        let path = crate::root().join(format!("docs/schemas/{}.schema.json", form.schema));
        schemas.push((path, schema::of(form.title, &table, form.others)));
        tables.push((form, table));
    }
    let lock = Types::read(&crate::root(), &["src/evolve"])?.lines(LOCK, "Lock")?;
    let sections = tables.iter().map(|(form, table)| (form.title, form.schema, form.others, table));
    Ok(Made { schemas, page: (crate::root().join("docs/reference.md"), page::of(sections, &lock)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schemas_and_the_reference_are_what_the_types_say() {
        let made = make().unwrap();
        for (path, schema) in made.schemas {
            let there: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            assert!(there == schema, "{} is behind: cargo xtask schemas", path.display());
        }
        let (path, page) = made.page;
        assert!(fs::read_to_string(&path).unwrap() == page, "{} is behind: cargo xtask schemas", path.display());
    }
}
