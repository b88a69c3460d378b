//! A pack or an overlay in a git repository: `URL//FOLDER#REF`, pinned to a commit.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::source::{Files, check_size};
use super::{check_plain, shown, visible};
use crate::fault::{Fault, Faults};
use crate::git::remote;
use crate::limits;

const ALLOWED: &str = "a git repository is named by https://, ssh://, git@HOST:PATH, file:// or OWNER/REPOSITORY";

/// Where `OWNER/REPOSITORY` is.
const GITHUB: &str = "https://github.com/";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    url: String,
    /// The folder in the repository; empty for its top.
    folder: String,
    /// A tag, a branch or a whole commit; without one, the branch that is there by default.
    reference: Option<String>,
    /// The commit whose files are meant, where one is.
    pub commit: Option<String>,
}

impl Remote {
    /// Reads what names a git repository by its form; none for anything else. A transport by which others could
    /// run or change something is a fault.
    pub fn parse(text: &str) -> Option<Result<Self, Fault>> {
        let refuse = |why: &str, help: &str| {
            let fault = Fault::new(format!("\"{}\" is refused: {why}", shown(&without_password(text))));
            Some(Err(fault.help(help)))
        };
        if text.starts_with('-') {
            return refuse("it begins with a dash, which git would take for an option", ALLOWED);
        }
        let word = |text: &str| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte))
        };
        if text.split_once("::").is_some_and(|(helper, _)| word(helper) && !helper.starts_with('.')) {
            return refuse("it names a program that git would run", ALLOWED);
        }
        let scheme = text.split_once("://").filter(|(scheme, _)| word(scheme));
        if let Some((scheme, rest)) = scheme {
            if !remote::PROTOCOLS.contains(&scheme) {
                return refuse(
                    &format!("what comes by {scheme}:// could be changed on its way, or is no repository of git's"),
                    ALLOWED,
                );
            }
            let host = rest.split('/').next().unwrap_or_default();
            if scheme == "https" && host.contains('@') {
                return refuse(
                    "a name or a password would stand in service.toml",
                    "leave it to git: gitcredentials(7)",
                );
            }
            if host.split('@').any(|part| part.starts_with('-')) {
                return refuse("its host begins with a dash, which ssh would take for an option", ALLOWED);
            }
        } else if is_scp(text) {
            if text.split(['@', ':']).any(|part| part.starts_with('-')) {
                return refuse("a part of it begins with a dash, which ssh would take for an option", ALLOWED);
            }
        } else if !is_github(text) {
            return None;
        }
        Some(Self::divided(text, scheme.map_or(0, |(scheme, _)| scheme.len() + 3)))
    }

    /// Whether a text has the form of `OWNER/REPOSITORY`, which a folder may have as well.
    pub fn could_be_folder(text: &str) -> bool {
        is_github(text)
    }

    /// `URL//FOLDER#REF`, or `URL#REF//FOLDER`; `start` is where the URL's own `//` ends.
    fn divided(text: &str, start: usize) -> Result<Self, Fault> {
        let wrong = |what: &str| Fault::new(format!("\"{}\": {what}", shown(text)));
        let (place, name) = text.split_once('#').map_or((text, None), |(place, name)| (place, Some(name)));
        let (url, before) = match place[start..].find("//") {
            Some(at) => (&place[..start + at], Some(&place[start + at + 2..])),
            None => (place, None),
        };
        let (reference, after) = match name.and_then(|name| name.split_once("//")) {
            Some((name, folder)) => (Some(name), Some(folder)),
            None => (name, None),
        };
        if before.is_some() && after.is_some() {
            return Err(wrong("the folder stands twice").help("URL//FOLDER#REF"));
        }
        let folder = before.or(after).unwrap_or_default().trim_end_matches('/');
        if !folder.is_empty() && folder.split('/').any(|part| ["", ".", ".."].contains(&part)) {
            return Err(wrong("the folder is no way down from the top of the repository"));
        }
        if url.contains(char::is_whitespace) || check_plain(text).is_err() {
            return Err(wrong("it holds spaces or control characters"));
        }
        let forbidden = |c: char| c.is_whitespace() || "~^:?*[\\".contains(c);
        if reference.is_some_and(|name| {
            name.is_empty()
                || name.starts_with('-')
                || name.contains(forbidden)
                || name.contains("..")
                || name.contains("@{")
        }) {
            return Err(wrong("what stands after # is no name of a branch, a tag or a commit"));
        }
        let url = if is_github(url) { format!("{GITHUB}{url}") } else { url.to_owned() };
        Ok(Self { url, folder: folder.to_owned(), reference: reference.map(str::to_owned), commit: None })
    }

    /// As `service.toml` is to name it: what no folder could be.
    pub fn written(&self) -> String {
        let folder = if self.folder.is_empty() { String::new() } else { format!("//{}", self.folder) };
        let reference = self.reference.as_ref().map(|name| format!("#{name}")).unwrap_or_default();
        format!("{}{folder}{reference}", self.url)
    }

    /// How faults name its files.
    pub fn label(&self) -> String {
        if self.folder.is_empty() { self.url.clone() } else { format!("{}//{}", self.url, self.folder) }
    }

    /// The files of its commit, which is looked up where none is pinned. What is pinned and in the cache needs no
    /// network. `was` is the commit before, for a note on a tag that has moved.
    pub(super) fn open(&mut self, was: Option<&str>) -> Result<(Files, Option<String>), Faults> {
        let mut note = None;
        let commit = match &self.commit {
            Some(commit) => commit.clone(),
            None => {
                let found = self.resolve()?;
                if let Some(was) = was.filter(|was| found.tag && *was != found.commit) {
                    note = Some(format!(
                        "{}: the tag was moved, from {was} to {}",
                        visible(&self.written()),
                        found.commit
                    ));
                }
                found.commit
            }
        };
        let cached = cache()?.join(&commit);
        if !cached.is_dir() {
            self.refuse_moved(&commit)?;
            self.fetch(&commit, &cached)?;
        }
        let files = self.read(&cached, &commit)?;
        self.commit = Some(commit);
        Ok((files, note))
    }

    fn resolve(&self) -> Result<remote::RemoteRevision, Faults> {
        if let Some(commit) = self.reference.as_ref().filter(|name| remote::is_commit(name)) {
            return Ok(remote::RemoteRevision { commit: commit.clone(), tag: false });
        }
        match remote::resolve(&self.url, self.reference.as_deref()) {
            Ok(Some(found)) => Ok(found),
            Ok(None) => {
                let name = self.reference.as_deref().unwrap_or("HEAD");
                let fault = Fault::new(format!("{}: there is no branch or tag \"{name}\"", visible(&self.url)));
                Err(fault.help("a commit is named by all of its 40 letters").into())
            }
            Err(why) => Err(self.unreachable(&why).into()),
        }
    }

    /// A tag says which version is meant: that it leads elsewhere now is for a person to know.
    fn refuse_moved(&self, commit: &str) -> Result<(), Faults> {
        if self.commit.is_none() || self.reference.as_ref().is_none_or(|name| remote::is_commit(name)) {
            return Ok(());
        }
        let found = remote::resolve(&self.url, self.reference.as_deref()).map_err(|why| self.unreachable(&why))?;
        match found {
            Some(found) if found.tag && found.commit != commit => {
                let fault = Fault::new(format!(
                    "{}: the tag was moved: it led to {commit} when this repository was made, and leads to {} now",
                    visible(&self.written()),
                    found.commit
                ));
                Err(fault.help("if that is meant to be: `new-service update` takes it").into())
            }
            _ => Ok(()),
        }
    }

    fn unreachable(&self, why: &str) -> Fault {
        let fault = Fault::new(format!("{}: {}", visible(&self.url), visible(why)));
        match self.url.strip_prefix(GITHUB) {
            Some(short) => fault.help(format!("if a folder is meant: ./{short}")),
            None => fault,
        }
    }

    /// Fetches the commit beside its place in the cache, and puts it there whole.
    fn fetch(&self, commit: &str, cached: &Path) -> Result<(), Faults> {
        let parent = cached.parent().unwrap_or(Path::new("."));
        let refused = |error: std::io::Error| Fault::new(format!("{}: {error}", parent.display())).help(CACHE_HELP);
        std::fs::create_dir_all(parent).map_err(refused)?;
        let stage = tempfile::Builder::new().prefix(".fetching-").tempdir_in(parent).map_err(refused)?;
        let most = limits::get().fetched;
        let fetched = remote::fetch(&self.url, commit, self.reference.as_deref(), stage.path(), most);
        fetched.map_err(|failure| match failure {
            remote::Unfetched::TooLarge => {
                let mib = limits::mib(most);
                let message = format!("{}: what git fetches there is more than {mib} MiB", visible(&self.url));
                Fault::new(message).help(limits::help("fetch-mib", mib.saturating_mul(2)))
            }
            remote::Unfetched::Failed(why) => self.unreachable(&why),
        })?;
        match std::fs::rename(stage.path(), cached) {
            // Another run was faster; what it has put there is the same.
            Err(_) if cached.is_dir() => Ok(()),
            other => other.map_err(|error| refused(error).into()),
        }
    }

    fn read(&self, cached: &Path, commit: &str) -> Result<Files, Faults> {
        let items = remote::list(cached, commit, &self.folder).map_err(|why| {
            let fault = Fault::new(format!("{} at {commit}: {}", visible(&self.label()), visible(&why)));
            fault.help(if self.folder.is_empty() { "is it a commit?" } else { "is there such a folder?" })
        })?;
        let mut faults = Faults::default();
        let label = visible(&self.label());
        let bytes = items.iter().fold(0u64, |bytes, item| bytes.saturating_add(item.bytes));
        check_size(&label, items.len(), bytes)?;
        let depth = limits::get().depth;
        for item in &items {
            let shown = format!("{label}/{}", visible(&item.path));
            if !["100644", "100755"].contains(&item.mode.as_str()) {
                let what = "a pack holds plain files only, and this is a link or another repository";
                faults.push(Fault::new(format!("{shown}: {what}")));
            }
            if let Err(why) = check_plain(&item.path) {
                faults.push(Fault::new(format!("{shown}: {why}")));
            }
            if item.path.matches('/').count() as u64 > depth {
                let fault = Fault::new(format!("{shown}: a pack is at most {depth} folders deep"));
                faults.push(fault.help(limits::help("depth", depth.saturating_mul(2))));
            }
        }
        faults.or(())?;
        let contents = remote::read(cached, &items).map_err(|why| Fault::new(format!("{label}: {}", visible(&why))))?;
        Ok(items.into_iter().map(|item| item.path).zip(contents.into_iter().map(Cow::Owned)).collect())
    }
}

