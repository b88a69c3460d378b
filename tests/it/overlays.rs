//! Overlays: a company's own files, layers and questions over a template that it does not own, kept through
//! every update.

use std::path::Path;

use crate::support::{Run, Sandbox};

const PACK: [(&str, &str); 9] = [
    (
        "pack.toml",
        "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n\
         [[question]]\nkey = \"log\"\nprompt = \"Log?\"\nkind = \"choice\"\nchoices = [\"text\", \"json\"]\ndefault = \"text\"\n\
         [presets.loud]\nanswers = { log = \"json\" }\n\
         [next]\nsteps = [\"make run\"]\nchanged = [\"make test\"]\n",
    ),
    (
        "layers/core/layer.toml",
        "title = \"Core\"\n[dependencies]\naxum = \"0.8\"\n[[slot]]\nname = \"lines\"\npurpose = \"lines\"\npublic = true\n",
    ),
    ("layers/core/files/main.tera", "{{ log }}\n{{ slot(\"lines\") }}\nend\n"),
    ("layers/core/files/ci.yml.tera", "name: {{ name }}\nsteps: theirs\n"),
    ("layers/core/files/deps.tera", "{% for d in dependencies %}{{ d.name }} = {{ d.spec }}\n{% endfor %}"),
    ("layers/core/files/settings.tera", "{% for s in config %}{{ s.env }} {{ s.layer }}\n{% endfor %}"),
    ("layers/core/files/title.tera", "{{ <title text={name} /> }}\n"),
    ("partials/title.tera", "{% component title(text) %}== {{ text }} =={% endcomponent title %}\n"),
    ("README.md", "of the pack\n"),
];

/// A company's: it shadows a file by a plain one, and a partial; a layer joins in, with all that one may have.
const COMPANY: [(&str, &str); 7] = [
    (
        "pack.toml",
        "[[question]]\nkey = \"team\"\nprompt = \"Team?\"\nkind = \"text\"\ndefault = \"platform\"\n\
         [presets.house]\nanswers = { team = \"house\" }\n\
         [[refuse]]\nwhen = 'team == \"nobody\"'\nreason = \"somebody has to care\"\n\
         [next]\nsteps = [\"make house\"]\n\
         [name-rules]\nreserved = [\"legacy\"]\nreserved_help = \"the old shop has it\"\n",
    ),
    ("layers/core/files/ci.yml", "steps: ours\n"),
    ("layers/core/files/NOTICE.tera", "{{ team }}\n"),
    ("partials/title.tera", "{% component title(text) %}-- {{ text }} --{% endcomponent title %}\n"),
    (
        "layers/house/layer.toml",
        "title = \"House\"\nwhen = 'team != \"\"'\n[dependencies]\nacme-log = \"2\"\n\
         axum = { version = \"0.8\", features = [\"ws\"] }\n\
         [[config]]\nenv = \"TEAM\"\nkind = \"string\"\ndoc = \"who\"\n",
    ),
    ("layers/house/slots/core/lines.tera", "  {{ team }}\n"),
    ("layers/house/files/house.txt", "house\n"),
];

fn lay(sandbox: &Sandbox, folder: &str, files: &[(&str, &str)]) {
    for (path, content) in files {
        sandbox.write(&format!("../{folder}/{path}"), content);
    }
}

/// A sandbox with the pack in `../pack` and the company's overlay in `../company`.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.pack(&PACK);
    lay(&sandbox, "company", &COMPANY);
    sandbox
}

fn new<'a>(sandbox: &'a Sandbox, line: &str) -> Run<'a> {
    sandbox.run("--template ../pack --overlay ../company").args(line)
}

#[test]
fn files_shadow_and_everything_else_joins_in() {
    let sandbox = sandbox();
    new(&sandbox, "shop --team shoppers").ok().says(&["(core, house)", "make house"]);
    assert_eq!(sandbox.read("shop/ci.yml"), "steps: ours\n", "a plain file stands for a rendered one");
    assert_eq!(sandbox.read("shop/title"), "-- shop --\n", "a partial");
    assert_eq!(sandbox.read("shop/NOTICE"), "shoppers\n", "a new file of a layer that is there");
    assert_eq!(sandbox.read("shop/main"), "text\n  shoppers\nend\n", "a line for a slot, a question");
    let dependencies = "acme-log = \"2\"\naxum = { version = \"0.8\", features = [\"ws\"] }\n";
    assert_eq!(sandbox.read("shop/deps"), dependencies);
    assert_eq!(sandbox.read("shop/settings"), "TEAM house\n");
    assert_eq!(sandbox.read("shop/house.txt"), "house\n");

    new(&sandbox, "two --preset house").ok();
    assert_eq!(sandbox.read("two/NOTICE"), "house\n");
    new(&sandbox, "three --team nobody").fails(1, &["do not go together", "somebody has to care"]);
    new(&sandbox, "legacy").fails(2, &["the old shop has it"]);
    let help = new(&sandbox, "new --help").ok().out;
    assert!(help.contains("--team <TEXT>") && help.contains("house"), "{help}");
}

