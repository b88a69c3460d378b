//! What a repository keeps of its making (design §4): `.new-service/lock` and `.new-service/base/`.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::blueprint::Blueprint;
use crate::pack::{Pack, Policy, hex};
use crate::render::{RECORD, Tree, TreePath};

/// The format of the lock file that this binary writes.
const FORMAT: u32 = 1;

/// The record's files, by path from the repository's root.
pub fn files(blueprint: &Blueprint, pack: &Pack, tree: &Tree) -> Vec<(TreePath, Vec<u8>)> {
    let path = |rest: &str| TreePath::new(&format!("{RECORD}/{rest}")).expect("a path of our own making");
    let mut files = Vec::new();
    let mut lines = vec![
        format!("digest {}", pack.digest),
        format!("drawn year {}", blueprint.drawn.year),
        format!("format {FORMAT}"),
        format!("pack {} {}", pack.manifest.name, pack.manifest.version),
    ];
    lines.extend(tree.migrations.iter().map(|(name, stamp)| format!("drawn migration {name} {stamp}")));
    for (tree_path, file) in tree.iter() {
        let hash = hex(&Sha256::digest(&file.content));
        lines.push(format!("file {} {:o} {hash} {} {tree_path}", file.policy.as_str(), file.mode.bits(), file.layer));
        if file.policy == Policy::Merge {
            files.push((path(&format!("base/{hash}")), file.content.clone()));
        }
    }
    lines.sort();
    let mut lock = String::from("# Written by new-service; commit it, and leave it to new-service to change.\n");
    for line in lines {
        let _ = writeln!(lock, "{line}");
    }
    files.push((path("lock"), lock.into_bytes()));
    // Two files of one content share an object.
    files.sort();
    files.dedup();
    files
}
