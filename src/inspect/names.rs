//! Names that `[[renamed]]` says are others now: the template has them no more.

use crate::evolve::Names;
use crate::fault::{Fault, Faults};
use crate::pack::Policy;
use crate::render::Tree;

/// Old names that are still in the files of a service, each once.
pub fn faults(tree: &Tree) -> Faults {
    let mut faults = Faults::default();
    let Some(names) = Names::of(&tree.renames) else { return faults };
    // What is written once may tell of what was.
    for (path, file) in tree.iter().filter(|(_, file)| file.policy == Policy::Merge) {
        let Ok(text) = std::str::from_utf8(&file.content) else { continue };
        for (line, from) in names.in_text(text) {
            let Some(rename) = tree.renames.get(from) else { continue };
            if !faults.0.iter().any(|fault| fault.place.as_ref() == Some(&rename.place)) {
                let message = format!("`{from}` is renamed, but {path}:{line} still uses it");
                let help = format!("use `{}` there, or remove the entry", rename.to);
                faults.push(Fault::at(rename.place.clone(), message).help(help));
            }
        }
    }
    faults
}
