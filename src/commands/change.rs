//! The verbs that change a repository which is there: one plan, shown or written.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::target::RepoInputs;
use super::{End, load};
use crate::blueprint::{Blueprint, Drawn, ServiceFile, TemplateRef};
use crate::cli::{Change, How, SourceArgs};
use crate::evolve::apply::{self, Resumed};
use crate::evolve::record::{self, Lock};
use crate::evolve::{Checkout, Plan, Repo, Revision, Unseen, repo, versions};
use crate::fault::{Fault, Faults, Stop};
use crate::pack::{Pack, Source, Sources};
use crate::render::render_in_time;
use crate::report::{self, Changed};
use crate::schema;

pub fn run(change: &Change, sources: &SourceArgs) -> anyhow::Result<End> {
    if !sources.overlay.is_empty() {
        let fault = Fault::new("--overlay: the overlays of a repository stand in its service.toml");
        let help = "add it there under [[template.overlay]], then run `new-service update`";
        return Err(Stop::usage(fault.help(help)).into());
    }
    let given = sources.template()?;
    let moment = Drawn::now().map_err(Stop::usage)?.moment;
    let checkout = Checkout::find(Path::new("."))?;
    // Neither needs a template, nor that the files can be read.
    if change.takes_back() {
        return undo(&checkout);
    }
    if let Some(end) = resume(change, &checkout)? {
        return Ok(end);
    }
    // Milliseconds, which pass while the template is read.
    rayon::spawn(schema::read_plurals);
    let service = repo::service_file(&checkout.root)?;
    let template = template_of(&checkout.root, &service, given, matches!(change, Change::Update(_)))?;
    let repo = Repo::open(checkout, service)?;
    let how = change.how();
    repo.is_ready(how.allow_dirty)?;
    let pack = load(&template.sources)?.settled(repo.root());
    Revising { change, how, repo: &repo, template: &template, pack: &pack }.run(moment)
}

/// What the repository is made of; `given` is the template of the command line, which has the word there.
fn template_of(root: &Path, service: &ServiceFile, given: Option<Source>, update: bool) -> Result<TemplateRef, Faults> {
    // Faults are to name files as they are found from here.
    let here = Path::new(".").canonicalize().is_ok_and(|here| here == root);
    let template = service.template(if here { Path::new(".") } else { root }, given, update)?;
    Ok(template.unwrap_or_else(|| Sources::from(Source::default_pack()).into()))
}

fn undo(checkout: &Checkout) -> anyhow::Result<End> {
    let (command, rescued) = apply::abort(&checkout.root, &checkout.place)?;
    report::say(&format!("Taken back: `new-service {command}`. Everything is as it was before."));
    for path in rescued {
        report::warn(&format!("a file was changed since; what it held lies in {}", path.display()));
    }
    Ok(End::Done)
}

/// A change that was cut off is finished before anything else, and nothing else is done then.
fn resume(change: &Change, checkout: &Checkout) -> anyhow::Result<Option<End>> {
    if change.how().is_dry() {
        return match apply::cut_off(&checkout.place)? {
            None => Ok(None),
            Some(command) => {
                let fault = Fault::new(format!("`new-service {command}` was cut off, and has to be finished first"));
                Err(Faults::from(fault.help("new-service apply; or, to take it back: new-service undo")).into())
            }
        };
    }
    let Some(resumed) = apply::resume(&checkout.root, &checkout.place)? else { return Ok(None) };
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

/// A change, and all that it is made from.
struct Revising<'a> {
    change: &'a Change,
    how: How,
    repo: &'a Repo,
    template: &'a TemplateRef,
    pack: &'a Arc<Pack>,
}

