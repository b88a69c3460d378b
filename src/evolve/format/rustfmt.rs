//! rustfmt over many texts: few processes, each with many files.
//!
//! From a file, unlike from standard input, rustfmt follows `mod` lines, and writes where they lead. So each file is in
//! a folder of ours, with an empty file for each of its modules. A text that may lead out of the folder gets a process
//! of its own and standard input, as do all texts of a process that fails: for its message, and so that no text
//! depends on another.
//!
//! All names in the folder are ours: a pack's own could be `rust-toolchain.toml`, and choose the program that runs.

use std::collections::{BTreeMap, btree_map::Entry};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{Unformatted, interrupt, modules, toolchain};

/// Bytes that take about as long to format as a process takes to start.
const WORTH_A_PROCESS: usize = 32 << 10;

/// Formats `texts`; none for a text that does not change.
pub fn run(texts: &[Unformatted], edition: &str) -> Result<Vec<Option<Vec<u8>>>, String> {
    let folder = tempfile::tempdir().map_err(|error| told(&error))?;
    let program = toolchain::rustfmt(folder.path()).ok_or("rustfmt is not installed")?;
    let settings = write_settings(texts, folder.path()).map_err(|error| told(&error))?;
    let run = Run { texts, settings, program, edition, folder: folder.path(), cores: cores() };

    let (mut alone, together): (Vec<usize>, Vec<usize>) = (0..texts.len()).partition(|at| run.may_lead_away(*at));
    let mut formatted = vec![None; texts.len()];
    let running: Vec<_> = run.batches(together).into_iter().map(|batch| (run.begin(&batch), batch)).collect();
    run.each_alone(&alone, &mut formatted)?;
    alone.clear();
    for (child, batch) in running {
        if child.and_then(|child| run.finish(child, &batch, &mut formatted)).is_err() {
            alone.extend(batch);
        }
    }
    // ^C ends the processes, too.
    interrupt::check().map_err(|stop| stop.to_string())?;
    alone.sort_unstable();
    run.each_alone(&alone, &mut formatted)?;
    Ok(formatted)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn told(error: &io::Error) -> String {
    format!("rustfmt: {error}")
}

/// A file for each of the settings of `texts`. Written without settings, too: those of the user's home are not the
/// pack's.
fn write_settings<'a>(texts: &[Unformatted<'a>], folder: &Path) -> io::Result<BTreeMap<&'a [u8], PathBuf>> {
    let mut files = BTreeMap::new();
    for text in texts {
        let path = folder.join(format!("settings-{}.toml", files.len()));
        if let Entry::Vacant(entry) = files.entry(text.settings) {
            fs::write(&path, text.settings)?;
            entry.insert(path);
        }
    }
    Ok(files)
}

struct Run<'a> {
    texts: &'a [Unformatted<'a>],
    /// The files of the settings.
    settings: BTreeMap<&'a [u8], PathBuf>,
    program: PathBuf,
    edition: &'a str,
    folder: &'a Path,
    cores: usize,
}

