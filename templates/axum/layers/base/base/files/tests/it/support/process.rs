//! The real binary, started as an orchestrator starts it.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Output, Stdio},
};

use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use super::{DEFAULTS, PATIENCE, Settings};

const BINARY: &str = env!(concat!("CARGO_BIN_EXE_", env!("CARGO_PKG_NAME")));

/// The service, which listens.
pub struct Process {
    pub addr: SocketAddr,
    pub metrics_addr: SocketAddr,
    /// Lines of the log from before it listened.
    early: Vec<Value>,
    run: Run,
}

/// A command that runs.
pub struct Run {
    /// Dropping them deletes the resources of the test.
    _settings: Settings,
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
}

impl Run {
    /// Starts a subcommand with only `settings` in its environment.
    pub async fn start(args: &[&str], settings: &[(&str, &str)]) -> Self {
        let settings = Settings::new(settings).await;
        let mut command = command(settings.iter());
        let mut child = command.args(args).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { _settings: settings, child, stdout }
    }

    /// Reads lines up to one with this message; returns that line and those before it.
    pub async fn logged(&mut self, message: &str) -> (Value, Vec<Value>) {
        let mut before = Vec::new();
        loop {
            let line = next(&mut self.stdout).await.expect(message);
            if line["message"] == message {
                return (line, before);
            }
            before.push(line);
        }
    }

    pub async fn signal(&self, name: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().await.unwrap().success());
    }

    /// Waits for the process to exit; returns the exit code and the rest of the log.
    pub async fn ended(mut self) -> (Option<i32>, Vec<Value>) {
        let mut log = Vec::new();
        while let Some(line) = next(&mut self.stdout).await {
            log.push(line);
        }
        let status =
            timeout(PATIENCE, self.child.wait()).await.expect("the process exits").unwrap();
        (status.code(), log)
    }
}

impl Process {
    /// Starts the service with only `settings` in its environment, and waits until it listens.
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        let mut run = Run::start(&[], settings).await;
        let (line, early) = run.logged("listening").await;
        let addr = |name: &str| line[name].as_str().unwrap().parse().unwrap();
        Self { addr: addr("http_addr"), metrics_addr: addr("metrics_addr"), early, run }
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        super::client().get(format!("http://{}{path}", self.addr))
    }

    pub async fn metrics(&self) -> Response {
        super::send(super::client().get(format!("http://{}/metrics", self.metrics_addr))).await
    }

    /// Sum of the series of a metric that counts.
    pub async fn metric(&self, name: &str) -> u64 {
        let text = self.metrics().await.text().await.unwrap();
        let series = text.lines().filter(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
        });
        series.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    }

    /// The next log line; `None` when the service has ended. Every line must be JSON.
    pub async fn log_line(&mut self) -> Option<Value> {
        next(&mut self.run.stdout).await
    }

    /// Reads lines up to the access log line of `request_id`, and returns that line.
    pub async fn log_of(&mut self, request_id: &str) -> Value {
        loop {
            let line = self.log_line().await.expect("a line about the request");
            if line["request_id"] == request_id && line["target"] == "http" {
                return line;
            }
        }
    }

    pub async fn signal(&self, name: &str) {
        self.run.signal(name).await;
    }

    /// Waits for the process to exit, without reading its log; returns the exit code.
    pub async fn code(mut self) -> Option<i32> {
        timeout(PATIENCE, self.run.child.wait()).await.expect("the process exits").unwrap().code()
    }

    /// Waits for the process to exit; returns the exit code and the log, without the lines that were
    /// read before.
    pub async fn ended(mut self) -> (Option<i32>, Vec<Value>) {
        let (code, rest) = self.run.ended().await;
        self.early.extend(rest);
        (code, self.early)
    }

    /// Runs a subcommand and waits for it to exit.
    pub async fn run(args: &[&str], settings: &[(&str, &str)]) -> Output {
        Self::run_in(&std::env::temp_dir(), args, settings).await
    }

    /// Runs a subcommand in `folder`, which may hold a `.env`.
    pub async fn run_in(folder: &Path, args: &[&str], settings: &[(&str, &str)]) -> Output {
        let settings = DEFAULTS.iter().chain(settings).copied();
        let output = command(settings).current_dir(folder).args(args).output();
        timeout(PATIENCE, output).await.expect("the process exits").unwrap()
    }
}

fn command<'a>(settings: impl Iterator<Item = (&'a str, &'a str)>) -> Command {
    let mut command = Command::new(BINARY);
    command.env_clear().envs(settings);
    command.current_dir(std::env::temp_dir()).stdin(Stdio::null()).kill_on_drop(true);
    command
}

async fn next(stdout: &mut Lines<BufReader<ChildStdout>>) -> Option<Value> {
    let line = timeout(PATIENCE, stdout.next_line()).await.expect("a line in time").unwrap()?;
    Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
}
