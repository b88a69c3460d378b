//! What a shell is told that asks how a line could go on.

use std::ffi::OsString;

use super::{load, named};
use crate::cli::{self, Line};
use crate::pack::{Source, Sources};

/// Answers a shell that asks; false where none does, and this is a command to run.
pub fn complete() -> anyhow::Result<bool> {
    Ok(cli::complete::answer(std::env::args_os(), command_of)?)
}

/// The command line with the questions of the template that the words name. Where none can be read, there is nobody to
/// tell: the built-in one is shown.
fn command_of(words: &[OsString]) -> clap::Command {
    let sources = match cli::read(words) {
        Ok(Line::New(line)) => named(&line.sources),
        Ok(Line::Plain(sources, _)) => named(&sources),
        Err(error) => Err(error.into()),
    };
    let pack = sources.and_then(|sources| Ok(load(&sources)?));
    let pack = pack.or_else(|_| load(&Sources::from(Source::default_pack())));
    pack.map_or_else(|_| cli::command(), |pack| cli::command_for(&pack))
}
