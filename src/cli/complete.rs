//! Completion of the command line: the script of a shell asks new-service itself, so that it offers the questions of
//! the template that the line names.

use std::ffi::OsString;
use std::io;

use clap::Arg;
use clap_complete::CompleteEnv;
use clap_complete::env::Shells;

/// The variable by which a script asks; its value is the name of the shell.
pub const VARIABLE: &str = "NEW_SERVICE_COMPLETE";

const PROGRAM: &str = "new-service";

/// The script that registers new-service with a shell.
pub fn script(shell: clap_complete::Shell) -> io::Result<String> {
    let shells = Shells::builtins();
    let shell = shells.completer(&shell.to_string()).ok_or_else(|| io::Error::other("no such shell"))?;
    let mut script = Vec::new();
    shell.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script)?;
    String::from_utf8(script).map_err(io::Error::other)
}

/// Answers a shell that asks by [`VARIABLE`]; false where none does. `command` gives the command line for the words
/// that are there.
pub fn answer(
    arguments: impl Iterator<Item = OsString>,
    command: impl Fn(&[OsString]) -> clap::Command,
) -> Result<bool, clap::Error> {
    if std::env::var_os(VARIABLE).is_none() {
        return Ok(false);
    }
    let arguments: Vec<OsString> = arguments.collect();
    // Before `--` stands what the script says to new-service, and after it the program and the words of the line.
    let words: Vec<OsString> = arguments.iter().skip_while(|word| *word != "--").skip(2).cloned().collect();
    let folder = std::env::current_dir().ok();
    let complete = CompleteEnv::with_factory(|| short(command(&words))).var(VARIABLE).bin(PROGRAM).completer(PROGRAM);
    complete.try_complete(arguments, folder.as_deref())
}

/// Where the verb is left out, the flags of `new` are completed, too. Hidden ones are offered only where no other fits.
fn short(command: clap::Command) -> clap::Command {
    let new = command.find_subcommand("new").map(clap::Command::get_arguments);
    let taken: Vec<&str> = command.get_arguments().filter_map(Arg::get_long).collect();
    let flags = new.into_iter().flatten().filter(|arg| arg.get_long().is_some_and(|long| !taken.contains(&long)));
    let flags: Vec<Arg> = flags.filter(|arg| !arg.is_hide_set()).map(|arg| arg.clone().hide(true)).collect();
    command.args(flags)
}
