//! `tree = render(blueprint, pack)`: nothing else decides what is written.

use crate::support::{Run, Sandbox, built_in, python_tool};

/// What surrounds a run, and must not matter.
type Surroundings = fn(Run) -> Run;

#[test]
fn the_same_blueprint_gives_the_same_bytes_wherever_and_whenever() {
    let surroundings: [(&str, Surroundings); 8] = [
        ("again", |run| run),
        ("another time zone", |run| run.env("TZ", "Pacific/Kiritimati")),
        ("another language", |run| run.env("LANG", "tr_TR.UTF-8").env("LC_ALL", "tr_TR.UTF-8")),
        ("another person", |run| run.env("USER", "someone").env("EMAIL", "x@example.org").env("GIT_AUTHOR_NAME", "x")),
        ("another terminal", |run| run.env("TERM", "dumb").env("COLUMNS", "20").env("CLICOLOR_FORCE", "1")),
        ("another umask", |run| run.through("umask 077; exec \"$@\"")),
        ("settings of the service itself", |run| run.env("APP_ENV", "test").env("RUST_LOG", "trace")),
        ("settings of cargo and rustfmt", |run| {
            run.env("CARGO_TARGET_DIR", "/nowhere").env("RUSTFLAGS", "-Dwarnings").env("XDG_CONFIG_HOME", "/nowhere")
        }),
    ];
    for pack in [python_tool(), built_in()] {
        let first = Sandbox::new();
        let create = |sandbox: &Sandbox, around: Surroundings| {
            around(sandbox.with(&pack, "shop").env("SOURCE_DATE_EPOCH", "1000000000")).ok();
            sandbox.files("shop")
        };
        let expected = create(&first, |run| run);
        for (what, around) in surroundings {
            assert!(create(&Sandbox::new(), around) == expected, "{}: {what}", pack.display());
        }
    }
}

/// A folder with settings for rustfmt above the new one does not reach into it.
#[test]
fn settings_in_the_folder_above_do_not_reach_in() {
    let plain = Sandbox::new();
    plain.with(&built_in(), "shop --no-git").env("SOURCE_DATE_EPOCH", "1000000000").ok();
    let other = Sandbox::new();
    for (path, text) in [
        ("rustfmt.toml", "max_width = 40\nhard_tabs = true\n"),
        (".rustfmt.toml", "max_width = 40\n"),
        (".editorconfig", "root = true\n[*]\nindent_style = tab\n"),
        ("../tmp/rustfmt.toml", "max_width = 40\n"),
        ("../home/.config/rustfmt/rustfmt.toml", "max_width = 40\n"),
    ] {
        other.write(path, text);
    }
    other.with(&built_in(), "shop --no-git").env("SOURCE_DATE_EPOCH", "1000000000").ok();
    assert_eq!(other.files("shop"), plain.files("shop"));
}

/// A pack is read in no order of the file system's, and its folder's name is of no account.
#[test]
fn a_copy_of_a_pack_is_the_same_pack() {
    let sandbox = Sandbox::new();
    let mut files: Vec<_> = crate::support::files_below(&python_tool()).into_iter().collect();
    files.reverse();
    for (path, content) in files {
        sandbox.write(&format!("../copy/{path}"), content);
    }
    sandbox.tool("one").arg("--name=shop").ok();
    sandbox.with(&sandbox.path("../copy"), "two").arg("--name=shop").ok();
    // Where it is stands in service.toml.
    let without_source = |folder: &str| {
        let mut files = sandbox.files(folder);
        let service = String::from_utf8(files.remove("service.toml").unwrap()).unwrap();
        let lines: Vec<String> =
            service.lines().filter(|line| !line.starts_with("source = ")).map(str::to_owned).collect();
        (files, lines)
    };
    assert_eq!(without_source("one"), without_source("two"));
}