#[test]
fn a_later_overlay_wins_and_each_file_says_whose_it_is() {
    let sandbox = sandbox();
    lay(
        &sandbox,
        "team",
        &[
            ("layers/core/files/ci.yml.tera", "steps: {{ name }}\n"),
            (
                "pack.toml",
                "[[question]]\nkey = \"log\"\nprompt = \"Log?\"\nkind = \"choice\"\nchoices = [\"json\"]\ndefault = \"json\"\n",
            ),
        ],
    );
    let with = |line: &str| new(&sandbox, "--overlay ../team").args(line);
    let tree = with("shop --dry-run").ok().out;
    assert!(tree.contains("ci.yml (from ../../team)\n") && tree.contains("NOTICE (from ../../company)\n"), "{tree}");
    assert!(tree.contains("  deps\n"), "the pack's own say nothing: {tree}");
    let diff = with("shop --diff").ok().out;
    assert!(diff.contains("# from ../../team\ndiff --git a/ci.yml b/ci.yml\n"), "{diff}");
    with("shop --no-git").ok();
    assert_eq!(sandbox.read("shop/ci.yml"), "steps: shop\n");
    assert_eq!(
        sandbox.read("shop/main"),
        "json\n  platform\nend\n",
        "a question that stands for another, in its place"
    );
    sandbox.write("empty/x", "");
    sandbox.git("empty", &["init", "--quiet"]);
    sandbox.write("all.patch", diff);
    sandbox.git("empty", &["apply", "--include=ci.yml", "../all.patch"]);
    assert_eq!(sandbox.read("empty/ci.yml"), "steps: shop\n", "git takes the diff all the same");

    let json = with("two --dry-run --json").ok().json();
    let of = |path: &str| {
        json["files"].as_array().unwrap().iter().find(|file| file["path"] == path).unwrap()["overlay"].clone()
    };
    assert_eq!((of("ci.yml"), of("deps")), ("../../team".into(), serde_json::Value::Null));
    let catalog = with("catalog").ok().out;
    for words in
        ["house: House (when team != \"\", from ../company)", "  ../team\n      stands for layers/core/files/ci.yml\n"]
    {
        assert!(catalog.contains(words), "{words}\n{catalog}");
    }
    let catalog = with("catalog --json").ok().json();
    assert_eq!(
        catalog["overlays"][0]["shadows"],
        serde_json::json!(["layers/core/files/ci.yml.tera", "partials/title.tera"])
    );
    assert_eq!(catalog["overlays"][1]["source"], "../team");
    assert_eq!(catalog["layers"][1]["overlay"], "../company");

    // A preset that asks for what a question no longer takes is told before anybody chooses it.
    let narrow =
        "[[question]]\nkey = \"log\"\nprompt = \"Log?\"\nkind = \"choice\"\nchoices = [\"text\"]\ndefault = \"text\"\n";
    lay(&sandbox, "team", &[("pack.toml", narrow)]);
    with("three")
        .fails(1, &["../team/pack.toml: the preset \"loud\", \"log\": \"json\" is not one of text", "[presets.loud]"]);
}

#[test]
fn service_toml_keeps_the_overlay_and_every_verb_finds_it() {
    let sandbox = sandbox();
    new(&sandbox, "shop").ok();
    let service = sandbox.read("shop/service.toml");
    assert!(service.contains("version = \"0.1.0\"\nsource = \"../../pack\"\n\n[[template.overlay]]\nsource = \"../../company\"\ndigest = \"sha256:"), "{service}");
    sandbox.inside("apply").ok().says(&["Nothing to do"]);
    sandbox.inside("diff").ok();
    let said =
        sandbox.inside("add team=shoppers").ok().says(&["update       NOTICE (from ../../company)", "make test"]);
    assert!(!said.err.contains("make house"), "{said:?}");
    sandbox.commit("shop");
    sandbox.write("shop/src/x", "");
    sandbox.run("remove team").in_folder("shop/src").ok();
    assert_eq!(sandbox.read("shop/NOTICE"), "platform\n", "from a folder below as well");
    sandbox.commit("shop");

    // The overlay changes: only `update` takes it in.
    let mine = sandbox.read("shop/service.toml").replace("digest = ", "# ours\ndigest = ");
    sandbox.write("shop/service.toml", mine);
    sandbox.commit("shop");
    lay(&sandbox, "company", &[("layers/core/files/ci.yml", "steps: newer\n")]);
    for line in ["apply", "add team=x"] {
        sandbox
            .inside(line)
            .fails(1, &["the overlay \"../../company\" is not as it was", "`new-service update` takes it in"]);
    }
    sandbox.inside("diff").ends(4);
    let json = sandbox.inside("update --dry-run --json").ok().json();
    let file = json["files"].as_array().unwrap().iter().find(|file| file["path"] == "ci.yml").unwrap().clone();
    assert_eq!((&file["action"], &file["overlay"]), (&"update".into(), &"../../company".into()));
    sandbox.inside("update").ok().says(&["update       ci.yml (from ../../company)"]);
    let after = sandbox.read("shop/service.toml");
    assert!(after.contains("# ours\ndigest = \"sha256:") && after != service, "{after}");
    sandbox.inside("apply --allow-dirty").ok().says(&["Nothing to do"]);
    sandbox.commit("shop");

    // The template changes, and the overlay is kept.
    sandbox.write("../pack/pack.toml", PACK[0].1.replace("0.1.0", "0.2.0"));
    sandbox.write("../pack/layers/core/files/ci.yml.tera", "theirs again\n");
    sandbox.write("../pack/layers/core/files/new.txt", "new\n");
    sandbox.inside("apply").fails(1, &["this repo is at 0.1.0, its template is at 0.2.0"]);
    let said = sandbox.inside("update").ok().says(&["0.1.0 → 0.2.0", "create       new.txt"]);
    assert!(!said.err.contains("  ci.yml"), "{said:?}");
    assert_eq!(sandbox.read("shop/ci.yml"), "steps: newer\n");
}

