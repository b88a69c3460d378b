//! A pack from outside is hostile until proven otherwise: what it may not do to the repository, to the
//! machine or to the terminal of whoever uses it.

use crate::support::Sandbox;

const HEAD: &str = "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n";

fn question(rest: &str) -> String {
    format!("{HEAD}[[question]]\nkey = \"box\"\nprompt = \"?\"\n{rest}")
}

/// Files of a pack, and what must be said of them.
fn refused(what: &str, files: &[(&str, &str)], words: &[&str]) {
    println!("{what}");
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(files);
    sandbox.with(&pack, "shop --yes").fails(1, words);
    sandbox.assert_untouched();
}

const FILE: &str = "layers/core/files/a.tera";

#[test]
fn a_template_that_never_ends_is_given_up() {
    let forever = "{% for a in range(end=100000) %}{% for b in range(end=100000) %}{% endfor %}{% endfor %}";
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[(FILE, forever)]);
    let run = sandbox.with(&pack, "shop --yes --limit render-seconds=0.5");
    run.fails(1, &["rendering was given up after 0.5 seconds", "loops for ever", "--limit render-seconds=1"]);
    sandbox.assert_untouched();
    refused(
        "a loop that writes",
        &[(FILE, "{% for a in range(end=100000) %}{% for b in range(end=100000) %}xxxxxxxx{% endfor %}{% endfor %}")],
        &["files/a.tera:1:1: it writes more than 16 MiB"],
    );
    let three = "{% for a in range(end=99000) %}0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789{% endfor %}";
    let many: Vec<String> = (0..5).map(|n| format!("layers/core/files/{n}.tera")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|path| (path.as_str(), three)).collect();
    refused("many large files", &many, &["4.tera: with it the repository has more than 64 MiB"]);
    refused(
        "a component that calls itself",
        &[("partials/a.tera", "{% component a() %}{{ <a /> }}{% endcomponent a %}"), (FILE, "{{ <a /> }}")],
        &["files/a.tera:1:1: ", "depth"],
    );
}

/// Help, the catalogue and the wizard draw defaults and wait for no bound: no loop can stand there.
#[test]
fn a_short_text_holds_no_block() {
    let pack_of = |default: &str| question(&format!("kind = \"text\"\ndefault = \"{default}\"\n"));
    let looping = pack_of("{% for a in range(end=9) %}x{% endfor %}");
    let words = ["pack.toml:8:11: the default of \"box\": it may hold values, and `{%` begins a block"];
    refused("a default", &[("pack.toml", &looping)], &words);
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[("pack.toml", &looping)]);
    for line in ["catalog", "new --help", "man new"] {
        sandbox.with(&pack, line).fails(1, &words);
    }
    refused(
        "a path",
        &[("layers/core/files/{% if true %}a{% endif %}.tera", "")],
        &["may not be written: it may hold values"],
    );
    refused(
        "a default that reads what is not there",
        &[("pack.toml", &pack_of("{{ nmae }}"))],
        &["pack.toml:8:11: the default of \"box\" reads `nmae`, which is no answer (did you mean \"name\"?)"],
    );
    refused("a default that is broken", &[("pack.toml", &pack_of("{{ name | }}"))], &["pack.toml:8:11: the default"]);
}

#[test]
fn what_new_service_keeps_is_not_a_packs_to_write() {
    for path in ["service.toml", "Service.TOML", ".new-service/lock", ".NEW-service/base/x"] {
        let path = format!("layers/core/files/{path}");
        refused(&path, &[(&path, "")], &[&path, "is new-service's own to write"]);
    }
}

/// git runs what the settings of a repository name, and a folder of a repository can be one.
#[test]
fn a_folder_that_git_takes_for_a_repository_is_refused() {
    let words = ["its folder would be a git repository of its own"];
    for (head, objects, refs) in [("HEAD", "objects", "refs"), ("head", "Objects", "REFS")] {
        for above in ["", "docs/x/"] {
            let inside = |name: &str| format!("layers/core/files/{above}{name}");
            let (head, objects, refs) =
                (inside(head), inside(&format!("{objects}/x")), inside(&format!("{refs}/heads/main")));
            refused(&head, &[(&head, ""), (&objects, ""), (&refs, "")], &words);
        }
    }
    // Half of one is none.
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[("layers/core/files/HEAD", ""), ("layers/core/files/objects/x", "")]);
    sandbox.with(&pack, "shop --no-git").ok();
}

