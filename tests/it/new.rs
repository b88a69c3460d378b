//! `new-service new`: what was asked for is what stands on disk, and what is said is what was done.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::Sandbox;
use serde_json::json;
use sha2::{Digest as _, Sha256};

const TOOL_FILES: [&str; 8] = [
    "NEWS",
    "README.rst",
    "bin/tool",
    "pyproject.toml",
    "service.toml",
    "src/main.py",
    "src/run.py",
    "tests/latin1.bin",
];

/// All files but those of the record.
fn own_files(files: &BTreeMap<String, Vec<u8>>) -> Vec<&str> {
    files.keys().map(String::as_str).filter(|path| !path.starts_with(".new-service/")).collect()
}

#[test]
fn without_a_terminal_defaults_stand_and_the_folder_gives_the_name() {
    let sandbox = Sandbox::new();
    let said = sandbox.tool("new shop").ok().says(&["Created shop in shop: 8 files from python-tool 0.2.0", "cd shop"]);
    assert_eq!(said.out, "", "talk goes to standard error");
    assert_eq!(own_files(&sandbox.files("shop")), TOOL_FILES);
    assert_eq!(sandbox.names(), ["shop"]);
    assert_eq!(
        sandbox.read("shop/pyproject.toml"),
        "[project]\nname = \"shop\"\nversion = \"0.1.0\"\ndescription = \"Shop, a tool\"\n\
         requires-python = \">=3.11\"\ndependencies = [\n    \"click==8.1\",\n]\n"
    );
    let service: toml::Table = sandbox.read("shop/service.toml").parse().unwrap();
    let answers: toml::Table =
        "summary = \"Shop, a tool\"\npython = \"3.11\"\ncommands = [\"run\"]\npublish = false".parse().unwrap();
    assert_eq!(service["answers"].as_table().unwrap(), &answers, "what does not apply is not in it");
    assert_eq!(service["template"]["name"].as_str(), Some("python-tool"));

    let short = Sandbox::new();
    short.tool("shop --yes").ok();
    assert_eq!(short.files("shop"), sandbox.files("shop"), "`new` may be left out");
}

/// The same answers, each way that they can be given.
#[test]
fn flags_set_file_and_standard_input_give_the_same_bytes() {
    const FILE: &str = "name = \"shop\"\n[answers]\nsummary = \"Sells\"\npython = \"3.13\"\ncommands = [\"a\", \"b\"]\n\
                        publish = true\nindex = \"inside\"\nretries = 5\n";
    let flags = "--summary Sells --python 3.13 --commands a,b --publish --index=inside --retries 5";
    let set = "--set summary=Sells --set python=3.13 --set commands=a,b --set publish=true --set index=inside \
               --set retries=5";
    let trees = [
        ("flags", format!("shop {flags}")),
        ("a list item a flag", format!("shop {}", flags.replace("a,b", "a --commands b"))),
        ("--set", format!("shop {set}")),
        ("a file", "shop --from ../blueprint.toml".to_owned()),
        ("a file that names the service", "--from ../blueprint.toml".to_owned()),
        ("standard input", "shop --from -".to_owned()),
    ]
    .map(|(how, line)| {
        let sandbox = Sandbox::new();
        sandbox.write("../blueprint.toml", FILE);
        sandbox.tool(&line).input(FILE).ok();
        (how, sandbox.files("shop"))
    });
    for (how, tree) in &trees {
        assert!(*tree == trees[0].1, "{how}: differs from flags");
    }
    assert!(trees[0].1.contains_key(".github/workflows/publish.yml"));
    // What it wrote can be read again.
    let again = Sandbox::new();
    again.write("../service.toml", &trees[0].1["service.toml"]);
    again.tool("shop --from ../service.toml").ok();
    assert!(again.files("shop") == trees[0].1, "from its own service.toml");
}

#[test]
fn preset_then_file_then_set_then_flag_the_later_overrules() {
    let sandbox = Sandbox::new();
    sandbox.write("from.toml", "[answers]\nsummary = \"file\"\n");
    let pack = sandbox.pack(&[
        (
            "pack.toml",
            "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n\
             [[question]]\nkey = \"summary\"\nprompt = \"?\"\nkind = \"text\"\ndefault = \"default\"\n\
             [presets.one]\nanswers = { summary = \"preset\" }\n",
        ),
        ("layers/core/files/said.tera", "{{ summary }}"),
    ]);
    let steps = ["", "--preset one", "--from from.toml", "--set summary=set", "--summary flag"];
    let mut line = "x --json --dry-run".to_owned();
    for (step, expected) in steps.iter().zip(["default", "preset", "file", "set", "flag"]) {
        line = format!("{line} {step}");
        assert_eq!(sandbox.with(&pack, &line).ok().json()["answers"]["summary"], expected, "{line}");
    }
}