/// The lock has a line for each file that an overlay hides; one of an earlier new-service has none.
fn shadows(sandbox: &Sandbox) -> Vec<String> {
    let lock = sandbox.read("shop/.new-service/lock");
    lock.lines()
        .filter(|line| line.starts_with("shadow "))
        .map(|line| line.rsplit_once(' ').unwrap().0.into())
        .collect()
}

#[test]
fn what_changes_below_an_overlay_is_told_once() {
    let sandbox = sandbox();
    lay(&sandbox, "team", &[("layers/core/files/ci.yml", "steps: the team's\n")]);
    lay(&sandbox, "pack", &[("layers/far/layer.toml", "title = \"Far\"\nwhen = 'log == \"json\"'\n")]);
    lay(&sandbox, "pack", &[("layers/far/files/far", "far\n")]);
    lay(&sandbox, "company", &[("layers/far/files/far.tera", "ours\n")]);
    new(&sandbox, "shop --overlay ../team").ok();
    let known = [
        "shadow layers/core/files/ci.yml 1",
        "shadow layers/core/files/ci.yml 2",
        "shadow layers/far/files/far 1",
        "shadow partials/title 1",
    ];
    assert_eq!(shadows(&sandbox), known);
    let said = sandbox.inside("diff").ok();
    assert!(!said.err.contains("stand"), "{said:?}");

    // Nobody sees that the pack's changes, for each is hidden; nor is a layer looked at that is not in.
    sandbox.write("../pack/layers/core/files/ci.yml.tera", "theirs again\n");
    sandbox.write("../pack/layers/far/files/far", "far away\n");
    sandbox.write("../pack/partials/title.tera", PACK[7].1.replace("==", "**"));
    let company = "the overlay \"../../company\" stands for layers/core/files/ci.yml.tera, which has changed below it; \
                   to see it as it is now: new-service template export DIR --layer core --template ../../pack\n";
    let title = "stands for partials/title.tera, which has changed below it; \
                 to see it as it is now: new-service template export DIR --template ../../pack\n";
    for line in ["diff", "update --diff", "update --dry-run"] {
        let said = sandbox.run(line).in_folder("shop").finish().says(&[company, title]);
        assert!(!said.err.contains("layers/far") && !said.err.contains("../team"), "{said:?}");
    }
    let json = sandbox.inside("update --dry-run --json").ok().json();
    let stale = |path: &str| serde_json::json!({"overlay": "../../company", "path": path, "below": "changed"});
    assert_eq!(
        json["stale"],
        serde_json::json!([stale("layers/core/files/ci.yml.tera"), stale("partials/title.tera")])
    );
    sandbox.inside("update").ok().says(&[company, title]);
    assert_eq!(sandbox.read("shop/ci.yml"), "steps: the team's\n");
    for line in ["diff", "apply --allow-dirty", "update --allow-dirty"] {
        let said = sandbox.inside(line).ok();
        assert!(!said.err.contains("stands for"), "told once: {said:?}");
    }
    sandbox.commit("shop");

    // Below the team's lies the company's; what the company no longer hides is gone below it.
    lay(&sandbox, "company", &[("layers/core/files/ci.yml", "steps: newer\n")]);
    std::fs::remove_file(sandbox.path("../pack/partials/title.tera")).unwrap();
    let team = "the overlay \"../../team\" stands for layers/core/files/ci.yml, which has changed below it; \
                to see it as it is now: the overlay \"../../company\" has it\n";
    let gone =
        "the overlay \"../../company\" stood for partials/title, which is no more: its file joins as a new one\n";
    let said = sandbox.inside("update").ok().says(&[team, gone]);
    assert!(!said.err.contains("ci.yml.tera"), "{said:?}");
    sandbox.inside("diff").ok();
    assert_eq!(shadows(&sandbox), known[..3]);
}

#[test]
fn a_path_that_is_one_letter_off_is_told() {
    let sandbox = sandbox();
    lay(&sandbox, "pack", &[("layers/core/files/.github/workflows/build.yml.tera", "theirs\n")]);
    lay(&sandbox, "company", &[("layers/core/files/.github/workflow/build.yml", "ours\n")]);
    let note = "the overlay \"../../company\": layers/core/files/.github/workflow/build.yml joins as a new file; \
                did you mean to stand for layers/core/files/.github/workflows/build.yml.tera?\n";
    for line in ["shop --dry-run", "shop"] {
        new(&sandbox, line).ok().says(&[note]);
    }
    let said = sandbox.inside("apply").ok();
    assert!(!said.err.contains("did you mean"), "told once: {said:?}");
    let check = || sandbox.run("template check ../company --template ../pack");
    let found = check().ends(4).out;
    let place = "../company/layers/core/files/.github/workflow/build.yml:1:1: it joins as a new file; did you mean";
    assert!(found.contains(place), "{found}");
    // Who has both means both; and one that stands for a file has nothing more to say.
    lay(&sandbox, "company", &[("layers/core/files/.github/workflows/build.yml", "ours, too\n")]);
    let found = check().finish().out;
    assert!(!found.contains("did you mean"), "{found}");
    sandbox.inside("update").ok().says(&["update       .github/workflows/build.yml"]);
}

