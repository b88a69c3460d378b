//! What people and machines read. Data goes to standard output, talk to standard error.

mod changed;
mod unified;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;

use anstyle::{AnsiColor, Style};

use crate::blueprint::Blueprint;
use crate::evolve::{Action, Entry, Plan};
use crate::fault::Stop;
use crate::git;
use crate::pack::{Pack, Question, visible};
use crate::template::sh;

pub use changed::Changed;
pub use unified::diff;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const WARN: Style = AnsiColor::Yellow.on_default().bold();

/// Data, on standard output. A reader that goes away (`| head`) is no error.
pub fn out(text: &str) -> anyhow::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Talk, on standard error; colours go where they are wanted. Nobody listening is no error.
pub fn say(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

pub fn warn(text: &str) {
    say(&format!("{WARN}warning{WARN:#}: {text}"));
}

/// The last words of a command that failed.
pub fn error(error: &anyhow::Error) {
    match error.downcast_ref::<Stop>() {
        Some(Stop::Interrupted) => say(&format!("{error}")),
        _ => {
            for paragraph in split_faults(&format!("{error:#}")) {
                say(&format!("{BAD}error{BAD:#}: {paragraph}"));
            }
        }
    }
}

/// What clap has to say: help and version too, which come as errors. Only clap's own colours reach the
/// terminal; a control character in an argument that it quotes does not.
pub fn usage(error: &clap::Error) {
    let plain = error.render().to_string();
    let harmless = plain.lines().map(visible).collect::<Vec<_>>().join("\n");
    if harmless == plain.trim_end_matches('\n') {
        let _ = error.print();
    } else {
        say(&harmless);
    }
}

/// One paragraph a fault: a line that is indented belongs to the one before. Others' words may be in it.
fn split_faults(text: &str) -> Vec<String> {
    let mut paragraphs: Vec<String> = Vec::new();
    for line in text.lines().map(visible) {
        match paragraphs.last_mut() {
            Some(last) if line.starts_with(' ') => {
                last.push('\n');
                last.push_str(&line);
            }
            _ => paragraphs.push(line),
        }
    }
    paragraphs
}

/// Columns of the terminal; 80 where there is none.
pub fn width() -> usize {
    terminal_size::terminal_size_of(io::stderr()).map_or(80, |(width, _)| usize::from(width.0)).max(20)
}

/// Cut to `width` columns. Wide characters may reach over; nothing breaks of it.
pub fn fit(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    line.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// `key  answer`, a line each.
pub fn answers(blueprint: &Blueprint, asked: &[&Question], width: usize) -> String {
    let shortest = if blueprint.resources.is_empty() { "name".len() } else { "resource".len() };
    let longest = asked.iter().map(|question| question.key.len()).max().unwrap_or(0).max(shortest);
    let mut text = fit(&format!("  {:longest$}  {}", "name", blueprint.name), width) + "\n";
    for question in asked {
        let answer = blueprint.answers.get(&question.key).map(ToString::to_string).unwrap_or_default();
        let answer = if answer.is_empty() { "(empty)".to_owned() } else { answer };
        let _ = writeln!(text, "{}", fit(&format!("  {:longest$}  {answer}", question.key), width));
    }
    for resource in &blueprint.resources {
        let _ = writeln!(text, "{}", fit(&format!("  {:longest$}  {resource}", "resource"), width));
    }
    text
}

/// The plan's files as a tree. A folder of more than `many` files is told by its number.
pub fn tree(plan: &Plan, width: usize, many: usize) -> String {
    let mut root = Node::default();
    let mut record = 0;
    for entry in &plan.entries {
        if Plan::is_record(&entry.path) {
            record += 1;
            continue;
        }
        let mut node = &mut root;
        for part in entry.path.as_str().split('/') {
            node = node.children.entry(part.to_owned()).or_default();
        }
        node.overlay = entry.overlay.as_deref();
        node.kept = entry.action == Action::Keep;
    }
    let mut text = String::new();
    root.print("  ", width, many, &mut text);
    if record > 0 {
        let _ = writeln!(
            text,
            "{}",
            fit(&format!("  .new-service/ ({record} files: what later versions merge by)"), width)
        );
    }
    text
}

#[derive(Default)]
struct Node<'a> {
    children: BTreeMap<String, Node<'a>>,
    /// The overlay that a file is from.
    overlay: Option<&'a str>,
    /// Whether it is a file that stands there already, and stays.
    kept: bool,
}

impl Node<'_> {
    fn count(&self) -> usize {
        if self.children.is_empty() { 1 } else { self.children.values().map(Node::count).sum() }
    }

    fn print(&self, indent: &str, width: usize, many: usize, text: &mut String) {
        for (name, node) in &self.children {
            // A folder that holds one thing is shown with it: `.github/workflows/`.
            let (mut name, mut node) = (name.clone(), node);
            while let (1, Some((only, child))) = (node.children.len(), node.children.iter().next()) {
                name = format!("{name}/{only}");
                node = child;
            }
            if node.children.is_empty() {
                let from = match node.overlay {
                    _ if node.kept => " (kept)".to_owned(),
                    Some(overlay) => format!(" (from {})", visible(overlay)),
                    None => String::new(),
                };
                let _ = writeln!(text, "{}", fit(&format!("{indent}{name}{from}"), width));
            } else if node.count() > many {
                let _ = writeln!(text, "{}", fit(&format!("{indent}{name}/ ({} files)", node.count()), width));
            } else {
                let _ = writeln!(text, "{}", fit(&format!("{indent}{name}/"), width));
                node.print(&format!("{indent}  "), width, many, text);
            }
        }
    }
}

