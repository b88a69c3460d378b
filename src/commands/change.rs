//! The verbs that change a repository which is there: one plan, shown or written.

use std::path::Path;

use anyhow::Context as _;

use super::End;
use super::target::Told;
use crate::blueprint::{self, Blueprint, Drawn, Made};
use crate::cli::{AddArgs, ApplyArgs, DiffArgs, How, RemoveArgs, ResourceArgs, UpdateArgs};
use crate::evolve::apply::{self, Resumed};
use crate::evolve::journal::Place;
use crate::evolve::record::{self, Lock};
use crate::evolve::{Plan, Repo, Revision, versions};
use crate::fault::{Fault, Faults, Stop};
use crate::git;
use crate::pack::{Pack, Source};
use crate::report::{self, Changed};

/// What the repository here is made of; `given` is the template of the command line, which has the word there.
pub fn made_of(given: Option<&Source>, overlays: &[String], update: bool) -> anyhow::Result<Made> {
    if !overlays.is_empty() {
        let fault = Fault::new("--overlay: the overlays of a repository stand in its service.toml");
        let help = "add it there under [[template.overlay]], then run `new-service update`";
        return Err(Stop::usage(fault.help(help)).into());
    }
    // Without a repository, the command says so itself; for its help, any template will do.
    let anything = || Made { sources: given.cloned().unwrap_or_else(Source::default_pack).into(), digests: Vec::new() };
    let Ok(root) = Repo::find(Path::new(".")) else { return Ok(anything()) };
    let Ok(text) = Repo::blueprint_of(&root) else { return Ok(anything()) };
    // Faults are to name files as they are found from here.
    let here = Path::new(".").canonicalize().is_ok_and(|here| here == root);
    let root = if here { Path::new(".") } else { &root };
    Ok(blueprint::made_of(&text, root, given.cloned(), update)?.unwrap_or_else(anything))
}

pub fn add(arguments: &AddArgs, made: &Made, pack: &Pack, words: &str) -> anyhow::Result<End> {
    Change { how: &arguments.how, made, pack, words, verb: "add", update: false }
        .run(|told, drawn| told.add(arguments, pack, drawn))
}

pub fn remove(arguments: &RemoveArgs, made: &Made, pack: &Pack, words: &str) -> anyhow::Result<End> {
    Change { how: &arguments.how, made, pack, words, verb: "remove", update: false }
        .run(|told, drawn| told.remove(arguments, pack, drawn))
}

pub fn resource(arguments: &ResourceArgs, made: &Made, pack: &Pack, words: &str) -> anyhow::Result<End> {
    Change { how: &arguments.how, made, pack, words, verb: "resource", update: false }
        .run(|told, drawn| told.resource(arguments, pack, drawn))
}

pub fn update(arguments: &UpdateArgs, made: &Made, pack: &Pack, words: &str) -> anyhow::Result<End> {
    Change { how: &arguments.how, made, pack, words, verb: "update", update: true }
        .run(|told, drawn| Ok(told.standing(pack, drawn)?))
}

pub fn apply(arguments: &ApplyArgs, made: &Made, pack: &Pack, words: &str) -> anyhow::Result<End> {
    if arguments.abort {
        return abort();
    }
    Change { how: &arguments.how, made, pack, words, verb: "apply", update: false }
        .run(|told, drawn| Ok(told.standing(pack, drawn)?))
}

pub fn diff(arguments: &DiffArgs, made: &Made, pack: &Pack) -> anyhow::Result<End> {
    // It only looks: whatever is there may be looked at.
    let how = How {
        dry_run: arguments.json,
        diff: !arguments.json,
        json: arguments.json,
        allow_dirty: true,
        allow_destructive: true,
    };
    Change { how: &how, made, pack, words: "diff", verb: "diff", update: true }
        .run(|told, drawn| Ok(told.standing(pack, drawn)?))
}

fn abort() -> anyhow::Result<End> {
    let root = Repo::find(Path::new("."))?;
    let place = place_of(&root)?;
    let (command, rescued) = apply::abort(&root, &place)?;
    report::say(&format!("Taken back: `new-service {command}`. Everything is as it was before."));
    for path in rescued {
        report::warn(&format!("a file was changed since; what it held lies in {}", path.display()));
    }
    Ok(End::Done)
}