#[test]
fn a_preset_answers_and_the_rest_is_default() {
    let sandbox = Sandbox::new();
    let answers = sandbox.tool("x --preset library --dry-run --json").ok().json()["answers"].clone();
    assert_eq!(
        (&answers["publish"], &answers["python"], &answers["retries"]),
        (&json!(true), &json!("3.13"), &json!(3))
    );
    sandbox.tool("x --preset libary").fails(2, &["--preset: no preset \"libary\" (did you mean \"library\"?)"]);
}

/// In the order of the pack, each with its help; one without answers is the defaults.
#[test]
fn presets_are_listed_for_people_and_machines() {
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[(
        "pack.toml",
        "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n\
         [[question]]\nkey = \"size\"\nprompt = \"?\"\nkind = \"integer\"\ndefault = 1\n\
         [presets.small]\nhelp = \"as it comes\"\nanswers = {}\n\
         [presets.large]\nhelp = \"for many\"\nanswers = { size = 9 }\n\
         [presets.bare]\nanswers = { size = 0 }\n",
    )]);
    let presets = sandbox.with(&pack, "catalog --json").ok().json()["presets"].clone();
    assert_eq!(
        presets,
        json!([
            {"name": "small", "help": "as it comes", "default": true, "answers": {}},
            {"name": "large", "help": "for many", "default": false, "answers": {"size": 9}},
            {"name": "bare", "help": "", "default": false, "answers": {"size": 0}},
        ])
    );
    let catalog = sandbox.with(&pack, "catalog").ok().out;
    let listed = "Presets\n  --preset small: as it comes [default]\n  --preset large: for many\n  --preset bare\n";
    assert!(catalog.contains(listed), "{catalog}");
    let help = sandbox.with(&pack, "new --help").ok().out;
    for line in ["- small: as it comes [default]\n", "- large: for many\n", "- bare"] {
        assert!(help.contains(line), "{line:?} is not in:\n{help}");
    }
    let answers = |line: &str| sandbox.with(&pack, line).ok().json()["answers"].clone();
    assert_eq!(answers("x --preset small --dry-run --json"), answers("x --dry-run --json"));
    assert_eq!(answers("x --preset large --dry-run --json"), json!({"size": 9}));
    sandbox.with(&pack, "x --preset lrge").fails(2, &["(did you mean \"large\"?)", "there are: small, large, bare"]);
}

#[test]
fn dry_run_diff_and_json_write_nothing_and_say_what_is_written() {
    let sandbox = Sandbox::new();
    let line = "new shop --publish --commands a,b";
    let tree = sandbox.tool(&format!("{line} --dry-run")).ok();
    let diff = sandbox.tool(&format!("{line} --diff")).ok();
    let dry = sandbox.tool(&format!("{line} --dry-run --json")).ok().json();
    sandbox.assert_untouched();
    assert_eq!(dry["written"], false);

    let mut real = sandbox.tool(&format!("{line} --json")).ok().json();
    let written = sandbox.files("shop");
    assert_eq!((real["written"].take(), real["git"].take()), (true.into(), "committed".into()));
    let mut dry = dry;
    assert_eq!((dry["written"].take(), dry["git"].take()), (false.into(), "skipped".into()));
    assert_eq!(dry, real, "--dry-run --json says what --json does");

    let listed = real["files"].as_array().unwrap();
    assert_eq!(listed.len(), written.len());
    for file in listed {
        let path = file["path"].as_str().unwrap();
        assert_eq!(file["bytes"], written[path].len(), "{path}");
        let mode = fs::metadata(sandbox.path("shop").join(path)).unwrap().permissions().mode();
        assert_eq!(file["mode"] == "755", mode & 0o100 != 0, "{path}: {mode:o}");
    }
    for path in own_files(&written) {
        assert!(tree.out.contains(Path::new(path).file_name().unwrap().to_str().unwrap()), "{path}:\n{}", tree.out);
    }

    // The diff, applied by git to nothing, gives the same files.
    sandbox.write("patched/.keep", "");
    sandbox.write("../the.diff", &diff.out);
    sandbox.git("patched", &["apply", "--exclude=*.bin", "../../the.diff"]);
    let patched = sandbox.files("patched");
    for path in own_files(&written).into_iter().filter(|path| *path != "tests/latin1.bin") {
        assert_eq!(patched.get(path), written.get(path), "{path}");
    }
    assert!(diff.out.contains("Binary files /dev/null and b/tests/latin1.bin differ"));
    let mode = fs::metadata(sandbox.path("patched/bin/tool")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111, "run bits are in the diff");
}