/// ` with ../platform`, where overlays lie over the pack.
fn with_overlays(pack: &Pack) -> String {
    let names: Vec<_> = pack.overlays.iter().map(|overlay| visible(overlay.name())).collect();
    if names.is_empty() { String::new() } else { format!(" with {}", names.join(", ")) }
}

/// What `new` did or would do.
pub struct Created<'a> {
    pub blueprint: &'a Blueprint,
    pub pack: &'a Pack,
    pub plan: &'a Plan,
    pub dir: &'a Path,
    pub written: bool,
    pub git: &'a git::Outcome,
    pub notes: &'a [String],
    /// Whether the file of one machine was written: where one was there, it stays.
    pub env_written: bool,
}

impl Created<'_> {
    /// Commands that work when pasted, in order.
    pub fn next_steps(&self) -> Vec<String> {
        let dir = self.dir.to_string_lossy();
        let enter = (dir != ".").then(|| format!("cd {}", sh(&dir)));
        let commit = self.completes_a_repository().then(|| {
            let message = format!("Create {}", self.blueprint.name);
            format!("git add --all && git commit --message {}", sh(&message))
        });
        enter.into_iter().chain(commit).chain(self.plan.next.iter().cloned()).collect()
    }

    /// Whether the folder was a repository of git's before, such as a fresh clone: to commit is its owner's.
    fn completes_a_repository(&self) -> bool {
        let git::Outcome::Inside(top) = self.git else { return false };
        let top = Path::new(top).canonicalize();
        top.is_ok_and(|top| self.dir.canonicalize().is_ok_and(|dir| dir == top))
    }

    pub fn print(&self) {
        let is_new = |entry: &&Entry| entry.action.writes() && !Plan::is_record(&entry.path);
        let files = self.plan.entries.iter().filter(is_new).count();
        say(&format!(
            "{GOOD}Created{GOOD:#} {BOLD}{}{BOLD:#} in {}: {files} files from {} {}{} ({})",
            self.blueprint.name,
            self.dir.display(),
            self.pack.manifest.name,
            self.pack.manifest.version,
            with_overlays(self.pack),
            self.plan.layers.join(", "),
        ));
        match self.git {
            git::Outcome::Committed => say(&format!("{DIM}git: initialised, with a first commit{DIM:#}")),
            git::Outcome::Uncommitted(why) => {
                warn(&format!("git: the files are there, but not committed: {why}"));
                say("  to commit them: git add --all && git commit -m 'Create the service'");
            }
            git::Outcome::Inside(top) => {
                say(&format!("{DIM}git: inside the repository {top}, so no `git init`{DIM:#}"));
            }
            git::Outcome::Missing => warn("git is not installed: no repository was initialised"),
            git::Outcome::Skipped => {}
        }
        if let Some(file) = self.plan.env_file.as_ref().filter(|_| self.env_written) {
            say(&format!("{DIM}{}: drew {} for this machine; it is not committed{DIM:#}", file.path, file.names()));
        }
        for note in self.notes {
            warn(note);
        }
        say("\nNext:");
        for step in self.next_steps() {
            say(&format!("  {step}"));
        }
        let meanwhile = &self.plan.meanwhile;
        if !meanwhile.is_empty() {
            say("Then, in another terminal:");
        }
        for step in meanwhile {
            say(&format!("  {step}"));
        }
    }

    /// The same for machines. The shape is `docs/json.md`.
    pub fn json(&self) -> anyhow::Result<String> {
        let files: Vec<serde_json::Value> = self
            .plan
            .entries
            .iter()
            .map(|entry| {
                serde_json::json!({
                    "path": entry.path.as_str(),
                    "action": entry.action.word(),
                    "mode": format!("{:o}", entry.mode.bits()),
                    "layer": entry.layer,
                    "bytes": entry.content.len(),
                    "overlay": entry.overlay,
                })
            })
            .collect();
        let answers: BTreeMap<&str, &crate::pack::Answer> = self.blueprint.answers.iter().collect();
        let resources: Vec<serde_json::Value> = self
            .blueprint
            .resources
            .iter()
            .map(|resource| {
                let fields: Vec<String> = resource.fields.iter().map(ToString::to_string).collect();
                let mut object =
                    serde_json::json!({"name": resource.name, "plural": resource.plural, "fields": fields});
                if !resource.indexes.is_empty() {
                    let indexes: Vec<String> = resource.indexes.iter().map(ToString::to_string).collect();
                    object["indexes"] = indexes.into();
                }
                object
            })
            .collect();
        let value = serde_json::json!({
            "name": self.blueprint.name,
            "directory": self.dir.to_string_lossy(),
            "template": {"name": self.pack.manifest.name, "version": self.pack.manifest.version, "digest": self.pack.digest},
            "answers": answers,
            "resources": resources,
            "layers": self.plan.layers,
            "files": files,
            "written": self.written,
            "git": match self.git {
                git::Outcome::Committed => "committed",
                git::Outcome::Uncommitted(_) => "uncommitted",
                git::Outcome::Inside(_) => "inside",
                git::Outcome::Missing => "missing",
                git::Outcome::Skipped => "skipped",
            },
            "notes": self.notes,
            "next": self.next_steps(),
            "meanwhile": self.plan.meanwhile,
            "env": self.plan.env_file.as_ref().map(|file| serde_json::json!({
                "path": file.path.as_str(),
                "drawn": file.settings.iter().map(|setting| &setting.env).collect::<Vec<_>>(),
                "written": self.env_written,
            })),
        });
        Ok(serde_json::to_string_pretty(&value)? + "\n")
    }
}
