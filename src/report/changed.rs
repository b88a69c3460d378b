//! What a change did or would do.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::{BAD, BOLD, DIM, GOOD, WARN, say, unified, warn, with_overlays};
use crate::blueprint::Blueprint;
use crate::evolve::{Action, Entry, Lock, MissedChange, Plan};
use crate::pack::{Pack, visible};
use crate::render::TreePath;

/// As many old names are told in a terminal.
const MENTIONS: usize = 50;

pub struct Changed<'a> {
    pub verb: &'static str,
    pub blueprint: &'a Blueprint,
    pub pack: &'a Pack,
    pub plan: &'a Plan,
    /// What the repository was made of before.
    pub lock: &'a Lock,
    pub root: &'a Path,
    pub written: bool,
    /// Whether it was only to be shown.
    pub dry: bool,
}

impl Changed<'_> {
    /// What people read of it: all but the record, and all but what stays.
    fn told(&self) -> impl Iterator<Item = &Entry> {
        let plain = |entry: &&Entry| entry.action != Action::Unchanged && !Plan::is_record(&entry.path);
        // The line of the new path tells of the old one.
        let has_moved = |entry: &&Entry| entry.action == Action::Delete && self.plan.moved_to(&entry.path).is_some();
        self.plan.entries.iter().filter(plain).filter(move |entry| !has_moved(entry))
    }

    /// `action  path`, a line each.
    pub fn list(&self) -> String {
        self.lines(false)
    }

    fn lines(&self, coloured: bool) -> String {
        let mut text = String::new();
        for entry in self.told() {
            let style = match entry.action {
                Action::Conflict | Action::Beside => BAD,
                Action::Create | Action::Update | Action::Merge => GOOD,
                Action::Delete => WARN,
                Action::KeepDeleted | Action::Keep | Action::Unchanged => DIM,
            };
            let word = format!("{:12}", entry.action.word());
            let word = if coloured { format!("{style}{word}{style:#}") } else { word };
            let mut why = match entry.action {
                Action::Conflict if entry.conflicts > 1 => format!(" ({} places)", entry.conflicts),
                Action::Beside => " (something else stands there: this is the template's)".to_owned(),
                Action::KeepDeleted => {
                    let is_it =
                        |missed: &&MissedChange| [&missed.template_path, &missed.moved_from].contains(&&entry.path);
                    match self.plan.missed.iter().find(is_it) {
                        Some(missed) => format!(" (you moved it to {})", missed.path),
                        None => " (you deleted it)".to_owned(),
                    }
                }
                Action::Update if entry.moved_from.is_none() => {
                    let to = self.plan.moved_to(&entry.path);
                    to.map_or_else(String::new, |to| format!(" (its former text is now in {})", to.path))
                }
                Action::Keep => " (yours: the template no longer makes it)".to_owned(),
                _ => String::new(),
            };
            if let Some(overlay) = &entry.overlay {
                let _ = write!(why, " (from {})", visible(overlay));
            }
            let from = entry.moved_from.as_ref().map_or_else(String::new, |from| format!("{from} -> "));
            let _ = writeln!(text, "  {word} {from}{}{why}", entry.path);
        }
        text
    }

    fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for entry in self.plan.entries.iter().filter(|entry| !Plan::is_record(&entry.path)) {
            *counts.entry(entry.action.word()).or_default() += 1;
        }
        counts
    }

    /// What the person should know.
    pub fn notes(&self) -> Vec<String> {
        let lost = self.plan.destructive.iter().map(|what| format!("needs --allow-destructive: {what}"));
        let mut notes: Vec<String> = lost.chain(self.plan.notes.iter().cloned()).collect();
        notes.extend(self.plan.missed.iter().map(|missed| format!("{}; {}", missed.note(), self.how_to_see())));
        if let Some(why) = &self.plan.unformatted {
            notes.push(format!("{why}: files with names in them are not formatted; `cargo fmt` would do it"));
        }
        notes
    }

    /// How a change that was not merged is seen: once it is taken in, the template has no other any more.
    fn how_to_see(&self) -> &'static str {
        if self.written { "to see it: new-service undo, then new-service diff" } else { "--diff shows it" }
    }

    /// Names in the team's code that are others now, a line each; a long list ends with how to get the rest.
    pub fn mentions(&self) -> Vec<String> {
        let mentions = &self.plan.mentions;
        let mut lines: Vec<String> = mentions.iter().take(MENTIONS).map(ToString::to_string).collect();
        if mentions.len() > MENTIONS {
            lines.push(format!("and {} more; --json lists them all", mentions.len() - MENTIONS));
        }
        lines
    }

    /// Commands that work when pasted, in order.
    pub fn next_steps(&self) -> Vec<String> {
        if !self.plan.changes() {
            return Vec::new();
        }
        let mut steps = Vec::new();
        let conflicts: Vec<String> = self
            .plan
            .entries
            .iter()
            .filter(|entry| entry.action == Action::Conflict)
            .map(|entry| crate::template::sh(entry.path.as_str()))
            .collect();
        if !conflicts.is_empty() {
            steps.push(format!("${{EDITOR:-vi}} {}", conflicts.join(" ")));
            steps.push(format!("git add {}", conflicts.join(" ")));
        }
        steps.extend(self.plan.next.iter().cloned());
        steps.extend(self.pack.manifest.next.changed.iter().cloned());
        let mut seen = std::collections::BTreeSet::new();
        steps.retain(|step| seen.insert(step.clone()));
        steps
    }

    pub fn print(&self) {
        if !self.plan.changes() {
            say("Nothing to do: the repository is as service.toml and the template say.");
            for note in self.notes() {
                warn(&note);
            }
            return;
        }
        let manifest = &self.pack.manifest;
        let from =
            if self.lock.version == manifest.version { String::new() } else { format!("{} → ", self.lock.version) };
        say(&format!(
            "{GOOD}Changed{GOOD:#} {BOLD}{}{BOLD:#} by {} {from}{}{} ({})",
            self.blueprint.name,
            manifest.name,
            manifest.version,
            with_overlays(self.pack),
            self.plan.layers.join(", "),
        ));
        say(self.lines(true).trim_end());
        let conflicts = self.plan.conflicts();
        if conflicts > 0 {
            let files = if conflicts == 1 { "file is" } else { "files are" };
            warn(&format!("{conflicts} {files} left to resolve; to take it all back: new-service undo"));
        }
        for line in self.notes().iter().chain(&self.mentions()) {
            warn(line);
        }
        let steps = self.next_steps();
        if !steps.is_empty() {
            say("\nNext:");
        }
        for step in steps {
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
                let stands = !matches!(entry.action, Action::Delete | Action::KeepDeleted);
                let known = entry.action.writes() && stands;
                serde_json::json!({
                    "path": entry.path.as_str(),
                    "action": entry.action.word(),
                    "mode": stands.then(|| format!("{:o}", entry.mode.bits())),
                    "layer": entry.layer,
                    "bytes": known.then_some(entry.content.len()),
                    "conflicts": entry.conflicts,
                    "moved_from": entry.moved_from.as_ref().map(TreePath::as_str),
                    "overlay": entry.overlay,
                })
            })
            .collect();
        let stale: Vec<_> = self.plan.stale.iter().map(|stale| {
            serde_json::json!({"overlay": stale.overlay, "path": stale.path, "below": if stale.gone { "gone" } else { "changed" }})
        }).collect();
        let missed: Vec<_> = self
            .plan
            .missed
            .iter()
            .map(|missed| {
                serde_json::json!({
                    "path": missed.path.as_str(),
                    "moved_from": missed.moved_from.as_str(),
                    "template_path": missed.template_path.as_str(),
                    "diff": unified::between(&missed.before, &missed.after),
                })
            })
            .collect();
        let mentions: Vec<_> = self.plan.mentions.iter().map(|mention| {
            serde_json::json!({"path": mention.path.as_str(), "line": mention.line, "from": mention.from, "to": mention.to})
        }).collect();
        let template = |version: &str, digest: &str| serde_json::json!({"version": version, "digest": digest});
        let manifest = &self.pack.manifest;
        let value = serde_json::json!({
            "command": self.verb,
            "name": self.blueprint.name,
            "directory": self.root.to_string_lossy(),
            "template": {
                "name": manifest.name,
                "from": template(&self.lock.version, &self.lock.digest),
                "to": template(&manifest.version, &self.pack.digest),
            },
            "layers": self.plan.layers,
            "files": files,
            "counts": self.counts(),
            "changes": self.plan.changes(),
            "conflicts": self.plan.conflicts(),
            "migrations": self.plan.migrations,
            "destructive": self.plan.destructive,
            "written": self.written,
            "notes": self.notes(),
            "stale": stale,
            "missed_changes": missed,
            "mentions": mentions,
            "next": self.next_steps(),
        });
        Ok(serde_json::to_string_pretty(&value)? + "\n")
    }
}
