//! What a newcomer meets: words that are no verbs, folders that hold something already, and the way back.

use std::fs;

use crate::support::Sandbox;

#[test]
fn inside_a_repository_a_folder_needs_new() {
    let sandbox = Sandbox::new();
    sandbox.tool("shop").ok();
    for (line, words) in [
        ("statsu", &["no verb \"statsu\"", "the verbs are: new, add, ", "new-service new statsu"][..]),
        ("aply", &["no verb \"aply\" (did you mean \"apply\"?)"]),
        ("status", &["no verb \"status\""]),
        ("other --yes", &["no verb \"other\"", "new-service new other"]),
        ("./other", &["a folder needs `new`", "new-service new ./other"]),
        ("--yes other", &["no verb \"other\""]),
        ("--publish", &["this is a repository that new-service made"]),
        ("", &["this is a repository that new-service made"]),
    ] {
        let before = sandbox.files("");
        sandbox.tool(line).in_folder("shop").ends(2).says(words);
        sandbox.tool(line).in_folder("shop/src").ends(2).says(words);
        assert_eq!(sandbox.files(""), before, "{line}");
    }
    sandbox.tool("new other").in_folder("shop").ok();
    assert!(sandbox.path("shop/other/service.toml").is_file());
    // A file of that name alone makes no repository of ours.
    sandbox.write("foreign/service.toml", "mine");
    sandbox.tool("shop").in_folder("foreign").ok();
}

#[test]
fn good_names_are_no_verbs() {
    for name in ["map", "news", "remote", "templates"] {
        let sandbox = Sandbox::new();
        sandbox.tool(name).ok();
        assert!(sandbox.path(name).join("service.toml").is_file(), "{name}");
    }
}

#[test]
fn a_mistyped_verb_is_at_fault_and_not_its_arguments() {
    let sandbox = Sandbox::new();
    sandbox.tool("addd cache=redis").fails(2, &["no verb \"addd\" (did you mean \"add\"?)"]);
    sandbox
        .tool("udpate --dry-run")
        .fails(2, &["no verb \"udpate\" (did you mean \"update\"?)", "new-service ./udpate"]);
    sandbox.tool("--yes catalog").fails(2, &["the verb \"catalog\" does not come first"]);
    sandbox.tool("shop other").fails(2, &["unexpected argument 'other'"]);
}

#[test]
fn sources_before_the_verb_and_after_it_add_up() {
    let sandbox = Sandbox::new();
    for name in ["one", "two"] {
        sandbox.write(&format!("{name}/layers/core/files/{name}"), name);
    }
    sandbox.tool("--overlay one new shop --overlay two").ok();
    assert_eq!((sandbox.read("shop/one"), sandbox.read("shop/two")), ("one".into(), "two".into()));
    let said = sandbox.tool("new other").arg("--template").arg(crate::support::built_in()).ends(2);
    said.says(&["'--template <SRC>' cannot be used before the verb and after it"]);
}

#[test]
fn a_question_with_a_flag_of_ours_is_refused_at_its_place() {
    for key in ["limit", "template", "overlay", "keep_existing", "help", "version", "dry_run"] {
        let sandbox = Sandbox::new();
        let manifest = format!(
            "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n\
             [[question]]\nkey = \"{key}\"\nprompt = \"?\"\nkind = \"bool\"\ndefault = true\n"
        );
        let pack = sandbox.pack(&[("pack.toml", &manifest)]);
        let flag = key.replace('_', "-");
        let place = format!("{}/pack.toml:5:7: ", pack.display());
        let why = format!("the question \"{key}\" would be the flag --{flag}, which is new-service's own");
        if key != "template" {
            // What the name of a template names already is refused as that.
            sandbox.with(&pack, "shop --yes").fails(1, &[&place, &why, "give it another key"]);
            sandbox.with(&pack, "new --help").fails(1, &[&place, &why]);
            let checked = sandbox.run("template check").arg(&pack).ends(4);
            assert!(checked.out.contains(&why), "{checked:?}");
        }
        // What needs no template does not stumble over it.
        sandbox.with(&pack, "--version").ok();
        sandbox.with(&pack, "add --help").ok();
    }
}

#[test]
fn version_and_help_of_other_verbs_read_no_template() {
    let sandbox = Sandbox::new();
    sandbox.write("pack/pack.toml", "this is no TOML");
    for line in
        ["--version", "-V", "--help", "-h", "add --help", "apply -h", "template check --help", "update --version"]
    {
        let said = sandbox.run("--template pack").args(line).ok();
        assert!(said.out.contains("new-service"), "{line}: {said:?}");
    }
    sandbox.run("--template pack new --help").fails(1, &["pack/pack.toml:1:"]);
    let help = |line: &str| sandbox.run(line).ok().out;
    assert_eq!(help("help"), help("--help"));
    assert_eq!(help("help add"), help("add --help"));
    assert_eq!(help("help new"), help("new --help"));
    assert_eq!(help("shop --help"), help("new --help"));
    assert_eq!(help("help template check"), help("template check --help"));
    sandbox.run("help ad").fails(2, &["no verb \"ad\" (did you mean \"add\"?)"]);
}

