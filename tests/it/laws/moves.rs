//! A template that moves its files merges as one that leaves them where they are.

use new_service::evolve::Action;
use new_service::render::TreePath;
use proptest::prelude::*;

use super::edits::{self, Edit, Tree};
use super::{blueprint, choice, new, pack, path, plan, run, written};

const FOLDER: &str = "deep/er/";

/// What stands there of what a team and the template have.
fn others(tree: &Tree) -> impl Iterator<Item = (&TreePath, &(Vec<u8>, new_service::render::Mode))> {
    tree.iter().filter(|(path, _)| !edits::is_ours(path))
}

#[test]
fn a_move_changes_no_merge() {
    let (old, stays, moves) = (pack::pack("0.1.0"), pack::pack("0.2.0"), pack::pack_in(FOLDER, "0.2.0"));
    run(800, &(choice(), choice(), edits::edits()), |((one, few), (two, more), edits)| {
        // A file of the team's own is in the way at one of the two paths alone.
        let edits: Vec<Edit> = edits.into_iter().filter(|edit| !matches!(edit, Edit::Own(_))).collect();
        let mut tree = new(&blueprint(&old, pack::answers(one, &few)), &old);
        edits::apply(&mut tree, &edits);
        let target = |pack| blueprint(pack, pack::answers(two, &more));
        let (stays_target, moves_target) = (target(&stays), target(&moves));
        let (stayed, moved) = (plan(&tree, &stays_target, &stays), plan(&tree, &moves_target, &moves));
        prop_assert_eq!(stayed.conflicts(), moved.conflicts());
        let (stayed, after) = (written(&stayed, tree.clone()), written(&moved, tree.clone()));
        let fresh = new(&stays_target, &stays);
        let expected: Tree = others(&stayed)
            .map(|(at, file)| {
                // What the template no longer makes is where it was.
                let is_made = fresh.contains_key(at);
                (if is_made { path(&format!("{FOLDER}{at}")) } else { at.clone() }, file.clone())
            })
            .collect();
        let after_moved: Tree = others(&after).map(|(path, file)| (path.clone(), file.clone())).collect();
        prop_assert_eq!(after_moved, expected, "after {:?}", edits);
        // Nothing is left to do.
        let again = plan(&after, &moves_target, &moves);
        prop_assert!(!again.entries.iter().any(|entry| entry.changes() && entry.action != Action::Unchanged));
        Ok(())
    });
}
