//! The git command, as far as creating and changing a repository need it.

mod branches;
mod ignore;
mod index;
pub mod remote;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub use branches::{Meeting, MeetingKind, PublishedSide};
pub use ignore::{IgnoredPath, ignored};
pub use index::IndexedFile;

/// What became of `git init` and the first commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Committed,
    /// Initialised, but not committed; git's reason.
    Uncommitted(String),
    /// The folder lies inside a repository, which takes the files in.
    Inside(String),
    /// There is no git here.
    Missing,
    /// The user did not want it.
    Skipped,
}

/// The repository that `folder` would be part of, if any: the top of its work tree.
/// A folder that the repository ignores is not part of it, as `cargo new` sees it.
pub fn repository_around(folder: &Path) -> Option<String> {
    let existing = existing(folder);
    let top = run(existing, &["rev-parse", "--show-toplevel"]).ok()?;
    let absolute = std::path::absolute(folder).ok()?;
    let ignored = command(existing)
        .args(["check-ignore", "--quiet"])
        .arg(&absolute)
        .status()
        .is_ok_and(|status| status.success());
    (!ignored).then(|| top.trim().to_owned())
}

/// Whether a repository begins at the folder, which need not be there, or above it: this takes no process.
pub fn is_marked(folder: &Path) -> bool {
    let whole = existing(folder).canonicalize();
    whole.is_ok_and(|folder| folder.ancestors().any(|above| above.join(".git").exists()))
}

/// The nearest folder that is there.
fn existing(folder: &Path) -> &Path {
    let existing = folder.ancestors().find(|path| path.is_dir());
    existing.filter(|path| *path != Path::new("")).unwrap_or(Path::new("."))
}

/// The first commit of a repository.
pub struct FirstCommit<'a> {
    pub message: &'a str,
    /// Files that belong in it; what else is in the folder comes along.
    pub files: Vec<&'a str>,
    /// Whether a rule may keep one of them out.
    pub may_ignore: &'a dyn Fn(&IgnoredPath) -> bool,
    /// Files that can be run.
    pub executable: Vec<&'a str>,
}

/// `git init`, and a first commit with the author that git itself is set up with.
/// The branch is `main`, which the workflows of packs name.
pub fn init(folder: &Path, first: &FirstCommit) -> Outcome {
    match run(folder, &["init", "--quiet", "--initial-branch=main"]) {
        Err(Failure::Missing) => return Outcome::Missing,
        Err(Failure::Said(why)) => return Outcome::Uncommitted(why),
        Ok(_) => {}
    }
    let commit = first.add(folder).and_then(|()| run(folder, &["commit", "--quiet", "--message", first.message]));
    match commit {
        Ok(_) => Outcome::Committed,
        Err(Failure::Missing) => Outcome::Missing,
        Err(Failure::Said(why)) => Outcome::Uncommitted(why),
    }
}

impl FirstCommit<'_> {
    fn add(&self, folder: &Path) -> Result<(), Failure> {
        // It says `add 'PATH'` of each, which spares asking about the rules where all came in.
        let added = run(folder, &["add", "--all", "--verbose"])?;
        let added: BTreeSet<&str> =
            added.lines().filter_map(|line| line.strip_prefix("add '")?.strip_suffix('\'')).collect();
        let missing: Vec<&str> = self.files.iter().filter(|path| !added.contains(*path)).copied().collect();
        let ignored = if missing.is_empty() { None } else { ignored(folder, missing) }.unwrap_or_default();
        let forced: Vec<&str> =
            ignored.iter().filter(|ignored| !(self.may_ignore)(ignored)).map(|ignored| &*ignored.path).collect();
        if !forced.is_empty() {
            let arguments = ["--literal-pathspecs", "add", "--force", "--pathspec-from-file=-", "--pathspec-file-nul"];
            feed(folder, &arguments, forced.join("\0").as_bytes())?;
        }
        // `git init` has tried whether modes are kept, and noted it.
        let settings = std::fs::read_to_string(folder.join(".git/config")).unwrap_or_default();
        if !self.executable.is_empty() && settings.to_ascii_lowercase().contains("filemode = false") {
            feed(folder, &index::chmod(true), self.executable.join("\0").as_bytes())?;
        }
        Ok(())
    }
}

/// A repository of git's that a folder lies in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// The folder that is asked about.
    folder: PathBuf,
    top: PathBuf,
    /// Git's own folder; of a worktree or a submodule, its own.
    git_dir: PathBuf,
    /// The way from the top to the folder, with `/` at its end; empty at the top.
    prefix: String,
}

/// What `git status` tells of a folder, by paths from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Tracked files that are not as they were committed.
    pub changed: Vec<String>,
    /// Files whose conflict is not resolved.
    pub unmerged: Vec<String>,
}

/// A file's content with its mode, as git counts it: 644 or 755.
pub type Blob<'a> = (&'a [u8], u32);

/// The three versions of a file in conflict.
pub struct Unmerged<'a> {
    /// From the folder.
    pub path: &'a str,
    pub base: Blob<'a>,
    pub ours: Blob<'a>,
    pub theirs: Blob<'a>,
}

