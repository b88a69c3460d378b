//! `new`: answers → blueprint → tree → plan → a repository on disk.

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use super::load;
use crate::blueprint::{self, Blueprint, Drawn, PartialBlueprint, Resolver, ServiceFile};
use crate::cli::{Answered, NewArgs, NewLine};
use crate::evolve::{self, Action, Disk, Plan, Unseen, create, interrupt, repo};
use crate::fault::{Fault, Faults, Stop, did_you_mean};
use crate::git;
use crate::pack::{Answer, Answers, Kind, Pack, Source, Sources, Text};
use crate::report::{self, Created};
use crate::schema::{self, Drafts, Resource};
use crate::template::sh;
use crate::wizard::{self, Prefilled, Preview, Wizard};

/// Files of a folder that the wizard still lists: its answers and the tree fit on one screen.
const FOLDED: usize = 12;

pub fn run(line: &NewLine) -> anyhow::Result<()> {
    if repo::is_inside(Path::new(".")) {
        line.refuse_inside()?;
    }
    // Milliseconds, which pass while the template is read.
    rayon::spawn(schema::read_plurals);
    let drawn = Drawn::now().map_err(Stop::usage)?;
    let file = line.from.as_deref().map(file_at).transpose()?;
    let pack = load(&sources_of(line, file.as_ref())?)?;
    let Answered { new: mut arguments, flags } = line.answered(&pack)?;
    let from = read_from(&arguments, file, &pack)?;
    let (answers, resources) = gather(&arguments, &flags, from.answers, from.resources, &pack)?;
    let name = name_of(&arguments, from.name, &pack)?;

    let interactive = !arguments.yes && !arguments.json && arguments.from.as_deref() != Some(Path::new("-"));
    let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let interactive = interactive && terminal;
    let (blueprint, plan) = if interactive {
        prepare(&mut arguments)?;
        let preview = |blueprint: &Blueprint| {
            let plan = plan(&arguments, blueprint, &pack)?;
            create::check(&plan, &dir_of(&arguments, blueprint))?;
            let width = report::width();
            let asked = blueprint.asked(&pack)?;
            let text = format!("{}\n{}", report::answers(blueprint, &asked, width), report::tree(&plan, width, FOLDED));
            Ok(Preview { text, plan })
        };
        let prefilled = Prefilled { name, preset: arguments.preset.is_some(), answers, resources, drawn };
        Wizard::new(&pack, prefilled, &preview).run()?
    } else {
        let complete =
            |name: &str| Resolver::new(&pack, name, answers.clone()).and_then(|resolver| resolver.complete());
        let Some(name) = name else {
            // The name and every other missing answer, in one message.
            let why = if terminal { "" } else { " (stdin is not a terminal)" };
            let fault = Fault::new(format!("missing argument: DIR{why}"));
            let mut faults = Faults::from(fault.help("new-service DIR"));
            faults.extend(complete("name").err().unwrap_or_default());
            return Err(Stop::Usage(faults).into());
        };
        let answers = complete(&name).map_err(Stop::Usage)?;
        let blueprint = Blueprint { name, answers, resources, drawn };
        let plan = plan(&arguments, &blueprint, &pack)?;
        (blueprint, plan)
    };
    interrupt::check()?;
    finish(&arguments, &dir_of(&arguments, &blueprint), &blueprint, &plan, &pack)
}

/// The folder that is named, or one that is called as the service is.
fn dir_of(arguments: &NewArgs, blueprint: &Blueprint) -> PathBuf {
    arguments.dir.clone().unwrap_or_else(|| PathBuf::from(&blueprint.name))
}

fn plan(arguments: &NewArgs, blueprint: &Blueprint, pack: &Arc<Pack>) -> Result<Plan, Faults> {
    let dir = dir_of(arguments, blueprint);
    let mut plan = Plan::create(blueprint, &pack.settled(&dir))?;
    if arguments.keep_existing {
        create::keep_existing(&mut plan, &dir)?;
    }
    Ok(plan)
}

/// Says before the first question, and not after the last, why the folder cannot be used; where it holds files, asks
/// whether they are to stay.
fn prepare(arguments: &mut NewArgs) -> anyhow::Result<()> {
    let writes = !arguments.dry_run && !arguments.diff;
    let dir = arguments.dir.as_deref().unwrap_or(Path::new("."));
    let files = if arguments.dir.is_some() { create::check_free(dir)? } else { Vec::new() };
    if writes {
        create::check_writable(dir)?;
    }
    if !files.is_empty() && !arguments.keep_existing {
        arguments.keep_existing = wizard::keeps_existing(dir, &files)?;
    }
    Ok(())
}

