//! A database of `DATABASE_URL`'s `PostgreSQL`, or a file of `SQLite`, by their own programs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::session::Session;
use crate::sqlite_facts::sqlite_facts;

pub struct Server {
    postgres: bool,
    /// The database's own, as sqlx takes it.
    url: String,
    folder: PathBuf,
    session: RefCell<Option<Session>>,
}

impl Server {
    /// A new, empty database on the server of `DATABASE_URL`; a test without one fails.
    pub fn postgres(name: &str) -> Self {
        let url = std::env::var("DATABASE_URL").expect("DATABASE_URL: run this by scripts/with-servers");
        let (server, _) = url.rsplit_once('/').expect("a database in DATABASE_URL");
        let database = format!("proof_{name}");
        for sql in [format!("DROP DATABASE IF EXISTS {database}"), format!("CREATE DATABASE {database}")] {
            output(Command::new("psql").args([&url, "--no-psqlrc", "-v", "ON_ERROR_STOP=1", "--quiet", "-c", &sql]));
        }
        let folder = folder(&format!("postgres-{name}"));
        Self { postgres: true, url: format!("{server}/{database}"), folder, session: RefCell::default() }
    }

    /// A new, empty file.
    pub fn sqlite(name: &str) -> Self {
        let folder = folder(&format!("sqlite-{name}"));
        let url = format!("sqlite://{}", folder.join("file.db").display());
        let server = Self { postgres: false, url, folder, session: RefCell::default() };
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

    /// Runs SQL, in a transaction unless it says otherwise, as sqlx does; an error fails the test.
    pub fn run(&self, sql: &str) {
        self.attempt(sql).unwrap_or_else(|said| panic!("{said}\n{sql}"));
    }

    /// Runs SQL that has to fail; what is told of it. In one transaction; of `SQLite`, where the SQL begins one.
    pub fn fails(&self, sql: &str) -> String {
        self.attempt(sql).expect_err(sql)
    }

    /// The same of SQL that may fail.
    pub fn attempt(&self, sql: &str) -> Result<(), String> {
        self.request("script", sql).map(drop)
    }

    fn request(&self, what: &str, sql: &str) -> Result<String, String> {
        let mut session = self.session.borrow_mut();
        if self.postgres {
            return session.get_or_insert_with(|| Session::postgres(&self.url, &self.folder)).ask_psql(what, sql);
        }
        session.get_or_insert_with(|| Session::sqlite(&self.file(), &self.folder)).ask_python(what, sql)
    }

    fn answer(&self, what: &str, sql: &str) -> String {
        self.request(what, sql).unwrap_or_else(|said| panic!("{said}\n{sql}"))
    }

    /// A setting that every later session of this database begins with.
    pub fn session(&self, setting: &str) {
        let database = self.url.rsplit('/').next().unwrap_or_default();
        self.run(&format!("ALTER DATABASE {database} SET {setting}"));
        self.session.take();
    }

    /// A query of one column of text, a row a line.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        self.answer("rows", sql).lines().map(str::to_owned).collect()
    }

    /// How the server would answer a query, a step a line.
    pub fn plan(&self, sql: &str) -> String {
        if self.postgres {
            // Of a statement that is prepared for all values, as a service has it.
            let values = vec!["NULL"; super::forms::parameters(sql)].join(", ");
            let explain = format!("EXPLAIN (COSTS OFF) EXECUTE asked({values})");
            let prepare = format!("SET plan_cache_mode = force_generic_plan; PREPARE asked AS {sql}");
            return self.answer("plan", &format!("{prepare}; {explain}"));
        }
        self.answer("plan", sql)
    }

    /// The schema as SQL.
    pub fn dump(&self) -> String {
        if self.postgres {
            let dump = output(Command::new("pg_dump").args([&self.url, "--schema-only", "--no-owner"]));
            // Newer ones guard their output with a word that is new each time.
            dump.lines().filter(|line| !line.contains("restrict ")).collect::<Vec<_>>().join("\n")
        } else {
            self.answer("facts", "SELECT * FROM sqlite_master ORDER BY rowid")
        }
    }

    /// Takes everything out of the database.
    pub fn empty(&self) {
        if self.postgres {
            self.run("SET client_min_messages = warning; DROP SCHEMA public CASCADE; CREATE SCHEMA public;");
        } else {
            fs::remove_file(self.file()).unwrap();
            self.run("");
        }
    }

