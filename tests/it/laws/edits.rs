//! What a team does to files between two changes.

use std::collections::BTreeMap;

use new_service::render::{Mode, TreePath};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

pub type Tree = BTreeMap<TreePath, (Vec<u8>, Mode)>;

#[derive(Debug, Clone)]
pub enum Edit {
    /// A line of the user's own, somewhere.
    Insert(Index, Index),
    /// A line of the template, changed.
    Change(Index, Index),
    Remove(Index, Index),
    Append(Index),
    Delete(Index),
    Carriages(Index),
    NoLastBreak(Index),
    RunBit(Index),
    /// A file of the user's own, where the template may want one.
    Own(Index),
}

pub fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let at = any::<Index>;
    let edit = prop_oneof![
        4 => (at(), at()).prop_map(|(file, line)| Edit::Insert(file, line)),
        4 => (at(), at()).prop_map(|(file, line)| Edit::Change(file, line)),
        2 => (at(), at()).prop_map(|(file, line)| Edit::Remove(file, line)),
        2 => at().prop_map(Edit::Append),
        1 => at().prop_map(Edit::Delete),
        1 => at().prop_map(Edit::Carriages),
        1 => at().prop_map(Edit::NoLastBreak),
        1 => at().prop_map(Edit::RunBit),
        1 => at().prop_map(Edit::Own),
    ];
    vec(edit, 0..7)
}

/// Paths that the template may come to want.
const WANTED: [&str; 4] = ["alpha/own.txt", "beta/own.txt", "items/a.txt", "epsilon/own.txt"];

/// Does them, and gives the lines that are the user's now, by file.
pub fn apply(tree: &mut Tree, edits: &[Edit]) -> BTreeMap<TreePath, Vec<String>> {
    let mut own: BTreeMap<TreePath, Vec<String>> = BTreeMap::new();
    for (number, edit) in edits.iter().enumerate() {
        let mine = |path: &TreePath| {
            // In a form that the file's kind takes.
            match path.as_str().rsplit_once('.') {
                Some((_, "toml")) => format!("mine_{number} = {number}\n"),
                Some((_, "yaml")) => format!("mine_{number}: {number}\n"),
                _ => format!("mine {number}\n"),
            }
        };
        let paths: Vec<TreePath> = tree.keys().filter(|path| !is_ours(path)).cloned().collect();
        let pick = |file: &Index| file.get(&paths).clone();
        match edit {
            Edit::Insert(file, line) | Edit::Change(file, line) | Edit::Remove(file, line) => {
                let path = pick(file);
                let content = &mut tree.get_mut(&path).unwrap().0;
                let text = String::from_utf8(content.clone()).unwrap();
                let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
                let mut new = mine(&path);
                if text.contains("\r\n") {
                    new = new.replace('\n', "\r\n");
                }
                match edit {
                    Edit::Insert(..) => lines.insert(line.index(lines.len() + 1), new.clone()),
                    _ if lines.is_empty() => continue,
                    Edit::Change(..) => {
                        let at = line.index(lines.len());
                        if lines[at].contains("mine") {
                            continue;
                        }
                        lines[at].clone_from(&new);
                    }
                    _ => {
                        let at = line.index(lines.len());
                        if lines[at].contains("mine") {
                            continue;
                        }
                        lines.remove(at);
                    }
                }
                // One that has no break at its end gets one before another line.
                let count = lines.len();
                for line in lines.iter_mut().take(count.saturating_sub(1)) {
                    if !line.ends_with('\n') {
                        line.push('\n');
                    }
                }
                *content = lines.concat().into_bytes();
                if !matches!(edit, Edit::Remove(..)) {
                    own.entry(path).or_default().push(new.trim().to_owned());
                }
            }
            Edit::Append(file) => {
                let path = pick(file);
                let content = &mut tree.get_mut(&path).unwrap().0;
                if !content.is_empty() && !content.ends_with(b"\n") {
                    content.push(b'\n');
                }
                content.extend(mine(&path).into_bytes());
                own.entry(path.clone()).or_default().push(mine(&path).trim().to_owned());
            }
            Edit::Delete(file) => {
                let path = pick(file);
                if paths.len() > 3 {
                    tree.remove(&path);
                    own.remove(&path);
                }
            }
            Edit::Carriages(file) => {
                let content = &mut tree.get_mut(&pick(file)).unwrap().0;
                let text = String::from_utf8(content.clone()).unwrap();
                *content = text.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes();
            }
            Edit::NoLastBreak(file) => {
                let content = &mut tree.get_mut(&pick(file)).unwrap().0;
                while content.last().is_some_and(|byte| b"\r\n".contains(byte)) {
                    content.pop();
                }
            }
            Edit::RunBit(file) => {
                let mode = &mut tree.get_mut(&pick(file)).unwrap().1;
                *mode = if *mode == Mode::Plain { Mode::Executable } else { Mode::Plain };
            }
            Edit::Own(which) => {
                let path = TreePath::new(WANTED[which.index(WANTED.len())]).unwrap();
                if !tree.contains_key(&path) {
                    tree.insert(path.clone(), (mine(&path).into_bytes(), Mode::Plain));
                    own.entry(path.clone()).or_default().push(mine(&path).trim().to_owned());
                }
            }
        }
    }
    own.retain(|path, _| tree.contains_key(path));
    own
}

/// What only new-service writes to.
pub fn is_ours(path: &TreePath) -> bool {
    path.as_str() == "service.toml" || path.as_str().starts_with(".new-service/")
}
