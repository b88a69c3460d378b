//! `lock`: each layer's `Cargo.lock.fragment`, with all versions from one superset.
//!
//! The superset is cargo's lock for a package with the dependencies of every layer. A fragment is
//! what cargo keeps of it for the base and one layer, so any union of fragments holds one version
//! where the superset has one.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use new_service::pack::{Layer, Pack, Source};
use new_service::render::{dependencies, unite_locks};

pub fn run(update: bool) -> anyhow::Result<()> {
    let folder = crate::root().join("templates/axum");
    let pack = Pack::load(&Source::Folder(folder.clone()))?;
    let lock = pack.manifest.lock.as_ref().context("the pack has a [lock]")?;
    let with: Vec<&Layer> = pack
        .layers
        .iter()
        .filter(|layer| !layer.dependencies.is_empty() || !layer.dev_dependencies.is_empty())
        .collect();

    let scratch = Scratch::new()?;
    if !update {
        scratch.write("Cargo.lock", &old_superset(&with))?;
    }
    let superset = scratch.resolve(&with)?;
    for layer in &with {
        let chosen = pack.with_required([*layer]);
        scratch.write("Cargo.lock", &superset)?;
        let fragment = scratch.resolve(&chosen)?;
        let path = folder.join("layers").join(&layer.name).join(format!("{}.fragment", lock.path));
        fs::write(&path, &fragment)?;
        println!("{}: {} packages", layer.name, fragment.matches("[[package]]").count() - 1);
    }
    Ok(())
}

/// What the fragments hold now, as cargo takes it: it keeps the versions and drops the rest.
fn old_superset(layers: &[&Layer]) -> String {
    let fragments: Vec<_> = layers.iter().filter_map(|layer| layer.fragment.as_ref()).collect();
    unite_locks(&fragments, "fragment", "0.0.0").unwrap_or_default()
}

/// A package without code, for cargo to lock.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new() -> anyhow::Result<Self> {
        let path = crate::root().join("target/xtask-lock");
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir_all(path.join("src"))?;
        fs::write(path.join("src/lib.rs"), "")?;
        Ok(Self(path))
    }

    fn write(&self, name: &str, content: &str) -> anyhow::Result<()> {
        if !content.is_empty() {
            fs::write(self.0.join(name), content)?;
        }
        Ok(())
    }

    /// Cargo's lock for the dependencies of `layers`, from the lock file that lies there.
    fn resolve(&self, layers: &[&Layer]) -> anyhow::Result<String> {
        let mut manifest = String::from(
            "[package]\nname = \"fragment\"\nversion = \"0.0.0\"\nedition = \"2024\"\nrust-version = \"1.95\"\n\n[workspace]\n",
        );
        for (title, lines) in ["dependencies", "dev-dependencies"].iter().zip(dependencies(layers)?) {
            let _ = writeln!(manifest, "\n[{title}]");
            for line in lines {
                let _ = writeln!(manifest, "{} = {}", line.name, line.spec);
            }
        }
        self.write("Cargo.toml", &manifest)?;
        let output = Command::new("cargo").args(["metadata", "--format-version=1"]).current_dir(&self.0).output()?;
        anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(fs::read_to_string(Path::new(&self.0).join("Cargo.lock"))?)
    }
}