#[test]
fn a_layer_for_each_item_gives_a_file_and_a_slot_line_an_item() {
    let sandbox = Sandbox::new();
    sandbox.tool("shop --commands serve,check").ok();
    let main = sandbox.read("shop/src/main.py");
    assert!(
        main.contains(
            "    found = []\n    found.append(\"serve\")\n    found.append(\"check\")\n    # Commands of your own:\n"
        ),
        "{main}"
    );
    assert!(sandbox.read("shop/src/check.py").contains("def check():\n    return \"CHECK\"\n"));

    sandbox.tool("none --commands=").ok();
    assert!(sandbox.read("none/src/main.py").contains("found = []\n    # Commands"), "an empty slot leaves no line");
    assert!(!own_files(&sandbox.files("none")).contains(&"src/run.py"));
}

#[test]
fn what_reads_no_item_of_its_layer_is_there_once() {
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[
        (
            "pack.toml",
            "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n\
             [[question]]\nkey = \"items\"\nprompt = \"?\"\nkind = \"list\"\ndefault = []\n",
        ),
        (
            "layers/core/layer.toml",
            "title = \"Core\"\n\
             [[slot]]\nname = \"lines\"\npurpose = \"lines\"\npublic = true\n\
             [[slot]]\nname = \"names\"\npurpose = \"names\"\npublic = true\n",
        ),
        ("layers/core/files/list.tera", "{{ slot(\"lines\") }}\n{{ slot(\"names\") }}\nend\n"),
        (
            "layers/each/layer.toml",
            "title = \"Each\"\nfor_each = \"items\"\n\
             [files.\"all/**\"]\nmode = \"755\"\n\
             [files.\"of/{{ item }}/**\"]\nmoved_from = \"{{ item }}\"\n",
        ),
        ("layers/each/files/all/copied", "{{ item }}"),
        ("layers/each/files/all/rendered.tera", "{% for item in items %}{{ item }},{% endfor %}"),
        ("layers/each/files/of/{{ item }}/copied", "{{ item }}"),
        ("layers/each/files/of/{{ item }}/rendered.tera", "{{ item }}"),
        ("layers/each/slots/core/lines", "once"),
        ("layers/each/slots/core/names.tera", "{{ item }}"),
    ]);
    let cases: [(&str, &str, &[&str]); 3] =
        [("none", "once\n", &[]), ("a", "once\na\n", &["a"]), ("a,b", "once\na\nb\n", &["a", "b"])];
    for (number, (items, list, folders)) in cases.into_iter().enumerate() {
        let given = if folders.is_empty() { "" } else { items };
        sandbox.with(&pack, &format!("shop{number} --yes")).arg(format!("--items={given}")).ok();
        let files = sandbox.files(&format!("shop{number}"));
        let read = |path: &str| String::from_utf8(files[path].clone()).unwrap();
        assert_eq!(read("list"), format!("{list}end\n"), "{items}");
        assert_eq!(read("all/copied"), "{{ item }}", "{items}");
        assert_eq!(read("all/rendered").trim_end().trim_end_matches(','), given, "{items}");
        for item in folders {
            assert_eq!(read(&format!("of/{item}/rendered")), format!("{item}\n"));
            assert_eq!(read(&format!("of/{item}/copied")), "{{ item }}");
        }
        assert_eq!(own_files(&files).iter().filter(|path| path.starts_with("of/")).count(), 2 * folders.len());
    }
}

