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
    let script = String::from_utf8(script).map_err(io::Error::other)?;
    Ok(if shell.name() == "bash" { with_whole_words(&script) } else { script })
}

/// Bash breaks a word at `=`, and completes what stands after it: `--flag=value` is asked as one word, of which the
/// value alone is offered. Goes into the function that `clap_complete` writes, at places that a test finds.
fn with_whole_words(script: &str) -> String {
    const JOIN: &str = r#"    local whole=() at last
    for ((at = 0; at <= COMP_CWORD; at++)); do
        last=$((${#whole[@]} - 1))
        if [[ ${COMP_WORDS[at]} == = && $last -ge 0 && ${whole[last]} == --* ]]; then
            whole[last]+="="
        elif [[ $last -ge 0 && ${COMP_WORDS[at - 1]} == = && ${whole[last]} == --*= ]]; then
            whole[last]+="${words[at]}"
        else
            whole+=("${words[at]}")
        fi
    done
    words=("${whole[@]}")
    _CLAP_COMPLETE_INDEX=$((${#words[@]} - 1))
"#;
    const STRIP: &str = r#"    if [[ ${words[_CLAP_COMPLETE_INDEX]} == --*=* ]]; then
        COMPREPLY=("${COMPREPLY[@]#--*=}")
    fi
"#;
    let (ask, end) = ("    COMPREPLY=( $( \\\n", "    fi\n}\n");
    script.replacen(ask, &format!("{JOIN}{ask}"), 1).replacen(end, &format!("    fi\n{STRIP}}}\n"), 1)
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