/// What a house has no use for goes, and comes back with the overlay's second thoughts; the team's own stays.
#[test]
fn a_file_that_an_overlay_leaves_out_is_in_no_repository() {
    let sandbox = sandbox();
    let rule = format!("{}[files.\"audit.*\"]\nmode = \"755\"\n", PACK[1].1);
    lay(&sandbox, "pack", &[("layers/core/layer.toml", &rule), ("layers/core/files/audit.sh.tera", "{{ name }}\n")]);
    lay(&sandbox, "pack", &[("layers/core/slots/core/lines.tera", "  of the pack\n")]);
    lay(&sandbox, "house", &[("layers/core/files/NEWS", "ours\n")]);
    new(&sandbox, "shop --overlay ../house").ok();
    assert!(sandbox.read("shop/main").contains("of the pack"));

    let absent = "absent = [\"layers/core/files/audit.sh\", \"layers/core/slots/core/lines.tera\"]\n";
    lay(&sandbox, "house", &[("pack.toml", absent)]);
    let changed = "Changed shop by small 0.1.0 with ../../company, ../../house (core, house)\n";
    sandbox.inside("update").ok().says(&[changed, "delete       audit.sh", "update       main"]);
    assert!(!sandbox.path("shop/audit.sh").exists() && !sandbox.read("shop/main").contains("of the pack"));
    let catalog = sandbox.inside("catalog").ok().out;
    assert!(catalog.contains("../house\n      leaves out layers/core/files/audit.sh.tera\n"), "{catalog}");
    assert!(catalog.contains("\n  core/lines: lines (in main)\n"), "{catalog}");
    let json = sandbox.inside("catalog --json").ok().json();
    assert_eq!(json["slots"][0]["files"], serde_json::json!(["main"]));
    assert_eq!(json["overlays"][1]["absent"][1], "layers/core/slots/core/lines.tera");
    assert_eq!(json["overlays"][1]["shadows"], serde_json::json!([]));
    sandbox.run("template check ../house --template ../pack").ok();
    sandbox.commit("shop");

    // What it hides may change, and be no more: the repository is as it was, and hears of what has no effect.
    sandbox.write("../pack/layers/core/files/audit.sh.tera", "{{ log }}\n");
    let said = sandbox.inside("update").ok();
    assert!(!said.err.contains("audit.sh"), "{said:?}");
    std::fs::remove_file(sandbox.path("../pack/layers/core/files/audit.sh.tera")).unwrap();
    sandbox.write("../pack/layers/core/files/audit.ps1", "\n");
    let nothing = "it would leave out layers/core/files/audit.sh, which is not there";
    sandbox.inside("update --allow-dirty").ok().says(&["create       audit.ps1", nothing]);
    new(&sandbox, "new-shop --overlay ../house --dry-run").ok().says(&[nothing]);
    let found = sandbox.run("template check ../house --template ../pack").ends(4).out;
    assert!(found.contains(&format!("../house/pack.toml:1:11: {nothing}")), "{found}");

    // With a file go the lines that others have for it, which is said once.
    sandbox.commit("shop");
    lay(&sandbox, "house", &[("pack.toml", "absent = [\"layers/core/files/main\"]\n")]);
    let lines = "leaves out a file of layer \"core\", and has no slot \"core/lines\": the lines for it are left out\n";
    sandbox.inside("update").ok().says(&["delete       main", lines]);
    let said = sandbox.inside("apply --allow-dirty").ok();
    assert!(!said.err.contains("leaves out"), "{said:?}");

    // All that cannot be left out, at once.
    let wrong =
        "absent = [\"layers/core/layer.toml\", \"partials/title.tera\", \"layers/core/files/NEWS\", \"main\"]\n";
    lay(&sandbox, "house", &[("pack.toml", wrong)]);
    let said = sandbox.inside("update --allow-dirty").ends(1);
    for place in ["1:11: \"layers/core/layer.toml\" cannot", "1:37: ", "1:86: \"main\" cannot"] {
        assert!(said.err.contains(&format!("../../house/pack.toml:{place}")), "{said:?}");
    }
    said.says(&["1:60: \"layers/core/files/NEWS\" is left out, and the overlay has it"]);
}

/// As an earlier new-service left it: nobody knows what was hidden, and that alone changes nothing.
#[test]
fn a_lock_that_knows_of_no_shadows_is_read_and_learns_them_with_the_next_change() {
    let sandbox = sandbox();
    new(&sandbox, "shop").ok();
    let lock = sandbox.read("shop/.new-service/lock");
    let plain: String = lock.split_inclusive('\n').filter(|line| !line.starts_with("shadow ")).collect();
    sandbox.write("shop/.new-service/lock", &plain);
    sandbox.commit("shop");
    sandbox.inside("diff").ok();
    sandbox.inside("apply").ok().says(&["Nothing to do"]);
    assert_eq!(sandbox.read("shop/.new-service/lock"), plain);
    sandbox.write("../pack/layers/core/files/ci.yml.tera", "theirs again\n");
    let said = sandbox.inside("update").ok();
    assert!(!said.err.contains("stands for"), "{said:?}");
    assert_eq!(shadows(&sandbox), ["shadow layers/core/files/ci.yml 1", "shadow partials/title 1"]);
    // Without an overlay, a lock is as it ever was.
    sandbox.run("--template ../pack two").ok();
    let lock = sandbox.read("two/.new-service/lock");
    assert!(!lock.contains("shadow"), "{lock}");
}