#[test]
fn where_a_question_does_not_apply_otherwise_stands_and_else_the_default() {
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[
        (
            "pack.toml",
            "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n\
             [[question]]\nkey = \"box\"\nprompt = \"?\"\nkind = \"bool\"\ndefault = true\n\
             [[question]]\nkey = \"place\"\nprompt = \"?\"\nkind = \"text\"\ndefault = \"ship\"\notherwise = \"none\"\n\
             when = \"box\"\n\
             [[question]]\nkey = \"port\"\nprompt = \"?\"\nkind = \"integer\"\ndefault = 8080\nwhen = \"box\"\n",
        ),
        ("layers/core/files/said.tera", "{{ place }} {{ port }}"),
    ]);
    for (dir, line, said) in [("a", "", "ship 8080\n"), ("b", "--box=false", "none 8080\n")] {
        sandbox.with(&pack, &format!("{dir} {line}")).ok();
        assert_eq!(sandbox.read(&format!("{dir}/said")), said);
    }
    assert!(!sandbox.read("b/service.toml").contains("place"), "what does not apply is no answer of the person");
    sandbox
        .with(&pack, "c --box=false --place=plane")
        .fails(2, &["place = \"plane\" has no effect here: it counts only when box"]);
}

#[test]
fn a_dot_is_the_folder_you_are_in() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("shop")).unwrap();
    let said = sandbox.tool("new .").in_folder("shop").ok().says(&["Created shop in .", "python3 -m src.main"]);
    assert!(!said.err.contains("cd "), "{}", said.err);
    assert!(sandbox.read("shop/pyproject.toml").contains("name = \"shop\""));
    sandbox.git("shop", &["rev-parse", "--verify", "HEAD"]);
}

#[test]
fn an_existing_folder_keeps_its_files_and_gets_the_new_ones() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("empty")).unwrap();
    sandbox.tool("empty").ok();
    assert_eq!(own_files(&sandbox.files("empty")), TOOL_FILES);

    sandbox.write("shop/notes.txt", "mine");
    sandbox.write("shop/src/mine.py", "mine = True\n");
    sandbox.tool("shop").ok();
    let files = sandbox.files("shop");
    assert_eq!(files["notes.txt"], b"mine");
    assert_eq!(files["src/mine.py"], b"mine = True\n");
    assert_eq!(own_files(&files).len(), TOOL_FILES.len() + 2, "{:?}", files.keys());
    assert_eq!(sandbox.git("shop", &["status", "--porcelain"]), "", "all of it is in the first commit");
}

