//! `new`: answers → blueprint → tree → plan → a repository on disk.

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::blueprint::{self, Blueprint, Drawn, Made, Resolver};
use crate::cli::NewArgs;
use crate::evolve::{Plan, create, interrupt};
use crate::fault::{Fault, Faults, Stop, did_you_mean};
use crate::git;
use crate::pack::{Answer, Answers, Kind, Pack, Source, Text};
use crate::report::{self, Created};
use crate::schema::{Drafts, Resource};
use crate::wizard::{Given, Wizard};

/// Files of a folder that the wizard still lists: its answers and the tree fit on one screen.
const FOLDED: usize = 12;

pub fn run(arguments: &NewArgs, flags: &[(String, Vec<String>)], mut pack: Pack) -> anyhow::Result<()> {
    let drawn = Drawn::now().map_err(Stop::usage)?;
    let from = read_from(arguments, &pack)?;
    let (answers, resources) = gather(arguments, flags, from.answers, from.resources, &pack)?;
    let name = name_of(arguments, from.name, &pack)?;

    let interactive = !arguments.yes && !arguments.json && arguments.from.as_deref() != Some(Path::new("-"));
    let interactive = interactive && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let blueprint = if interactive {
        // Told before the first question, and not after the last.
        if let Some(dir) = &arguments.dir {
            create::check_folder(dir)?;
        }
        let preview = |blueprint: &Blueprint| {
            let plan = Plan::create(blueprint, &pack)?;
            create::check(&plan, arguments.dir.as_deref().unwrap_or(Path::new(&blueprint.name)))?;
            let width = report::width();
            let asked = blueprint.asked(&pack)?;
            Ok(format!("{}\n{}", report::answers(blueprint, &asked, width), report::tree(&plan, width, FOLDED)))
        };
        let given = Given { name, preset: arguments.preset.is_some(), answers, resources, drawn };
        Wizard::new(&pack, given, &preview).run()?
    } else {
        let complete =
            |name: &str| Resolver::new(&pack, name, answers.clone()).and_then(|resolver| resolver.complete());
        match name {
            Some(name) => {
                let answers = complete(&name).map_err(Stop::Usage)?;
                Blueprint { name, answers, resources, drawn }
            }
            None => {
                // The name and every other missing answer, in one message.
                let mut faults =
                    Faults::from(Fault::new("no folder was given, and nobody is there to ask").help("new-service DIR"));
                faults.extend(complete("name").err().unwrap_or_default());
                return Err(Stop::Usage(faults).into());
            }
        }
    };
    let dir = arguments.dir.clone().unwrap_or_else(|| PathBuf::from(&blueprint.name));
    interrupt::check()?;
    pack.settle(&dir);
    let plan = Plan::create(&blueprint, &pack)?;
    finish(arguments, &dir, &blueprint, &plan, &pack)
}

fn finish(arguments: &NewArgs, dir: &Path, blueprint: &Blueprint, plan: &Plan, pack: &Pack) -> anyhow::Result<()> {
    let mut outcome = git::Outcome::Skipped;
    let mut notes = Vec::new();
    if let Some(why) = &plan.unformatted {
        notes.push(format!("{why}, so files with names in them are not formatted; `cargo fmt` would do it"));
    }
    notes.extend(plan.notes.iter().cloned());
    notes.extend(workspace_note(dir, plan, pack));
    let dry = arguments.dry_run || arguments.diff;
    if dry {
        create::check(plan, dir)?;
    } else {
        let surrounding = if arguments.no_git { None } else { git::repository_around(dir) };
        let mut init = |folder: &Path| {
            outcome = match (&surrounding, arguments.no_git) {
                (_, true) => git::Outcome::Skipped,
                (Some(top), _) => git::Outcome::Inside(top.clone()),
                (None, _) => git::init(
                    folder,
                    &format!("Create {} with new-service {}", blueprint.name, env!("CARGO_PKG_VERSION")),
                ),
            };
            Ok(())
        };
        create::create(plan, dir, &mut init)?;
    }
    let created = Created { blueprint, pack, plan, dir, written: !dry, git: &outcome, notes: &notes };
    if dry && !arguments.json {
        for note in &notes {
            report::warn(note);
        }
    }
    if arguments.json {
        let told = report::out(&created.json()?);
        let what = if dry { "nothing was written" } else { "it was created all the same" };
        told.with_context(|| format!("{}: {what}; the report could not be written", dir.display()))
    } else if arguments.diff {
        report::out(&report::diff(plan))
    } else if arguments.dry_run {
        report::out(&report::tree(plan, usize::MAX, usize::MAX))?;
        report::say("Nothing was written: this was a dry run.");
        Ok(())
    } else {
        created.print();
        Ok(())
    }
}

/// What a blueprint file says that it is for, where it says more than a name. What cannot be read is told by
/// [`read_from`].
pub fn sources_of(from: Option<&Path>, given: Option<Source>) -> Result<Option<Made>, Faults> {
    let Some((path, bytes)) = from.and_then(|path| Some((path, std::fs::read(path).ok()?))) else { return Ok(None) };
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let Ok(text) = Text::from_utf8(path.display().to_string(), bytes) else { return Ok(None) };
    blueprint::made_as(&text, folder, given)
}

/// `--from`: a blueprint file, or standard input.
fn read_from(arguments: &NewArgs, pack: &Pack) -> anyhow::Result<blueprint::Given> {
    let Some(path) = &arguments.from else { return Ok(blueprint::Given::default()) };
    let mut bytes = Vec::new();
    let label = if path == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes)?;
        "standard input".to_owned()
    } else {
        bytes = std::fs::read(path)
            .map_err(|error| Stop::usage(Fault::new(format!("--from {}: {error}", path.display()))))?;
        path.display().to_string()
    };
    Ok(blueprint::read(&Text::from_utf8(label, bytes).map_err(Faults::from)?, pack)?)
}