#[test]
fn an_overlay_comes_to_a_repository_and_leaves_it_by_hand() {
    let sandbox = sandbox();
    sandbox.run("--template ../pack shop").ok();
    let plain = sandbox.files("shop");
    sandbox.inside("update --overlay ../../company").fails(2, &["stand in its service.toml", "[[template.overlay]]"]);
    let service = sandbox.read("shop/service.toml");
    let with = service.replace("\n[answers]", "\n[[template.overlay]]\nsource = \"../../company\" # ours\n\n[answers]");
    sandbox.write("shop/service.toml", with);
    sandbox.inside("apply").fails(1, &["the overlay \"../../company\" is not taken in yet"]);
    let help = sandbox.inside("update --help").ok().out;
    for words in ["its template and overlays as they are now", "edit [[template.overlay]] in", "gets the new commit"] {
        assert!(help.replace('\n', " ").contains(words), "{words}: {help}");
    }
    sandbox.inside("update").ok().says(&["create       house.txt (from ../../company)"]);
    assert!(sandbox.read("shop/service.toml").contains("source = \"../../company\" # ours\ndigest = \"sha256:"));
    sandbox.commit("shop");
    let said = sandbox.read("shop/service.toml");
    let (before, rest) = said.split_once("[[template.overlay]]").unwrap();
    sandbox.write("shop/service.toml", format!("{before}{}", &rest[rest.find("[answers]").unwrap()..]));
    sandbox.inside("apply").fails(1, &["the files are not those it was made from"]);
    sandbox.inside("update").ok().says(&["delete       house.txt", "no longer asks for \"team\""]);
    let files = |all: &std::collections::BTreeMap<String, Vec<u8>>| {
        all.iter().filter(|(path, _)| *path != "service.toml").map(|(path, _)| path.clone()).collect::<Vec<_>>()
    };
    assert_eq!(files(&sandbox.files("shop")), files(&plain), "as if it had never been there");
    let service = sandbox.read("shop/service.toml");
    assert!(!service.contains("overlay") && !service.contains("\nteam"), "{service}");
}

#[test]
fn a_new_service_from_the_file_of_another_is_made_of_the_same() {
    let sandbox = sandbox();
    new(&sandbox, "shop --team shoppers").ok();
    sandbox.run("a/two --name two --from shop/service.toml").ok();
    let service = sandbox.read("shop/service.toml").replace("shop\"", "two\"").replace("../../", "../../../");
    assert_eq!(sandbox.read("a/two/service.toml"), service);
    assert_eq!(sandbox.read("a/two/house.txt"), "house\n");
    // From a pipe nobody knows what its paths are seen from.
    let run = sandbox.run("--template ../pack three --from -").input(sandbox.read("shop/service.toml"));
    run.fails(1, &["standard input:6:1: this is a blueprint with overlays that are not in use", "with --overlay"]);
}

#[test]
fn a_fault_names_the_overlays_own_file() {
    for (what, path, content, words) in [
        (
            "a question",
            "pack.toml",
            "[[question]]\nkey = \"Team\"\nprompt = \"?\"\nkind = \"text\"\n",
            "../company/pack.toml:2:7: the key",
        ),
        ("a key of packs alone", "pack.toml", "name = \"x\"\n", "../company/pack.toml:1:1: unknown field `name`"),
        ("an edition to come", "pack.toml", "edition = 9\n", "../company/pack.toml:1:11: pack format 9 is not known"),
        (
            "a refusal",
            "pack.toml",
            "[[refuse]]\nwhen = 'taem == \"x\"'\nreason = \"x\"\n",
            "../company/pack.toml:2:8: `when = 'taem",
        ),
        (
            "a layer",
            "layers/house/layer.toml",
            "titel = \"x\"\n",
            "../company/layers/house/layer.toml:1:1: unknown field",
        ),
        (
            "a template",
            "layers/core/files/NOTICE.tera",
            "{{ taem }}\n",
            "../company/layers/core/files/NOTICE.tera:1:4: `taem` is not defined (did you mean \"team\"?)",
        ),
        ("a partial", "partials/title.tera", "{% component\n", "../company/partials/title.tera:1:"),
        (
            "a slot",
            "layers/house/slots/core/lnies",
            "x\n",
            "../company/layers/house/slots/core/lnies:1:1: no slot \"core/lnies\" (did you mean \"core/lines\"?)",
        ),
        (
            "a layer that is not there",
            "layers/cor/files/x",
            "x\n",
            "../company/layers/cor/layer.toml: no such file (did you mean \"core\"?)",
        ),
        ("a folder", "layer/core/files/x", "x\n", "../company/layer: no part of a pack (did you mean \"layers\"?)"),
        (
            "a path",
            "layers/core/files/a b?",
            "x\n",
            "../company/layers/core/files/a b?: the path \"a b?\" may not be written",
        ),
    ] {
        println!("{what}");
        let sandbox = sandbox();
        lay(&sandbox, "company", &[(path, content)]);
        new(&sandbox, "shop").fails(1, &[words]);
    }
    // What is the pack's stays the pack's.
    let sandbox = sandbox();
    sandbox.write("../pack/layers/core/files/main.tera", "{{ lgo }}\n");
    new(&sandbox, "shop").fails(1, &["../pack/layers/core/files/main.tera:1:4: `lgo`"]);
}