#[test]
fn folders_above_are_made_and_the_next_steps_can_be_pasted() {
    let sandbox = Sandbox::new();
    let next = sandbox.tool("--name shop --json").arg("my code/it's").ok().json()["next"].clone();
    let script: Vec<&str> = next.as_array().unwrap().iter().filter_map(|line| line.as_str()).collect();
    let output = sandbox.clean("sh").args(["-ec", &script.join("\n")]).output().unwrap();
    assert!(output.status.success(), "{script:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_folder_like_a_verb_is_refused_and_a_path_is_not() {
    let sandbox = Sandbox::new();
    for (dir, help) in [
        ("check", "`new-service check` is not in this version"),
        ("templaet", "new-service ./templaet"),
        ("udpate", "new-service ./udpate"),
        ("catalgo", "new-service ./catalgo"),
        ("hlep", "help"),
    ] {
        sandbox.tool(dir).fails(2, &[help]);
    }
    for (line, made) in [("./update", "update"), ("new check", "check"), ("api", "api"), ("--yes shop", "shop")] {
        sandbox.tool(line).ok();
        assert!(sandbox.path(made).join("service.toml").is_file(), "{line}");
    }
}

#[test]
fn a_name_that_would_not_do_is_refused_with_one_that_would() {
    let sandbox = Sandbox::new();
    let long = "a".repeat(65);
    for (dir, words) in [
        ("class", &["it is a Python keyword", "`--name class-service` would do"][..]),
        ("OrderApi", &["lowercase letters, digits and -", "`--name order-api` would do"]),
        ("9lives", &["it must be lowercase letters", "give another with --name"]),
        ("con", &["it is a device name on Windows"]),
        ("café", &["the name \"café\" cannot be used"]),
        (&long, &["it is longer than 64 characters"]),
        ("..", &["cannot be used"]),
        ("/", &["give one with --name"]),
    ] {
        sandbox.tool("new").arg(dir).fails(2, words);
    }
    sandbox.tool("shop").arg("--name=").fails(2, &["the name \"\" cannot be used: it is empty"]);
    sandbox.tool("Ordering --name ordering").ok();
    assert!(sandbox.read("Ordering/pyproject.toml").contains("name = \"ordering\""));
}

#[test]
fn the_first_commit_is_by_gits_own_author_on_main_and_holds_everything() {
    let sandbox = Sandbox::new();
    sandbox.tool("shop").ok().says(&["git: initialised, with a first commit"]);
    let log = sandbox.git("shop", &["log", "--format=%an <%ae> %s", "main"]);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(log, format!("Ada Example <ada@example.org> Create shop with new-service {version}"));
    assert_eq!(sandbox.git("shop", &["status", "--porcelain", "--ignored"]), "");
    let tracked = sandbox.git("shop", &["ls-files"]);
    assert_eq!(tracked.lines().count(), sandbox.files("shop").len());
}

#[test]
fn no_git_no_author_and_a_failing_git_are_said_and_are_not_fatal() {
    let sandbox = Sandbox::new();
    let nothing = sandbox.path("../nothing");
    fs::create_dir(&nothing).unwrap();
    sandbox.tool("without").env("PATH", &nothing).ok().says(&["git is not installed: no repository was initialised"]);
    assert!(!sandbox.path("without/.git").exists());

    let anonymous = sandbox.write("../home/anonymous", "[user]\nuseConfigOnly = true\n");
    sandbox
        .tool("anonymous")
        .env("GIT_CONFIG_GLOBAL", &anonymous)
        .ok()
        .says(&["warning: git: the files are there, but not committed: ", "git add --all && git commit -m"]);
    assert!(sandbox.path("anonymous/.git").is_dir());

    let stubs = sandbox.stub("git", "echo 'fatal: not today' >&2; exit 128");
    sandbox.tool("failing").first_in_path(&stubs).ok().says(&["not committed: not today"]);

    for dir in ["without", "anonymous", "failing"] {
        assert_eq!(own_files(&sandbox.files(dir)), TOOL_FILES, "{dir}");
    }
}

#[test]
fn inside_a_repository_there_is_no_second_one() {
    let sandbox = Sandbox::new();
    sandbox.write("mono/.gitignore", "/scratch/\n");
    sandbox.git("mono", &["init", "--quiet"]);
    let said = sandbox.tool("mono/services/shop --json").ok().json();
    assert_eq!(said["git"], "inside");
    sandbox.tool("mono/other").ok().says(&["git: inside the repository", "so no `git init`"]);
    for dir in ["mono/services/shop", "mono/other"] {
        assert!(!sandbox.path(dir).join(".git").exists(), "{dir}");
    }
    // What the repository ignores is not part of it, as `cargo new` sees it.
    sandbox.tool("mono/scratch/shop").ok().says(&["git: initialised"]);
    sandbox.tool("alone --no-git").ok();
    assert!(!sandbox.path("alone/.git").exists());
}

/// git's own variables, as in a hook, lead it to another repository than the folder's.
#[test]
fn a_git_hooks_environment_leads_to_no_other_repository() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("hooked")).unwrap();
    sandbox.git("hooked", &["init", "--quiet"]);
    let hooked = sandbox.path("hooked");
    sandbox
        .tool("shop")
        .env("GIT_DIR", hooked.join(".git"))
        .env("GIT_WORK_TREE", &hooked)
        .env("GIT_INDEX_FILE", hooked.join(".git/index"))
        .ok()
        .says(&["git: initialised, with a first commit"]);
    assert_eq!(sandbox.git("hooked", &["status", "--porcelain"]), "");
    assert!(sandbox.path("shop/.git").is_dir());
}

const CARGO_PACK: &str = "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n\
                          [lock]\nkind = \"cargo\"\npath = \"Cargo.lock\"\nmanifest = \"Cargo.toml\"\n";

