//! Where a pack comes from: built into this binary, a folder, or a git repository.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use sha2::{Digest as _, Sha256};

use super::embedded;
use super::remote::Remote;
use crate::fault::{Fault, Faults};
use crate::limits;

/// Each pack is a folder of it.
static BUILT_IN: LazyLock<Files> =
    LazyLock::new(|| embedded::unpack(include_bytes!(concat!(env!("OUT_DIR"), "/templates.lz4"))));

/// Pack-relative path with `/`, and the bytes.
pub type Files = BTreeMap<String, Cow<'static, [u8]>>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    BuiltIn(String),
    Folder(PathBuf),
    Git(Remote),
}

impl Source {
    /// The pack that is used where none is named.
    pub fn default_pack() -> Self {
        let first = built_in_names().into_iter().next();
        Self::BuiltIn(first.expect("a pack is embedded: `templates/` is part of this crate"))
    }

    /// Whether this binary carries a pack of that name.
    pub fn is_built_in(name: &str) -> bool {
        built_in_names().iter().any(|built_in| built_in == name)
    }

    /// A built-in pack's name, a folder, seen from `root`, or a git repository.
    pub fn parse(text: &str, root: &Path) -> Result<Self, Fault> {
        let names = built_in_names();
        if names.iter().any(|name| name == text) {
            return Ok(Self::BuiltIn(text.to_owned()));
        }
        if let Some(found) = Self::elsewhere(text, root, |path| path.join("pack.toml").is_file()) {
            return found;
        }
        let near = crate::fault::did_you_mean(text, names.iter().map(String::as_str));
        Err(Fault::new(format!(
            "no template \"{}\"{near}: it is neither built in nor a folder with a pack.toml",
            super::shown(text)
        ))
        .help(format!("built in: {}", names.join(", "))))
    }

    /// An overlay: a folder, seen from `root`, or a git repository.
    pub fn parse_overlay(text: &str, root: &Path) -> Result<Self, Fault> {
        if let Some(found) = Self::elsewhere(text, root, Path::is_dir) {
            return found;
        }
        let fault = Fault::new(format!("no overlay \"{}\": it is no folder", super::shown(text)));
        Err(fault.help("an overlay is a folder with the shape of a pack"))
    }

    /// A git repository or a folder; one that is there and has the form of a repository is the folder.
    fn elsewhere(text: &str, root: &Path, is_it: impl Fn(&Path) -> bool) -> Option<Result<Self, Fault>> {
        let folder = Some(from(root, text)).filter(|path| is_it(path));
        match (Remote::parse(text), folder) {
            (Some(remote), None) => Some(remote.map(Self::Git)),
            (Some(remote), Some(_)) if !Remote::could_be_folder(text) => Some(remote.map(Self::Git)),
            (_, folder) => folder.map(|path| Ok(Self::Folder(path))),
        }
    }

    /// How faults name files of this pack: `LABEL/layers/…`.
    pub fn label(&self) -> String {
        match self {
            Self::BuiltIn(name) => format!("templates/{name}"),
            Self::Folder(path) => path.display().to_string().trim_end_matches('/').to_owned(),
            Self::Git(remote) => remote.label(),
        }
    }

    /// All files of the pack. From a folder: no symlinks, nothing but plain files, within bounds.
    pub fn read(&self) -> Result<Files, Faults> {
        match self {
            Self::BuiltIn(name) => {
                let file = |(path, content): (&String, &Cow<'static, [u8]>)| {
                    let path = path.strip_prefix(name)?.strip_prefix('/')?;
                    Some((path.to_owned(), content.clone()))
                };
                let files: Files = BUILT_IN.iter().filter_map(file).collect();
                if files.is_empty() {
                    Err(Fault::new(format!("no built-in template \"{name}\"")).into())
                } else {
                    Ok(files)
                }
            }
            Self::Folder(path) => read_folder(path),
            Self::Git(remote) => remote.clone().open(None).map(|(files, _)| files),
        }
    }
}

/// A path that is seen from `root`; from where the command runs, it stays as it is written.
fn from(root: &Path, text: &str) -> PathBuf {
    if root == Path::new(".") { PathBuf::from(text) } else { root.join(text) }
}

fn built_in_names() -> Vec<String> {
    let mut names: Vec<_> = BUILT_IN.keys().filter_map(|path| Some(path.split_once('/')?.0.to_owned())).collect();
    names.dedup();
    names
}

/// That a pack of so many files and bytes is not too large.
pub(super) fn check_size(pack: &dyn std::fmt::Display, files: usize, bytes: u64) -> Result<(), Fault> {
    let limits = limits::get();
    if files as u64 > limits.files {
        let fault = Fault::new(format!("{pack}: a pack has at most {} files", limits.files));
        return Err(fault.help(limits::help("files", limits.files.saturating_mul(2))));
    }
    if bytes > limits.bytes {
        let most = limits::mib(limits.bytes);
        let fault = Fault::new(format!("{pack}: a pack has at most {most} MiB"));
        return Err(fault.help(limits::help("size-mib", most.saturating_mul(2))));
    }
    Ok(())
}

fn read_folder(root: &Path) -> Result<Files, Faults> {
    let mut files = Files::new();
    let mut faults = Faults::default();
    let mut bytes = 0;
    let limits = limits::get();
    let depth = usize::try_from(limits.depth).unwrap_or(usize::MAX);
    let walk = walkdir::WalkDir::new(root).follow_links(false).max_depth(depth.saturating_add(1)).sort_by_file_name();
    for entry in walk.into_iter().filter_entry(|entry| entry.file_name() != ".git") {
        let entry = entry.map_err(|error| Fault::new(format!("cannot read the pack: {error}")))?;
        let shown = entry.path().display();
        if entry.file_type().is_dir() {
            if entry.depth() > depth {
                let fault = Fault::new(format!("{shown}: a pack is at most {depth} folders deep"));
                return Err(fault.help(limits::help("depth", depth.saturating_mul(2))).into());
            }
            continue;
        }
        if !entry.file_type().is_file() {
            faults.push(Fault::new(format!("{shown}: a pack holds plain files only, and this is a link or a device")));
            continue;
        }
        let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let Some(name) = relative.to_str() else {
            faults.push(Fault::new(format!("{shown}: the name is not UTF-8")));
            continue;
        };
        if let Err(why) = super::check_plain(name) {
            faults.push(Fault::new(format!("{}: {why}", super::visible(&shown.to_string()))));
            continue;
        }
        let size = entry.metadata().map_or(0, |meta| meta.len());
        bytes += size;
        check_size(&root.display(), files.len() + 1, bytes)?;
        match std::fs::read(entry.path()) {
            Ok(content) => drop(files.insert(name.replace('\\', "/"), Cow::Owned(content))),
            Err(error) => faults.push(Fault::new(format!("{shown}: {error}"))),
        }
    }
    faults.or(files)
}

/// `sha256:HEX` over paths and contents in order: equal exactly when the packs are.
pub fn digest(files: &Files) -> String {
    let mut hash = Sha256::new();
    for (path, content) in files {
        for part in [path.as_bytes(), content] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    format!("sha256:{}", hex(&hash.finalize()))
}

/// Lowercase SHA-256 of bytes.
pub fn hash(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}

/// Lowercase hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
