//! What generating costs, against copying the same finished tree. Prints tables and asserts nothing.
//!
//! ```text
//! cargo bench --bench generate                    the built-in service, and packs of 1 to 1000 files
//! cargo bench --bench generate -- --kickstart     also kickstart (crates.io) on the same 100 files
//!     --rounds N        rounds, of which the median is shown (21)
//!     --template SRC    another pack for the first table
//! ```
//!
//! Every round writes into a folder that does not exist yet, on one file system, after one round
//! that is not counted. The cases take turns, so that a busy moment hits all of them.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

type Outcome<T> = Result<T, Box<dyn Error>>;

const KICKSTART: &str = "0.6.0";

fn main() -> Outcome<()> {
    let mut rounds = 21;
    let mut template = None;
    let mut kickstart = false;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bench" => {} // cargo's own
            "--kickstart" => kickstart = true,
            "--rounds" => rounds = arguments.next().ok_or("--rounds N")?.parse()?,
            "--template" => template = Some(arguments.next().ok_or("--template SRC")?),
            other => return Err(format!("no option {other}: see the head of benches/generate.rs").into()),
        }
    }
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("generate");
    remove(&scratch)?;
    fs::create_dir_all(&scratch)?;
    service(&scratch, template.as_deref(), rounds)?;
    packs(&scratch, rounds, kickstart)?;
    remove(&scratch)
}

/// The service that a person gets who takes every default.
fn service(scratch: &Path, template: Option<&str>, rounds: usize) -> Outcome<()> {
    let finished = scratch.join("finished");
    let new = |without_rustfmt: bool| {
        let mut command = new_service(template);
        if without_rustfmt {
            command.env("PATH", scratch.join("empty"));
        }
        command
    };
    run(new(false).arg(&finished))?;
    let (files, bytes) = size(&finished)?;
    let record = size(&finished.join(".new-service"))?.0;

    let target = scratch.join("out");
    let times = medians(
        rounds,
        &target,
        &[
            &|target| copy(&finished, target),
            &|target| run(new(true).arg(target)),
            &|target| run(new(false).arg(target)),
            &|_| run(Command::new(env!("CARGO_BIN_EXE_new-service")).arg("--version")),
        ],
    )?;
    let [copy, raw, formatted, start] = times[..] else { unreachable!("four cases") };
    println!("\nA service: {files} files, {record} of them the record, {} KB; median of {rounds}", bytes / 1024);
    println!("  cp -r of the finished tree        {}", shown(copy));
    println!("  new, without git and rustfmt      {}   {:.2} x the copy", shown(raw), ratio(raw, copy));
    println!("  new, without git                  {}   {:.2} x the copy", shown(formatted), ratio(formatted, copy));
    println!("  the program alone (--version)     {}", shown(start));
    Ok(())
}

/// Packs of files of 1 KB, with a value in each.
fn packs(scratch: &Path, rounds: usize, kickstart: bool) -> Outcome<()> {
    println!("\nPacks of files of 1 KB, without git; median of {rounds}. `new` writes each file twice: the");
    println!("repository keeps what it was made from. So the copy, of the same finished tree, holds both.");
    println!("  files        new       cp -r   ratio   a file more");
    let mut first = None;
    for count in [1, 10, 100, 1000] {
        let pack = scratch.join(format!("pack-{count}"));
        write_pack(&pack, count)?;
        let source = pack.to_str().ok_or("a path that is not UTF-8")?;
        let finished = scratch.join(format!("finished-{count}"));
        run(new_service(Some(source)).arg(&finished))?;
        let times = medians(
            rounds,
            &scratch.join("out"),
            &[&|target| run(new_service(Some(source)).arg(target)), &|target| copy(&finished, target)],
        )?;
        let [new, copy] = times[..] else { unreachable!("two cases") };
        let (one, base) = *first.get_or_insert((count, new));
        let more = if count == one {
            String::new()
        } else {
            format!("{:8.1} µs", new.saturating_sub(base).as_secs_f64() * 1e6 / f64::from(count - one))
        };
        println!("  {count:5}  {}  {}  {:6.2}   {more}", shown(new), shown(copy), ratio(new, copy));
    }
    if kickstart {
        let program = kickstart_program(scratch)?;
        let template = scratch.join("kickstart-100");
        write_kickstart(&template, 100)?;
        let times = medians(
            rounds,
            &scratch.join("out"),
            &[&|target| run(Command::new(&program).arg(&template).arg("--no-input").arg("-o").arg(target))],
        )?;
        let made = scratch.join("kickstart-made");
        run(Command::new(&program).arg(&template).arg("--no-input").arg("-o").arg(&made))?;
        println!("\n  kickstart {KICKSTART} on the same 100 files ({} written): {}", size(&made)?.0, shown(times[0]));
    }
    Ok(())
}

