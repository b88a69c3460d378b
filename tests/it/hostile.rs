//! Whatever a person answers, every file that is made of it still parses, and holds the very text.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{Sandbox, built_in, python_tool};
use saphyr::{LoadableYamlNode as _, Yaml};
use serde_json::Value;

/// Stand around each text, with the question's number, so that it is found again, and a part of it is known as one.
fn marked(text: &str, question: usize) -> String {
    format!("Zq{question}q{text}qZ")
}

fn texts() -> Vec<String> {
    let long = "x".repeat(90);
    let inside = [
        "it's \"quoted\" `so` '''and''' \"\"\"so\"\"\"",
        "\\ \\\\ \\n \\u0041 \\x41 \\\" C:\\new\\table \\",
        "${{ secrets.TOKEN }} {{ name }} {{name}} {% if x %} {# x #}",
        "{= name =} <% if x %> <# x #> {=",
        "$HOME $(id) `id` %PATH% $$ %s {} {0} {name}",
        "# no comment: - a, [b] &c *d !e |f >g @h ? ~ null",
        "<b>&amp;</b> */ --> ]]> // /* <!-- -->",
        "🚀 é ñ 漢字 𝔘 ﬀ",
        "مرحبا بالعالم שלום",
        "e\u{301}\u{323} a\u{30a} \u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}",
        "fn impl async match r#type Self crate unsafe class def import",
        "  two  spaces\u{a0}and more  ",
        "= == => : , ; | \\| 0x10 1e3 yes no on off true null .5 1_000",
        &long,
    ];
    inside.map(str::to_owned).to_vec()
}

const REFUSED: [&str; 17] = [
    "a\nb",
    "a\rb",
    "a\u{2028}b",
    "a\u{2029}b",
    "a\u{85}b",
    "a\tb",
    "a\u{1b}[31mb",
    "a\u{7f}b",
    "a\u{202E}b",
    "a\u{202A}b",
    "a\u{2066}b",
    "a\u{2069}b",
    "a\u{200F}b",
    "a\u{061C}b",
    "a\u{FEFF}b",
    "a\u{E000}routes\u{E001}b",
    "a\u{FFFF}b",
];

fn packs() -> [PathBuf; 2] {
    [python_tool(), built_in()]
}

/// The text questions of a pack: flag, and the flags that make it apply.
fn text_questions(sandbox: &Sandbox, pack: &Path) -> Vec<(String, String)> {
    let catalog = sandbox.with(pack, "catalog --json").ok().json();
    let questions = catalog["questions"].as_array().unwrap();
    let texts: Vec<_> = questions
        .iter()
        .filter(|question| question["kind"] == "text")
        .map(|question| {
            let flag = question["flag"].as_str().unwrap().to_owned();
            // A condition that is one bool question is turned on; others hold by default.
            let when = questions.iter().find(|other| other["kind"] == "bool" && other["key"] == question["when"]);
            (flag, when.map(|other| format!("{}=true", other["flag"].as_str().unwrap())).unwrap_or_default())
        })
        .collect();
    assert!(!texts.is_empty(), "{}: asks for no text", pack.display());
    texts
}

#[test]
fn every_output_parses_and_holds_the_very_text() {
    for pack in packs() {
        let sandbox = Sandbox::new();
        let mut questions = text_questions(&sandbox, &pack);
        for (at, text) in texts().iter().enumerate() {
            let dir = format!("shop{at}");
            let create = |questions: &[(String, String)]| {
                let run =
                    questions.iter().enumerate().fold(sandbox.with(&pack, &dir), |run, (number, (flag, when))| {
                        run.args(when).arg(format!("{flag}={}", marked(text, number)))
                    });
                run.arg("--no-git").finish()
            };
            let mut outcome = create(&questions);
            if outcome.code() == Some(2) {
                // A question with a pattern of its own is guarded more strictly, and takes none of these.
                questions.retain(|(flag, _)| !outcome.err.contains(&format!("error: {flag}: ")));
                assert!(!questions.is_empty(), "{outcome:?}");
                outcome = create(&questions);
            }
            assert_eq!(outcome.code(), Some(0), "{text:?}: {outcome:?}");
            assert!(!outcome.err.contains("warning"), "{text:?}: {outcome:?}");
            check(&sandbox, &dir, text, questions.len());
        }
    }
}

