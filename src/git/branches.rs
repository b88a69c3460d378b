//! Where two branches meet: while a merge, a rebase or a cherry-pick goes on, and in the commit that ends a merge.

use std::fs;

use super::{Repository, command, run};

/// Two commits whose changes come together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meeting {
    pub kind: MeetingKind,
    /// The commit that both began with; none where the histories have none in common, or a shallow clone lacks it.
    pub base: Option<String>,
    pub ours: String,
    pub theirs: String,
    /// The commit that ended it.
    pub merge: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeetingKind {
    /// A merge goes on.
    Merge,
    /// A commit is put on top of ours: in a rebase, a cherry-pick, by `git stash pop`.
    Pick,
    /// The merge is committed, and nothing since.
    Merged,
    /// The merge is committed, and more since.
    MergedBefore,
}

/// The side whose migrations have run elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishedSide {
    Ours,
    Theirs,
    Both,
}

impl Repository {
    /// The branches that meet now. `is_in_conflict` says that git could not merge a file, which `git stash pop` and
    /// `git merge --squash` leave without saying of what; with `looks_back`, the last merge counts where commits came after it.
    pub fn meeting(&self, is_in_conflict: bool, looks_back: bool) -> Option<Meeting> {
        let parents = run(&self.folder, &["rev-list", "--parents", "--max-count=1", "HEAD"]).ok()?;
        let parents: Vec<&str> = parents.split_whitespace().collect();
        let (head, parents) = parents.split_first()?;
        let noted = |name: &str| {
            let text = fs::read_to_string(self.git_dir.join(name)).ok()?;
            // Of several heads, an octopus, git leaves no conflict.
            (text.lines().count() == 1).then(|| text.trim().to_owned())
        };
        let picked = |commit: String| {
            let base = self.commit(&format!("{commit}^"));
            Some(Meeting { kind: MeetingKind::Pick, base, ours: (*head).to_owned(), theirs: commit, merge: None })
        };
        let merged = |kind, merge: Option<&str>, ours: &str, theirs: &str| {
            let base = run(&self.folder, &["merge-base", ours, theirs]).ok().map(|base| base.trim().to_owned());
            let merge = merge.map(str::to_owned);
            Some(Meeting { kind, base, ours: ours.to_owned(), theirs: theirs.to_owned(), merge })
        };
        if let Some(theirs) = noted("MERGE_HEAD") {
            return merged(MeetingKind::Merge, None, head, &theirs);
        }
        let is_rebasing = ["rebase-merge", "rebase-apply"].iter().any(|name| self.git_dir.join(name).is_dir());
        if let Some(commit) = noted("REBASE_HEAD").filter(|_| is_rebasing).or_else(|| noted("CHERRY_PICK_HEAD")) {
            return picked(commit);
        }
        if is_in_conflict {
            let squashed = fs::read_to_string(self.git_dir.join("SQUASH_MSG")).unwrap_or_default();
            if let Some(tip) = squashed.lines().find_map(|line| line.strip_prefix("commit ")) {
                return merged(MeetingKind::Merge, None, head, tip);
            }
            return picked(self.commit("refs/stash")?);
        }
        if let [ours, theirs] = parents {
            return merged(MeetingKind::Merged, Some(head), ours, theirs);
        }
        if !looks_back {
            return None;
        }
        let arguments = ["rev-list", "--parents", "--merges", "--first-parent", "--max-count=1", "HEAD"];
        let last = run(&self.folder, &arguments).ok()?;
        match last.split_whitespace().collect::<Vec<_>>()[..] {
            [merge, ours, theirs] => merged(MeetingKind::MergedBefore, Some(merge), ours, theirs),
            _ => None,
        }
    }

    /// The full name of a commit.
    fn commit(&self, name: &str) -> Option<String> {
        let commit = format!("{name}^{{commit}}");
        run(&self.folder, &["rev-parse", "--verify", "--quiet", &commit]).ok().map(|commit| commit.trim().to_owned())
    }

