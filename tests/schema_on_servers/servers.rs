//! A database of `DATABASE_URL`'s `PostgreSQL`, or a file of `SQLite`, by their own programs.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub struct Server {
    postgres: bool,
    /// The database's own, as sqlx takes it.
    url: String,
    folder: PathBuf,
}

impl Server {
    /// A new, empty database on the server of `DATABASE_URL`; a test without one fails.
    pub fn postgres(name: &str) -> Self {
        let url = std::env::var("DATABASE_URL").expect("DATABASE_URL: run this by scripts/with-servers");
        let (server, _) = url.rsplit_once('/').expect("a database in DATABASE_URL");
        let database = format!("proof_{name}");
        for sql in [format!("DROP DATABASE IF EXISTS {database}"), format!("CREATE DATABASE {database}")] {
            output(
                Command::new("psql").args([&url, "--no-psqlrc", "-v", "ON_ERROR_STOP=1", "--quiet", "-c", &sql]),
                "",
            );
        }
        Self { postgres: true, url: format!("{server}/{database}"), folder: folder(&format!("postgres-{name}")) }
    }

    /// A new, empty file.
    pub fn sqlite(name: &str) -> Self {
        let folder = folder(&format!("sqlite-{name}"));
        let server = Self { postgres: false, url: format!("sqlite://{}", folder.join("file.db").display()), folder };
        let _ = fs::remove_file(server.file());
        server.run("");
        server
    }

    pub fn dialect(&self) -> &'static str {
        if self.postgres { "postgres" } else { "sqlite" }
    }

    fn file(&self) -> PathBuf {
        self.folder.join("file.db")
    }

    /// Runs SQL; an error fails the test.
    pub fn run(&self, sql: &str) {
        if self.postgres {
            let arguments =
                [&self.url, "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "--single-transaction", "-f", "-"];
            output(Command::new("psql").args(arguments), sql);
        } else {
            self.python("executescript(sys.stdin.read())", sql);
        }
    }

    /// The schema as SQL.
    pub fn dump(&self) -> String {
        if self.postgres {
            let dump = output(Command::new("pg_dump").args([&self.url, "--schema-only", "--no-owner"]), "");
            // Newer ones guard their output with a word that is new each time.
            dump.lines().filter(|line| !line.contains("restrict ")).collect::<Vec<_>>().join("\n")
        } else {
            self.python("execute('SELECT * FROM sqlite_master ORDER BY rowid').fetchall()", "")
        }
    }

    fn python(&self, call: &str, input: &str) -> String {
        let program = format!(
            "import sqlite3, sys; print(*(row[:3] + row[4:] for row in sqlite3.connect(sys.argv[1]).{call}), sep=chr(10))"
        );
        output(Command::new("python3").arg("-c").arg(program).arg(self.file()), input)
    }

    /// What sqlx's macros write when they compile `text` against this database.
    pub fn prepare(&self, text: &str) -> BTreeMap<String, String> {
        let scratch = self.folder.join("scratch");
        let data = self.folder.join("data");
        let _ = fs::remove_dir_all(&data);
        fs::create_dir_all(scratch.join("src")).unwrap();
        fs::create_dir_all(&data).unwrap();
        let pattern = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schema_on_servers/scratch");
        // A name for each: cargo tells packages apart by that, and by their place in a workspace. Of two
        // that share a target folder, it would take one to be built already.
        let own = format!("name = \"scratch-{}\"", self.folder.file_name().unwrap().to_str().unwrap());
        for name in ["Cargo.toml", "Cargo.lock"] {
            let text = fs::read_to_string(pattern.join(name)).unwrap();
            fs::write(scratch.join(name), text.replace("name = \"scratch\"", &own)).unwrap();
        }
        fs::write(scratch.join("src/queries.rs"), text).unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["check", "--locked", "--quiet", "--target-dir"]).arg(folder("target")).current_dir(&scratch);
        output(cargo.env("DATABASE_URL", &self.url).env("SQLX_OFFLINE_DIR", &data).env_remove("SQLX_OFFLINE"), "");
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        let files = fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path());
        files.map(|path| (name(&path), fs::read_to_string(path).unwrap())).collect()
    }
}

/// A folder of this test's own, in cargo's target folder.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schema_on_servers").join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// What a program prints; that it cannot be run, or fails, fails the test.
fn output(command: &mut Command, input: &str) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().to_string_lossy()));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {talk}\n{input}");
    String::from_utf8(output.stdout).unwrap()
}