#[test]
fn a_workspace_above_is_told_how_to_take_it_in() {
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[
        ("pack.toml", CARGO_PACK),
        (
            "layers/core/files/Cargo.toml.tera",
            "[package]\nname = {{ name | toml }}\nversion = \"0.1.0\"\nedition = \"2021\"\n",
        ),
        ("layers/core/files/src/main.rs", "fn main() {}\n"),
        ("layers/core/Cargo.lock.fragment", "version = 4\n\n[[package]]\nname = \"fragment\"\nversion = \"0.0.0\"\n"),
    ]);
    sandbox.write("Cargo.toml", "[workspace]\nmembers = []\n");
    let note = "is a workspace: add \"services/shop\" to its `members`, or to `exclude`";
    sandbox.with(&pack, "services/shop --no-git").ok().says(&["warning: ", note]);
    // It is true: cargo refuses the package until that is done, and takes it then, with its lock.
    let check = |sandbox: &Sandbox| {
        let mut cargo = sandbox.clean("cargo");
        cargo.args(["metadata", "--offline", "--no-deps", "--format-version=1"]);
        cargo.current_dir(sandbox.path("services/shop")).output().unwrap().status.success()
    };
    assert!(!check(&sandbox));
    sandbox.write("Cargo.toml", "[workspace]\nmembers = [\"services/shop\"]\n");
    assert!(check(&sandbox));
    let lock = sandbox.read("services/shop/Cargo.lock");
    assert!(lock.ends_with("version = 4\n\n[[package]]\nname = \"shop\"\nversion = \"0.1.0\"\n"), "{lock}");

    let alone = Sandbox::new();
    let said = alone.with(&pack, "shop --no-git").ok();
    assert!(!said.err.contains("workspace"), "{}", said.err);
}

#[test]
fn run_bits_are_declared_and_the_umask_decides_the_rest() {
    for (umask, folder, plain, run) in [("022", 0o755, 0o644, 0o755), ("077", 0o700, 0o600, 0o700)] {
        let sandbox = Sandbox::new();
        fs::create_dir(sandbox.path("there")).unwrap();
        fs::set_permissions(sandbox.path("there"), fs::Permissions::from_mode(0o755)).unwrap();
        for dir in ["shop", "there"] {
            sandbox.tool(dir).through(&format!("umask {umask}; exec \"$@\"")).ok();
            let mode = |path: &str| fs::metadata(sandbox.path(dir).join(path)).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode("src"), mode("NEWS"), mode("bin/tool")), (folder, plain, run), "{dir}, umask {umask}");
            assert_eq!(mode(""), if dir == "shop" { folder } else { 0o755 }, "{dir}, umask {umask}");
        }
    }
}

#[test]
fn what_is_no_template_is_copied_byte_for_byte() {
    let sandbox = Sandbox::new();
    sandbox.tool("shop").ok();
    let source = crate::support::python_tool().join("layers/core/files/tests/latin1.bin");
    let bytes = fs::read(source).unwrap();
    assert!(std::str::from_utf8(&bytes).is_err() && !bytes.ends_with(b"\n"), "the pack's file is the hard case");
    assert_eq!(sandbox.files("shop")["tests/latin1.bin"], bytes);
}

#[test]
fn rendered_text_ends_with_one_newline_and_lf() {
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[
        ("layers/core/files/a.tera", "one\r\ntwo {{ name }}\r\n\r\n\r\n"),
        ("layers/core/files/b.tera", "{{ name }}"),
        ("layers/core/files/c.tera", "{% if name == \"no\" %}x{% endif %}\n"),
        ("layers/core/files/copied", "one\r\n\r\n\r\n"),
    ]);
    sandbox.with(&pack, "x").ok();
    let read = |path: &str| sandbox.read(&format!("x/{path}"));
    assert_eq!([read("a"), read("b"), read("c")], ["one\ntwo x\n", "x\n", ""]);
    assert_eq!(read("copied"), "one\r\n\r\n\r\n");
}

