//! The completion scripts, each sourced in its shell and asked: verbs, flags and values.

use std::path::Path;
use std::process::Command;

use crate::support::{BINARY, Sandbox};

/// The shells, how a script is given to each, and a script that completes `$LINE` and prints an offer a line.
const SHELLS: [(&str, &[&str], &str); 3] = [
    (
        "bash",
        &["--norc", "--noprofile", "-c"],
        r#"source <(new-service completions bash)
           # `=` breaks words, and what is completed after one is empty.
           words=(${LINE//=/ = })
           [[ $LINE != *' ' ]] || words+=('')
           word=${words[-1]#=}
           COMP_WORDS=("${words[@]}") COMP_CWORD=$((${#words[@]} - 1)) COMP_LINE=$LINE COMP_POINT=${#LINE} COMP_TYPE=9
           compopt() { :; }
           function=$(complete -p new-service | sed 's/.* -F \([^ ]*\).*/\1/')
           "$function" new-service "$word" "${words[-2]}"
           printf '%s\n' "${COMPREPLY[@]}""#,
    ),
    (
        "zsh",
        &["-f", "-c"],
        r"autoload -Uz compinit && compinit -D
           source <(new-service completions zsh)
           # What a widget of zsh's would be given, and what it would show.
           _describe() { shift 2; print -rl -- ${(P)1%%:*} }
           words=(${(z)LINE})
           [[ $LINE != *' ' ]] || words+=('')
           CURRENT=${#words}
           $_comps[new-service]",
    ),
    ("fish", &["--no-config", "-c"], "new-service completions fish | source; complete --do-complete $LINE"),
];

/// Whether the shell is installed; in CI, it has to be.
fn is_there(sandbox: &Sandbox, shell: &str) -> bool {
    let found = sandbox.clean(shell).args(["-c", "true"]).status().is_ok();
    assert!(found || std::env::var_os("CI").is_none(), "{shell} is missing: scripts/install-referees");
    if !found {
        eprintln!("{shell} is not installed, and not asked; scripts/install-referees installs it");
    }
    found
}

/// What `shell` offers at the end of `line`.
fn offered(sandbox: &Sandbox, shell: &str, line: &str) -> Vec<String> {
    let (_, arguments, script) = SHELLS.into_iter().find(|(name, ..)| *name == shell).unwrap();
    let mut command: Command = sandbox.clean(shell);
    let mut path = Path::new(BINARY).parent().unwrap().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    let output = command.args(arguments).arg(script).env("PATH", path).env("LINE", line).output();
    let output = output.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{shell}: {line:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    // fish adds what each of them is.
    said.lines().map(|line| line.split('\t').next().unwrap().trim_end().to_owned()).collect()
}

#[test]
fn each_shell_offers_verbs_flags_and_values() {
    let sandbox = Sandbox::new();
    let tool = crate::support::python_tool().display().to_string();
    let question = "[[question]]\nkey = \"team\"\nprompt = \"?\"\nkind = \"text\"\ndefault = \"\"\n";
    sandbox.write("house/pack.toml", question);
    for (shell, ..) in SHELLS.into_iter().filter(|(shell, ..)| is_there(&sandbox, shell)) {
        for (line, wanted, unwanted) in [
            ("new-service ", &["new", "add", "undo", "template"][..], &["--database"][..]),
            ("new-service up", &["update"], &["new"]),
            ("new-service template ", &["export", "check", "watch"], &["add"]),
            ("new-service new --da", &["--database"], &["--dry-run"]),
            ("new-service new shop --database ", &["postgres", "sqlite"], &["--yes"]),
            ("new-service shop --da", &["--database"], &["--dry-run"]),
            ("new-service shop --database p", &["postgres"], &["sqlite"]),
            ("new-service --no-", &["--no-git"], &["--name"]),
            ("new-service apply --allow-d", &["--allow-dirty", "--allow-destructive"], &["--dry-run"]),
            ("new-service completions ", &["bash", "fish", "zsh"], &["new"]),
            (&format!("new-service --template {tool} shop --py"), &["--python"], &["--database"]),
            (&format!("new-service shop --template {tool} --python "), &["3.11", "3.13"], &["postgres"]),
            ("new-service --overlay house new shop --te", &["--team"], &["--database"]),
            // A template that is no template: there is nobody to tell, and the built-in one is completed.
            ("new-service shop --template nowhere --da", &["--database"], &[]),
        ] {
            let offered = offered(&sandbox, shell, line);
            for word in wanted {
                assert!(offered.iter().any(|one| one == word), "{shell}: {line:?} offers no {word}: {offered:?}");
            }
            for word in unwanted {
                assert!(!offered.iter().any(|one| one == word), "{shell}: {line:?} offers {word}: {offered:?}");
            }
        }
    }
}

#[test]
fn bash_offers_values_after_an_equals_sign() {
    let sandbox = Sandbox::new();
    if !is_there(&sandbox, "bash") {
        return;
    }
    for (line, wanted) in [
        ("new-service shop --database=", &["sqlite", "postgres", "none"][..]),
        ("new-service shop --database=p", &["postgres"]),
        ("new-service shop --cache=none --database=s", &["sqlite"]),
        ("new-service shop --cache=none --da", &["--database"]),
    ] {
        assert_eq!(offered(&sandbox, "bash", line), wanted, "{line}");
    }
}