/// Parses every file of the repository, and looks for the text of each question.
fn check(sandbox: &Sandbox, dir: &str, text: &str, questions: usize) {
    let mut found = vec![0; questions];
    for (path, content) in sandbox.files(dir) {
        let Ok(content) = String::from_utf8(content) else { continue };
        let strings = match Path::new(&path).extension().and_then(|ending| ending.to_str()).unwrap_or_default() {
            _ if path.starts_with(".new-service/") => continue,
            "toml" | "lock" => toml_strings(&content),
            "json" => json_strings(&content),
            "yml" | "yaml" => yaml_strings(&content),
            "py" => python_strings(&content),
            "rs" => rust_strings(&content),
            _ => continue,
        };
        let strings = strings.unwrap_or_else(|why| panic!("{path}: {why}\n{content}"));
        for (number, found) in found.iter_mut().enumerate() {
            let whole = marked(text, number);
            for string in strings.iter().filter(|string| string.contains(&format!("Zq{number}q"))) {
                assert!(string.contains(&whole), "{path}: holds {string:?} for {whole:?}");
                *found += 1;
            }
        }
    }
    assert!(found.iter().all(|found| *found > 1), "in service.toml, and where the template puts it: {found:?}");
}

fn toml_strings(text: &str) -> Result<Vec<String>, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    Ok(strings_of(&serde_json::to_value(table).unwrap()))
}

fn json_strings(text: &str) -> Result<Vec<String>, String> {
    serde_json::from_str(text).map(|value| strings_of(&value)).map_err(|error| error.to_string())
}

fn strings_of(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(strings_of).collect(),
        Value::Object(map) => {
            map.iter().flat_map(|(key, value)| [vec![key.clone()], strings_of(value)].concat()).collect()
        }
        _ => Vec::new(),
    }
}

fn yaml_strings(text: &str) -> Result<Vec<String>, String> {
    fn walk(node: &Yaml, strings: &mut Vec<String>) {
        strings.extend(node.as_str().map(str::to_owned));
        for item in node.as_vec().into_iter().flatten() {
            walk(item, strings);
        }
        for (key, value) in node.as_mapping().into_iter().flatten() {
            walk(key, strings);
            walk(value, strings);
        }
    }
    let documents = Yaml::load_from_str(text).map_err(|error| error.to_string())?;
    let mut strings = Vec::new();
    for document in &documents {
        walk(document, &mut strings);
    }
    Ok(strings)
}

/// String literals as Rust reads them. Text in a macro's braces is no argument of ours to read.
fn rust_strings(text: &str) -> Result<Vec<String>, String> {
    fn walk(tokens: proc_macro2::TokenStream, strings: &mut Vec<String>) {
        for token in tokens {
            match token {
                proc_macro2::TokenTree::Group(group) => walk(group.stream(), strings),
                proc_macro2::TokenTree::Literal(literal) => {
                    strings.extend(syn::parse_str::<syn::LitStr>(&literal.to_string()).map(|literal| literal.value()));
                }
                _ => {}
            }
        }
    }
    syn::parse_file(text).map_err(|error| error.to_string())?;
    let mut strings = Vec::new();
    walk(text.parse().map_err(|error: proc_macro2::LexError| error.to_string())?, &mut strings);
    Ok(strings)
}

