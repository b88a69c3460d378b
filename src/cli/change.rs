//! The arguments of the verbs that change a repository which is there.

use clap::Args;

pub const CODES: &str = "A change is made whole or not at all, and `new-service apply --abort` takes it back until the next commit.\n\
    Exit codes: 0 done, 1 failed and nothing changed, 2 usage, 3 done but conflicts are left to resolve, 130 stopped.";

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
    /// Write migrations that lose what is in the database
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
    /// Take the last change back, until the next commit
    #[arg(long, conflicts_with_all = ["dry_run", "diff", "json", "allow_dirty", "allow_destructive"])]
    pub abort: bool,
    #[command(flatten)]
    pub how: How,
}

#[derive(Debug, Args)]
pub struct UpdateArgs {
    #[command(flatten)]
    pub how: How,
}

#[derive(Debug, Args)]
pub struct DiffArgs {
    /// As JSON
    #[arg(long)]
    pub json: bool,
}