impl Repository {
    /// The repository that `folder` is part of; none where there is none, or it ignores the folder.
    /// That there is one and git will not tell of it is an error, with git's reason.
    pub fn around(folder: &Path) -> Result<Option<Self>, String> {
        let marked = is_marked(folder);
        let told = match run(folder, &["rev-parse", "--show-toplevel", "--absolute-git-dir", "--show-prefix"]) {
            Ok(told) => told,
            Err(Failure::Missing) if marked => return Err("git is not installed".into()),
            Err(Failure::Said(why)) if marked => return Err(why),
            Err(_) => return Ok(None),
        };
        let mut lines = told.lines();
        let (Some(top), Some(git_dir)) = (lines.next(), lines.next()) else { return Ok(None) };
        let prefix = lines.next().unwrap_or_default().to_owned();
        let found = Self { folder: folder.to_owned(), top: top.into(), git_dir: git_dir.into(), prefix };
        let ignored = !found.prefix.is_empty()
            && command(&found.top)
                .args(["check-ignore", "--quiet", found.prefix.trim_end_matches('/')])
                .status()
                .is_ok_and(|status| status.success());
        Ok((!ignored).then_some(found))
    }

    pub fn top(&self) -> &Path {
        &self.top
    }

    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    pub fn index(&self) -> PathBuf {
        self.git_dir.join("index")
    }

    /// The commit that is checked out; none before the first.
    pub fn head(&self) -> Option<String> {
        run(&self.folder, &["rev-parse", "--verify", "--quiet", "HEAD"]).ok().map(|head| head.trim().to_owned())
    }

    pub fn status(&self) -> Result<Status, String> {
        let arguments = ["status", "--porcelain=v1", "-z", "--untracked-files=no", "--", "."];
        let told = run(&self.folder, &arguments).map_err(|failure| failure.to_string())?;
        let mut status = Status::default();
        let mut parts = told.split('\0').filter(|part| part.len() > 3);
        while let Some(part) = parts.next() {
            let (state, path) = part.split_at(3);
            // A file that was renamed names both, and we know it by its new name.
            if state.starts_with(['R', 'C']) {
                parts.next();
            }
            let path = path.strip_prefix(&self.prefix).unwrap_or(path).to_owned();
            if ["DD ", "AU ", "UD ", "UA ", "DU ", "AA ", "UU "].contains(&state) {
                status.unmerged.push(path);
            } else {
                status.changed.push(path);
            }
        }
        Ok(status)
    }

    /// Files of the folder that are tracked, or would be: those that are ignored are left out.
    pub fn files(&self) -> Result<Vec<String>, String> {
        let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "."];
        let listed = run(&self.folder, &arguments).map_err(|failure| failure.to_string())?;
        Ok(listed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
    }

    /// Leaves files in conflict as `git merge` does, so that `git status`, editors and `git mergetool` show them.
    pub fn leave_unmerged(&self, files: &[Unmerged]) -> Result<(), String> {
        let mut lines = String::new();
        for file in files {
            let path = format!("{}{}", self.prefix, file.path);
            let _ = write!(lines, "0 {} 0\t{path}\0", "0".repeat(40));
            for (stage, (content, mode)) in (1..).zip([file.base, file.ours, file.theirs]) {
                let name = self.feed(&["hash-object", "-w", "--stdin", "--path", &path], content)?;
                let _ = write!(lines, "100{mode:o} {} {stage}\t{path}\0", name.trim());
            }
        }
        self.feed(&["update-index", "-z", "--index-info"], lines.as_bytes()).map(drop)
    }

    /// Runs git at the top with something on its standard input.
    fn feed(&self, arguments: &[&str], input: &[u8]) -> Result<String, String> {
        feed(&self.top, arguments, input).map_err(|failure| failure.to_string())
    }
}

enum Failure {
    Missing,
    Said(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing => f.write_str("git is not installed"),
            Self::Said(why) => write!(f, "git: {why}"),
        }
    }
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new("git");
    // Never waits for a person; never acts on another repository than the folder's.
    command.current_dir(folder).stdin(Stdio::null()).env("GIT_TERMINAL_PROMPT", "0");
    // Those of `git rev-parse --local-env-vars` that lead elsewhere; a git hook has them set.
    for name in [
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_COMMON_DIR",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_PREFIX",
    ] {
        command.env_remove(name);
    }
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Result<String, Failure> {
    answer(&command(folder).args(arguments).output().map_err(|_| Failure::Missing)?)
}

fn feed(folder: &Path, arguments: &[&str], input: &[u8]) -> Result<String, Failure> {
    answer(&pipe(command(folder).args(arguments), input).map_err(|error| Failure::Said(error.to_string()))?)
}

/// Runs a command with something on its standard input.
fn pipe(command: &mut Command, input: &[u8]) -> io::Result<Output> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let stdin = child.stdin.take();
    // It may answer before it has read all, so that both go on side by side. One that ends early says why.
    std::thread::scope(|scope| {
        scope.spawn(|| stdin.map(|mut pipe| pipe.write_all(input)));
        child.wait_with_output()
    })
}

fn answer(output: &Output) -> Result<String, Failure> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let talk = String::from_utf8_lossy(&output.stderr);
    // git explains at length; the line that begins with `fatal:` is the reason.
    let line =
        talk.lines().find(|line| line.starts_with("fatal:")).or(talk.lines().next()).unwrap_or("git said nothing");
    Err(Failure::Said(line.trim_start_matches("fatal: ").to_owned()))
}
