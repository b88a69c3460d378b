//! What becomes of one file: what stands in the working tree, what the template made of it last, and what
//! it makes now. Pure.

use std::borrow::Cow;

use super::action::{Action, Stages, Version};
use super::merge::{self, Labels, Merged};
use super::record::Locked;
use super::work::Found;
use crate::pack::{Policy, hash};
use crate::render::{Mode, lockfile};

/// What a path is to hold, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub action: Action,
    /// What is to stand there; none is nothing.
    pub content: Option<(Vec<u8>, Mode)>,
    /// What is to stand beside it, at `PATH.new`.
    pub beside: Option<(Vec<u8>, Mode)>,
    pub conflicts: usize,
    pub stages: Option<Stages>,
}

impl Decision {
    pub fn new(action: Action, content: Option<(Vec<u8>, Mode)>) -> Self {
        Self { action, content, beside: None, conflicts: 0, stages: None }
    }

    /// Stays as it is.
    fn leave(action: Action, found: Found) -> Self {
        let content = if let Found::File(content, mode) = found { Some((content, mode)) } else { None };
        Self::new(action, content)
    }

    fn beside(found: Found, theirs: Version) -> Self {
        let beside = Some((theirs.formatted.to_vec(), theirs.mode));
        Self { beside, conflicts: 1, ..Self::leave(Action::Beside, found) }
    }
}

/// A path that the template makes now. `base` is none where the bytes that it made last are not known.
pub struct Rendered<'a> {
    pub path: &'a str,
    pub policy: Policy,
    pub locked: Option<&'a Locked>,
    pub base: Option<Version<'a>>,
    pub theirs: Version<'a>,
    pub labels: &'a Labels,
    /// Whether the formatter is missing, so that its changes cannot be told from a person's.
    pub unformatted: bool,
}

impl Rendered<'_> {
    pub fn decide(&self, found: Found) -> Decision {
        let fresh = || Some((self.theirs.formatted.to_vec(), self.theirs.mode));
        match (self.policy, self.locked) {
            // Written once: the team's from then on, even when it is gone.
            (Policy::Once | Policy::Append, Some(_)) => return Decision::leave(Action::Unchanged, found),
            (Policy::Once, None) if found != Found::Nothing => return Decision::leave(Action::Unchanged, found),
            _ => {}
        }
        let (ours, mode) = match found {
            Found::Nothing if self.locked.is_none() => return Decision::new(Action::Create, fresh()),
            Found::Nothing => return Decision::new(Action::KeepDeleted, None),
            Found::Other(_) => return Decision::beside(found, self.theirs),
            Found::File(ours, mode) => (ours, mode),
        };
        if self.is(&ours, self.theirs) {
            return self.adopt(ours, mode);
        }
        let base = match (self.locked, self.base) {
            (Some(_), Some(base)) => base,
            // The hash is enough to tell that nobody touched it.
            (Some(locked), None) if is_pristine(&ours, locked) => {
                Version { raw: &ours, formatted: &ours, mode: locked.mode }
            }
            _ => return Decision::beside(Found::File(ours, mode), self.theirs),
        };
        let merged_mode = three_modes(base.mode, mode, self.theirs.mode);
        // Untouched, as the formatter left it or as it was rendered.
        let untouched = self.is(&ours, base);
        let ours_now: Cow<[u8]> =
            if untouched && !has_carriages(&ours) { Cow::Borrowed(base.formatted) } else { Cow::Borrowed(&ours) };
        match merge::merge(self.path, base.formatted, &ours_now, self.theirs.formatted, self.labels) {
            Merged::Clean(content) => {
                let action = if content == ours && merged_mode == mode {
                    Action::Unchanged
                } else if untouched && mode == base.mode {
                    Action::Update
                } else {
                    Action::Merge
                };
                Decision::new(action, Some((content, merged_mode)))
            }
            Merged::Conflict(content, conflicts) => Decision {
                conflicts,
                stages: Some(Stages::new(base, (ours.clone(), mode), self.theirs)),
                ..Decision::new(Action::Conflict, Some((content, merged_mode)))
            },
            Merged::Binary => Decision {
                conflicts: 1,
                stages: Some(Stages::new(base, (ours.clone(), mode), self.theirs)),
                beside: Some((self.theirs.formatted.to_vec(), self.theirs.mode)),
                ..Decision::new(Action::Conflict, Some((ours, mode)))
            },
        }
    }

    /// What the template makes stands there already.
    fn adopt(&self, ours: Vec<u8>, mode: Mode) -> Decision {
        let base = self.locked.map_or(mode, |locked| locked.mode);
        let merged = three_modes(base, mode, self.theirs.mode);
        let action = if merged == mode { Action::Unchanged } else { Action::Update };
        Decision::new(action, Some((ours, merged)))
    }

    fn is(&self, ours: &[u8], version: Version) -> bool {
        is_version(ours, version, self.unformatted)
    }
}

