//! A service in git, on whose branches commands are run and which are merged.

use std::process::Output;

use crate::support::{Run, Sandbox};

const PACK: &str = "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n\
    [[question]]\nkey = \"db\"\nprompt = \"?\"\nkind = \"choice\"\n\
    choices = [\"pg\", \"lite\"]\ndefault = \"pg\"\n\
    [[question]]\nkey = \"login\"\nprompt = \"?\"\nkind = \"bool\"\ndefault = false\n";
const PG: &str =
    "title = \"x\"\nwhen = 'db == \"pg\"'\n[database]\ndialect = \"postgres\"\nmigrations = \"migrations\"\n";
const LITE: &str =
    "title = \"x\"\nwhen = 'db == \"lite\"'\n[database]\ndialect = \"sqlite\"\nmigrations = \"migrations\"\n";
const LOGIN: &str = "title = \"x\"\nwhen = \"login\"\n[[table]]\nname = \"user\"\nfields = [\"email:email:unique\"]\n";
const EACH: &str = "title = \"x\"\nfor_each = \"resources\"\nas = \"resource\"\n";
/// A file a resource, and one of all, as routes stand in a service.
const RESOURCE: &str =
    "// Fields.\n<% for field in resource.fields %>fn {= field.name =}() {}\n<% endfor %>// Yours:\n";
const ROUTES: &str = "// Routes.\n<% for resource in resources %>\n\
    // All of {= resource.plural =}.\nuse {= resource.plural =};\n\n<% endfor %>// Routes of your own:\n";

pub struct Team {
    pub sandbox: Sandbox,
    /// Seconds since the service was made: commands come one after the other.
    clock: std::cell::Cell<u32>,
}

impl Team {
    /// A service with these resources on `main`; `dialect` is `postgres` or `sqlite`.
    pub fn new(dialect: &str, resources: &[&str]) -> Self {
        let team = Self { sandbox: Sandbox::new(), clock: std::cell::Cell::new(0) };
        let db = if dialect == "sqlite" { "lite" } else { "pg" };
        let run = team.run(&format!("shop --db={db}"));
        resources.iter().fold(run, |run, spec| run.arg("--resource").arg(spec)).ok();
        team
    }

