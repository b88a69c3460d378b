//! The verbs that change a repository which is there: one plan, shown or written.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::target::RepoInputs;
use super::{End, load};
use crate::blueprint::{Blueprint, Drawn, ServiceFile, TemplateRef};
use crate::cli::{Change, How, SourceArgs};
use crate::evolve::apply::{self, Resumed};
use crate::evolve::branches::{self, Branches, InGit, Settlement, revise_from_both};
use crate::evolve::{Checkout, Lock, Plan, Repo, Revision, Unseen, repo, versions};
use crate::fault::{Fault, Faults, Stop};
use crate::pack::{Pack, Source, Sources};
use crate::render::{RECORD, TreePath, render_in_time};
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
    let branches = Branches::of(&repo)?;
    let settles = |path: &str| {
        path.starts_with(RECORD) && repo.is_meeting() || branches.as_ref().is_some_and(|branches| branches.owns(path))
    };
    repo.is_ready(how.allow_dirty, settles)?;
    let pack = load(&template.sources)?.settled(repo.root());
    Revising { change, how, repo: &repo, template: &template, pack: &pack }.run(moment, branches.as_ref())
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
    fn run(&self, moment: u64, branches: Option<&Branches>) -> anyhow::Result<End> {
        let Self { repo, pack, change, .. } = self;
        let inputs = RepoInputs::read(repo, pack, change.may_move_on());
        let settlement = match (branches, change.settles()) {
            (None, _) => None,
            (Some(branches), Some(onto)) => Some(branches.settle(onto, &repo.disk)?),
            (Some(_), None) => {
                let fault = Fault::new("two branches were merged, and .new-service/lock is not settled");
                return Err(Faults::from(fault.help("new-service apply; then commit, and run this again")).into());
            }
        };
        let mut lock = match &settlement {
            Some(settlement) => settlement.lock.clone(),
            None => repo.lock()?.clone(),
        };
        self.same_template(&lock)?;
        // By the names that they have on disk.
        let drawn = match &settlement {
            Some(settlement) => settlement.drawn(&repo.disk, moment)?,
            None => Drawn { files: lock.migration_files(&repo.disk)?, ..lock.drawn(moment) },
        };
        let published = settlement.as_ref().map(|settlement| settlement.published.clone()).unwrap_or_default();
        let renamed = versions::apart(&mut lock, &published);
        let mut inputs = inputs?;
        let drawn = Drawn { migrations: lock.migrations.clone(), ..drawn };
        let blueprint = inputs.after(change, pack, drawn)?;
        let tree = render_in_time(&blueprint, pack)?;
        // Renames of tables wait for a database where this one has been taken out.
        let service = if pack.database(&tree.layers).is_some() || lock.schema.is_none() {
            repo.service.carried_out(&blueprint, pack)?
        } else {
            repo.service.edited(&blueprint, pack)?
        };
        let unmerged = branches.map(Branches::unmerged).transpose()?.unwrap_or_default();
        let revise = |lock: &Lock, service: String| match (&settlement, branches, &repo.git) {
            (Some(Settlement { other, commits, .. }), Some(branches), Some(git)) => {
                let work = InGit { disk: &repo.disk, git, commits };
                let revision = Revision { blueprint: &blueprint, pack, lock, work: &work, service };
                let resolved = branches::resolve(&unmerged, branches.sides(), &revision, &tree, git)?;
                let tips = &commits[..2];
                let has = |path: &TreePath| tips.iter().any(|commit| git.file_at(commit, path.as_str()).is_some());
                revise_from_both(&revision, other, &tree, has, resolved)
            }
            _ => {
                let revision = Revision { blueprint: &blueprint, pack, lock, work: &repo.disk, service };
                Plan::revise_to(&revision, &tree)
            }
        };
        let mut plan = revise(&lock, service.clone())?;
        if repo.is_meeting() && settlement.is_none() && plan.changes() {
            // What is written now is no part of either branch.
            lock.branches = branches::digest(repo);
            plan = revise(&lock, service)?;
            plan.staged = Some(BTreeSet::new());
        }
        plan.notes.splice(0..0, pack.notes().chain(inputs.notes));
        versions::rename(&mut plan, &renamed, &repo.disk)?;
        if let Some(settlement) = settlement {
            settlement.complete(&mut plan, &repo.disk, unmerged)?;
        }
        let Unseen { refusals, notes } = Unseen::of(&plan, &repo.disk)?;
        plan.notes.extend(notes);
        if self.how.is_dry() {
            plan.notes.extend(refusals.0.into_iter().map(Fault::in_one_line));
        } else {
            refusals.or(())?;
        }
        self.finish(&lock, &blueprint, &plan)
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

    fn finish(&self, lock: &Lock, blueprint: &Blueprint, plan: &Plan) -> anyhow::Result<End> {
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