/// As a hosting site makes it: a README, a licence and what git ignores, in a repository.
fn fresh_clone(sandbox: &Sandbox, folder: &str) {
    for (path, text) in [("README.rst", "# Mine\n"), ("NEWS", "mine\n"), ("notes.txt", "mine\n")] {
        sandbox.write(&format!("{folder}/{path}"), text);
    }
    sandbox.git(folder, &["init", "--quiet"]);
    sandbox.commit(folder);
}

#[test]
fn keep_existing_adds_what_is_missing_to_a_fresh_clone() {
    let sandbox = Sandbox::new();
    fresh_clone(&sandbox, "shop");
    let refused = ["shop/README.rst: exists already", "or keep them as they are: --keep-existing"];
    sandbox.tool("shop").fails(1, &refused);
    let dry = sandbox.tool("shop --keep-existing --dry-run").ok();
    assert!(dry.out.contains("README.rst (kept)"), "{dry:?}");
    let json = sandbox.tool("shop --keep-existing --json").ok().json();
    let of = |path: &str| json["files"].as_array().unwrap().iter().find(|file| file["path"] == path).unwrap().clone();
    assert_eq!((&of("README.rst")["action"], &of("bin/tool")["action"]), (&"keep".into(), &"create".into()));
    assert!(json["notes"][0].as_str().unwrap().ends_with("without the template's text: NEWS, README.rst"), "{json}");
    let steps: Vec<&str> = json["next"].as_array().unwrap().iter().filter_map(|step| step.as_str()).collect();
    assert_eq!(steps[..2], ["cd shop", "git add --all && git commit --message 'Create shop'"]);
    for (path, text) in [("README.rst", "# Mine\n"), ("NEWS", "mine\n"), ("notes.txt", "mine\n")] {
        assert_eq!(sandbox.read(&format!("shop/{path}")), text, "{path}");
    }
    assert!(sandbox.read("shop/pyproject.toml").contains("shop"));
    // The next change finds a repository like any other: what was kept is the team's.
    sandbox.commit("shop");
    sandbox.tool("diff").in_folder("shop").ok();
    sandbox.tool("add commands=run,serve").in_folder("shop").ok();
    assert_eq!(sandbox.read("shop/README.rst"), "# Mine\n");
}

/// Neither the blueprint nor the record is ever kept: they would be those of another repository.
#[test]
fn a_blueprint_is_not_kept() {
    let sandbox = Sandbox::new();
    sandbox.write("shop/service.toml", "mine");
    let said = sandbox.tool("shop --keep-existing").fails(1, &["shop/service.toml: exists already"]);
    assert!(!said.err.contains("--keep-existing"), "{said:?}");
    fs::create_dir_all(sandbox.path("linked")).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("../shop", sandbox.path("linked/src")).unwrap();
        sandbox.tool("linked --keep-existing").fails(1, &["\"src\" is a link"]);
    }
}

#[test]
fn gits_own_folder_takes_no_service() {
    let sandbox = Sandbox::new();
    sandbox.git(".", &["init", "--quiet"]);
    sandbox.tool(".git/shop").ends(1).says(&[".git/shop: is part of git's own folder"]);
    sandbox.tool("new shop").in_folder(".git").ends(1).says(&["shop: is part of git's own folder"]);
    assert!(!sandbox.path(".git/shop").exists());
}

#[test]
fn a_new_resource_that_looks_like_another_is_named() {
    let sandbox = Sandbox::new();
    sandbox.run("shop --yes").arg("--resource").arg("product name:string").ok();
    let note = "\"prodct\" is a new resource; there is one named \"product\" already";
    sandbox.run("resource prodct name:string").in_folder("shop").ok().says(&[note]);
    assert!(sandbox.read("shop/service.toml").contains("\"prodct\""));
    sandbox.commit("shop");
    let said = sandbox.run("resource invoice total:int").in_folder("shop").ok();
    assert!(!said.err.contains("is a new resource"), "{said:?}");
}

#[test]
fn undo_takes_the_last_change_back() {
    let sandbox = Sandbox::new();
    sandbox.tool("shop").ok();
    let before = sandbox.files("shop");
    for undo in ["undo", "apply --abort"] {
        sandbox.tool("add commands=serve").in_folder("shop").ok();
        assert_ne!(sandbox.files("shop"), before);
        sandbox.run(undo).in_folder("shop").ok().says(&["Taken back: `new-service add commands=serve`"]);
        assert_eq!(sandbox.files("shop"), before, "{undo}");
        sandbox.run(undo).in_folder("shop").fails(1, &["there is no change to take back"]);
    }
    // What the blueprint holds does not matter for it.
    sandbox.tool("add commands=serve").in_folder("shop").ok();
    sandbox.write("shop/service.toml", "<<<<<<< ours\n");
    sandbox.run("undo").in_folder("shop").ok();
    sandbox.run("undo --dry-run").in_folder("shop").fails(2, &["unexpected argument '--dry-run'"]);
}