    /// What a query gives, a row a line.
    pub fn ask(&self, sql: &str) -> String {
        self.answer("facts", sql)
    }

    /// All rows of all tables, which have an `id`: `[table, id, {column: value}]` as JSON, a row a line.
    pub fn contents(&self) -> Vec<String> {
        if !self.postgres {
            return self.answer("contents", "").lines().map(str::to_owned).collect();
        }
        // psql runs what the query answers with, in one request.
        let all = "SELECT string_agg(format('SELECT jsonb_build_array(%1$L, t.id::TEXT, (SELECT jsonb_object_agg(key, value) \
                   FROM jsonb_each_text(to_jsonb(t))))::TEXT FROM %1$I t', relname), ' UNION ALL ') \
                   FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace HAVING count(*) > 0 \\gexec";
        self.rows(all)
    }

    /// Keeps the whole database beside itself; of `SQLite`, whose rebuilds need a transaction each.
    pub fn save(&self) {
        fs::copy(self.file(), self.folder.join("saved.db")).unwrap();
    }

    pub fn restore(&self) {
        fs::copy(self.folder.join("saved.db"), self.file()).unwrap();
    }

    /// The schema as facts that have no order: columns may stand in another.
    pub fn facts(&self) -> Vec<String> {
        let mut facts: Vec<String> = if self.postgres {
            self.ask(
                "SELECT concat_ws(' ', 'column', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), \
                 a.attnotnull, pg_get_expr(d.adbin, d.adrelid)) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
                 LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum \
                 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped \
                 UNION ALL SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated) \
                 FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n' \
                 UNION ALL SELECT concat_ws(' ', 'index', pg_get_indexdef(indexrelid), indisvalid) \
                 FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE c.relnamespace = 'public'::regnamespace \
                 UNION ALL SELECT 'trigger ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal \
                 UNION ALL SELECT concat_ws(' ', 'view', viewname, replace(definition, E'\\n', ' ')) \
                 FROM pg_views WHERE schemaname = 'public'",
            )
            .lines()
            .map(str::to_owned)
            .collect()
        } else {
            let all = "SELECT replace(sql, char(10), ' ') FROM sqlite_master WHERE sql IS NOT NULL";
            self.rows(all).iter().flat_map(|sql| sqlite_facts(sql)).collect()
        };
        facts.sort();
        facts
    }

    /// What sqlx's macros write when they compile `text` against this database: as the crate of a snapshot, with its
    /// dependencies and flags, which `scripts/test` compiles for that one anyway.
    pub fn prepare(&self, text: &str) -> BTreeMap<String, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let snapshot = root.join("snapshots").join(if self.postgres { "full" } else { "embedded" });
        let scratch = self.folder.join("scratch");
        let data = self.folder.join("data");
        let _ = fs::remove_dir_all(&data);
        fs::create_dir_all(scratch.join("src")).unwrap();
        fs::create_dir_all(&data).unwrap();
        let read = |name: &str| fs::read_to_string(snapshot.join(name)).unwrap();
        // A name for each: cargo tells packages apart by that, and by their place in a workspace. Of two
        // that share a target folder, it would take one to be built already.
        let own = format!("name = \"scratch-{}\"", self.folder.file_name().unwrap().to_str().unwrap());
        let named = |text: &str| text.replacen("name = \"demo\"", &own, 1);
        let manifest = read("Cargo.toml");
        let (manifest, _lints) = manifest.split_once("\n[lints").unwrap();
        fs::write(scratch.join("Cargo.toml"), named(manifest) + "\n[workspace]\n").unwrap();
        fs::write(scratch.join("Cargo.lock"), named(&read("Cargo.lock"))).unwrap();
        fs::write(scratch.join("rust-toolchain.toml"), read("rust-toolchain.toml")).unwrap();
        fs::write(scratch.join("src/lib.rs"), text).unwrap();
        let mut cargo = Command::new(root.join("scripts/as-service"));
        // Features of dependencies are those of its tests.
        cargo.args(["cargo", "build", "--quiet", "--tests"]).current_dir(&scratch);
        output(cargo.env("DATABASE_URL", &self.url).env("SQLX_OFFLINE_DIR", &data).env_remove("SQLX_OFFLINE"));
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
fn output(command: &mut Command) -> String {
    let output =
        command.output().unwrap_or_else(|error| panic!("{}: {error}", command.get_program().to_string_lossy()));
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {talk}");
    String::from_utf8(output.stdout).unwrap()
}
