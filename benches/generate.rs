//! What generating costs, against copying the same finished tree. Prints tables and asserts nothing.
//!
//! ```text
//! cargo bench --bench generate                    the built-in services, fifty resources, packs of 1 to 1000 files
//! cargo bench --bench generate -- --kickstart     also kickstart (crates.io) on the same 100 files
//!     --rounds N        rounds, of which the median is shown (21)
//!     --template SRC    another pack for the services
//!     --binary FILE     another new-service, such as the one before a change
//! ```
//!
//! Every round works in a folder that does not exist yet, on one file system, after one round
//! that is not counted. The cases take turns, so that a busy moment hits all of them. Formatting is
//! part of what is measured, and git is not: `PATH` has rustfmt alone, and no repository is around.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

type Outcome<T> = Result<T, Box<dyn Error>>;

const KICKSTART: &str = "0.6.0";

/// Resources of the large service.
const RESOURCES: usize = 50;

/// What is measured, and how often.
struct Bench {
    binary: PathBuf,
    template: Option<String>,
    rounds: usize,
    /// Outside of any repository of git's.
    scratch: PathBuf,
}

fn main() -> Outcome<()> {
    let scratch = tempfile::tempdir()?;
    let mut bench = Bench {
        binary: env!("CARGO_BIN_EXE_new-service").into(),
        template: None,
        rounds: 21,
        scratch: scratch.path().to_owned(),
    };
    let mut kickstart = false;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bench" => {} // cargo's own
            "--kickstart" => kickstart = true,
            "--rounds" => bench.rounds = arguments.next().ok_or("--rounds N")?.parse()?,
            "--template" => bench.template = Some(arguments.next().ok_or("--template SRC")?),
            "--binary" => bench.binary = arguments.next().ok_or("--binary FILE")?.into(),
            other => return Err(format!("no option {other}: see the head of benches/generate.rs").into()),
        }
    }
    fs::create_dir(bench.scratch.join("tools"))?;
    fs::create_dir(bench.scratch.join("empty"))?;
    std::os::unix::fs::symlink(rustfmt()?, bench.scratch.join("tools/rustfmt"))?;
    bench.service("The default service", &[])?;
    let order = "order customer:ref(user) total:decimal(12,2) status:enum(draft,paid)=draft note:text?";
    bench.service("The production preset with a resource", &["--preset", "production", "--resource", order])?;
    bench.resources()?;
    bench.packs(kickstart)
}

fn rustfmt() -> Outcome<PathBuf> {
    let path = std::env::var_os("PATH").ok_or("no PATH")?;
    let found = std::env::split_paths(&path).map(|folder| folder.join("rustfmt")).find(|file| file.is_file());
    Ok(found.ok_or("rustfmt is not installed")?)
}

/// A resource of eight fields; each but the first refers to the one before.
fn resource(number: usize) -> String {
    let before = match number {
        0 => "origin:url?".to_owned(),
        _ => format!("previous:ref(thing_{})?", number - 1),
    };
    format!(
        "thing_{number} {before} name:string(1..80) note:text? status:enum(draft,open,done)=draft:index count:int(0..) \
         price:decimal(12,2) active:bool=true due:date?"
    )
}

