//! Commits of repositories elsewhere: looked up, fetched and read. Nothing is checked out, so that no link,
//! hook, filter or submodule of theirs ever comes to life.

use std::fs::File;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use super::{Failure, answer, command};

/// Ways to a repository by which nobody else can put something in, and no program is run that a URL names.
pub const PROTOCOLS: [&str; 3] = ["https", "ssh", "file"];

/// What a name leads to in a repository elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteRevision {
    pub commit: String,
    /// Whether it is a tag, which is not meant to move.
    pub tag: bool,
}

/// A file of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitFile {
    pub path: String,
    /// As git writes it: `100644`.
    pub mode: String,
    pub object: String,
    pub bytes: u64,
}

/// Why there is nothing of a fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfetched {
    /// It was given up, for it grew past what it may.
    TooLarge,
    /// In git's words.
    Failed(String),
}

impl From<String> for Unfetched {
    fn from(why: String) -> Self {
        Self::Failed(why)
    }
}

/// What `reference` leads to: a tag, else a branch; without one, what is checked out there by default. None
/// where there is no such name; git's reason where it cannot be asked.
pub fn resolve(url: &str, reference: Option<&str>) -> Result<Option<RemoteRevision>, String> {
    let names = match reference {
        None => vec!["HEAD".to_owned()],
        Some(name) if name.starts_with("refs/") => vec![format!("{name}^{{}}"), name.to_owned()],
        Some(name) => {
            vec![format!("refs/tags/{name}^{{}}"), format!("refs/tags/{name}"), format!("refs/heads/{name}")]
        }
    };
    // Outside of the repository here, whose settings could be another's.
    let mut asked = careful(&std::env::temp_dir());
    asked.args(["ls-remote", "--quiet", "--", url]).args(&names);
    let told = run(&mut asked)?;
    let refs: Vec<(&str, &str)> = told.lines().filter_map(|line| line.split_once('\t')).collect();
    let found = names.iter().find_map(|name| refs.iter().find(|(_, there)| there == name));
    Ok(found
        .filter(|(commit, _)| is_commit(commit))
        .map(|(commit, name)| RemoteRevision { commit: (*commit).to_owned(), tag: name.starts_with("refs/tags/") }))
}

/// Whether a text is the whole name of a commit.
pub fn is_commit(text: &str) -> bool {
    [40, 64].contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Fetches one commit, without what came before it, into a new bare repository `folder`. One that grows past
/// `most` bytes is given up.
pub fn fetch(url: &str, commit: &str, reference: Option<&str>, folder: &Path, most: u64) -> Result<(), Unfetched> {
    let format = if commit.len() == 64 { "sha256" } else { "sha1" };
    let mut init = inside(folder);
    init.args(["init", "--quiet", "--bare", "--template=", &format!("--object-format={format}"), "."]);
    run(&mut init)?;
    let by_commit = fetch_one(url, commit, folder, most);
    // Some servers give only what has a name; it is asked for below whether the name still leads there.
    let fetched = match (by_commit, reference) {
        (Err(Unfetched::Failed(_)), Some(name)) => fetch_one(url, name, folder, most),
        (told, _) => told,
    };
    fetched?;
    let mut there = inside(folder);
    run(there.args(["cat-file", "-e", &format!("{commit}^{{commit}}")]))
        .map(drop)
        .map_err(|_| Unfetched::Failed(format!("the commit {commit} is not to be had there")))
}

fn fetch_one(url: &str, name: &str, folder: &Path, most: u64) -> Result<(), Unfetched> {
    let talk = folder.join("talk");
    let mut fetch = inside(folder);
    fetch.args(["fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-auto-maintenance"]);
    fetch.args(["--", url, &format!("+{name}:refs/pack/it")]);
    fetch.stdout(Stdio::null()).stderr(File::create(&talk).map_err(|error| error.to_string())?);
    let mut child = fetch.spawn().map_err(|_| Failure::Missing.to_string())?;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if size(folder) > most => {
                // Its helpers end with the pipes to it.
                let _ = child.kill();
                let _ = child.wait();
                return Err(Unfetched::TooLarge);
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(20)),
            Err(error) => return Err(error.to_string().into()),
        }
    };
    // One that was faster than the look at it.
    if size(folder) > most {
        return Err(Unfetched::TooLarge);
    }
    let stderr = std::fs::read(&talk).unwrap_or_default();
    let answered = answer(&Output { status, stdout: Vec::new(), stderr });
    answered.map(drop).map_err(|failure| failure.to_string().into())
}

