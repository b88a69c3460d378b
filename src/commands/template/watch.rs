//! `template watch`: a pack rendered at each save, for who writes it.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use notify::{EventKind, RecursiveMode, Watcher as _};

use super::{End, Subject};
use crate::blueprint::{Blueprint, Drawn, Resolver};
use crate::cli::WatchArgs;
use crate::commands::new;
use crate::evolve::Plan;
use crate::evolve::mirror::Mirror;
use crate::fault::{Fault, Stop};
use crate::pack::digest;
use crate::report;

/// An editor saves in several steps: they are over when nothing has happened for so long.
const QUIET: Duration = Duration::from_millis(80);

pub fn run(arguments: &WatchArgs, subject: Subject) -> anyhow::Result<End> {
    let mut watch = Watch::new(arguments, subject)?;
    let (sender, receiver) = mpsc::channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading the pack is an event as well.
        if event.as_ref().map_or(true, |event| !matches!(event.kind, EventKind::Access(_))) {
            let _ = sender.send(event);
        }
    })?;
    // Before it is read for the first time: no save falls between.
    watcher.watch(&arguments.dir, RecursiveMode::Recursive)?;
    match watch.step() {
        Err(error) if matches!(error.downcast_ref::<Stop>(), Some(Stop::Usage(_))) => return Err(error),
        first => tell(first)?,
    }
    report::say(&format!("Watching {}; ^C ends it", arguments.dir.display()));
    loop {
        // A watcher that has failed says why.
        receiver.recv()??;
        while let Ok(event) = receiver.recv_timeout(QUIET) {
            event?;
        }
        tell(watch.step())?;
    }
}

/// What came of a step. A fault of the pack is told, and waited out.
fn tell(step: anyhow::Result<Option<Plan>>) -> anyhow::Result<()> {
    match step {
        Ok(None) => {}
        Ok(Some(plan)) => {
            let changed = plan.entries.iter().filter(|entry| entry.changes()).count();
            report::out(&report::diff(&plan))?;
            report::say(&format!("{} files, {changed} of them changed", plan.entries.len()));
        }
        Err(error) => report::error(&error),
    }
    Ok(())
}

/// A pack, the service that it is rendered for, and the folder that shows it.
pub struct Watch {
    subject: Subject,
    name: String,
    set: Vec<String>,
    resources: Vec<String>,
    drawn: Drawn,
    mirror: Mirror,
    /// Of what was read last.
    digest: String,
}

impl Watch {
    pub fn new(arguments: &WatchArgs, subject: Subject) -> anyhow::Result<Self> {
        if whole(&arguments.into)?.starts_with(whole(&arguments.dir)?) {
            let fault = Fault::new(format!("--into {}: lies in the template itself", arguments.into.display()));
            return Err(Stop::usage(fault.help("what is written there would be read as a part of it")).into());
        }
        let of_folder = || Some(arguments.into.file_name()?.to_string_lossy().into_owned());
        let name = arguments.name.clone().or_else(of_folder).unwrap_or_default();
        Ok(Self {
            subject,
            name,
            set: arguments.set.clone(),
            resources: arguments.resource.clone(),
            drawn: Drawn::now().map_err(Stop::usage)?,
            mirror: Mirror::open(&arguments.into).map_err(Stop::usage)?,
            digest: String::new(),
        })
    }

    /// Reads, renders and writes; none where the pack is as it was.
    pub fn step(&mut self) -> anyhow::Result<Option<Plan>> {
        let files = self.subject.files()?;
        let digest = digest(&files);
        if digest == self.digest {
            return Ok(None);
        }
        self.digest = digest;
        let pack = self.subject.pack()?;
        pack.manifest.name_rules.check(&self.name).map_err(Stop::usage)?;
        let (answers, resources) = new::given(&self.set, &self.resources, &pack)?;
        let answers = Resolver::new(&pack, &self.name, answers)?.complete().map_err(Stop::Usage)?;
        let blueprint = Blueprint { name: self.name.clone(), answers, resources, drawn: self.drawn.clone() };
        let plan = self.mirror.plan(Plan::create(&blueprint, &pack)?).map_err(crate::fault::Faults::from)?;
        self.mirror.write(&plan)?;
        Ok(Some(plan))
    }
}

/// A path without links, as far as it is there.
fn whole(path: &Path) -> std::io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    for there in path.ancestors() {
        if let Ok(found) = there.canonicalize() {
            return Ok(found.join(path.strip_prefix(there).unwrap_or(Path::new(""))));
        }
    }
    Ok(path)
}