/// Preset, then file, then `--set`, then flags: the later overrules; resources add up. All faults at once.
fn gather(
    arguments: &NewArgs,
    flags: &[(String, Vec<String>)],
    from: Answers,
    mut drafts: Drafts,
    pack: &Pack,
) -> Result<(Answers, Vec<Resource>), Stop> {
    let mut faults = Faults::default();
    let mut answers = Answers::default();
    if let Some(name) = &arguments.preset {
        match pack.manifest.preset(name) {
            Some(preset) => answers.extend(preset.answers.clone()),
            None => {
                let names = || pack.manifest.presets.iter().map(|preset| preset.name.as_str());
                let near = did_you_mean(name, names());
                let names = names().collect::<Vec<_>>().join(", ");
                let there =
                    if names.is_empty() { "the template has none".into() } else { format!("there are: {names}") };
                faults.push(Fault::new(format!("--preset: no preset \"{name}\"{near}")).help(there));
            }
        }
    }
    answers.extend(from);
    read_set(&arguments.set, pack, &mut answers, &mut faults);
    for (key, values) in flags {
        read_answer("--", key, values, pack, &mut answers, &mut faults);
    }
    for (number, spec) in (1..).zip(&arguments.resource) {
        drafts.flag(number, spec);
    }
    let resources = blueprint::resources(drafts, pack).unwrap_or_else(|more| {
        faults.extend(more);
        Vec::new()
    });
    faults.or((answers, resources)).map_err(Stop::Usage)
}

/// `--set` and `--resource` by themselves, for what asks nobody.
pub(super) fn given(set: &[String], resources: &[String], pack: &Pack) -> Result<(Answers, Vec<Resource>), Stop> {
    let (mut faults, mut answers, mut drafts) = (Faults::default(), Answers::default(), Drafts::default());
    read_set(set, pack, &mut answers, &mut faults);
    for (number, spec) in (1..).zip(resources) {
        drafts.flag(number, spec);
    }
    let resources = blueprint::resources(drafts, pack).unwrap_or_else(|more| {
        faults.extend(more);
        Vec::new()
    });
    faults.or((answers, resources)).map_err(Stop::Usage)
}

fn read_set(set: &[String], pack: &Pack, answers: &mut Answers, faults: &mut Faults) {
    for given in set {
        let Some((key, value)) = given.split_once('=') else {
            faults.push(Fault::new(format!("--set {given}: KEY=VALUE is expected")));
            continue;
        };
        read_answer("--set ", key, &[value.to_owned()], pack, answers, faults);
    }
}

fn read_answer(how: &str, key: &str, values: &[String], pack: &Pack, answers: &mut Answers, faults: &mut Faults) {
    let Some(question) = pack.manifest.question(key) else {
        let keys = || pack.manifest.questions.iter().map(|question| question.key.as_str());
        let fault =
            Fault::new(format!("{how}{key}: the template asks nothing of that name{}", did_you_mean(key, keys())));
        faults.push(fault.help(format!("it asks: {}", keys().collect::<Vec<_>>().join(", "))));
        return;
    };
    let shown = if how == "--" { question.flag() } else { key.to_owned() };
    let result = match question.kind {
        Kind::List => values.iter().map(|value| question.read(value)).collect::<Result<Vec<_>, _>>().map(|lists| {
            let items =
                lists.into_iter().flat_map(|list| if let Answer::List(items) = list { items } else { Vec::new() });
            Answer::List(items.collect())
        }),
        _ => question.read(values.last().map_or("", String::as_str)),
    };
    match result {
        Ok(answer) => answers.insert(key, answer),
        Err(why) => faults.push(Fault::new(format!("{how}{shown}: {why}"))),
    }
}

/// `--name`, else the blueprint file's, else the folder's. `.` is a folder like any other.
fn name_of(arguments: &NewArgs, from_file: Option<String>, pack: &Pack) -> Result<Option<String>, Stop> {
    let from_folder = || {
        let dir = arguments.dir.as_ref()?;
        let dir = match dir.file_name() {
            Some(_) => dir.clone(),
            None => dir.canonicalize().ok()?,
        };
        Some(dir.file_name()?.to_string_lossy().into_owned())
    };
    let Some(name) = arguments.name.clone().or(from_file).or_else(from_folder) else {
        return match &arguments.dir {
            Some(dir) => Err(Stop::usage(
                Fault::new(format!("{}: has no name to call the service by", dir.display()))
                    .help("give one with --name"),
            )),
            None => Ok(None),
        };
    };
    pack.manifest.name_rules.check(&name).map_err(Stop::usage)?;
    Ok(Some(name))
}

/// A workspace above takes a package in only when it is told to, and cargo refuses to build one
/// that is neither in nor out.
fn workspace_note(dir: &Path, plan: &Plan, pack: &Pack) -> Option<String> {
    let manifest = &pack.manifest.lock.as_ref()?.manifest;
    let own = String::from_utf8_lossy(&plan.get(manifest)?.content).parse::<toml::Table>().ok()?;
    if own.contains_key("workspace") {
        return None;
    }
    let absolute = std::path::absolute(dir).ok()?;
    let above = absolute.ancestors().skip(1).map(|folder| folder.join(manifest)).find(|path| {
        std::fs::read_to_string(path)
            .ok()
            .and_then(|text| text.parse::<toml::Table>().ok())
            .is_some_and(|table| table.contains_key("workspace"))
    })?;
    let member = absolute.strip_prefix(above.parent()?).ok()?.display().to_string();
    Some(format!("{} is a workspace: add \"{member}\" to its `members`, or to `exclude`", above.display()))
}
