//! What the tests share: a folder of one's own, the binary in a clean environment, packs made of
//! (path, text) pairs.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use new_service::blueprint::{self, Blueprint, Drawn, Resolver};
use new_service::pack::{Pack, Text};
use tempfile::TempDir;

pub const BINARY: &str = env!("CARGO_BIN_EXE_new-service");

/// The second pack: a Python tool.
pub fn python_tool() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/python-tool")
}

/// The folder of the built-in pack.
pub fn built_in() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/axum")
}

/// The services that are tried whole: those of `snapshots/`, and those that the benchmarks measure.
pub fn blueprints(pack: &Pack) -> Vec<(String, Blueprint)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let snapshots = names_in(&root.join("snapshots")).into_iter().map(|name| root.join("snapshots").join(name));
    let measured = root.join("benches/blueprints");
    let measured = names_in(&measured).into_iter().map(|name| measured.join(name));
    let files = snapshots.map(|folder| folder.join(blueprint::FILE_NAME)).filter(|file| file.exists()).chain(measured);
    files.map(|file| (file.display().to_string(), blueprint_of(&file, pack))).collect()
}

/// The service of a `service.toml`, made at 2026-01-01T00:00:00Z, as `cargo xtask bless` has it.
pub fn blueprint_of(file: &Path, pack: &Pack) -> Blueprint {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let given = blueprint::read(&Text::new("service.toml", text), pack).unwrap();
    let name = given.name.unwrap();
    let resources = blueprint::resources(given.resources, pack).unwrap();
    let answers = Resolver::new(pack, &name, given.answers).unwrap().complete().unwrap();
    Blueprint { name, answers, resources, drawn: Drawn::at(1_767_225_600) }
}

/// How many cases a law is tried with: some of `many`, all of them with `LAWS=all`, as in `scripts/test all`.
pub fn cases(many: u32) -> u32 {
    let given = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    given.unwrap_or(if std::env::var_os("LAWS").is_some_and(|laws| laws == "all") { many } else { many / 6 })
}

/// A temporary folder: `work/` to run in, `home/`, and `tmp/` for the temporary files of what runs.
pub struct Sandbox {
    root: TempDir,
}

impl Sandbox {
    pub fn new() -> Self {
        let root = TempDir::new().unwrap();
        for folder in ["work", "home", "tmp"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        let sandbox = Self { root };
        sandbox.write("../home/gitconfig", "[user]\nname = Ada Example\nemail = ada@example.org\n");
        sandbox
    }

    /// A path below `work/`.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.path().join("work").join(path)
    }

    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// An executable script in a folder that may stand in a PATH; the folder.
    pub fn stub(&self, name: &str, script: &str) -> PathBuf {
        let path = self.write(&format!("../stubs/{name}"), format!("#!/bin/sh\n{script}\n"));
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        path.parent().unwrap().to_owned()
    }

    /// Writes a pack: `files` over a minimal `pack.toml` and a layer `core`.
    pub fn pack(&self, files: &[(&str, &str)]) -> PathBuf {
        let minimal = [
            ("pack.toml", "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n"),
            ("layers/core/layer.toml", "title = \"Core\"\n"),
        ];
        let folder = self.path("../pack");
        let _ = fs::remove_dir_all(&folder);
        for (path, content) in minimal.iter().chain(files) {
            self.write(&format!("../pack/{path}"), content);
        }
        folder.canonicalize().unwrap()
    }

