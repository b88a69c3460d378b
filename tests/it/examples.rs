//! The examples that the guide shows, used as it says.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Run, Sandbox, built_in, files_below};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

/// A sandbox with Harbour's overlay in `../harbour`.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    copy(&sandbox, &example("harbour-overlay"), "../harbour");
    sandbox
}

fn copy(sandbox: &Sandbox, from: &Path, to: &str) {
    for (path, content) in files_below(from) {
        sandbox.write(&format!("{to}/{path}"), content);
    }
}

fn harbour<'a>(sandbox: &'a Sandbox, line: &str) -> Run<'a> {
    sandbox.run(line).args("--overlay ../harbour")
}

fn inside<'a>(sandbox: &'a Sandbox, line: &str) -> Run<'a> {
    sandbox.run(line).in_folder("shop")
}

/// What Harbour wants of a service stands in it.
fn assert_of_harbour(sandbox: &Sandbox, team: &str) {
    let holds = |path: &str, words: &str| {
        let text = sandbox.read(&format!("shop/{path}"));
        assert!(text.contains(words), "{path} has no {words}:\n{text}");
    };
    holds("src/telemetry/logs.rs", "serialize_entry(\"@timestamp\", &timestamp)");
    holds(
        ".github/workflows/ci.yml",
        &format!("uses: harbour/workflows/.github/workflows/rust-service.yml@v3\n    with:\n      team: \"{team}\"\n"),
    );
    holds("src/harbour.rs", &format!("const TEAM: &str = \"{team}\";"));
    holds("src/app.rs", "        .map_response(crate::harbour::stamp(&state.config))\n");
    holds("Cargo.toml", "\nhostname = \"0.4\"\n");
    holds("Cargo.lock", "\nname = \"hostname\"\n");
    holds(".env.example", "#COST_CENTRE=1000\n");
    holds("docs/configuration.md", "`COST_CENTRE`");
    holds("service.toml", &format!("\nteam = \"{team}\"\n"));
}

#[test]
fn harbours_overlay_makes_harbours_service() {
    let sandbox = sandbox();
    let said = harbour(&sandbox, "shop --yes --team payments").ok();
    assert!(!said.err.contains("cargo check"), "its fragment locks what it depends on: {said:?}");
    assert_of_harbour(&sandbox, "payments");
    harbour(&sandbox, "two --yes --preset harbour").ok();
    assert!(sandbox.read("two/.github/workflows/ci.yml").contains("      servers: \"postgres\"\n"));
    harbour(&sandbox, "three --yes --license mit").fails(1, &["Harbour publishes its services under no licence"]);
    harbour(&sandbox, "three --yes").arg("--team=A b").fails(2, &["lowercase letters, digits and -"]);
    sandbox.run("template check ../harbour").ok();
    let catalog = harbour(&sandbox, "catalog").ok().out;
    assert!(catalog.contains("stands for layers/base/base/files/src/telemetry/logs.rs\n"), "{catalog}");
}

#[test]
fn harbours_overlay_is_kept_when_the_template_and_the_overlay_move_on() {
    let sandbox = sandbox();
    copy(&sandbox, &built_in(), "../pack");
    harbour(&sandbox, "shop --yes --team payments --template ../pack").ok();
    let manifest = sandbox.read("../pack/pack.toml");
    sandbox.write("../pack/pack.toml", manifest.replacen("version = \"0.1.0\"", "version = \"0.2.0\"", 1));
    let shadowed = "layers/base/base/files/src/telemetry/logs.rs";
    for (path, line) in [("layers/base/base/files/src/api/info.rs", "// Newer.\n"), (shadowed, "// Shadowed.\n")] {
        let path = format!("../pack/{path}");
        sandbox.write(&path, sandbox.read(&path) + line);
    }
    inside(&sandbox, "update").ok().says(&["0.1.0 → 0.2.0", "update       src/api/info.rs"]);
    assert_of_harbour(&sandbox, "payments");
    assert!(sandbox.read("shop/src/api/info.rs").ends_with("// Newer.\n"));
    assert!(!sandbox.read("shop/src/telemetry/logs.rs").contains("// Shadowed."), "Harbour's file stands for it");
    sandbox.commit("shop");

    let layer = sandbox.read("../harbour/layers/harbour/layer.toml");
    sandbox.write("../harbour/layers/harbour/layer.toml", layer.replace("Who pays for this service", "Who pays"));
    inside(&sandbox, "add team=orders").fails(1, &["is not as it was", "`new-service update` takes it in"]);
    inside(&sandbox, "update").ok();
    assert!(sandbox.read("shop/.env.example").contains("\n# Who pays\n"));
    sandbox.commit("shop");
    inside(&sandbox, "add team=orders").ok();
    assert_of_harbour(&sandbox, "orders");
}

/// Who copies an example copies its first line, which leads an editor to the schema.
#[test]
fn editors_find_the_schemas_of_the_examples() {
    let mut seen = 0;
    for (path, content) in files_below(&example("")) {
        let Some(name) = ["pack.toml", "layer.toml"].into_iter().find(|name| path.ends_with(name)) else { continue };
        let text = String::from_utf8(content).unwrap();
        let schema = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("#:schema "))
            .unwrap_or_else(|| panic!("{path}: no schema"));
        let there = example(&path).parent().unwrap().join(schema);
        assert!(fs::exists(&there).unwrap(), "{path}: {schema}");
        let kind = if path.contains("overlay/") && name == "pack.toml" { "overlay" } else { &name[..name.len() - 5] };
        assert!(schema.ends_with(&format!("/{kind}.schema.json")), "{path}: {schema}");
        seen += 1;
    }
    assert!(seen > 4, "{seen}");
}