#[test]
fn what_is_no_overlay_is_told_with_all_the_others() {
    let sandbox = sandbox();
    new(&sandbox, "shop --overlay nowhere --overlay elsewhere")
        .fails(2, &["no overlay \"nowhere\"", "no overlay \"elsewhere\""]);
    sandbox.write("../docs/README.md", "x\n");
    new(&sandbox, "shop --overlay ../docs").fails(1, &["../docs: holds nothing that lies over a pack"]);
    sandbox.assert_untouched();
    new(&sandbox, "shop").ok();
    let service = sandbox.read("shop/service.toml");
    sandbox.write("shop/service.toml", service.replace("../../company", "../../gone"));
    sandbox.inside("apply").fails(1, &["service.toml:12:10: no overlay \"../../gone\""]);
    sandbox.write("shop/service.toml", service.replace("digest", "digset"));
    sandbox.inside("apply").fails(1, &["service.toml:13:1: unknown field `digset`"]);
}

/// An overlay is as foreign as a pack, and is read with the same care.
#[cfg(unix)]
#[test]
fn an_overlay_is_hostile_until_proven_otherwise() {
    let sandbox = sandbox();
    std::os::unix::fs::symlink("/etc", sandbox.path("../company/layers/core/files/etc")).unwrap();
    new(&sandbox, "shop").fails(1, &["company/layers/core/files/etc: a pack holds plain files only"]);
    std::fs::remove_file(sandbox.path("../company/layers/core/files/etc")).unwrap();
    for (path, words) in [
        ("layers/core/files/service.toml", "is new-service's own to write"),
        ("layers/core/files/CI.yml", "clashes with"),
        ("partials/a\u{1b}[2J", "U+001B"),
    ] {
        let file = sandbox.write(&format!("../company/{path}"), "x\n");
        let said = new(&sandbox, "shop").fails(1, &[words]);
        assert!(!said.err.contains('\u{1b}'));
        std::fs::remove_file(file).unwrap();
    }
    let title = "[[question]]\nkey = \"a\"\nprompt = \"a\\u001b[2J\"\nkind = \"text\"\n";
    lay(&sandbox, "company", &[("pack.toml", title)]);
    for line in ["catalog", "new --help", "shop"] {
        let said = new(&sandbox, line).fails(1, &["../company/pack.toml:3:10: it holds U+001B"]);
        assert!(!said.err.contains('\u{1b}'));
    }
    // Nor does a name of a folder reach the terminal as it is.
    lay(&sandbox, "b\u{1b}[2J", &[("layers/core/files/x", "x\n")]);
    let said = sandbox.run("--template ../pack shop --dry-run --overlay").arg("../b\u{1b}[2J").ok();
    assert!(!said.out.contains('\u{1b}') && !said.err.contains('\u{1b}'), "{said:?}");
}

const LOCKED: [(&str, &str); 4] = [
    (
        "pack.toml",
        "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n\
         [lock]\nkind = \"cargo\"\npath = \"Cargo.lock\"\nmanifest = \"Cargo.toml\"\n[next]\nsteps = [\"cargo run\"]\n",
    ),
    ("layers/core/layer.toml", "title = \"Core\"\n"),
    (
        "layers/core/files/Cargo.toml.tera",
        "[package]\nname = \"{{ name }}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         {% for d in dependencies %}{{ d.name }} = {{ d.spec }}\n{% endfor %}",
    ),
    ("layers/core/Cargo.lock.fragment", "version = 4\n\n[[package]]\nname = \"fragment\"\nversion = \"0.0.0\"\n"),
];

#[test]
fn what_no_fragment_locks_is_said_and_cargo_check_is_a_step() {
    let sandbox = Sandbox::new();
    sandbox.pack(&LOCKED);
    lay(&sandbox, "company", &[("layers/log/layer.toml", "title = \"Log\"\n[dependencies]\nacme-log = \"2\"\n")]);
    let said = new(&sandbox, "shop --no-git").ok();
    let said = said.says(&["Cargo.lock does not hold the packages of \"log\": `cargo check` adds them"]);
    let steps = &said.err[said.err.find("Next:").unwrap()..];
    assert!(steps.find("cargo check").unwrap() < steps.find("cargo run").unwrap(), "{steps}");
    assert!(!sandbox.read("shop/Cargo.lock").contains("acme-log"));
    sandbox.inside("apply").ok().says(&["Nothing to do"]);

    // With a fragment of its own it is in, and nothing is to be said.
    let fragment = "version = 4\n\n[[package]]\nname = \"fragment\"\nversion = \"0.0.0\"\ndependencies = [\n \"acme-log\",\n]\n\n\
                    [[package]]\nname = \"acme-log\"\nversion = \"2.0.1\"\nsource = \"registry\"\nchecksum = \"aa\"\n";
    lay(&sandbox, "company", &[("layers/log/Cargo.lock.fragment", fragment)]);
    let said = new(&sandbox, "two --no-git").ok();
    assert!(!said.err.contains("cargo check"), "{said:?}");
    assert!(sandbox.read("two/Cargo.lock").contains("name = \"acme-log\"\nversion = \"2.0.1\""));
    // It comes to the first one by an update.
    sandbox.inside("update").ok().says(&["update       Cargo.lock"]);

    // A layer of the pack that depends on something else now is not locked by the pack's fragment.
    lay(&sandbox, "company", &[("layers/core/layer.toml", "title = \"Core\"\n[dependencies]\nother = \"1\"\n")]);
    let said = sandbox.inside("update").ok();
    said.says(&["Cargo.lock does not hold the packages of \"core\"", "  cargo check\n"]);
}

