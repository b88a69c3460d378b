//! A version for each migration: of two branches, each may have drawn the same one, and no database applies both.

use std::collections::{BTreeMap, BTreeSet};

use super::action::Action;
use super::plan::{Entry, Plan};
use super::record::Lock;
use super::work::{Found, WorkTree, unreadable};
use crate::blueprint::stamps;
use crate::fault::Faults;
use crate::pack::Policy;
use crate::render::{Mode, TreePath};

/// A file that has another name now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenamedFile {
    pub from: TreePath,
    pub to: TreePath,
}

/// Gives migrations that have the version of another one a later one, in `lock`; none where each has its own. Those
/// of a branch stay in their order, and what comes later moves only where it would be met. `published` ones stay.
pub fn apart(lock: &mut Lock, published: &BTreeSet<TreePath>) -> Vec<RenamedFile> {
    // By folder, version and name: the files of each.
    let mut migrations = BTreeMap::<(String, u64, String), Vec<TreePath>>::new();
    let mut taken = BTreeSet::<(String, u64)>::new();
    for path in lock.files.iter().filter(|(_, locked)| locked.policy == Policy::Append).map(|(path, _)| path) {
        if let Some((folder, stamp, name, _)) = parts(path)
            && let Some(moment) = stamps::seconds(stamp)
        {
            if published.contains(path) {
                taken.insert((folder.into(), moment));
                continue;
            }
            migrations.entry((folder.into(), moment, name.into())).or_default().push(path.clone());
        }
    }
    let mut renamed = Vec::new();
    let mut last: Option<(String, u64)> = None;
    for ((folder, moment, name), files) in migrations {
        let mut free = match &last {
            Some((before, last)) if *before == folder => moment.max(last + 1),
            _ => moment,
        };
        while taken.contains(&(folder.clone(), free)) {
            free += 1;
        }
        last = Some((folder.clone(), free));
        if free == moment {
            continue;
        }
        let stamp = stamps::stamp(free);
        for from in files {
            let ending = parts(&from).map_or("", |(_, _, _, ending)| ending);
            let Ok(to) = TreePath::new(&format!("{folder}{stamp}_{name}.{ending}")) else { continue };
            renamed.push(RenamedFile { from, to });
        }
        if let Some(known) = lock.migrations.get_mut(&name) {
            *known = stamp.max(known.clone());
        }
    }
    // All of them first: a name that one gives up may be another's.
    let taken: Vec<_> = renamed.iter().map(|renamed| lock.files.remove(&renamed.from)).collect();
    for (RenamedFile { to, .. }, locked) in renamed.iter().zip(taken) {
        lock.files.extend(locked.map(|locked| (to.clone(), locked)));
    }
    renamed
}

/// `migrations/`, `20261122101500`, `create_orders` and `up.sql`.
pub fn parts(path: &TreePath) -> Option<(&str, &str, &str, &str)> {
    let path = path.as_str();
    let (folder, file) = path.split_at(path.rfind('/').map_or(0, |slash| slash + 1));
    let (stamp, rest) = file.split_once('_')?;
    let (name, ending) = rest.split_once('.')?;
    ending.ends_with("sql").then_some((folder, stamp, name, ending))
}

