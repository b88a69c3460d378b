//! The arguments of the verbs that change a repository which is there.

use std::fmt::Write as _;

use clap::{Args, Subcommand};

use crate::template::sh;

pub const CODES: &str = "A change is made whole or not at all, and `new-service undo` takes it back until the next commit.\n\
    Exit codes: 0 done, 1 failed and nothing changed, 2 usage, 3 done but conflicts are left to resolve, 130 stopped.";

/// The verbs that change a repository.
#[derive(Debug, Subcommand)]
pub enum Change {
    /// Answer questions again, and change the repository accordingly
    #[command(after_help = CODES)]
    Add(AddArgs),
    /// Take back answers, or remove a resource, and change the repository accordingly
    #[command(after_help = CODES)]
    Remove(RemoveArgs),
    /// Add a resource, or change one
    #[command(after_help = CODES)]
    Resource(ResourceArgs),
    /// Change the repository to match service.toml
    #[command(after_help = CODES)]
    Apply(ApplyArgs),
    /// Take the last change back, until the next commit
    #[command(after_help = "Exit codes: 0 done, 1 failed, 2 usage.")]
    Undo,
    /// Change the repository to match its template and overlays as they are now
    ///
    /// It takes no argument: service.toml names them. A built-in template is the one in this new-service, so
    /// install a newer one first; a folder is taken as it stands. Of a git repository, what #REF (or the default branch) leads
    /// to now is looked up, and service.toml gets the new commit. --template SRC changes to another place of the
    /// same template. It never goes back to an older version.
    ///
    /// Overlays stay, and lie over the new template. To add one, or to take one away, edit [[template.overlay]] in
    /// service.toml before. Where a file of an overlay stands for one that has changed, it says so.
    ///
    /// What you changed is kept, and merged with what is new. To look first: --dry-run, --diff, or `new-service diff`.
    #[command(after_help = CODES)]
    Update(UpdateArgs),
    /// Show what `apply` would change, or `update`; nothing is written
    #[command(after_help = "Exit codes: 0 nothing, 1 failed, 2 usage, 4 something would change.")]
    Diff(DiffArgs),
}

impl Change {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Add(_) => "add",
            Self::Remove(_) => "remove",
            Self::Resource(_) => "resource",
            Self::Apply(_) => "apply",
            Self::Undo => "undo",
            Self::Update(_) => "update",
            Self::Diff(_) => "diff",
        }
    }

    pub fn how(&self) -> How {
        match self {
            Self::Add(AddArgs { how, .. })
            | Self::Remove(RemoveArgs { how, .. })
            | Self::Resource(ResourceArgs { how, .. })
            | Self::Apply(ApplyArgs { how, .. })
            | Self::Update(UpdateArgs { how }) => how.clone(),
            // Nothing is written: whatever is there may be looked at.
            Self::Diff(DiffArgs { json, .. }) => {
                How { dry_run: *json, diff: !*json, json: *json, allow_dirty: true, allow_destructive: true }
            }
            Self::Undo => How::default(),
        }
    }

    /// Whether it settles what two branches drew, and the branch that is published where one is named.
    pub fn settles(&self) -> Option<Option<&str>> {
        match self {
            Self::Apply(ApplyArgs { onto, .. }) | Self::Diff(DiffArgs { onto, .. }) => Some(onto.onto.as_deref()),
            _ => None,
        }
    }

    /// Whether the last change is to be taken back.
    pub fn takes_back(&self) -> bool {
        matches!(self, Self::Undo | Self::Apply(ApplyArgs { abort: true, .. }))
    }

    /// Whether the template may be another than the repository was made from.
    pub fn may_move_on(&self) -> bool {
        matches!(self, Self::Update(_) | Self::Diff(_))
    }

    /// The change as it would be typed, without the template and the ways to report: what `undo` names.
    pub fn words(&self) -> String {
        let flagged = |flag: &'static str, words: &[String]| words.iter().map(|word| (flag, word.clone())).collect();
        let parts: Vec<(&str, String)> = match self {
            Self::Add(AddArgs { answers, .. }) => flagged("", answers),
            Self::Remove(RemoveArgs { keys, .. }) => flagged("", keys),
            Self::Resource(ResourceArgs { spec, without, without_index, .. }) => {
                [flagged("", spec), flagged("--without ", without), flagged("--without-index=", without_index)].concat()
            }
            Self::Apply(_) | Self::Undo | Self::Update(_) | Self::Diff(_) => Vec::new(),
        };
        let mut words = self.name().to_owned();
        for (flag, word) in parts {
            let _ = write!(words, " {flag}{}", sh(&crate::pack::visible(&word)));
        }
        if self.how().allow_destructive && !matches!(self, Self::Diff(_)) {
            words.push_str(" --allow-destructive");
        }
        words
    }
}

/// How a change is made, whatever it is.
#[derive(Debug, Clone, Default, Args)]
#[allow(clippy::struct_excessive_bools)]
pub struct How {
    /// Show what would become of each file, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Show every line that would change, and write nothing
    #[arg(long)]
    pub diff: bool,
    /// Report as JSON on standard output
    #[arg(long)]
    pub json: bool,
    /// Change a working tree that holds what is not committed
    #[arg(long)]
    pub allow_dirty: bool,
    /// Allow a migration or a retention that loses what is in the database
    #[arg(long)]
    pub allow_destructive: bool,
}

impl How {
    pub fn is_dry(&self) -> bool {
        self.dry_run || self.diff
    }
}

#[derive(Debug, Args)]
pub struct AddArgs {
    /// Answers to give; an item joins a list
    #[arg(required = true, value_name = "KEY=VALUE")]
    pub answers: Vec<String>,
    #[command(flatten)]
    pub how: How,
}

#[derive(Debug, Args)]
pub struct RemoveArgs {
    /// Answers to take back, an item of a list (KEY=ITEM), or resources
    #[arg(required = true, value_name = "KEY")]
    pub keys: Vec<String>,
    #[command(flatten)]
    pub how: How,
}

#[derive(Debug, Args)]
pub struct ResourceArgs {
    /// Its name, then fields to add or to change, as in: order note:text? 'total:decimal(12,2)' index=total,-created_at
    #[arg(required = true, value_name = "SPEC")]
    pub spec: Vec<String>,
    /// Take a field away (repeatable)
    #[arg(long, value_name = "FIELD")]
    pub without: Vec<String>,
    /// Take an index over several columns away, as in status,-created_at (repeatable)
    #[arg(long, value_name = "COLUMNS", allow_hyphen_values = true)]
    pub without_index: Vec<String>,
    #[command(flatten)]
    pub how: How,
}

#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// The same as `new-service undo`
    #[arg(long, conflicts_with_all = ["dry_run", "diff", "json", "allow_dirty", "allow_destructive", "onto"])]
    pub abort: bool,
    #[command(flatten)]
    pub onto: Onto,
    #[command(flatten)]
    pub how: How,
}

/// Which of two branches that meet is published.
#[derive(Debug, Clone, Default, Args)]
pub struct Onto {
    /// After a merge: the branch whose migrations have run elsewhere (default: the remote's default branch)
    #[arg(long, value_name = "BRANCH")]
    pub onto: Option<String>,
}

#[derive(Debug, Args)]
pub struct UpdateArgs {
    #[command(flatten)]
    pub how: How,
}

#[derive(Debug, Args)]
pub struct DiffArgs {
    #[command(flatten)]
    pub onto: Onto,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}