#[test]
fn a_fragment_with_more_than_its_layer_asks_for_is_found() {
    let sandbox = Sandbox::new();
    sandbox.pack(&LOCKED);
    let package = |name: &str, of: &[&str]| {
        let of = of.iter().map(|name| format!(" \"{name}\",\n")).collect::<Vec<_>>().concat();
        format!(
            "\n[[package]]\nname = \"{name}\"\nversion = \"2.0.1\"\nsource = \"registry\"\ndependencies = [\n{of}]\n"
        )
    };
    let fragment = |of: &str, more: &str| {
        let root =
            format!("version = 4\n\n[[package]]\nname = \"fragment\"\nversion = \"0.0.0\"\ndependencies = [\n{of}]\n");
        root + &package("acme-log", &["itoa"]) + &package("itoa", &[]) + more
    };
    let layer =
        "title = \"Log\"\nrequires = [\"more\"]\n[dependencies]\nlog = { version = \"2\", package = \"acme-log\" }\n";
    let below = "title = \"More\"\nwhen = 'name != \"x\"'\n[dependencies]\nserde = \"2\"\n";
    let (redis, serde) = (package("redis", &["tokio"]) + &package("tokio", &[]), package("serde", &[]));
    let check = |fragment: &str| {
        lay(&sandbox, "company", &[("layers/log/layer.toml", layer), ("layers/log/Cargo.lock.fragment", fragment)]);
        lay(&sandbox, "company", &[("layers/more/layer.toml", below)]);
        sandbox.run("template check ../company --template ../pack").finish().out
    };
    let place = "../company/layers/log/Cargo.lock.fragment";
    let words = "it locks what layer \"log\" and those it stands on do not depend on";
    let fine = check(&fragment(" \"acme-log\",\n \"serde\",\n", &serde));
    assert!(!fine.contains("locks"), "{fine}");
    let found = check(&fragment(" \"acme-log\",\n \"redis\",\n", &redis));
    assert!(found.contains(&format!("{place}:8:2: {words}: redis, tokio\n")), "{found}");
    // What the root depends on itself, though something else would bring it; and what nothing leads to.
    let found = check(&fragment(" \"acme-log\",\n \"itoa\",\n", ""));
    assert!(found.contains(&format!("{place}:8:2: {words}: itoa\n")), "{found}");
    let found = check(&fragment(" \"acme-log\",\n", &serde));
    assert!(found.contains(&format!("{words}: serde\n")), "{found}");
}

const SUPERSET: &str = "version = 4\n\n[registry]\nitoa 1.0.9 bb\nserde 1.0.5 aa\n";

/// A pack whose lock file is of a superset and deltas, and `changed` files.
fn pack_with_deltas(sandbox: &Sandbox, changed: &[(&str, &str)]) {
    let parts = [
        ("Cargo.lock.superset", SUPERSET),
        ("layers/core/layer.toml", "title = \"Core\"\n[dependencies]\nserde = \"1\"\n"),
        ("layers/core/Cargo.lock.delta", "(root) + serde\nserde:\n"),
    ];
    sandbox.pack(&[&LOCKED[..3], &parts, changed].concat());
}

#[test]
fn a_fragment_of_an_overlay_joins_the_deltas_of_the_pack() {
    let sandbox = Sandbox::new();
    pack_with_deltas(&sandbox, &[]);
    let package = |name: &str, version: &str, checksum: &str, dependencies: &str| {
        format!(
            "\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"registry\"\nchecksum = \"{checksum}\"\n{dependencies}"
        )
    };
    let log = package("acme-log", "2.0.1", "cc", "dependencies = [\n \"serde\",\n]\n");
    let serde = package("serde", "1.0.5", "aa", "");
    let root = |name: &str, version: &str, dependencies: &str| {
        format!("\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\ndependencies = [\n{dependencies}]\n")
    };
    let both = " \"acme-log\",\n \"serde\",\n";
    let fragment = format!("version = 4\n{log}{}{serde}", root("fragment", "0.0.0", both));
    lay(
        &sandbox,
        "company",
        &[
            ("layers/log/layer.toml", "title = \"Log\"\n[dependencies]\nacme-log = \"2\"\n"),
            ("layers/log/Cargo.lock.fragment", &fragment),
        ],
    );
    let said = new(&sandbox, "shop --no-git").ok();
    assert!(!said.err.contains("cargo check"), "{said:?}");
    let lock = sandbox.read("shop/Cargo.lock");
    let packages = &lock[lock.find("\n[[package]]").unwrap()..];
    assert_eq!(packages, format!("{log}{serde}{}", root("shop", "0.1.0", both)));
    sandbox.run("template check ../company --template ../pack").ok();
    new(&sandbox, "serde").fails(2, &["the service depends on a package of that name"]);

    // What the pack's deltas are about is the pack's own.
    lay(&sandbox, "company", &[("Cargo.lock.superset", SUPERSET)]);
    let place = "../company/Cargo.lock.superset:1:1: an overlay cannot replace this file of the pack";
    new(&sandbox, "two").fails(1, &[place, "layers/LAYER/Cargo.lock.fragment"]);
}