fn new_service(template: Option<&str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_new-service"));
    command.args(["new", "--name", "demo", "--yes", "--no-git"]);
    if let Some(template) = template {
        command.args(["--template", template]);
    }
    command
}

fn copy(from: &Path, to: &Path) -> Outcome<()> {
    run(Command::new("cp").arg("-r").arg(from).arg(to))
}

fn run(command: &mut Command) -> Outcome<()> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)).into())
}

type Case<'a> = &'a dyn Fn(&Path) -> Outcome<()>;

/// The median time of each case, each time into a `target` that is not there.
fn medians(rounds: usize, target: &Path, cases: &[Case]) -> Outcome<Vec<Duration>> {
    let mut times = vec![Vec::new(); cases.len()];
    for round in 0..=rounds {
        for (case, times) in cases.iter().zip(&mut times) {
            remove(target)?;
            let start = Instant::now();
            case(target)?;
            if round > 0 {
                times.push(start.elapsed());
            }
        }
    }
    remove(target)?;
    Ok(times
        .into_iter()
        .map(|mut times| {
            times.sort();
            times[times.len() / 2]
        })
        .collect())
}

fn remove(folder: &Path) -> Outcome<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Files and bytes below a folder.
fn size(folder: &Path) -> Outcome<(usize, u64)> {
    let (mut files, mut bytes) = (0, 0);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            let (more, larger) = size(&entry.path())?;
            files += more;
            bytes += larger;
        } else {
            files += 1;
            bytes += entry.metadata()?.len();
        }
    }
    Ok((files, bytes))
}

/// 1 KB of text with a value in it; no two files are equal.
fn content(number: u32) -> String {
    let mut text = format!("File {number} of {{{{ name }}}}\n");
    while text.len() < 1024 {
        text.push_str("Sixty-four characters of text, which nobody will ever read again\n");
    }
    text
}

fn write_pack(pack: &Path, count: u32) -> Outcome<()> {
    let files = pack.join("layers/all/files");
    fs::create_dir_all(&files)?;
    let manifest = "name = \"bench\"\nversion = \"0.1.0\"\nedition = 1\ndescription = \"Files of 1 KB\"\n";
    fs::write(pack.join("pack.toml"), manifest)?;
    fs::write(pack.join("layers/all/layer.toml"), "title = \"All\"\n")?;
    for number in 0..count {
        fs::write(files.join(format!("{number:04}.txt.tera")), content(number))?;
    }
    Ok(())
}

fn write_kickstart(template: &Path, count: u32) -> Outcome<()> {
    fs::create_dir_all(template)?;
    let manifest = "name = \"bench\"\nkickstart_version = 1\n\n[[variables]]\nname = \"name\"\ndefault = \"demo\"\nprompt = \"Name?\"\n";
    fs::write(template.join("template.toml"), manifest)?;
    for number in 0..count {
        fs::write(template.join(format!("{number:04}.txt")), content(number))?;
    }
    Ok(())
}

/// The peer, installed where it is missing, beside the build output.
fn kickstart_program(scratch: &Path) -> Outcome<PathBuf> {
    let root = scratch.parent().ok_or("a scratch folder has a parent")?.join("peers");
    let program = root.join("bin/kickstart");
    if !program.exists() {
        println!("\ninstalling kickstart {KICKSTART}, to measure against");
        let mut command = Command::new("cargo");
        command.args(["install", "kickstart", "--version", KICKSTART, "--locked", "--features", "cli", "--root"]);
        run(command.arg(&root))?;
    }
    Ok(program)
}

fn shown(time: Duration) -> String {
    format!("{:7.1} ms", time.as_secs_f64() * 1e3)
}

fn ratio(time: Duration, to: Duration) -> f64 {
    time.as_secs_f64() / to.as_secs_f64()
}