#[test]
fn nothing_of_a_pack_reaches_the_terminal_but_plain_text() {
    let escape = "\\u001b[2J";
    let layer = |key: &str| format!("title = \"x\"\n{key} = \"a{escape}b\"\n");
    for (what, files, place) in [
        ("a prompt", [("pack.toml", question("kind = \"text\"\nhelp = \"a\\u001b[2Jb\"\n"))], "pack.toml:8:8"),
        ("the description", [("pack.toml", format!("{HEAD}description = \"a{escape}b\"\n"))], "pack.toml:4:15"),
        ("a next step", [("pack.toml", format!("{HEAD}[next]\nsteps = [\"a\u{202E}b\"]\n"))], "pack.toml:5:10"),
        ("a layer", [("layers/core/layer.toml", layer("description"))], "layer.toml:2:15"),
        ("a key", [("layers/core/layer.toml", format!("title = \"x\"\n[files.\"a{escape}\"]\n"))], "layer.toml:2:8"),
    ] {
        let files: Vec<(&str, &str)> = files.iter().map(|(path, content)| (*path, content.as_str())).collect();
        let sandbox = Sandbox::new();
        let pack = sandbox.pack(&files);
        for line in ["catalog", "new --help", "shop --yes"] {
            println!("{what}: {line}");
            let said = sandbox.with(&pack, line).fails(1, &[place, "it holds U+"]);
            assert!(!said.err.contains(['\u{1b}', '\u{202E}']), "{said:?}");
        }
        sandbox.assert_untouched();
    }
    for (name, words) in [("a\nb", ["U+000A", "a\\nb"]), ("a\u{1b}[2Jb", ["U+001B", "a\\u{1b}[2Jb"])] {
        refused(name, &[(&format!("partials/{name}"), "")], &words);
    }
}

#[test]
fn a_key_is_a_flag_and_a_variable() {
    for key in ["_", "a_", "1a", "_a", "é"] {
        let manifest = question("kind = \"text\"\n").replace("box", key);
        refused(key, &[("pack.toml", &manifest)], &["pack.toml:5:7: the key", "must be lowercase letters"]);
    }
    for key in ["true", "false", "not"] {
        let manifest = question("kind = \"text\"\ndefault = \"x\"\n").replace("box", key);
        let words = format!("pack.toml:5:7: the key \"{key}\" is a word of the template language");
        refused(key, &[("pack.toml", &manifest)], &[&words]);
    }
}

#[test]
fn a_key_that_has_no_meaning_where_it_stands_is_told() {
    for (rest, words) in [
        ("kind = \"integer\"\nmin = 3\nmax = 2\n", "`min` is above `max`"),
        ("kind = \"text\"\nmin = 3\n", "`min` belongs to kind = \"integer\""),
        ("kind = \"bool\"\nmax = 3\n", "`max` belongs to numbers and texts"),
        ("kind = \"bool\"\npattern = \"x\"\n", "`pattern` belongs to texts"),
        ("kind = \"choice\"\nchoices = [\"a\", \"b\", \"a\"]\n", "two choices are the same"),
    ] {
        refused(words, &[("pack.toml", &question(rest))], &["pack.toml:5:7: \"box\": ", words]);
    }
    refused(
        "an item without a list",
        &[("layers/core/layer.toml", "title = \"x\"\nas = \"thing\"\n")],
        &["core/layer.toml:2:6: `as` names an item"],
    );
    refused(
        "a rule for no file",
        &[("layers/core/layer.toml", "title = \"x\"\n[files.\"b/**\"]\nmode = \"755\"\n"), ("layers/core/files/a", "")],
        &["core/layer.toml:2:8: no file of the layer falls under \"b/**\""],
    );
}

/// rustfmt would follow `#[path]` out of the repository, and read settings that choose what runs.
#[test]
fn formatting_reads_the_one_file_and_runs_rustfmt_alone() {
    let format = "[format]\nrustfmt = { edition = \"2024\", config = \"rust-toolchain.toml\" }\n";
    let sandbox = Sandbox::new();
    sandbox.write("../secret.rs", "fn  unformatted( ) { }\n");
    let outside = sandbox.path("../secret.rs").display().to_string();
    let pack = sandbox.pack(&[
        ("pack.toml", &format!("{HEAD}{format}")),
        ("layers/core/files/rust-toolchain.toml", "[toolchain]\npath = \"/nowhere\"\n"),
        ("layers/core/files/main.rs.tera", &format!("// {{{{ name }}}}\n#[path = \"{outside}\"]\nmod  secret;\n")),
    ]);
    let said = sandbox.with(&pack, "shop --no-git").ok();
    assert_eq!(sandbox.read("../secret.rs"), "fn  unformatted( ) { }\n");
    // The pack's settings are none of rustfmt's, so it says so, or formats; it runs nothing else.
    assert!(!said.err.contains("nowhere"), "{said:?}");
}

/// `tests/hostile/`: a pack an attack, with the words that refuse it in `said`, and `flags` where it needs some.
#[test]
fn each_hostile_pack_is_refused_in_its_words() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    let packs = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let mut refused = 0;
    for pack in packs {
        println!("{}", pack.display());
        let read = |name: &str| std::fs::read_to_string(pack.join(name));
        let (said, flags) = (read("said").unwrap(), read("flags").unwrap_or_default());
        let words: Vec<&str> = said.lines().collect();
        let sandbox = Sandbox::new();
        for verb in ["shop --yes", "shop --yes --dry-run"] {
            let said = sandbox.with(&pack, &format!("{verb} {}", flags.trim())).fails(1, &words);
            assert!(!said.err.contains('\u{1b}'), "{said:?}");
        }
        sandbox.assert_untouched();
        refused += 1;
    }
    assert!(refused > 15, "{refused} packs");
}
