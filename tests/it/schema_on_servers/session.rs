//! One program, kept running: to start `psql` or python for each statement takes longer than the statement.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

/// Answers a line for each: `[what, sql]` as JSON, then `[is_ok, text]`. Every request has a connection of its own.
const PYTHON: &str = r#"
import json, sqlite3, sys, traceback
asked = {
    "script": lambda db, sql: db.executescript(sql) and [],
    "rows": lambda db, sql: [row[0] for row in db.execute(sql)],
    "facts": lambda db, sql: [row[:3] + row[4:] for row in db.execute(sql)],
    "plan": lambda db, sql: [row[3] for row in db.execute("EXPLAIN QUERY PLAN " + sql, [None] * sql.count("?"))],
}
for line in sys.stdin:
    what, sql = json.loads(line)
    db = sqlite3.connect(sys.argv[1])
    try:
        db.execute("PRAGMA synchronous = OFF")
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

    /// The same of `psql`, in one transaction unless the SQL says otherwise.
    pub fn ask_psql(&mut self, sql: &str) -> Result<String, String> {
        let is_alone = sql.starts_with("-- no-transaction");
        let (begin, commit) = if is_alone { ("", "") } else { ("BEGIN;\n", "\n;COMMIT;") };
        fs::write(&self.file, format!("{begin}{sql}{commit}")).unwrap();
        // What a request leaves in the session goes with it.
        let file = self.file.display();
        writeln!(self.requests, "\\i {file}\nDISCARD ALL;\n\\warn {END}\nSELECT '{END}';").unwrap();
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
