//! `template check`: what is wrong with a pack, and, when asked, whether what it makes can be built.

use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::{End, Subject};
use crate::blueprint::{Blueprint, Drawn, Resolver};
use crate::cli::CheckArgs;
use crate::evolve::{Plan, create, interrupt};
use crate::fault::{Fault, Faults, Place};
use crate::inspect::{Finding, Inspection};
use crate::pack::{Answers, Pack, visible};
use crate::report;

pub fn run(arguments: &CheckArgs, subject: &Subject) -> anyhow::Result<End> {
    let mut inspection = match subject.files() {
        Ok(files) => Inspection::of(&files, subject.pack()),
        Err(faults) => Inspection::unreadable(faults),
    };
    let built = arguments.build && inspection.findings.is_empty();
    if built && let Some(pack) = inspection.pack.take() {
        build(&pack, &mut inspection)?;
        inspection.pack = Some(pack);
    }
    if arguments.json {
        report::out(&json(&inspection, built)?)?;
    } else {
        report::out(&inspection.findings.iter().map(shown).collect::<String>())?;
        say(&inspection, arguments.build, built);
    }
    Ok(if inspection.findings.is_empty() { End::Done } else { End::Found })
}

fn shown(finding: &Finding) -> String {
    let mut text = finding.fault.to_string();
    if let Some(answers) = &finding.answers {
        let _ = write!(text, "\n  seen with: new-service new {answers}");
    }
    // What a pack wrote is shown, and not obeyed.
    text.lines().map(|line| visible(line) + "\n").collect()
}

fn say(inspection: &Inspection, asked_to_build: bool, built: bool) {
    inspection.notes.iter().for_each(|note| report::warn(note));
    let services = inspection.rendered;
    let cases = inspection.cases.len();
    let found = match inspection.findings.len() {
        0 => "nothing found".to_owned(),
        1 => "1 finding".to_owned(),
        many => format!("{many} findings"),
    };
    let mut text = format!("{found}; {services} services rendered, {cases} test cases");
    if asked_to_build {
        text += if built { ", and built" } else { ", and nothing built before these are mended" };
    }
    report::say(&text);
}

fn json(inspection: &Inspection, built: bool) -> anyhow::Result<String> {
    let pack = inspection.pack.as_ref().map(|pack| &pack.manifest);
    let findings: Vec<_> = inspection
        .findings
        .iter()
        .map(|Finding { fault, answers }| {
            let place = fault.place.as_ref();
            serde_json::json!({
                "file": place.map(|place| &place.file),
                "line": place.map(|place| place.line),
                "column": place.map(|place| place.column),
                "message": fault.message,
                "help": fault.help,
                "answers": answers,
            })
        })
        .collect();
    let value = serde_json::json!({
        "template": pack.map(|manifest| serde_json::json!({"name": manifest.name, "version": manifest.version})),
        "findings": findings,
        "notes": inspection.notes,
        "rendered": inspection.rendered,
        "cases": inspection.cases.len(),
        "built": built,
    });
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}

/// Makes services in fresh folders, and runs there what the pack declares. Only when asked: a command may
/// do anything.
fn build(pack: &Arc<Pack>, inspection: &mut Inspection) -> anyhow::Result<()> {
    let mut faults = Faults::default();
    let declared = &pack.manifest.check.build;
    if !declared.is_empty() {
        let answers = Resolver::new(pack, SERVICE, Answers::default())?.complete()?;
        let blueprint = Blueprint { name: SERVICE.into(), answers, resources: Vec::new(), drawn: Drawn::at(0) };
        prove(&blueprint, pack, declared, &mut faults)?;
    }
    for case in &inspection.cases {
        if let (Some(blueprint), false) = (&case.blueprint, case.commands.is_empty()) {
            prove(blueprint, pack, &case.commands, &mut faults)?;
        }
    }
    if declared.is_empty() && inspection.cases.iter().all(|case| case.commands.is_empty()) {
        let fault = Fault::new(format!("{}: there is nothing to build with", pack.shown("pack.toml")));
        faults.push(fault.help("as in: [check] build = [\"make test\"]; a test case may have a `command`, too"));
    }
    inspection.findings.extend(faults.0.into_iter().map(|fault| Finding { fault, answers: None }));
    Ok(())
}

const SERVICE: &str = "shop";

fn prove(
    blueprint: &Blueprint,
    pack: &Arc<Pack>,
    commands: &[(String, Place)],
    faults: &mut Faults,
) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let service = folder.path().join(&blueprint.name);
    create::create(&Plan::create(blueprint, pack)?, &service, &mut |_| Ok(()))?;
    // ^C reaches the command as well; its folder is to be cleaned up.
    let _hold = interrupt::hold();
    for (command, place) in commands {
        report::say(&format!("Running in {}: {}", service.display(), visible(command)));
        let status = shell(command).current_dir(&service).stdin(Stdio::null()).stdout(std::io::stderr()).status();
        interrupt::check()?;
        let why = match status {
            Ok(status) if status.success() => continue,
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        let fault = Fault::at(place.clone(), format!("`{command}` failed: {why}"));
        faults.push(fault.help("what it said stands above"));
        // What follows builds on it.
        break;
    }
    Ok(())
}

fn shell(command: &str) -> Command {
    let (program, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let mut shell = Command::new(program);
    shell.args([flag, command]);
    shell
}