fn finish(arguments: &NewArgs, dir: &Path, blueprint: &Blueprint, plan: &Plan, pack: &Pack) -> anyhow::Result<()> {
    let mut outcome = git::Outcome::Skipped;
    let mut env_written = false;
    let mut notes = Vec::new();
    if let Some(why) = &plan.unformatted {
        notes.push(format!("{why}, so files with names in them are not formatted; `cargo fmt` would do it"));
    }
    notes.extend(plan.notes.iter().cloned());
    notes.extend(blueprint::unowned_references(&blueprint.resources, pack));
    notes.extend(kept_note(plan));
    notes.extend(workspace_note(dir, plan, pack));
    let dry = arguments.dry_run || arguments.diff;
    if dry {
        create::check(plan, dir)?;
    } else {
        let around = if arguments.no_git && !git::is_marked(dir) { None } else { git::repository_around(dir) };
        let mut complete = |folder: &Path| {
            outcome = match &around {
                _ if arguments.no_git => git::Outcome::Skipped,
                Some(top) => git::Outcome::Inside(top.clone()),
                None => git::init(
                    folder,
                    &git::FirstCommit {
                        message: &format!("Create {} with new-service {}", blueprint.name, env!("CARGO_PKG_VERSION")),
                        files: plan.entries.iter().map(|entry| entry.path.as_str()).collect(),
                        may_ignore: &|ignored| evolve::may_ignore(plan, "", ignored),
                        executable: plan.executable().collect(),
                    },
                ),
            };
            // After the commit, which it is never part of.
            if around.is_none() {
                env_written = write_env(plan, folder, &mut notes)?;
            }
            Ok(())
        };
        create::create(plan, dir, &mut complete)?;
        // Only in its place is a folder under the rules of what is around it.
        if around.is_some() {
            notes.extend(left_to_commit(plan, dir)?);
            env_written = write_env(plan, dir, &mut notes)?;
        }
    }
    let created = Created { blueprint, pack, plan, dir, written: !dry, git: &outcome, notes: &notes, env_written };
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

/// What the service is to be made of: what the command line names, or else what the blueprint file does.
fn sources_of(line: &NewLine, file: Option<&(PathBuf, ServiceFile)>) -> anyhow::Result<Sources> {
    let given = line.sources.template()?;
    let from_file = match file {
        Some((folder, file)) => file.template_elsewhere(folder, given.clone())?,
        None => None,
    };
    let overlays = line.sources.overlays()?;
    let default = || Sources::from(given.unwrap_or_else(Source::default_pack));
    let mut sources = from_file.map_or_else(default, |template| template.sources);
    if !overlays.is_empty() {
        sources.overlays = overlays;
    }
    Ok(sources)
}

/// A blueprint file, and the folder from which it names others.
fn file_at(path: &Path) -> anyhow::Result<(PathBuf, ServiceFile)> {
    let bytes =
        std::fs::read(path).map_err(|error| Stop::usage(Fault::new(format!("--from {}: {error}", path.display()))))?;
    let text = Text::from_utf8(path.display().to_string(), bytes).map_err(Faults::from)?;
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    Ok((folder.to_owned(), ServiceFile::parse(text)?))
}

/// `--from`: the blueprint file, or standard input.
fn read_from(
    arguments: &NewArgs,
    file: Option<(PathBuf, ServiceFile)>,
    pack: &Pack,
) -> anyhow::Result<PartialBlueprint> {
    if arguments.from.is_none() {
        return Ok(PartialBlueprint::default());
    }
    if let Some((_, file)) = file {
        return Ok(file.read(pack)?);
    }
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    let text = Text::from_utf8("standard input", bytes).map_err(Faults::from)?;
    Ok(ServiceFile::parse(text)?.read(pack)?)
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

/// Writes the file of one machine, if there is one, unless git would take it in; whether it did, or why not.
fn write_env(plan: &Plan, folder: &Path, notes: &mut Vec<String>) -> anyhow::Result<bool> {
    let Some(file) = &plan.env_file else { return Ok(false) };
    let ignored = git::ignored(folder, [file.path.as_str()]);
    let why = if ignored.is_some_and(|ignored| ignored.is_empty()) {
        "is not written, because git does not ignore it"
    } else if file.write(folder)? {
        return Ok(true);
    } else {
        "is kept as it is"
    };
    notes.push(format!("{}: {why}; no value was drawn for {}", file.path, file.names()));
    Ok(false)
}

/// What has to be done for a surrounding repository to take the files in as they were made.
fn left_to_commit(plan: &Plan, folder: &Path) -> Result<Vec<String>, Faults> {
    let Ok(Some(git)) = git::Repository::around(folder) else { return Ok(Vec::new()) };
    let disk = Disk::new(folder).in_git(Some(git));
    let Unseen { refusals, mut notes } = Unseen::of(plan, &disk)?;
    notes.extend(refusals.0.into_iter().map(Fault::in_one_line));
    let executable: Vec<String> = plan.executable().map(sh).collect();
    if !executable.is_empty() && !disk.keeps_modes() {
        let paths = executable.join(" ");
        notes.push(format!("git does not see which files can be run here: git add --chmod=+x {paths}"));
    }
    Ok(notes)
}

/// Which files of the folder stand where the template has others.
fn kept_note(plan: &Plan) -> Option<String> {
    let kept = plan.entries.iter().filter(|entry| entry.action == Action::Keep);
    let kept: Vec<&str> = kept.map(|entry| entry.path.as_str()).collect();
    let them = if kept.len() == 1 { "it" } else { "them" };
    let said = || format!("kept as you have {them}, without the template's text: {}", kept.join(", "));
    (!kept.is_empty()).then(said)
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
