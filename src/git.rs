//! The git command, as far as creating needs it.

use std::path::Path;
use std::process::{Command, Stdio};

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
    let existing = folder.ancestors().find(|path| path.is_dir() || *path == Path::new(""))?;
    let existing = if existing == Path::new("") { Path::new(".") } else { existing };
    let top = run(existing, &["rev-parse", "--show-toplevel"]).ok()?;
    let absolute = std::path::absolute(folder).ok()?;
    let ignored = command(existing)
        .args(["check-ignore", "--quiet"])
        .arg(&absolute)
        .status()
        .is_ok_and(|status| status.success());
    (!ignored).then(|| top.trim().to_owned())
}

/// `git init`, and a first commit with the author that git itself is set up with.
/// The branch is `main`, which the workflows of packs name.
pub fn init(folder: &Path, message: &str) -> Outcome {
    match run(folder, &["init", "--quiet", "--initial-branch=main"]) {
        Err(Failure::Missing) => return Outcome::Missing,
        Err(Failure::Said(why)) => return Outcome::Uncommitted(why),
        Ok(_) => {}
    }
    let commit = run(folder, &["add", "--all"]).and_then(|_| run(folder, &["commit", "--quiet", "--message", message]));
    match commit {
        Ok(_) => Outcome::Committed,
        Err(Failure::Missing) => Outcome::Missing,
        Err(Failure::Said(why)) => Outcome::Uncommitted(why),
    }
}

enum Failure {
    Missing,
    Said(String),
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
    let output = command(folder).args(arguments).output().map_err(|_| Failure::Missing)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let talk = String::from_utf8_lossy(&output.stderr);
    // git explains at length; the line that begins with `fatal:` is the reason.
    let line =
        talk.lines().find(|line| line.starts_with("fatal:")).or(talk.lines().next()).unwrap_or("git said nothing");
    Err(Failure::Said(line.trim_start_matches("fatal: ").to_owned()))
}