/// Moves the files, with what they hold now, and says so.
pub fn rename(plan: &mut Plan, renamed: &[RenamedFile], work: &dyn WorkTree) -> Result<(), Faults> {
    let look = |path: &TreePath| {
        let found = work.look(path).and_then(|found| work.judged(path, found, Some(Mode::Plain)));
        found.map_err(|error| unreadable(path, &error))
    };
    for RenamedFile { from, to } in renamed {
        let Found::File(content, mode) = look(from)? else { continue };
        if !renamed.iter().any(|other| other.to == *from) {
            let gone = Entry::create(from.clone(), Vec::new(), Mode::Plain, None);
            plan.entries.push(Entry { action: Action::Delete, before: Some((content.clone(), mode)), ..gone });
        }
        let entry = Entry::create(to.clone(), content, mode, None);
        let entry = Entry { moved_from: Some(from.clone()), ..entry };
        plan.entries.push(match look(to)? {
            Found::File(there, mode) => Entry { action: Action::Update, before: Some((there, mode)), ..entry },
            _ => entry,
        });
        if to.as_str().contains(".up.") {
            plan.notes.push(format!(
                "{from} is {to} now: two branches had drawn one version. A database where it ran already knows it by \
                 the old one: correct that in its history, or take the migration back there before"
            ));
        }
    }
    plan.entries.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// The lock of these migrations, and what becomes of it.
    fn parted(names: &[&str]) -> Vec<String> {
        let hash = "0".repeat(64);
        let files: Vec<String> = names.iter().map(|name| format!("file {name} append 644 {hash} pg\n")).collect();
        let mut lock = Lock::parse(&format!("digest x\npack p 1\ndrawn year 2026\n{}", files.concat())).unwrap();
        apart(&mut lock, &BTreeSet::new());
        assert_eq!(apart(&mut lock, &BTreeSet::new()), [], "once is enough");
        lock.files.keys().map(ToString::to_string).collect()
    }

    /// A share that shows every file as one that can be run; git knows better.
    struct Share(BTreeMap<TreePath, (Vec<u8>, Mode)>);

    impl WorkTree for Share {
        fn look(&self, path: &TreePath) -> io::Result<Found> {
            self.0.look(path)
        }

        fn judged(&self, path: &TreePath, found: Found, assumed: Option<Mode>) -> io::Result<Found> {
            assert!(self.0.contains_key(path) || found == Found::Nothing);
            let Found::File(content, mode) = found else { return Ok(found) };
            Ok(Found::File(content, assumed.unwrap_or(mode)))
        }

        fn files(&self) -> io::Result<BTreeMap<TreePath, u64>> {
            self.0.files()
        }

        fn folder(&self, folder: &TreePath) -> io::Result<Vec<TreePath>> {
            self.0.folder(folder)
        }

        fn objects(&self) -> io::Result<BTreeSet<String>> {
            self.0.objects()
        }
    }

    #[test]
    fn a_migration_with_another_name_has_the_mode_that_git_knows() {
        let path = |path| TreePath::new(path).unwrap();
        let (from, to) = (path("m/20261122101500_a.up.sql"), path("m/20261122101501_a.up.sql"));
        let share = Share([(from.clone(), (b"x".to_vec(), Mode::Executable))].into());
        let mut plan = Plan::default();
        rename(&mut plan, &[RenamedFile { from, to }], &share).unwrap();
        assert_eq!(plan.entries.iter().map(|entry| entry.mode).collect::<Vec<_>>(), [Mode::Plain; 2]);
    }

    #[test]
    fn each_has_a_version_and_the_order_of_its_branch() {
        let alone = ["m/20261122101500_a.up.sql", "m/20261122101501_b.up.sql", "n/20261122101500_c.up.sql"];
        assert_eq!(parted(&alone), alone);
        assert_eq!(
            parted(&[
                "m/20261122101500_a.down.sql",
                "m/20261122101500_a.up.sql",
                "m/20261122101559_change.up.sql",
                "m/20261122101559_b.up.sql",
                "m/20261122101600_change.up.sql",
                "m/20261122101602_d.up.sql",
                "m/20261122101700_e.up.sql",
            ]),
            [
                "m/20261122101500_a.down.sql",
                "m/20261122101500_a.up.sql",
                "m/20261122101559_b.up.sql",
                "m/20261122101600_change.up.sql",
                "m/20261122101601_change.up.sql",
                "m/20261122101602_d.up.sql",
                "m/20261122101700_e.up.sql",
            ]
        );
        // What has no moment before its name is no migration of ours.
        assert_eq!(parted(&["m/1_a.up.sql", "m/1_b.up.sql"]), ["m/1_a.up.sql", "m/1_b.up.sql"]);
    }
}