    /// A command outside of the service.
    pub fn run(&self, line: &str) -> Run<'_> {
        let pack = self.sandbox.pack(&[
            ("pack.toml", &format!("{PACK}[delimiters]\nvalue = [\"{{=\", \"=}}\"]\nblock = [\"<%\", \"%>\"]\ncomment = [\"<#\", \"#>\"]\n")),
            ("layers/pg/layer.toml", PG),
            ("layers/lite/layer.toml", LITE),
            ("layers/login/layer.toml", LOGIN),
            ("layers/login/files/src/login.rs", "//! Accounts.\n"),
            ("layers/core/files/src/routes.txt.tera", ROUTES),
            ("layers/each/layer.toml", EACH),
            ("layers/each/files/src/{= resource.module =}.txt.tera", RESOURCE),
        ]);
        self.clock.set(self.clock.get() + 60);
        self.sandbox.with(&pack, line).env("SOURCE_DATE_EPOCH", (1_795_342_500 + self.clock.get()).to_string())
    }

    /// A command in the service, a minute after the last.
    pub fn does(&self, line: &str) -> Run<'_> {
        self.run(line).in_folder("shop")
    }

    pub fn git(&self, words: &str) -> String {
        self.sandbox.git("shop", &words.split(' ').collect::<Vec<_>>())
    }

    /// What git says where it may fail.
    pub fn try_git(&self, words: &str) -> Output {
        let mut command = self.sandbox.clean("git");
        command.env("GIT_EDITOR", "true").current_dir(self.sandbox.path("shop")).args(words.split(' '));
        command.output().unwrap()
    }

    pub fn commit(&self) {
        self.sandbox.commit("shop");
    }

    /// Begins a branch at `main`, on which these commands are run, each with a commit.
    pub fn branch(&self, name: &str, lines: &[&str]) {
        self.git(&format!("checkout --quiet -B {name} main"));
        self.goes_on(lines);
    }

    pub fn goes_on(&self, lines: &[&str]) {
        for line in lines {
            self.does(line).ok();
            self.commit();
        }
    }

    /// Merges `other` into `into`; what git leaves in conflict beside the record is resolved, `service.toml` with the
    /// lines of both, and every other file as `side` has it: `ours` or `theirs`; with `neither`, those stay in conflict.
    pub fn merge(&self, into: &str, other: &str, side: &str) {
        self.git(&format!("checkout --quiet {into}"));
        self.try_git(&format!("merge --no-edit --quiet {other}"));
        self.resolve(side);
    }

    pub fn resolve(&self, side: &str) {
        let service = self.sandbox.read("shop/service.toml");
        let mut lines: Vec<&str> = Vec::new();
        for line in service.lines() {
            let is_marker = ["<<<<<<<", "=======", ">>>>>>>"].iter().any(|mark| line.starts_with(mark));
            // Both may have given one answer.
            let is_twice = line.starts_with("login") && lines.contains(&line);
            if !is_marker && !is_twice {
                lines.push(line);
            }
        }
        self.sandbox.write("shop/service.toml", lines.join("\n") + "\n");
        self.git("add service.toml");
        let unmerged = self.git("diff --name-only --diff-filter=U");
        for path in unmerged.lines().filter(|path| side != "neither" && path.starts_with("src/")) {
            self.git(&format!("checkout --quiet --{side} -- {path}"));
            self.git(&format!("add {path}"));
        }
    }

    /// Takes a line out of `service.toml`, of which both sides were taken.
    pub fn decides_against(&self, line: &str) {
        let service = self.sandbox.read("shop/service.toml").replace(&format!("    {line}\n"), "");
        self.sandbox.write("shop/service.toml", service);
        self.git("add service.toml");
    }

    /// Resolves `service.toml` to that of `branch` and what comes after it.
    pub fn takes(&self, branch: &str, more: &str) {
        let service = self.git(&format!("show {branch}:service.toml"));
        self.sandbox.write("shop/service.toml", format!("{service}\n{more}"));
        self.git("add service.toml");
    }

    /// Names of the migrations with their stamps, in order.
    pub fn stamped(&self) -> Vec<String> {
        let files = self.sandbox.files("shop").into_keys();
        let name = |path: String| Some(path.strip_prefix("migrations/")?.strip_suffix(".up.sql")?.to_owned());
        files.filter_map(name).collect()
    }

    /// The same without the stamps.
    pub fn migrations(&self) -> Vec<String> {
        self.stamped().iter().map(|name| name.split_once('_').unwrap().1.to_owned()).collect()
    }

    /// The text of all migrations that lead on, or back, in the order that they run.
    pub fn sql(&self, way: &str) -> Vec<String> {
        let ending = format!(".{way}.sql");
        let files = self.sandbox.files("shop").into_iter();
        let texts = files.filter(|(path, _)| path.starts_with("migrations/") && path.ends_with(&ending));
        let mut texts: Vec<String> = texts.map(|(_, text)| String::from_utf8(text).unwrap()).collect();
        if way == "down" {
            texts.reverse();
        }
        texts
    }

    /// After a meeting is settled and committed: nothing is left to do, in the working tree and in git's index.
    pub fn is_settled(&self) {
        assert_eq!(self.git("diff --name-only --diff-filter=U"), "");
        self.does("apply").ok().says(&["Nothing to do"]);
        assert_eq!(self.git("diff --name-only"), "", "all that is written is staged");
        self.git("commit --quiet --message both");
        assert_eq!(self.git("status --porcelain"), "");
        let said = self.does("diff").ok();
        assert_eq!(said.out, "");
        self.does("apply").ok().says(&["Nothing to do"]);
    }
}