/// String constants as Python reads them; one that is JSON text counts as what it says.
fn python_strings(text: &str) -> Result<Vec<String>, String> {
    const READER: &str = "
import ast, json, sys
found = []
for node in ast.walk(ast.parse(sys.stdin.buffer.read())):
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        found.append(json.loads(node.value) if node.value.startswith('\"') else node.value)
json.dump(found, sys.stdout)
";
    let mut python = Command::new("python3")
        .args(["-c", READER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3 is there");
    python.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    if output.status.success() {
        json_strings(&String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

#[test]
fn the_readers_see_what_is_broken() {
    assert!(toml_strings("a = \"b\"c\"").is_err());
    assert!(json_strings("{\"a\": \"b\"c\"}").is_err());
    assert!(yaml_strings("a: \"b\" c").is_err());
    assert!(python_strings("a = \"b\"c\"").is_err());
    assert!(rust_strings("const A: &str = \"b\"c\";").is_err());
    assert_eq!(rust_strings("fn f() { g!(\"a\\\"\", r#\"b\"#) }").unwrap(), ["a\"", "b"]);
    assert_eq!(yaml_strings("a: \"\\u00e9\"\n---\n- b\n").unwrap(), ["a", "é", "b"]);
    assert_eq!(python_strings("a = f(\"\\\"\\\\u00e9\\\"\")").unwrap(), ["é"]);
}

#[test]
fn what_no_file_could_hold_honestly_is_refused_from_flags_files_and_for_names() {
    for pack in packs() {
        let sandbox = Sandbox::new();
        for (number, (flag, when)) in text_questions(&sandbox, &pack).into_iter().enumerate() {
            let key = flag.trim_start_matches('-').replace('-', "_");
            // Every text in one question, and in each other one whose turn it is.
            let turn = if number == 0 { &REFUSED[..] } else { &REFUSED[number % REFUSED.len()..][..1] };
            for &text in turn {
                println!("{flag} {text:?}");
                let told = format!("it holds U+{:04X}", text.chars().nth(1).map_or(0, u32::from));
                sandbox.with(&pack, &format!("shop {when}")).arg(format!("{flag}={text}")).fails(2, &[&told]);
                sandbox.with(&pack, &format!("shop {when}")).arg(format!("--set={key}={text}")).fails(2, &[&told]);
                let file = toml::Table::from_iter([(key.clone(), text.into())]);
                let file = toml::Table::from_iter([("answers".to_owned(), file.into())]).to_string();
                sandbox.with(&pack, "shop --from -").input(file).fails(1, &[&told, "standard input:2:"]);
            }
            let long = "x".repeat(201);
            sandbox
                .with(&pack, "shop")
                .arg(format!("{flag}={long}"))
                .fails(2, &["201 characters are too many: at most"]);
        }
        for text in REFUSED {
            sandbox.with(&pack, "shop").arg(format!("--name={text}")).fails(2, &["cannot be used: it holds U+"]);
        }
        sandbox.assert_untouched();
    }
}

#[test]
fn a_text_of_two_hundred_characters_is_taken() {
    let sandbox = Sandbox::new();
    let long = "é".repeat(200);
    sandbox.tool("shop").arg(format!("--summary={long}")).ok();
    assert!(sandbox.read("shop/pyproject.toml").contains(&format!("description = \"{long}\"\n")));
}

/// A terminal shows nothing of what an answer would do to it.
#[test]
fn an_error_shows_no_control_character() {
    let sandbox = Sandbox::new();
    let nasty = "a\u{1b}[2Jb\u{202E}c";
    let lists: [&[&str]; 6] = [
        &["--summary", nasty],
        &["--python", nasty],
        &["--retries", nasty],
        &["--name", nasty],
        &["--preset", nasty],
        &[nasty],
    ];
    for arguments in lists {
        let run = arguments.iter().fold(sandbox.tool("shop"), crate::support::Run::arg);
        let said = run.ends(2).err;
        assert!(!said.contains('\u{1b}') && !said.contains('\u{202E}'), "{arguments:?}: {said:?}");
    }
}