fn size(folder: &Path) -> u64 {
    let files = walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok);
    files.filter_map(|entry| entry.metadata().ok()).map(|meta| meta.len()).sum()
}

/// The files below the folder `below` in a commit that was fetched into `folder`, with nothing read of them yet.
pub fn list(folder: &Path, commit: &str, below: &str) -> Result<Vec<CommitFile>, String> {
    let mut listed = inside(folder);
    let told = run(listed.args(["ls-tree", "-r", "-z", "-l", "--full-tree", &format!("{commit}:{below}")]))?;
    let item = |line: &str| {
        let (facts, path) = line.split_once('\t')?;
        let mut facts = facts.split_whitespace();
        let (mode, _, object, bytes) = (facts.next()?, facts.next()?, facts.next()?, facts.next()?);
        let (path, mode, object) = (path.to_owned(), mode.to_owned(), object.to_owned());
        Some(CommitFile { path, mode, object, bytes: bytes.parse().unwrap_or(0) })
    };
    Ok(told.split('\0').filter_map(item).collect())
}

/// The contents of `items`, in order.
pub fn read(folder: &Path, items: &[CommitFile]) -> Result<Vec<Vec<u8>>, String> {
    let mut batch = inside(folder);
    batch.args(["cat-file", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = batch.spawn().map_err(|_| Failure::Missing.to_string())?;
    let names: String = items.iter().flat_map(|item| [item.object.as_str(), "\n"]).collect();
    let pipe = child.stdin.take();
    // It answers while it is still being asked.
    let asking = std::thread::spawn(move || pipe.map(|mut pipe| pipe.write_all(names.as_bytes())));
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    drop(asking.join());
    let mut rest = output.stdout.as_slice();
    let mut contents = Vec::with_capacity(items.len());
    for item in items {
        // `OBJECT blob SIZE`, the content, and the end of a line.
        let head = rest.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        let size = usize::try_from(item.bytes).unwrap_or(usize::MAX);
        let content = head.and_then(|head| rest.get(head..)?.get(..size));
        let (Some(head), Some(content)) = (head, content) else {
            return Err(format!("{}: git does not give it", item.path));
        };
        contents.push(content.to_vec());
        rest = rest.get(head + size + 1..).unwrap_or_default();
    }
    Ok(contents)
}

fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|_| Failure::Missing.to_string())?;
    answer(&output).map_err(|failure| failure.to_string())
}

/// [`careful`], in a bare repository of ours; it is named, for git may be told not to look for such.
fn inside(folder: &Path) -> Command {
    let mut command = careful(folder);
    command.env("GIT_DIR", ".");
    command
}

/// git with a person's own credentials and proxies, and nothing that others could make it run.
fn careful(folder: &Path) -> Command {
    let mut command = command(folder);
    let own = std::env::var("GIT_ALLOW_PROTOCOL").ok();
    let allowed = |name: &&str| own.as_ref().is_none_or(|own| own.split(':').any(|one| one == *name));
    let protocols: Vec<&str> = PROTOCOLS.into_iter().filter(allowed).collect();
    command.env("GIT_ALLOW_PROTOCOL", protocols.join(":"));
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        // There is somebody who can be asked for a password.
        command.env_remove("GIT_TERMINAL_PROMPT");
    }
    for setting in [
        "core.hooksPath=/dev/null",
        "fetch.fsckObjects=true",
        "fetch.unpackLimit=1",
        // What is larger is streamed, and not held in memory.
        "core.bigFileThreshold=1m",
        "gc.auto=0",
    ] {
        command.args(["-c", setting]);
    }
    command
}
