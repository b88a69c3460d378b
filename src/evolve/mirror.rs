//! A folder that shows what a template makes: brought up to date at each rendering, and nobody's to edit.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::action::Action;
use super::files;
use super::interrupt;
use super::plan::{Entry, Plan};
use super::work::{is_plain, mode_of};
use crate::fault::{Fault, Faults};
use crate::render::{Mode, RECORD, TreePath};

/// Names, a line each, what was written here: nothing else is ever touched.
const LIST: &str = "watched";

#[derive(Debug)]
pub struct Mirror {
    folder: PathBuf,
    written: BTreeSet<TreePath>,
}

impl Mirror {
    /// A folder that is not there yet, or is empty, or was filled so before; another is a fault.
    pub fn open(folder: &Path) -> Result<Self, Fault> {
        let refused = |error: io::Error| Fault::new(format!("{}: {error}", folder.display()));
        let mut written = BTreeSet::new();
        match fs::read_to_string(folder.join(RECORD).join(LIST)) {
            Ok(list) => written.extend(list.lines().filter_map(|line| TreePath::new(line).ok())),
            Err(_) => match fs::read_dir(folder).map(Iterator::count) {
                Ok(names) if names > 0 => {
                    let fault = Fault::new(format!("{}: holds files that no watch has written", folder.display()));
                    return Err(fault.help("give a folder that is empty, or that is not there yet"));
                }
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(refused(error)),
                _ => {}
            },
        }
        Ok(Self { folder: folder.to_owned(), written })
    }

    /// What would become of the folder for a service that `made` creates: its files, without the record.
    pub fn plan(&self, made: Plan) -> Result<Plan, Fault> {
        // The list is never to be run.
        let keeps_modes = is_plain(&self.folder.join(RECORD).join(LIST));
        let mut entries = Vec::new();
        for entry in made.entries.into_iter().filter(|entry| !Plan::is_record(&entry.path)) {
            let mut before = self.found(&entry.path)?;
            if let Some((_, mode)) = before.as_mut().filter(|_| !keeps_modes) {
                *mode = entry.mode;
            }
            let action = match &before {
                None => Action::Create,
                Some(before) if *before == (entry.content.clone(), entry.mode) => Action::Unchanged,
                Some(_) => Action::Update,
            };
            entries.push(Entry { action, before, ..entry });
        }
        let made: BTreeSet<TreePath> = entries.iter().map(|entry| entry.path.clone()).collect();
        for path in self.written.difference(&made) {
            if let Some(before) = self.found(path)? {
                let entry = Entry::create(path.clone(), Vec::new(), before.1, None);
                entries.push(Entry { action: Action::Delete, before: Some(before), ..entry });
            }
        }
        entries.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Plan { entries, ..Plan::default() })
    }

    /// Brings the folder to the plan; each file is replaced whole.
    pub fn write(&mut self, plan: &Plan) -> Result<(), Faults> {
        let _hold = interrupt::hold();
        let stays = |entry: &&Entry| entry.action != Action::Delete;
        let after: BTreeSet<TreePath> = plan.entries.iter().filter(stays).map(|entry| entry.path.clone()).collect();
        // Told before it is done, so that what a kill leaves is known the next time.
        self.list(&self.written.union(&after).cloned().collect())?;
        for entry in plan.entries.iter().filter(|entry| entry.action == Action::Delete) {
            files::remove(&self.path(&entry.path), &self.folder).map_err(|error| self.fault(&entry.path, &error))?;
        }
        for entry in plan.entries.iter().filter(stays).filter(|entry| entry.changes()) {
            replace(&self.path(&entry.path), &entry.content, entry.mode)
                .map_err(|error| self.fault(&entry.path, &error))?;
        }
        self.list(&after)?;
        self.written = after;
        Ok(())
    }

    fn list(&self, paths: &BTreeSet<TreePath>) -> Result<(), Fault> {
        let text: String = paths.iter().flat_map(|path| [path.as_str(), "\n"]).collect();
        let path = self.folder.join(RECORD).join(LIST);
        replace(&path, text.as_bytes(), Mode::Plain).map_err(|error| Fault::new(format!("{}: {error}", path.display())))
    }

    /// What stands at a path; a link there, or on the way, is a fault, for it could lead out.
    fn found(&self, path: &TreePath) -> Result<Option<(Vec<u8>, Mode)>, Fault> {
        for part in path.parents().chain([path.as_str()]) {
            if fs::symlink_metadata(self.folder.join(part)).is_ok_and(|meta| meta.is_symlink()) {
                return Err(Fault::new(format!("{}: is a link", self.folder.join(part).display())));
            }
        }
        let place = self.path(path);
        match fs::read(&place) {
            Ok(content) => Ok(Some((content, fs::metadata(&place).map_or(Mode::Plain, |meta| mode_of(&meta))))),
            Err(error) if error.kind() == io::ErrorKind::NotFound || error.kind() == io::ErrorKind::NotADirectory => {
                Ok(None)
            }
            Err(_) if place.is_dir() => Ok(None),
            Err(error) => Err(self.fault(path, &error)),
        }
    }

    fn path(&self, path: &TreePath) -> PathBuf {
        self.folder.join(path.as_str())
    }

    fn fault(&self, path: &TreePath, error: &io::Error) -> Fault {
        Fault::new(format!("{}: {error}", self.path(path).display()))
    }
}

fn replace(path: &Path, content: &[u8], mode: Mode) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        files::may_refuse(file.as_file().set_permissions(fs::Permissions::from_mode(mode.bits())))?;
    }
    let _ = mode;
    file.persist(path)?;
    Ok(())
}
