//! What is embedded in the binary is what stands under `templates/`, and nothing there acts on its own.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::{files_below, names_in};
use new_service::pack::{Pack, Source};

fn templates() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("templates")
}

#[test]
fn what_is_embedded_is_what_is_on_disk() {
    for name in names_in(&templates()) {
        let on_disk = files_below(&templates().join(&name));
        let embedded = Source::BuiltIn(name.clone()).read().unwrap();
        let embedded: BTreeMap<String, Vec<u8>> =
            embedded.into_iter().map(|(path, content)| (path, content.into_owned())).collect();
        assert_eq!(embedded.keys().collect::<Vec<_>>(), on_disk.keys().collect::<Vec<_>>(), "{name}");
        for (path, content) in on_disk {
            assert!(embedded[&path] == content, "{name}/{path}: what is embedded is not what is on disk");
        }
        // The same pack, whether it is taken from the binary or from its folder.
        let digest = |source| Pack::load(&source).unwrap().digest.clone();
        assert_eq!(digest(Source::BuiltIn(name.clone())), digest(Source::Folder(templates().join(&name))));
    }
}

/// A `.gitignore` drops its neighbours from commits and from the packed crate, which leaves out
/// folders that hold a `Cargo.toml`, too.
#[test]
fn no_name_that_git_or_cargo_reads_stands_below_templates() {
    let read_by_tools = [".gitignore", ".gitattributes", ".gitmodules", ".git", "Cargo.toml", "Cargo.lock", ".ignore"];
    let walk = walkdir::WalkDir::new(templates()).into_iter().map(Result::unwrap);
    let mut seen = 0;
    for entry in walk {
        let name = entry.file_name().to_str().unwrap().to_owned();
        assert!(!read_by_tools.contains(&&*name), "{}: store it as {name}.tera", entry.path().display());
        seen += 1;
    }
    assert!(seen > 20);
}

/// Files that git ignores are in nobody's clone, and files without a run bit lose none by embedding.
#[test]
fn git_takes_every_template_in() {
    let output = std::process::Command::new("git")
        .args(["ls-files", "--others", "--ignored", "--exclude-standard", "templates"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("git is there");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "git ignores these");
}