impl Run<'_> {
    fn may_lead_away(&self, at: usize) -> bool {
        std::str::from_utf8(self.texts[at].text).map_or(true, modules::may_lead_away)
    }

    /// Texts of the same settings, in as many parts of about one size as are worth a process each.
    fn batches(&self, texts: Vec<usize>) -> Vec<Vec<usize>> {
        let mut by_settings = BTreeMap::<&[u8], Vec<usize>>::new();
        for at in texts {
            by_settings.entry(self.texts[at].settings).or_default().push(at);
        }
        let mut batches = Vec::new();
        for mut texts in by_settings.into_values() {
            let size = |at: &usize| self.texts[*at].text.len();
            let all: usize = texts.iter().map(size).sum();
            let mut parts = vec![(0, Vec::new()); (all / WORTH_A_PROCESS).clamp(1, self.cores)];
            texts.sort_by_key(|at| std::cmp::Reverse(size(at)));
            for at in texts {
                if let Some((filled, part)) = parts.iter_mut().min_by_key(|(filled, _)| *filled) {
                    *filled += size(&at);
                    part.push(at);
                }
            }
            batches.extend(parts.into_iter().map(|(_, part)| part));
        }
        batches
    }

    fn file(&self, at: usize) -> PathBuf {
        self.folder.join(format!("{at}.rs"))
    }

    fn command(&self, settings: &[u8]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["--edition", self.edition, "--quiet", "--config-path"]).arg(&self.settings[settings]);
        command.current_dir(self.folder);
        command
    }

    /// Begins to format the texts of a batch in their files.
    fn begin(&self, batch: &[usize]) -> io::Result<Child> {
        let mut command = self.command(self.texts[batch[0]].settings);
        command.args(["--emit", "files"]).args(batch.iter().map(|at| self.file(*at)));
        for at in batch {
            fs::write(self.file(*at), self.texts[*at].text)?;
        }
        for text in batch.iter().filter_map(|at| std::str::from_utf8(self.texts[*at].text).ok()) {
            for module in modules::names(text).map(|name| self.folder.join(format!("{name}.rs"))) {
                if !module.exists() {
                    fs::write(module, "\n")?;
                }
            }
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    }

    fn finish(&self, mut child: Child, batch: &[usize], formatted: &mut [Option<Vec<u8>>]) -> io::Result<()> {
        if !child.wait()?.success() {
            return Err(io::ErrorKind::Other.into());
        }
        for &at in batch {
            formatted[at] = Some(fs::read(self.file(at))?).filter(|text| text != self.texts[at].text);
        }
        Ok(())
    }

    /// A process for each of `texts`, on standard input. The first that fails ends the pass.
    fn each_alone(&self, texts: &[usize], formatted: &mut [Option<Vec<u8>>]) -> Result<(), String> {
        for some in texts.chunks(self.cores) {
            let mut running = Vec::new();
            for &at in some {
                let Unformatted { text, settings } = self.texts[at];
                let mut command = self.command(settings);
                let mut child = command
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .map_err(|error| told(&error))?;
                // It reads to the end before it writes. One that ends early says why on standard error.
                let _ = child.stdin.take().map(|mut input| input.write_all(text));
                running.push((at, child));
            }
            for (at, child) in running {
                let output = child.wait_with_output().map_err(|error| told(&error))?;
                if !output.status.success() {
                    let talk = String::from_utf8_lossy(&output.stderr);
                    return Err(format!("rustfmt: {}", talk.lines().next().unwrap_or("it failed and said nothing")));
                }
                formatted[at] = Some(output.stdout).filter(|text| text != self.texts[at].text);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDITION: &str = "2024";

    fn formatted(texts: &[&str]) -> Result<Vec<Option<String>>, String> {
        let texts: Vec<Unformatted> =
            texts.iter().map(|text| Unformatted { text: text.as_bytes(), settings: b"" }).collect();
        let texts = run(&texts, EDITION)?.into_iter();
        Ok(texts.map(|text| text.map(|text| String::from_utf8(text).unwrap())).collect())
    }

    #[test]
    fn each_text_is_formatted_as_it_would_be_alone() {
        let texts = [
            "fn  a() {}\n",
            "fn b() {}\n",
            // Modules in files of their own, in a body, and in a comment, where the name is that of one of our files.
            "mod b;\nmod  a;\n",
            "mod c {\n    mod d;\n}\nfn  e() {}\n",
            "// mod 0;\nfn  f() {}\n",
            "",
            // The attribute, and what looks like it.
            "#[path = \"/nowhere.rs\"]\nmod  g;\n",
            "mod h;\nfn i() { let path  = 1; }\n",
            "fn j() {}\r\nfn  k() {}\r\n",
        ];
        let together = formatted(&texts).unwrap();
        let alone: Vec<_> = texts.iter().map(|text| formatted(&[*text]).unwrap().remove(0)).collect();
        assert_eq!(together, alone);
        assert_eq!(together[0].as_deref(), Some("fn a() {}\n"));
        assert_eq!(together[1], None, "it is formatted as it stands");
        assert_eq!(together[2].as_deref(), Some("mod a;\nmod b;\n"));
    }

    #[test]
    fn each_goes_by_its_own_settings() {
        let text = b"fn a() {\n    b();\n}\n";
        let texts =
            [&b""[..], b"hard_tabs = true\n", b"tab_spaces = 2\n"].map(|settings| Unformatted { text, settings });
        let expected = [None, Some(b"fn a() {\n\tb();\n}\n".to_vec()), Some(b"fn a() {\n  b();\n}\n".to_vec())];
        assert_eq!(run(&texts, EDITION).unwrap(), expected);
    }

    #[test]
    fn a_text_that_is_no_rust_is_an_error_with_its_reason() {
        let why = formatted(&["fn  a() {}\n", "fn b( {}\n", "fn c() {}\n"]).unwrap_err();
        assert!(why.starts_with("rustfmt: error: ") && why.len() > 20, "{why}");
    }

    #[test]
    fn many_texts_share_a_few_processes() {
        let long = "fn a() {}\n".repeat(WORTH_A_PROCESS / 20);
        let texts: Vec<Unformatted> = (0..9).map(|_| Unformatted { text: long.as_bytes(), settings: b"" }).collect();
        let folder = tempfile::tempdir().unwrap();
        let run = |cores| Run {
            texts: &texts,
            settings: BTreeMap::new(),
            program: "rustfmt".into(),
            edition: EDITION,
            folder: folder.path(),
            cores,
        };
        let sizes = |cores, count| run(cores).batches((0..count).collect()).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(2, 9), [5, 4]);
        assert_eq!(sizes(16, 9), [3, 2, 2, 2], "no more processes than there is work for");
        assert_eq!(sizes(16, 1), [1]);
        assert_eq!(sizes(1, 9), [9]);
    }
}