fn place_of(root: &Path) -> Result<Place, Faults> {
    let git = git::Repository::around(root)
        .map_err(|why| Fault::new(format!("git does not tell of this repository: {why}")))?;
    Ok(Place::new(root, git))
}

struct Change<'a> {
    how: &'a How,
    made: &'a Made,
    pack: &'a Pack,
    /// The command as it was typed, for the journal.
    words: &'a str,
    verb: &'static str,
    /// Whether the template may be another than the repository's.
    update: bool,
}

impl Change<'_> {
    fn run(&self, target: impl FnOnce(&mut Told, Drawn) -> anyhow::Result<Blueprint>) -> anyhow::Result<End> {
        let moment = Drawn::now().map_err(Stop::usage)?.moment;
        let root = Repo::find(Path::new("."))?;
        let place = place_of(&root)?;
        if let Some(end) = self.resume(&root, &place)? {
            return Ok(end);
        }
        let repo = Repo::open(&root)?;
        repo.is_ready(self.how.allow_dirty)?;
        let told = Told::read(&repo, self.pack, self.update);
        let (mut lock, merged) = match &repo.lock {
            record::Read::Whole(lock) => (Lock::clone(lock), None),
            record::Read::Two { base, ours, theirs } if self.verb == "apply" => {
                let united = Lock::unite(base.as_deref(), ours, theirs)?;
                self.same_template(&united)?;
                let blueprint = Told::read(&repo, self.pack, self.update)?.standing(self.pack, united.drawn(moment))?;
                let (lock, objects) = record::anew(&blueprint, self.pack, &united)?;
                (lock, Some(objects))
            }
            record::Read::Two { .. } => return Err(repo.lock().map(|_| ()).unwrap_err().into()),
        };
        self.same_template(&lock)?;
        let renamed = versions::apart(&mut lock);
        let mut told = told?;
        let blueprint = target(&mut told, lock.drawn(moment))?;
        let service = blueprint::edit(&repo.service, &blueprint, self.pack)?;
        let work = record::Overlay { work: &repo.disk, objects: merged.clone().unwrap_or_default() };
        let revision = Revision { blueprint: &blueprint, pack: self.pack, lock: &lock, work: &work, service };
        let mut plan = Plan::revise(&revision)?;
        plan.notes.splice(0..0, self.pack.notes().chain(told.notes));
        versions::rename(&mut plan, &renamed, &work)?;
        self.finish(&repo, &lock, &blueprint, &plan, merged.is_some())
    }

    /// A change that was cut off is finished before anything else, and nothing else is done then.
    fn resume(&self, root: &Path, place: &Place) -> anyhow::Result<Option<End>> {
        if self.how.is_dry() || self.verb == "diff" {
            return match apply::cut_off(place)? {
                None => Ok(None),
                Some(command) => {
                    let fault =
                        Fault::new(format!("`new-service {command}` was cut off, and has to be finished first"));
                    Err(Faults::from(fault.help("new-service apply; or, to take it back: new-service apply --abort"))
                        .into())
                }
            };
        }
        let Some(resumed) = apply::resume(root, place)? else { return Ok(None) };
        let (said, conflicts) = match resumed {
            Resumed::Finished { command, conflicts } => {
                (format!("`new-service {command}` was cut off; it is finished now."), conflicts)
            }
            Resumed::Undone { command } => (format!("`new-service {command}` was being taken back; it is now."), 0),
        };
        report::say(&said);
        report::say("Look at it, commit, and run this command again if it is another one.");
        Ok(Some(if conflicts > 0 { End::Conflicts } else { End::Done }))
    }

    /// Only `update` goes from one template to another, and never back (design §4).
    fn same_template(&self, lock: &Lock) -> Result<(), Faults> {
        let manifest = &self.pack.manifest;
        if lock.pack != manifest.name {
            let fault = Fault::new(format!(
                "this repository was made from the template \"{}\", not \"{}\"",
                lock.pack, manifest.name
            ));
            return Err(fault.help("name its own with --template").into());
        }
        if lock.digest == self.pack.digest {
            return Ok(());
        }
        let (theirs, ours) = (&lock.version, &manifest.version);
        let newer = |one: &str, other: &str| {
            let parts = |text: &str| text.split('.').map(|part| part.parse::<u64>().unwrap_or(0)).collect::<Vec<_>>();
            parts(one) > parts(other)
        };
        let built_in = self.pack.origin.is_built_in();
        let carrier = if built_in { "this binary carries" } else { "its template is at" };
        if newer(theirs, ours) {
            let fault = Fault::new(format!("this repo is at {theirs}, and {carrier} {ours}, which is older"));
            let help = format!("cargo install new-service@{theirs}");
            return Err(if built_in { fault.help(help) } else { fault }.into());
        }
        if self.update {
            return Ok(());
        }
        if theirs != ours {
            let fault = Fault::new(format!("this repo is at {theirs}, {carrier} {ours}"));
            let older = if built_in { format!(", or `cargo install new-service@{theirs}`") } else { String::new() };
            return Err(fault.help(format!("run `new-service update` first{older}")).into());
        }
        Err(self.what_differs(theirs))
    }

    /// Which of the template and the overlays is not as it was, where the version is the same.
    fn what_differs(&self, version: &str) -> Faults {
        let mut faults = Faults::default();
        for (overlay, recorded) in self.pack.overlays.iter().zip(&self.made.digests) {
            let name = overlay.name();
            match recorded {
                None => faults.push(Fault::new(format!("the overlay \"{name}\" is not taken in yet"))),
                Some(digest) if *digest != overlay.origin.digest => {
                    faults.push(Fault::new(format!("the overlay \"{name}\" is not as it was when it was taken in")));
                }
                Some(_) => {}
            }
        }
        let update = "`new-service update` takes it in";
        if !faults.is_empty() {
            faults.0 = faults.0.into_iter().map(|fault| fault.help(update)).collect();
            return faults;
        }
        let message = if self.pack.origin.is_built_in() && self.pack.overlays.is_empty() {
            format!("this repo is at {version}, and so is this binary, but their files differ")
        } else {
            format!("this repo is at {version}, and so is its template, but the files are not those it was made from")
        };
        Fault::new(message).help("run `new-service update` first").into()
    }

    fn finish(
        &self,
        repo: &Repo,
        lock: &Lock,
        blueprint: &Blueprint,
        plan: &Plan,
        merged: bool,
    ) -> anyhow::Result<End> {
        let dry = self.how.is_dry() || self.verb == "diff";
        let writes = !dry && plan.changes();
        if writes && !self.how.allow_destructive && !plan.destructive.is_empty() {
            let mut faults: Faults = Faults::default();
            plan.destructive.iter().for_each(|what| faults.push(Fault::new(what)));
            let last = Fault::new("nothing was changed, for the database could lose what it holds, or refuse it");
            faults.push(last.help("if that is wanted: the same with --allow-destructive"));
            return Err(faults.into());
        }
        if writes {
            apply::apply(plan, repo.root(), &repo.place, self.words)?;
            if merged && let Some(git) = &repo.git {
                git.add(crate::render::RECORD).map_err(Fault::new).map_err(Faults::from)?;
            }
        }
        let changed = Changed {
            verb: self.verb,
            blueprint,
            pack: self.pack,
            plan,
            lock,
            root: repo.root(),
            written: writes,
            dry,
        };
        if dry && !self.how.json {
            changed.notes().iter().chain(&changed.mentions()).for_each(|line| report::warn(line));
        }
        if self.how.json {
            report::out(&changed.json()?).with_context(|| {
                let what = if writes { "it was changed all the same" } else { "nothing was written" };
                format!("{what}; the report could not be written")
            })?;
        } else if self.how.diff {
            report::out(&report::diff(plan))?;
        } else if self.how.dry_run {
            report::out(&changed.list())?;
            report::say("Nothing was written: this was a dry run.");
        } else {
            changed.print();
        }
        Ok(match (dry, self.verb) {
            (_, "diff") if plan.changes() => End::Found,
            (false, _) if plan.conflicts() > 0 => End::Conflicts,
            _ => End::Done,
        })
    }
}