    /// What a commit has at a path.
    pub fn file_at(&self, commit: &str, path: &str) -> Option<Vec<u8>> {
        let name = format!("{commit}:{}{path}", self.prefix);
        let output = command(&self.top).args(["cat-file", "blob", &name]).output().ok()?;
        output.status.success().then_some(output.stdout)
    }

    /// The paths of files directly in a folder, as a commit has them.
    pub fn folder_at(&self, commit: &str, folder: &str) -> Vec<String> {
        let folder = format!("{folder}/");
        let listed = run(&self.folder, &["ls-tree", "-z", "--name-only", commit, &folder]).unwrap_or_default();
        listed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect()
    }

    /// How a person calls a commit: by a branch that leads to it, or in short.
    pub fn name_of(&self, commit: &str) -> String {
        let at = format!("--points-at={commit}");
        let arguments = ["for-each-ref", "--format=%(refname:short)", &at, "refs/heads", "refs/remotes"];
        let names = run(&self.folder, &arguments).unwrap_or_default();
        let current = run(&self.folder, &["symbolic-ref", "--short", "--quiet", "HEAD"]).unwrap_or_default();
        let current = names.lines().find(|name| *name == current.trim());
        current.or(names.lines().next()).map_or_else(|| commit[..commit.len().min(9)].to_owned(), str::to_owned)
    }

    /// Which side of a meeting is published: the one that `onto` leads to where it is given, else the remote's default
    /// branch, else the upstream branch; of a commit that is picked, the side that it is put on. None where none of
    /// them tells.
    pub fn published(&self, meeting: &Meeting, onto: Option<&str>) -> Result<Option<PublishedSide>, String> {
        let reaches = |tip: &str| {
            let has = |commit: &str| run(&self.folder, &["merge-base", "--is-ancestor", commit, tip]).is_ok();
            match (has(&meeting.ours), has(&meeting.theirs)) {
                (true, true) => Some(PublishedSide::Both),
                (true, false) => Some(PublishedSide::Ours),
                (false, true) => Some(PublishedSide::Theirs),
                (false, false) => None,
            }
        };
        if let Some(onto) = onto {
            let tip = self.commit(onto).ok_or_else(|| format!("git knows no commit \"{onto}\""))?;
            // The branch that the other was merged into, after that.
            let is_after = !meeting.goes_on() && self.head().as_ref() == Some(&tip);
            return Ok(if is_after { Some(PublishedSide::Ours) } else { reaches(&tip) });
        }
        if let Some(side) = self.commit("refs/remotes/origin/HEAD").and_then(|tip| reaches(&tip)) {
            return Ok(Some(side));
        }
        // A branch that was pushed for review is its own upstream: it says little where the other is pushed as well.
        let is_pushed = |commit: &str| {
            let contains = format!("--contains={commit}");
            run(&self.folder, &["for-each-ref", &contains, "refs/remotes"]).is_ok_and(|names| !names.trim().is_empty())
        };
        let side = self.commit("@{upstream}").and_then(|tip| reaches(&tip)).filter(|side| match side {
            PublishedSide::Ours => !is_pushed(&meeting.theirs),
            PublishedSide::Theirs => !is_pushed(&meeting.ours),
            PublishedSide::Both => true,
        });
        Ok(side.or((meeting.kind == MeetingKind::Pick).then_some(PublishedSide::Ours)))
    }

    /// Takes a folder and paths into the index as they stand, be it that they are gone.
    pub fn stage_paths(&self, folder: &str, paths: &[&str]) -> Result<(), String> {
        run(&self.folder, &["add", "--all", "--", folder]).map_err(|failure| failure.to_string())?;
        let paths: String = paths.iter().flat_map(|path| [&self.prefix, *path, "\0"]).collect();
        self.feed(&["update-index", "-z", "--add", "--remove", "--stdin"], paths.as_bytes()).map(drop)
    }
}

impl Meeting {
    /// Whether it is not committed yet.
    pub fn goes_on(&self) -> bool {
        !matches!(self.kind, MeetingKind::Merged | MeetingKind::MergedBefore)
    }
}