/// A lock file: replaced where nobody touched it; else packages join, and the user's versions stay.
pub fn lock_file(locked: &Locked, theirs: &[u8], ours: &[u8], mode: Mode) -> Decision {
    let decision = |action, content| Decision::new(action, Some((merge::with_ends_of(ours, content), mode)));
    let plain = merge::without_carriages(ours);
    if plain == theirs {
        return decision(Action::Unchanged, plain);
    }
    if hash(&plain) == locked.hash {
        return decision(Action::Update, theirs.to_vec());
    }
    match lockfile::join(&String::from_utf8_lossy(&plain), &String::from_utf8_lossy(theirs)) {
        Some(joined) if joined.as_bytes() == plain => decision(Action::Unchanged, plain),
        Some(joined) => decision(Action::Merge, joined.into_bytes()),
        // What cannot be read stays; cargo says what is wrong with it.
        None => decision(Action::Keep, plain),
    }
}

/// A path that the template no longer makes, and that is merged or a lock file: it goes when nobody has touched it.
pub fn no_longer(locked: &Locked, base: Option<Version>, found: Found, unformatted: bool) -> Option<Decision> {
    match found {
        Found::Nothing => None,
        Found::File(ours, mode) => {
            let same = base.is_some_and(|base| is_version(&ours, base, unformatted)) || is_pristine(&ours, locked);
            if same && mode == locked.mode {
                return Some(Decision::new(Action::Delete, None));
            }
            Some(Decision::leave(Action::Keep, Found::File(ours, mode)))
        }
        Found::Other(_) => Some(Decision::leave(Action::Keep, found)),
    }
}

/// Whether the hash tells that nobody has touched it.
fn is_pristine(ours: &[u8], locked: &Locked) -> bool {
    hash(ours) == locked.hash || hash(&merge::without_carriages(ours)) == locked.hash
}

/// Whether `ours` is what the template made: raw or formatted, with its own line ends or with CRLF.
pub fn is_version(ours: &[u8], version: Version, unformatted: bool) -> bool {
    let turned: Cow<[u8]> = if has_carriages(ours) && !merge::is_binary(ours) {
        Cow::Owned(merge::without_carriages(ours))
    } else {
        Cow::Borrowed(ours)
    };
    *turned == *version.formatted || *turned == *version.raw || (unformatted && packed(&turned) == packed(version.raw))
}

fn has_carriages(text: &[u8]) -> bool {
    text.windows(2).any(|pair| pair == b"\r\n")
}

/// A text without spaces, line breaks and the commas that a formatter adds and takes away.
fn packed(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|byte| !byte.is_ascii_whitespace() && *byte != b',').collect()
}

/// The mode that the team has given it, or the template's.
pub fn three_modes(base: Mode, ours: Mode, theirs: Mode) -> Mode {
    if ours == base { theirs } else { ours }
}