/// What the guide says to write, under which heading, and what to run.
struct Block {
    heading: String,
    language: String,
    /// The last path in the text before it that begins as one of `roots`.
    path: Option<String>,
    text: String,
}

fn blocks(page: &str, roots: &[&str]) -> Vec<Block> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide").join(page)).unwrap();
    let (mut heading, mut path, mut found) = (String::new(), None, Vec::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let inside: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let (path, text) = (path.take(), inside.join("\n") + "\n");
            found.push(Block { heading: heading.clone(), language: language.into(), path, text });
        } else if let Some(title) = line.strip_prefix("## ") {
            (heading, path) = (title.to_owned(), None);
        } else {
            let code = line.split('`').skip(1).step_by(2);
            let named = code.filter(|code| roots.iter().any(|root| code.starts_with(root)) && !code.ends_with('/'));
            path = named.last().map(str::to_owned).or(path);
        }
    }
    found
}

/// The page, done as it says: what it has written is the example, and what it runs ends well.
#[test]
fn the_tutorial_ends_where_it_says() {
    let sandbox = Sandbox::new();
    // Nothing is compiled here: `cargo check` of a dependency that is new changes the lock file.
    sandbox.stub("cargo", "[ \"$1\" = check ] && echo >> Cargo.lock; exit 0");
    let binaries = Path::new(crate::support::BINARY).parent().unwrap().to_owned();
    let paths = std::env::var_os("PATH").unwrap();
    let paths = [sandbox.path("../stubs"), binaries].into_iter().chain(std::env::split_paths(&paths));
    let paths = std::env::join_paths(paths).unwrap();
    for block in blocks("tutorial.md", &["harbour/"]) {
        match (block.language.as_str(), block.path) {
            ("sh", _) => {
                let run = sandbox.clean("bash").env("PATH", &paths).args(["-ec", &block.text]).output().unwrap();
                assert!(run.status.success(), "{}: {}\n{run:?}", block.heading, block.text);
            }
            ("diff", _) => {
                let patch = sandbox.write("../patch", &block.text);
                sandbox.git("harbour", &["apply", patch.to_str().unwrap()]);
            }
            (_, Some(path)) => drop(sandbox.write(&path, block.text)),
            (_, None) => {}
        }
    }
    // Its last step changes the layer once more.
    let plain = |text: String| {
        let lines = text.lines().filter(|line| !line.starts_with("#:schema"));
        lines.collect::<Vec<_>>().join("\n").replace("The cost centre that pays", "Who pays for this service")
    };
    let written = sandbox.files("harbour");
    assert!(written.len() > 5, "{:?}", written.keys());
    for (path, content) in written {
        let there = fs::read_to_string(example("harbour-overlay").join(&path)).unwrap();
        assert_eq!(plain(String::from_utf8(content).unwrap()), plain(there), "{path}");
    }
    assert!(sandbox.read("shop/.env.example").contains("# The cost centre that pays\n"));
}

#[test]
fn the_cookbooks_recipes_are_overlays() {
    let sandbox = Sandbox::new();
    let whole = |block: &Block| !["sh", "rust", "dockerfile"].contains(&block.language.as_str());
    let mut recipes: Vec<String> = Vec::new();
    for block in blocks("cookbook.md", &["layers/", "pack.toml"]).into_iter().filter(whole) {
        let path = block.path.unwrap_or_else(|| panic!("{}: no path before {}", block.heading, block.text));
        let folder = format!("../{}", block.heading.to_lowercase().replace(' ', "-"));
        sandbox.write(&format!("{folder}/{path}"), block.text);
        recipes.extend((!recipes.contains(&folder)).then_some(folder));
    }
    for (folder, answers, file, words) in [
        ("../own-logger", "", "Cargo.toml", "\ntracing-journald = \"0.3\"\n"),
        ("../own-base-image", "--author Us", "service.toml", "\nimage = \"registry.example/us/shop\"\n"),
        ("../house-ci", "--database postgres", ".gitlab-ci.yml", "  services:\n    - docker.io/library/postgres:"),
        ("../another-database", "--search opensearch", ".env.example", "\nOPENSEARCH_URL=http://localhost:9200\n"),
    ] {
        recipes.retain(|recipe| recipe != folder);
        let line = format!("shop --yes --no-git --overlay {folder} {answers}");
        let said = sandbox.run(&line).ok();
        assert!(!said.err.contains("joins as a new file"), "{folder}: {said:?}");
        let text = sandbox.read(&format!("shop/{file}"));
        assert!(text.contains(words), "{folder}: {file} has no {words}:\n{text}");
        fs::remove_dir_all(sandbox.path("shop")).unwrap();
    }
    assert_eq!(recipes, [""; 0], "recipes that are not tried");
    // Something less.
    sandbox.write("../less/layers/deploy/github/layer.toml", "title = \"None\"\nwhen = \"false\"\n");
    sandbox.run("shop --yes --no-git --overlay ../less").ok();
    assert!(!sandbox.path("shop/.github").exists());
}
