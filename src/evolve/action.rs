//! What becomes of a path, and the versions of a file that this is judged by.

use serde::Serialize;

use crate::render::Mode;

/// A version of a file: raw, as it was rendered, and as the formatter leaves it.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    pub raw: &'a [u8],
    pub formatted: &'a [u8],
    pub mode: Mode,
}

/// What becomes of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It was not there.
    Create,
    /// Nobody had touched it, or its text went to another path: it is as the template makes it now.
    Update,
    /// The user's changes and the template's are both in it.
    Merge,
    /// Both changed the same place, and markers stand around it.
    Conflict,
    /// Something else stands there: the template's stands beside it, as `PATH.new`.
    Beside,
    /// The template no longer makes it, and nobody had touched it.
    Delete,
    /// The user deleted it, and so it stays.
    KeepDeleted,
    /// The template no longer makes it, and the user has changed it: it stays.
    Keep,
    Unchanged,
}

impl Action {
    /// Whether anything is written.
    pub fn writes(self) -> bool {
        !matches!(self, Self::KeepDeleted | Self::Keep | Self::Unchanged)
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Merge => "merge",
            Self::Conflict => "conflict",
            Self::Beside => "beside",
            Self::Delete => "delete",
            Self::KeepDeleted => "keep-deleted",
            Self::Keep => "keep",
            Self::Unchanged => "unchanged",
        }
    }
}

/// The three versions of a conflict, for git's index: the team's may have been at another path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stages {
    pub base: (Vec<u8>, Mode),
    pub ours: (Vec<u8>, Mode),
    pub theirs: (Vec<u8>, Mode),
}

impl Stages {
    pub fn new(base: Version, ours: (Vec<u8>, Mode), theirs: Version) -> Self {
        let owned = |version: Version| (version.formatted.to_vec(), version.mode);
        Self { base: owned(base), ours, theirs: owned(theirs) }
    }
}
