//! The program at a pseudo-terminal.

use rexpect::process::WaitStatus;
use rexpect::reader::Options;
use rexpect::session::{PtySession, spawn_with_options};

use crate::support::Run;

pub const ENTER: &str = "\r";
pub const ESC: &str = "\u{1b}";
pub const DOWN: &str = "\u{1b}[B";
pub const UP: &str = "\u{1b}[A";

pub struct Terminal {
    pub session: PtySession,
}

impl Terminal {
    /// Starts `run` at a terminal of that many columns; escape codes are kept where `raw`.
    pub fn start(run: Run, columns: u16, raw: bool) -> Self {
        let run = run.env("TERM", "xterm-256color");
        Self::start_as_is(run, columns, raw)
    }

    pub fn start_as_is(run: Run, columns: u16, raw: bool) -> Self {
        let command = run.through(&format!("stty cols {columns} rows 40; exec \"$@\"")).into_command();
        // A test that waits for what never comes ends after this time; no other depends on it.
        let options = Options::new().timeout_ms(Some(30_000)).strip_ansi_escape_codes(!raw);
        Self { session: spawn_with_options(command, options).unwrap() }
    }

    /// Waits for `text`; what came before it.
    pub fn expect(&mut self, text: &str) -> String {
        utf_8(&self.session.exp_string(text).unwrap_or_else(|error| panic!("{text:?} did not appear: {error}")))
    }

    pub fn send(&mut self, keys: &str) {
        self.session.send(keys).unwrap();
        self.session.flush().unwrap();
    }

    /// Waits for the question, and answers it.
    pub fn answer(&mut self, question: &str, keys: &str) {
        self.expect(question);
        self.send(keys);
    }

    /// What came until the end, and the exit code.
    pub fn end(mut self) -> (String, i32) {
        let rest = utf_8(&self.session.exp_eof().unwrap());
        match self.session.process().wait().unwrap() {
            WaitStatus::Exited(_, code) => (rest, code),
            other => panic!("{other:?}: {rest}"),
        }
    }

    /// Ends well.
    pub fn done(self) -> String {
        let (rest, code) = self.end();
        assert_eq!(code, 0, "{rest}");
        rest
    }
}

/// rexpect gives a character a byte.
fn utf_8(bytes: &str) -> String {
    String::from_utf8(bytes.chars().map(|c| u8::try_from(c).unwrap()).collect()).unwrap()
}

/// Keys that type an answer and take it. What stands in a prompt in brackets is replaced by typing.
pub fn typed(text: &str) -> String {
    format!("{text}{ENTER}")
}
