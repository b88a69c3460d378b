//! A pack in another language, with other questions: it works as well, and the engine knows neither.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::support::{Sandbox, built_in};
use proc_macro2::{TokenStream, TokenTree};

#[test]
fn the_python_tool_compiles_and_runs() {
    let sandbox = Sandbox::new();
    sandbox.tool("shop --commands serve,check --publish").arg("--summary=It's \"it\"").ok();
    let python = |arguments: &[&str]| {
        let output = sandbox.clean("python3").current_dir(sandbox.path("shop")).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    python(&["-m", "compileall", "-q", "."]);
    let program =
        "from src import main, serve, check; print(main.SUMMARY, main.parsers(), serve.serve(), check.check())";
    assert_eq!(python(&["-c", program]), "It's \"it\" ['serve', 'check'] SERVE CHECK\n");
    let output = sandbox.clean("./bin/tool").current_dir(sandbox.path("shop")).output().unwrap();
    assert!(output.status.success(), "the run bit is set, and `python3 -m src.main` runs: {output:?}");
}

#[test]
fn each_half_of_a_file_is_its_packs_own_language() {
    let sandbox = Sandbox::new();
    sandbox.tool("shop --publish").ok();
    let workflow = sandbox.read("shop/.github/workflows/publish.yml");
    assert!(workflow.contains("TOKEN: ${{ secrets.TOKEN }}\n"), "{workflow}");
    assert!(sandbox.files("shop")["tests/latin1.bin"].ends_with(b"{{ not a template }}"), "copied, not rendered");
    let heading = sandbox.read("shop/README.rst");
    assert!(heading.starts_with("shop\n====\n"), "a partial: {heading}");
    assert!(!sandbox.path("shop/Cargo.lock").exists());
}

/// In a repository, what it is made of is its own template, wherever in it one stands.
#[test]
fn the_catalogue_in_a_repository_is_of_its_template() {
    let sandbox = Sandbox::new();
    let catalog = sandbox.tool("catalog").ok().out;
    sandbox.tool("shop --yes").ok();
    for folder in ["shop", "shop/src"] {
        assert_eq!(sandbox.run("catalog").in_folder(folder).ok().out, catalog, "{folder}");
    }
    let built_in = sandbox.run("catalog").ok().out;
    assert_ne!(built_in, catalog);
    let name = built_in.split(' ').next().unwrap();
    let named = sandbox.run("catalog --template").arg(name).in_folder("shop").ok().out;
    assert_eq!(named, built_in, "what is named has the word");
    // One template lies there, and which of two it is has to be chosen.
    let service = sandbox.read("shop/service.toml");
    sandbox.write("shop/service.toml", format!("<<<<<<< one\n{service}=======\n{service}>>>>>>> two\n"));
    sandbox.run("catalog").in_folder("shop").fails(1, &["service.toml:1:1: a conflict is not resolved"]);
}

/// What is made from the questions is made from any pack's.
#[test]
fn help_manual_and_catalogue_are_as_good_for_any_pack() {
    let sandbox = Sandbox::new();
    let flags = ["--summary", "--python", "--commands", "--publish", "--index", "--retries"];
    let pack = crate::support::python_tool().display().to_string();
    let of = |line: &str| {
        // Wherever the template is named.
        let outs = [
            sandbox.run(line).args("--template").arg(&pack),
            sandbox.run("").arg(format!("--template={pack}")).args(line),
        ];
        let [one, other] = outs.map(|run| run.ok().out);
        assert_eq!(one, other, "{line}");
        one
    };
    for line in ["new x --help", "new --help", "help new", "man new"] {
        let text = of(line).replace('\\', "");
        for flag in flags {
            assert!(text.contains(flag), "{line}: {flag}");
        }
        for choice in ["3.13", "library"] {
            assert!(text.contains(choice), "{line}: {choice}");
        }
        let own = sandbox.run(line).ok().out;
        assert!(!own.contains("retries") && own != text, "{line}: another's questions");
    }
    let catalog: serde_json::Value = serde_json::from_str(&of("catalog --json")).unwrap();
    let built_in = sandbox.run("catalog --json").ok().json();
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&catalog), keys(&built_in));
    for part in ["layers", "questions", "presets", "slots"] {
        assert_eq!(keys(&catalog[part][0]), keys(&built_in[part][0]), "{part}");
    }
    let text = of("catalog");
    for slot in catalog["slots"].as_array().unwrap() {
        let part = |key: &str| slot[key].as_str().unwrap();
        let file = slot["files"][0].as_str().unwrap();
        let line = format!("\n  {}: {} (in {file})\n", part("name"), part("purpose"));
        assert!(text.contains(&line), "{line}{text}");
    }
    let asked: Vec<&str> =
        catalog["questions"].as_array().unwrap().iter().map(|question| question["flag"].as_str().unwrap()).collect();
    assert_eq!(asked, flags);
    let retries = &catalog["questions"][5];
    assert_eq!(
        (retries["min"].clone(), retries["max"].clone(), retries["when"].clone()),
        (1.into(), 5.into(), "publish".into())
    );
}

