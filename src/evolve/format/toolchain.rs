//! The rustfmt to run.
//!
//! What stands in `PATH` is mostly rustup's proxy, which looks for the toolchain anew in every process: that takes as
//! long as formatting some twenty kilobytes. Where the answer is plain it is found here; else the proxy decides.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The rustfmt that runs in `folder`; none where none is installed.
pub fn rustfmt(folder: &Path) -> Option<PathBuf> {
    let program = format!("rustfmt{}", std::env::consts::EXE_SUFFIX);
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path).map(|folder| folder.join(&program)).find(|file| file.is_file())?;
    let home = std::env::var_os("RUSTUP_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".rustup")));
    let chosen = std::env::var_os("RUSTUP_TOOLCHAIN");
    let direct = home.filter(|_| is_proxy(&found)).and_then(|home| in_toolchain(&home, chosen.as_deref(), folder));
    Some(direct.unwrap_or(found))
}

/// Whether `program` is a link to rustup; as a copy of it, it works as well.
fn is_proxy(program: &Path) -> bool {
    program.canonicalize().is_ok_and(|target| target.file_stem() == Some(OsStr::new("rustup")))
}

/// rustfmt in the toolchain that rustup, whose files are in `home`, takes in `folder`: the one that the environment
/// names, else the default one. None where overrides, a `rust-toolchain.toml` or a short name have a say.
fn in_toolchain(home: &Path, chosen: Option<&OsStr>, folder: &Path) -> Option<PathBuf> {
    let name = match chosen {
        Some(name) => name.to_str()?.to_owned(),
        None => default_toolchain(home, &folder.canonicalize().ok()?)?,
    };
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) && !name.starts_with('.');
    let program =
        home.join("toolchains").join(&name).join("bin/rustfmt").with_extension(std::env::consts::EXE_EXTENSION);
    Some(program).filter(|program| is_plain && program.is_file())
}

fn default_toolchain(home: &Path, folder: &Path) -> Option<String> {
    let settings: toml::Table = std::fs::read_to_string(home.join("settings.toml")).ok()?.parse().ok()?;
    let overrides = settings.get("overrides").and_then(toml::Value::as_table);
    let is_overridden = overrides.is_some_and(|all| all.keys().any(|above| folder.starts_with(above)));
    let has_file =
        |above: &Path| ["rust-toolchain", "rust-toolchain.toml"].iter().any(|file| above.join(file).exists());
    if is_overridden || folder.ancestors().any(has_file) {
        return None;
    }
    settings.get("default_toolchain")?.as_str().map(str::to_owned)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const DEFAULT: &str = "version = \"12\"\ndefault_toolchain = \"stable-x\"\n\n[overrides]\n";

    /// rustup's files, with two toolchains, and a folder to run in.
    fn home(settings: &str) -> (tempfile::TempDir, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        for toolchain in ["stable-x", "nightly-x"] {
            let folder = root.path().join("toolchains").join(toolchain).join("bin");
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("rustfmt"), "").unwrap();
        }
        std::fs::write(root.path().join("settings.toml"), settings).unwrap();
        let work = root.path().join("work/deep");
        std::fs::create_dir_all(&work).unwrap();
        (root, work)
    }

    fn of(root: &Path, chosen: Option<&str>, work: &Path) -> Option<String> {
        let found = in_toolchain(root, chosen.map(OsStr::new), work)?;
        Some(found.strip_prefix(root).unwrap().to_str().unwrap().to_owned())
    }

    #[test]
    fn the_environment_comes_before_the_default() {
        let (root, work) = home(DEFAULT);
        assert_eq!(of(root.path(), None, &work).as_deref(), Some("toolchains/stable-x/bin/rustfmt"));
        let nightly = Some("toolchains/nightly-x/bin/rustfmt");
        assert_eq!(of(root.path(), Some("nightly-x"), &work).as_deref(), nightly);
    }

    #[test]
    fn what_is_not_plain_is_left_to_rustup() {
        let (root, work) = home(DEFAULT);
        for name in ["stable", "1.95", "", "../toolchains/stable-x", "/nowhere"] {
            assert_eq!(of(root.path(), Some(name), &work), None, "{name}");
        }
        for settings in ["", "broken", "version = \"12\"\ndefault_toolchain = \"stable\"\n"] {
            let (root, work) = home(settings);
            assert_eq!(of(root.path(), None, &work), None, "{settings}");
        }
        for file in ["rust-toolchain", "rust-toolchain.toml"] {
            let (root, work) = home(DEFAULT);
            std::fs::write(root.path().join("work").join(file), "nightly").unwrap();
            assert_eq!(of(root.path(), None, &work), None, "{file}");
        }
        let (root, work) = home("");
        let above = work.parent().unwrap().canonicalize().unwrap();
        let settings = format!("{DEFAULT}\"{}\" = \"nightly-x\"\n", above.display());
        std::fs::write(root.path().join("settings.toml"), settings).unwrap();
        assert_eq!(of(root.path(), None, &work), None);
        assert!(of(root.path(), None, root.path()).is_some(), "an override is for the folders below it");
    }
}