impl Bench {
    /// `verb`, which makes or changes a service, without git.
    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg(verb).env("PATH", self.scratch.join("tools"));
        if verb == "new" {
            command.args(["--name", "demo", "--yes", "--no-git"]);
            if let Some(template) = &self.template {
                command.args(["--template", template]);
            }
        }
        command
    }

    /// A service that is made with `answers`, and is there.
    fn service(&self, title: &str, answers: &[&str]) -> Outcome<()> {
        let finished = self.scratch.join("finished");
        remove(&finished)?;
        run(self.command("new").args(answers).arg(&finished))?;
        let (files, bytes) = size(&finished)?;
        let record = size(&finished.join(".new-service"))?.0;
        let nowhere = self.scratch.join("empty");
        let new = |target: &Path| timed(self.command("new").args(answers).arg(target));
        let raw = |target: &Path| timed(self.command("new").args(answers).arg(target).env("PATH", &nowhere));
        let here = |verb: &str| timed(self.command(verb).current_dir(&finished));
        let copy = |target: &Path| copy(&finished, target);
        let times = self.medians(&[&copy, &raw, &new, &|_| here("diff"), &|_| here("apply"), &|_| {
            timed(Command::new(&self.binary).arg("--version"))
        }])?;
        let [copy, raw, formatted, diff, apply, start] = times[..] else { unreachable!("six cases") };
        println!(
            "\n{title}: {files} files, {record} of them the record, {} KB; without git; median of {}",
            bytes / 1024,
            self.rounds
        );
        println!("  cp -r of the finished tree        {}", shown(copy));
        println!(
            "  new                               {}   {:5.2} x the copy",
            shown(formatted),
            ratio(formatted, copy)
        );
        println!("  new, without rustfmt              {}   {:5.2} x the copy", shown(raw), ratio(raw, copy));
        println!("  diff, no difference               {}   {:5.2} x the copy", shown(diff), ratio(diff, copy));
        println!("  apply, nothing to do              {}   {:5.2} x the copy", shown(apply), ratio(apply, copy));
        println!("  the program alone (--version)     {}", shown(start));
        Ok(())
    }

    /// The default service with many resources, and with one more.
    fn resources(&self) -> Outcome<()> {
        let finished = self.scratch.join("many");
        let flags: Vec<String> =
            (0..RESOURCES).flat_map(|number| ["--resource".to_owned(), resource(number)]).collect();
        run(self.command("new").args(&flags).arg(&finished))?;
        let (files, bytes) = size(&finished)?;
        let one_more = resource(RESOURCES);
        let more = |target: &Path| {
            copy(&finished, target)?;
            timed(self.command("resource").arg(&one_more).current_dir(target))
        };
        let times = self.medians(&[
            &|target| copy(&finished, target),
            &|target| timed(self.command("new").args(&flags).arg(target)),
            &more,
            &|_| timed(self.command("diff").current_dir(&finished)),
        ])?;
        let [copy, new, more, diff] = times[..] else { unreachable!("four cases") };
        println!(
            "\nThe default service with {RESOURCES} resources of 8 fields: {files} files, {} KB; without git; median of {}",
            bytes / 1024,
            self.rounds
        );
        println!("  cp -r of the finished tree        {}", shown(copy));
        println!("  new                               {}   {:5.2} x the copy", shown(new), ratio(new, copy));
        println!("  resource, one more                {}   {:5.2} x the copy", shown(more), ratio(more, copy));
        println!("  diff, no difference               {}   {:5.2} x the copy", shown(diff), ratio(diff, copy));
        Ok(())
    }

    /// Packs of files of 1 KB, with a value in each.
    fn packs(&self, kickstart: bool) -> Outcome<()> {
        let Self { scratch, rounds, .. } = self;
        println!("\nPacks of files of 1 KB, without git; median of {rounds}. `new` writes each file twice: the");
        println!("repository keeps what it was made from. So the copy, of the same finished tree, holds both.");
        println!("  files        new       cp -r   ratio   a file more");
        let mut first = None;
        for count in [1, 10, 100, 1000] {
            let pack = scratch.join(format!("pack-{count}"));
            write_pack(&pack, count)?;
            let new = |target: &Path| -> Command {
                let mut command = Command::new(&self.binary);
                command.args(["new", "--name", "demo", "--yes", "--no-git", "--template"]).arg(&pack).arg(target);
                command
            };
            let finished = scratch.join(format!("finished-{count}"));
            run(&mut new(&finished))?;
            let times = self.medians(&[&|target| timed(&mut new(target)), &|target| copy(&finished, target)])?;
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
            let program = kickstart_program()?;
            let template = scratch.join("kickstart-100");
            write_kickstart(&template, 100)?;
            let new = |target: &Path| -> Command {
                let mut command = Command::new(&program);
                command.arg(&template).args(["--no-input", "-o"]).arg(target);
                command
            };
            let times = self.medians(&[&|target| timed(&mut new(target))])?;
            let made = scratch.join("kickstart-made");
            run(&mut new(&made))?;
            println!(
                "\n  kickstart {KICKSTART} on the same 100 files ({} written): {}",
                size(&made)?.0,
                shown(times[0])
            );
        }
        Ok(())
    }

    /// The median time of each case, each time with a `target` that is not there.
    fn medians(&self, cases: &[Case]) -> Outcome<Vec<Duration>> {
        let target = self.scratch.join("out");
        let mut times = vec![Vec::new(); cases.len()];
        for round in 0..=self.rounds {
            for (case, times) in cases.iter().zip(&mut times) {
                remove(&target)?;
                let time = case(&target)?;
                if round > 0 {
                    times.push(time);
                }
            }
        }
        remove(&target)?;
        let median = |mut times: Vec<Duration>| {
            times.sort();
            times[times.len() / 2]
        };
        Ok(times.into_iter().map(median).collect())
    }
}

type Case<'a> = &'a dyn Fn(&Path) -> Outcome<Duration>;

fn copy(from: &Path, to: &Path) -> Outcome<Duration> {
    timed(Command::new("cp").arg("-r").arg(from).arg(to))
}

fn timed(command: &mut Command) -> Outcome<Duration> {
    let start = Instant::now();
    run(command)?;
    Ok(start.elapsed())
}

fn run(command: &mut Command) -> Outcome<()> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)).into())
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
    let manifest = "name = \"bench\"\nversion = \"0.1.0\"\nedition = 2\ndescription = \"Files of 1 KB\"\n";
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
fn kickstart_program() -> Outcome<PathBuf> {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers");
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