    /// `new-service` with the words of `line`, and the Python tool as its template.
    pub fn tool(&self, line: &str) -> Run<'_> {
        self.with(&python_tool(), line)
    }

    /// The same with the template `pack`.
    pub fn with(&self, pack: &Path, line: &str) -> Run<'_> {
        self.run("").arg("--template").arg(pack).args(line)
    }

    /// `new-service` with the words of `line`, in the repository `shop`.
    pub fn inside(&self, line: &str) -> Run<'_> {
        self.run(line).in_folder("shop")
    }

    /// A service `shop` with these resources.
    pub fn with_resources(&self, resources: &[&str]) -> Run<'_> {
        resources.iter().fold(self.run("shop --yes"), |run, spec| run.arg("--resource").arg(spec))
    }

    pub fn run(&self, line: &str) -> Run<'_> {
        Run { sandbox: self, words: Vec::new(), input: None, command: self.clean(BINARY) }.args(line)
    }

    /// A command that sees nothing of the developer's own settings.
    pub fn clean(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir(self.path(""));
        for name in ["PATH", "CARGO_HOME", "RUSTUP_HOME", "PYENV_ROOT"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        // rustfmt is a proxy of rustup's, which looks for its toolchains at home.
        if let (None, Some(home)) = (std::env::var_os("RUSTUP_HOME"), std::env::var_os("HOME")) {
            command.env("RUSTUP_HOME", Path::new(&home).join(".rustup"));
        }
        command
            .env("HOME", self.path("../home"))
            .env("TMPDIR", self.path("../tmp"))
            .env("GIT_CONFIG_GLOBAL", self.path("../home/gitconfig"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    /// git's answer in a folder below `work/`.
    pub fn git(&self, folder: &str, arguments: &[&str]) -> String {
        let output = self.clean("git").current_dir(self.path(folder)).args(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Commits all that is in a repository below `work/`, be it nothing.
    pub fn commit(&self, folder: &str) {
        self.git(folder, &["add", "--all"]);
        self.git(folder, &["commit", "--quiet", "--allow-empty", "--message", "mine"]);
    }

    /// Every file below a folder of `work/`, but those of git's own folder, and the values drawn for one machine.
    pub fn files(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let mut files = files_below(&self.path(folder));
        files.remove(".env");
        files
    }

    /// The names in `work/`, hidden ones too.
    pub fn names(&self) -> Vec<String> {
        names_in(&self.path(""))
    }

    /// That nothing is left: neither in `work/`, nor of temporary files.
    pub fn assert_untouched(&self) {
        assert_eq!(self.names(), [""; 0], "something was left in the folder");
        assert_eq!(names_in(&self.path("../tmp")), [""; 0], "temporary files were left");
    }
}

pub fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub fn files_below(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let walk = walkdir::WalkDir::new(root).into_iter().filter_entry(|entry| entry.file_name() != ".git");
    walk.map(Result::unwrap)
        .filter(|entry| !entry.file_type().is_dir())
        .map(|entry| {
            let path = entry.path().strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            (path, fs::read(entry.path()).unwrap_or_default())
        })
        .collect()
}

/// One run of the binary, being put together.
pub struct Run<'a> {
    sandbox: &'a Sandbox,
    words: Vec<std::ffi::OsString>,
    input: Option<Vec<u8>>,
    command: Command,
}

impl Run<'_> {
    /// The words of `line`, divided at spaces.
    pub fn args(mut self, line: &str) -> Self {
        self.words.extend(line.split_whitespace().map(Into::into));
        self
    }

    /// One argument, as it stands.
    pub fn arg(mut self, word: impl AsRef<OsStr>) -> Self {
        self.words.push(word.as_ref().to_owned());
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Puts a folder before the PATH.
    pub fn first_in_path(self, folder: &Path) -> Self {
        let mut path = folder.as_os_str().to_owned();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap());
        self.env("PATH", path)
    }

    pub fn in_folder(mut self, folder: &str) -> Self {
        self.command.current_dir(self.sandbox.path(folder));
        self
    }

    pub fn input(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.input = Some(text.into());
        self
    }

    /// Runs under `sh -c`, where `"$@"` is the command so far: for limits, mounts and redirections.
    pub fn through(mut self, script: &str) -> Self {
        let mut words = vec!["-c".into(), script.into(), "sh".into(), self.command.get_program().to_owned()];
        words.append(&mut self.words);
        let mut shell = self.sandbox.clean("sh");
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell.current_dir(self.command.get_current_dir().unwrap());
        Self { command: shell, words, ..self }
    }

    /// The command as it stands, for tests that start it themselves.
    pub fn into_command(mut self) -> Command {
        self.command.args(self.words);
        self.command
    }

    pub fn finish(mut self) -> Outcome {
        let input = self.input.take();
        let mut command = self.into_command();
        command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        if let Some(input) = input {
            // A reader that stops early is no fault of the writer.
            let _ = child.stdin.take().unwrap().write_all(&input);
        }
        Outcome::of(child.wait_with_output().unwrap())
    }

    /// Runs to a good end.
    pub fn ok(self) -> Outcome {
        self.ends(0)
    }

    /// Runs to the exit code `code`.
    pub fn ends(self, code: i32) -> Outcome {
        let outcome = self.finish();
        assert_eq!(outcome.code(), Some(code), "{outcome:?}");
        outcome
    }

    /// Runs into an error with the code, that says all of `words` on standard error and leaves nothing.
    pub fn fails(self, code: i32, words: &[&str]) -> Outcome {
        let sandbox = self.sandbox;
        let before = sandbox.files("");
        let outcome = self.ends(code).says(words);
        assert_eq!(outcome.out, "", "an error is no data");
        assert_eq!(sandbox.files(""), before, "an error left something");
        outcome
    }
}

pub struct Outcome {
    pub status: ExitStatus,
    pub out: String,
    pub err: String,
}

impl Outcome {
    pub fn of(output: std::process::Output) -> Self {
        Self {
            status: output.status,
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// None after a signal.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// That standard error holds each of `words`.
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.err.contains(word), "{word:?} is not said:\n{}", self.err);
        }
        self
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n--- out\n{}\n--- err\n{}", self.status, self.out, self.err)
    }
}

/// Waits for the end of a command that might hang: after a minute it is killed, which no test takes for an end.
pub fn end_of(child: std::process::Child) -> Outcome {
    let id = child.id().to_string();
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait_with_output().unwrap()));
    let output = receiver.recv_timeout(std::time::Duration::from_secs(60)).unwrap_or_else(|_| {
        Command::new("kill").args(["-9", &id]).status().unwrap();
        receiver.recv().unwrap()
    });
    Outcome::of(output)
}