#[test]
fn a_delta_that_is_not_its_layers_is_found() {
    let check = |changed: &[(&str, &str)], words: &[&str]| {
        let sandbox = Sandbox::new();
        pack_with_deltas(&sandbox, changed);
        let found = sandbox.run("template check ../pack").ends(4);
        for word in words {
            assert!(found.out.contains(word), "{word:?} in {found:?}");
        }
        sandbox
    };
    let (layer, delta) = ("layers/core/layer.toml", "layers/core/Cargo.lock.delta");
    // A dependency that is newer than the delta is a finding for the author, and a step for the user.
    let newer = "title = \"Core\"\n[dependencies]\nserde = \"1\"\nitoa = \"1\"\n";
    let words = "core/layer.toml:4:8: layer \"core\" depends on \"itoa\", and its part of the lock file does not";
    let sandbox = check(&[(layer, newer)], &[words]);
    sandbox.run("--template ../pack shop --no-git").ok().says(&["Cargo.lock does not hold the packages of \"core\""]);
    let lock = "core/Cargo.lock.delta:";
    let other = "(root) + itoa serde\nitoa:\nserde:\n";
    check(&[(delta, other)], &[&format!("{lock}1:10: it locks \"itoa\", which layer \"core\" does not depend on")]);
    check(&[(delta, "(root) + serde\n")], &[&format!("{lock}1:10: no layer that is in adds \"serde\"")]);
    let sandbox = check(&[(delta, "(root) + serd\n")], &[&format!("{lock}1:10: the superset has no package \"serd\"")]);
    sandbox.run("--template ../pack shop --no-git").fails(1, &["(did you mean \"serde\"?)"]);
    // Two layers agree on a dependency, in what they leave out as well.
    let more = "title = \"More\"\n[dependencies]\nserde = { version = \"1\", default-features = false }\n";
    let words = "core/layer.toml:3:9: dependency \"serde\": no `default-features`, and layer \"a\" says `default-features = false`";
    check(&[("layers/a/layer.toml", more)], &[words]);
    let sandbox = Sandbox::new();
    pack_with_deltas(&sandbox, &[]);
    std::fs::remove_file(sandbox.path("../pack/Cargo.lock.superset")).unwrap();
    sandbox.run("--template ../pack shop").fails(1, &["Cargo.lock.delta:1:1: the pack has no Cargo.lock.superset"]);
}

#[test]
fn who_stands_for_a_file_decides_on_its_slots_and_is_told() {
    let sandbox = sandbox();
    lay(&sandbox, "company", &[("layers/core/files/main", "ours\n")]);
    let words = "the overlay \"../../company\" stands for a file of layer \"core\", and has no slot \"core/lines\"";
    new(&sandbox, "shop").ok().says(&[words]);
    assert_eq!(sandbox.read("shop/main"), "ours\n");
    let note = "the overlay \"../company\" stands for a file of layer \"core\", and has no slot \"core/lines\"";
    let said = sandbox.run("template check ../company --template ../pack").finish().says(&[note]);
    assert!(!said.out.contains("slot"), "it may be meant so: {said:?}");
    let said = sandbox.inside("apply").ok();
    assert!(!said.err.contains("slot"), "told once: {said:?}");
    lay(&sandbox, "company", &[("layers/core/files/main", "ours, newer\n")]);
    sandbox.inside("update").ok().says(&[words]);
    // With the slot, the lines are there; without an overlay it is the pack's mistake.
    std::fs::remove_file(sandbox.path("../company/layers/core/files/main")).unwrap();
    lay(&sandbox, "company", &[("layers/core/files/main.tera", "ours\n{{ slot(\"lines\") }}\n")]);
    new(&sandbox, "two").ok();
    assert_eq!(sandbox.read("two/main"), "ours\n  platform\n");
}

#[test]
fn the_built_in_pack_takes_an_overlay() {
    let sandbox = Sandbox::new();
    let below = crate::support::files_below(&crate::support::built_in().join("layers"));
    let layer = below.keys().find_map(|path| path.strip_suffix("/files/README.md.tera"));
    let layer = layer.expect("a layer has the README");
    lay(
        &sandbox,
        "company",
        &[
            (&format!("layers/{layer}/files/README.md"), "# Ours\n"),
            ("layers/house/layer.toml", "title = \"House\"\n"),
            ("layers/house/files/HOUSE.md", "house\n"),
        ],
    );
    sandbox.run("shop --yes --overlay ../company").ok();
    assert_eq!(sandbox.read("shop/README.md"), "# Ours\n");
    assert_eq!(sandbox.read("shop/HOUSE.md"), "house\n");
    let service = sandbox.read("shop/service.toml");
    assert!(!service.contains("0\"\nsource"), "what is built in has no source: {service}");
    sandbox.inside("apply").ok().says(&["Nothing to do"]);
    assert!(Path::new(&sandbox.path("shop/.new-service/lock")).is_file());
}