#[test]
fn the_record_holds_every_file_and_the_pristine_bytes_of_what_is_merged() {
    let sandbox = Sandbox::new();
    sandbox.tool("shop").env("SOURCE_DATE_EPOCH", "1000000000").ok();
    let files = sandbox.files("shop");
    let lock = sandbox.read("shop/.new-service/lock");
    let (comment, lines) = lock.split_once('\n').unwrap();
    assert!(comment.starts_with('#'));
    let lines: Vec<&str> = lines.lines().collect();
    assert!(lines.is_sorted(), "{lock}");
    let catalog = sandbox.tool("catalog --json").ok().json();
    let head: Vec<&str> = lines.iter().copied().filter(|line| !line.starts_with("file ")).collect();
    let digest = format!("digest {}", catalog["digest"].as_str().unwrap());
    assert_eq!(head, [&*digest, "drawn year 2001", "format 5", "pack python-tool 0.2.0"]);

    let mut listed = vec!["service.toml".to_owned()];
    let mut objects = Vec::new();
    for line in lines.iter().filter_map(|line| line.strip_prefix("file ")) {
        let words: Vec<&str> = line.split(' ').collect();
        let [path, policy, mode, hash, layer] = words[..] else { panic!("{line}") };
        assert_eq!(hash, new_service::pack::hex(&Sha256::digest(&files[path])), "{path}");
        assert_eq!(policy, if path == "NEWS" { "once" } else { "merge" }, "{path}");
        assert_eq!(mode, if path == "bin/tool" { "755" } else { "644" }, "{path}");
        assert_eq!(layer, if path == "src/run.py" { "commands" } else { "core" }, "{path}");
        if policy == "merge" {
            objects.push(hash.to_owned());
            assert_eq!(files[&format!(".new-service/base/{hash}")], files[path], "{path}");
        }
        listed.push(path.to_owned());
    }
    listed.sort();
    assert_eq!(listed, own_files(&files), "every file is listed, and no other");
    objects.sort();
    assert_eq!(crate::support::names_in(&sandbox.path("shop/.new-service/base")), objects);
}

#[test]
fn the_year_is_drawn_from_source_date_epoch() {
    let sandbox = Sandbox::new();
    for (epoch, year) in [("0", "1970"), ("951782400", "2000"), ("4102444800", "2100")] {
        sandbox.tool(&format!("in-{year}")).env("SOURCE_DATE_EPOCH", epoch).ok();
        assert_eq!(sandbox.read(&format!("in-{year}/NEWS")), format!("made in {year}\n"));
    }
    for bad in ["", "today", "-1", "1.5"] {
        sandbox.tool("shop").env("SOURCE_DATE_EPOCH", bad).fails(2, &["SOURCE_DATE_EPOCH=", "no number of seconds"]);
    }
}

#[test]
fn exit_codes_are_those_of_the_manual() {
    let sandbox = Sandbox::new();
    sandbox.write("taken/NEWS", "mine");
    sandbox.write("file", "");
    for (line, code) in [
        ("--help", 0),
        ("--version", 0),
        ("new --help", 0),
        ("catalog", 0),
        ("shop --dry-run", 0),
        ("taken", 1),
        ("taken --dry-run", 1),
        ("file", 1),
        ("file/shop", 1),
        ("--nonsense shop", 2),
        ("shop --python 2.7", 2),
        ("shop --set nonsense=1", 2),
        ("shop --set nonsense", 2),
        ("shop --retries 9 --publish", 2),
        ("shop --from nowhere.toml", 2),
        ("shop other", 2),
        ("", 2),
        ("man nonsense", 2),
    ] {
        assert_eq!(sandbox.tool(line).finish().code(), Some(code), "{line:?}");
    }
    sandbox.run("--template nowhere shop").fails(2, &["no template \"nowhere\"", "help: built in: "]);
}

#[test]
fn data_goes_to_standard_output_talk_to_standard_error_and_neither_is_coloured() {
    let sandbox = Sandbox::new();
    for (line, data) in [
        ("--help", true),
        ("new --help", true),
        ("catalog", true),
        ("catalog --json", true),
        ("completions bash", true),
        ("man", true),
        ("man new", true),
        ("a --dry-run", true),
        ("a --diff", true),
        ("a --json", true),
        ("b", false),
        ("b", false),
        ("--nonsense", false),
    ] {
        let said = sandbox.tool(line).finish();
        assert_eq!(!said.out.is_empty(), data, "{line}: {said:?}");
        assert!(!data || said.err.is_empty() || line.ends_with("--dry-run"), "{line}: {said:?}");
        for text in [&said.out, &said.err] {
            assert!(!text.contains('\u{1b}'), "{line}: coloured");
        }
    }
}

#[test]
fn help_shows_each_question_with_its_choices_and_default() {
    let sandbox = Sandbox::new();
    let help = sandbox.tool("new --help").ok().out;
    for words in [
        "Answers for python-tool",
        "--summary <TEXT>",
        "What is it for? [default: Name, a tool]",
        "3.13: the newest that everybody has",
        "[default: 3.11]",
        "--commands <ITEM>",
        "library: published, for many Pythons",
        "--retries <NUMBER>",
    ] {
        assert!(help.contains(words), "{words:?} is not in:\n{help}");
    }
}
