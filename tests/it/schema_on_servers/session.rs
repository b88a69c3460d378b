//! One program, kept running: to start `psql` or python for each statement takes longer than the statement.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

/// Answers a line for each: `[what, sql]` as JSON, then `[is_ok, text]`. Every request has a connection of its own.
/// To a `SQLite` before 3.45, NULL was no JSON; to that which services have in them, it is NULL.
const PYTHON: &str = r#"
import json, sqlite3, sys, traceback
def contents(db):
    for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"):
        rows = db.execute(f'SELECT * FROM "{table}"')
        names = [column[0] for column in rows.description]
        for row in rows:
            values = [None if value is None else repr(value) for value in row]
            yield json.dumps([table, values[names.index("id")], dict(zip(names, values))])
asked = {
    "script": lambda db, sql: db.executescript(sql) and [],
    "rows": lambda db, sql: [row[0] for row in db.execute(sql)],
    "facts": lambda db, sql: [row[:3] + row[4:] for row in db.execute(sql)],
    "contents": lambda db, sql: contents(db),
    "plan": lambda db, sql: [row[3] for row in db.execute("EXPLAIN QUERY PLAN " + sql, [None] * sql.count("?"))],
}
plain = sqlite3.connect(":memory:")
def json_valid(text):
    return None if text is None else plain.execute("SELECT json_valid(?)", [text]).fetchone()[0]
for line in sys.stdin:
    what, sql = json.loads(line)
    db = sqlite3.connect(sys.argv[1])
    try:
        db.execute("PRAGMA synchronous = OFF")
        db.create_function("json_valid", 1, json_valid, deterministic=True)
        answer = [True, "\n".join(str(row) for row in asked[what](db, sql))]
    except Exception as error:
        answer = [False, "".join(traceback.format_exception_only(error))]
    db.close()
    print(json.dumps(answer), flush=True)
"#;

/// What `psql` says at the end of each request, to both of its streams.
const END: &str = "end of the request";

pub struct Session {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// What `psql` says of errors, a line each; python has them in its answers.
    errors: Option<Receiver<String>>,
    /// The file that `psql` reads a request from, which ends it whatever is in it.
    file: PathBuf,
}

impl Session {
    pub fn postgres(url: &str, folder: &Path) -> Self {
        let mut command = Command::new("psql");
        command.args([url, "--no-psqlrc", "--quiet", "--no-align", "--tuples-only"]);
        let mut session = Self::start(command.stderr(Stdio::piped()), folder);
        let errors = BufReader::new(session.child.stderr.take().unwrap());
        let (sender, receiver) = channel();
        std::thread::spawn(move || errors.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        session.errors = Some(receiver);
        session
    }

    pub fn sqlite(database: &Path, folder: &Path) -> Self {
        Self::start(Command::new("python3").args(["-c", PYTHON]).arg(database), folder)
    }

    fn start(command: &mut Command, folder: &Path) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().to_string_lossy()));
        let requests = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, requests, answers, errors: None, file: folder.join("request.sql") }
    }

    /// What the rows of a request are, or what is told of its failure.
    pub fn ask_python(&mut self, what: &str, sql: &str) -> Result<String, String> {
        let request = serde_json::to_string(&(what, sql)).unwrap();
        writeln!(self.requests, "{request}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let (is_ok, text) = serde_json::from_str(&line).unwrap();
        if is_ok { Ok(text) } else { Err(text) }
    }

    /// The same of `psql`: a script in one transaction unless it says otherwise.
    pub fn ask_psql(&mut self, what: &str, sql: &str) -> Result<String, String> {
        let is_together = what == "script" && !sql.starts_with("-- no-transaction");
        let (begin, commit) = if is_together { ("BEGIN;\n", "\n;COMMIT;") } else { ("", "") };
        fs::write(&self.file, format!("{begin}{sql}{commit}")).unwrap();
        // What a request leaves in the session goes with it.
        let discard = if what == "script" || what == "plan" { "DISCARD ALL;" } else { "" };
        let file = self.file.display();
        writeln!(self.requests, "\\i {file}\n{discard}\n\\warn {END}\nSELECT '{END}';").unwrap();
        let mut said = String::new();
        loop {
            let start = said.len();
            assert_ne!(self.answers.read_line(&mut said).unwrap(), 0, "psql has ended: {said}");
            if said[start..].trim_end() == END {
                said.truncate(start);
                break;
            }
        }
        let errors = self.errors.as_ref().unwrap().iter().take_while(|line| line != END);
        let errors = errors.filter(|line| !line.contains("current transaction is aborted"));
        let errors: Vec<String> = errors.collect();
        if errors.iter().any(|line| line.contains(": ERROR:  ")) { Err(errors.join("\n")) } else { Ok(said) }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