/// `git@HOST:PATH`, as ssh and scp know it.
fn is_scp(text: &str) -> bool {
    let Some((user, rest)) = text.split_once('@') else { return false };
    let host = rest.split_once(':').map_or("", |(host, _)| host);
    let word = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    word(user) && word(host)
}

/// `OWNER/REPOSITORY`, with what may come after it.
fn is_github(text: &str) -> bool {
    let place = text.split('#').next().unwrap_or_default();
    let place = place.split("//").next().unwrap_or_default();
    let Some((owner, repository)) = place.split_once('/') else { return false };
    let starts = |text: &str| text.starts_with(|c: char| c.is_ascii_alphanumeric());
    let owner_only = owner.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let repository_only = repository.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    starts(owner) && owner_only && starts(repository) && repository_only
}

/// A URL as it may be printed.
fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    match host.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://…@{host}{path}"),
        None => text.to_owned(),
    }
}

const CACHE_HELP: &str = "another folder for what was fetched: NEW_SERVICE_CACHE=FOLDER";

/// Where commits that were fetched are kept, each in a bare repository under its name.
fn cache() -> Result<PathBuf, Fault> {
    use etcetera::BaseStrategy as _;
    let own = std::env::var_os("NEW_SERVICE_CACHE").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let usual = || etcetera::choose_base_strategy().ok().map(|base| base.cache_dir().join("new-service"));
    let folder = own.or_else(usual).and_then(|folder| std::path::absolute(folder).ok());
    let folder = folder.ok_or_else(|| Fault::new("there is no folder to keep in what was fetched").help(CACHE_HELP))?;
    Ok(folder.join("git"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, String, Option<String>) {
        let Remote { url, folder, reference, .. } = Remote::parse(text).unwrap().unwrap();
        (url, folder, reference)
    }

    #[test]
    fn a_source_is_a_url_a_folder_and_a_reference() {
        let all = [
            ("https://h/a/b", "https://h/a/b", "", None),
            ("https://h/a/b.git#v1", "https://h/a/b.git", "", Some("v1")),
            ("https://h/a/b//x/y#v1", "https://h/a/b", "x/y", Some("v1")),
            ("https://h/a/b#team/v1//x/y", "https://h/a/b", "x/y", Some("team/v1")),
            ("ssh://git@h:22/a", "ssh://git@h:22/a", "", None),
            ("git@h:a/b.git//x#main", "git@h:a/b.git", "x", Some("main")),
            ("file:///srv/a//x/", "file:///srv/a", "x", None),
            ("acme/pack//rust#v1", "https://github.com/acme/pack", "rust", Some("v1")),
        ];
        for (text, url, folder, reference) in all {
            assert_eq!(parts(text), (url.to_owned(), folder.to_owned(), reference.map(str::to_owned)), "{text}");
            let again = Remote::parse(text).unwrap().unwrap().written();
            assert_eq!(parts(&again), parts(text), "{again}");
            assert!(!is_github(&again), "{again} could be a folder");
        }
    }

    #[test]
    fn what_is_no_repository_is_left_to_others() {
        for text in ["axum", "./a/b", "../a", "/a/b", "a/b/c", "C:\\x", "a", ".", ""] {
            assert!(Remote::parse(text).is_none(), "{text}");
        }
    }
}