impl Revising<'_> {
    fn run(&self, moment: u64) -> anyhow::Result<End> {
        let Self { repo, pack, .. } = self;
        let inputs = RepoInputs::read(repo, pack, self.change.may_move_on());
        let (mut lock, merged) = match &repo.lock {
            record::Read::Whole(lock) => (Lock::clone(lock), None),
            record::Read::Two { base, ours, theirs } if matches!(self.change, Change::Apply(_)) => {
                let united = Lock::unite(base.as_deref(), ours, theirs)?;
                self.same_template(&united)?;
                let drawn = Drawn { files: united.migration_files(&repo.disk)?, ..united.drawn(moment) };
                let blueprint = inputs.clone()?.standing(pack, drawn)?;
                let (lock, objects) = record::anew(&blueprint, pack, &united)?;
                (lock, Some(objects))
            }
            record::Read::Two { .. } => return Err(repo.lock().map(|_| ()).unwrap_err().into()),
        };
        self.same_template(&lock)?;
        // By the names that they have on disk.
        let files = lock.migration_files(&repo.disk)?;
        let renamed = versions::apart(&mut lock);
        let mut inputs = inputs?;
        let blueprint = inputs.after(self.change, pack, Drawn { files, ..lock.drawn(moment) })?;
        let tree = render_in_time(&blueprint, pack)?;
        // Renames of tables wait for a database where this one has been taken out.
        let service = if pack.database(&tree.layers).is_some() || lock.schema.is_none() {
            repo.service.carried_out(&blueprint, pack)?
        } else {
            repo.service.edited(&blueprint, pack)?
        };
        let work = record::WithObjects { work: &repo.disk, objects: merged.clone().unwrap_or_default() };
        let revision = Revision { blueprint: &blueprint, pack, lock: &lock, work: &work, service };
        let mut plan = Plan::revise_to(&revision, &tree)?;
        plan.notes.splice(0..0, pack.notes().chain(inputs.notes));
        versions::rename(&mut plan, &renamed, &work)?;
        let Unseen { refusals, notes } = Unseen::of(&plan, &repo.disk)?;
        plan.notes.extend(notes);
        if self.how.is_dry() {
            plan.notes.extend(refusals.0.into_iter().map(Fault::in_one_line));
        } else {
            refusals.or(())?;
        }
        self.finish(&lock, &blueprint, &plan, merged.is_some())
    }

    /// Only `update` goes from one template to another, and never back.
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
        if self.change.may_move_on() {
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
        for (overlay, recorded) in self.pack.overlays.iter().zip(&self.template.digests) {
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

    fn finish(&self, lock: &Lock, blueprint: &Blueprint, plan: &Plan, merged: bool) -> anyhow::Result<End> {
        let Self { change, how, repo, .. } = self;
        let dry = how.is_dry();
        let writes = !dry && plan.changes();
        if writes && !how.allow_destructive && !plan.destructive.is_empty() {
            let mut faults: Faults = Faults::default();
            plan.destructive.iter().for_each(|what| faults.push(Fault::new(what)));
            let last = Fault::new("nothing was changed, for the database could lose what it holds, or refuse it");
            faults.push(last.help("if that is wanted: the same with --allow-destructive"));
            return Err(faults.into());
        }
        if writes {
            apply::apply(plan, &repo.disk, &repo.place, &change.words())?;
            if merged && let Some(git) = &repo.git {
                git.add(crate::render::RECORD).map_err(Fault::new).map_err(Faults::from)?;
            }
        }
        let changed = Changed {
            verb: change.name(),
            blueprint,
            pack: self.pack,
            plan,
            lock,
            root: repo.root(),
            written: writes,
            dry,
        };
        if dry && !how.json {
            changed.notes().iter().chain(&changed.mentions()).for_each(|line| report::warn(line));
        }
        if how.json {
            report::out(&changed.json()?).with_context(|| {
                let what = if writes { "it was changed all the same" } else { "nothing was written" };
                format!("{what}; the report could not be written")
            })?;
        } else if how.diff {
            report::out(&report::diff(plan))?;
        } else if how.dry_run {
            report::out(&changed.list())?;
            report::say("Nothing was written: this was a dry run.");
        } else {
            changed.print();
        }
        Ok(match change {
            Change::Diff(_) if plan.changes() => End::Found,
            _ if !dry && plan.conflicts() > 0 => End::Conflicts,
            _ => End::Done,
        })
    }
}