/// Names of the built-in pack that are words of the engine too, and why.
const SHARED_WORDS: [(&str, &str); 8] = [
    ("author", "docs/packs.md names it: an answer that a file under `once` may hold, in any pack"),
    ("command", "what `report` calls what a person ran"),
    ("database", "a key of every layer.toml: `[database]`"),
    ("description", "a key of every pack.toml and layer.toml, and so of `catalog --json` and of `layers` in templates"),
    (".gitignore", "git's own name: the hidden folder of a run holds one, so that git passes it over after a kill"),
    ("state", "a word of the samples for resources' fields"),
    ("rust-toolchain.toml", "rustup's own name: it has a say in which rustfmt there is"),
    ("resources", "what templates and `for_each` call them"),
];

#[test]
fn no_name_of_the_built_in_pack_stands_in_the_engine() {
    let names = names_of_the_built_in_pack();
    assert!(names.len() > 30, "{names:?}");
    let literals = literals_of_the_engine();
    assert!(literals.len() > 300, "{} literals", literals.len());
    let shared = |name: &str| SHARED_WORDS.iter().any(|(word, _)| *word == name);
    let known: Vec<String> = names
        .iter()
        .filter(|(name, _)| !shared(name))
        .filter_map(|(name, what)| Some(format!("the {what} \"{name}\" in {:?}", literals.get(name)?)))
        .collect();
    assert_eq!(known, [""; 0], "the engine knows names of the built-in pack");
    for (word, _) in SHARED_WORDS {
        assert!(names.contains_key(word) && literals.contains_key(word), "\"{word}\" need not be listed any more");
    }
}

/// Layers, question keys, choices' owners, presets, slots and output paths: name → what it is.
fn names_of_the_built_in_pack() -> BTreeMap<String, &'static str> {
    let manifest: toml::Table = fs::read_to_string(built_in().join("pack.toml")).unwrap().parse().unwrap();
    let keys = |table: &str| -> Vec<String> {
        manifest
            .get(table)
            .and_then(|table| table.as_table())
            .into_iter()
            .flat_map(|table| table.keys().cloned())
            .collect()
    };
    let mut names = BTreeMap::from([(manifest["name"].as_str().unwrap().to_owned(), "name")]);
    names.extend(keys("contribution").into_iter().map(|kind| (kind, "kind of contributions")));
    names.extend(keys("presets").into_iter().map(|preset| (preset, "preset")));
    for question in manifest["question"].as_array().unwrap() {
        names.insert(question["key"].as_str().unwrap().to_owned(), "question");
    }
    for (path, content) in crate::support::files_below(&built_in().join("layers")) {
        if let Some(folder) = path.strip_suffix("/layer.toml") {
            names.insert(folder.rsplit('/').next().unwrap().to_owned(), "layer");
            let layer: toml::Table = String::from_utf8(content).unwrap().parse().unwrap();
            let slots = layer.get("slot").and_then(|slots| slots.as_array()).into_iter().flatten();
            names.extend(slots.map(|slot| (slot["name"].as_str().unwrap().to_owned(), "slot")));
        } else if let Some((_, path)) = path.split_once("/files/") {
            names.insert(path.strip_suffix(".tera").unwrap_or(path).to_owned(), "file");
        }
    }
    names
}

/// String literals of `src/`, outside its unit tests: text → the files it stands in.
fn literals_of_the_engine() -> BTreeMap<String, BTreeSet<String>> {
    let mut literals = BTreeMap::new();
    for (path, content) in crate::support::files_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        if std::path::Path::new(&path).extension().is_some_and(|ending| ending == "rs") {
            let tokens: TokenStream = String::from_utf8(content).unwrap().parse().unwrap();
            collect(tokens, &path, &mut literals);
        }
    }
    literals
}

fn collect(tokens: TokenStream, path: &str, literals: &mut BTreeMap<String, BTreeSet<String>>) {
    let mut after_test_attribute = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) if group.stream().to_string() == "cfg (test)" => after_test_attribute = true,
            // The body of `#[cfg(test)] mod tests { … }`.
            TokenTree::Group(group) if after_test_attribute && group.delimiter() == proc_macro2::Delimiter::Brace => {
                after_test_attribute = false;
            }
            TokenTree::Group(group) => collect(group.stream(), path, literals),
            TokenTree::Literal(literal) => {
                if let Ok(literal) = syn::parse_str::<syn::LitStr>(&literal.to_string()) {
                    literals.entry(literal.value()).or_default().insert(path.to_owned());
                }
            }
            _ => {}
        }
    }
}
