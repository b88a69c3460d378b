//! A pack in which every way that files are shared occurs: slots, merged data, a file for each item, files
//! that are written once, migrations, and texts that a person chose.

use std::sync::Arc;

use new_service::pack::{Files, Pack};

const LAYERS: [&str; 5] = ["alpha", "beta", "gamma", "delta", "epsilon"];

pub fn pack(version: &str) -> Arc<Pack> {
    pack_in("", version)
}

/// The same with every file in `folder`, which begins at the top and ends with `/`; they were at the top before.
pub fn pack_in(folder: &str, version: &str) -> Arc<Pack> {
    let mut files: Vec<(String, String)> = Vec::new();
    let moved = if folder.is_empty() { String::new() } else { format!("[files.\"{folder}**\"]\nmoved_from = \".\"\n") };
    let mut add = |path: &str, text: String| {
        let text = if path.ends_with("/layer.toml") && !path.starts_with("layers/core") { text + &moved } else { text };
        files.push((path.replace("/files/", &format!("/files/{folder}")), text));
    };
    let mut manifest = format!("name = \"shared\"\nversion = \"{version}\"\nedition = 2\n");
    for layer in LAYERS {
        let question = ["[[question]]\nkey = \"", layer, "\"\nprompt = \"?\"\nkind = \"bool\"\ndefault = false\n"];
        manifest.push_str(&question.concat());
    }
    manifest.push_str(
        "[[question]]\nkey = \"detail\"\nprompt = \"Detail?\"\nkind = \"text\"\ndefault = \"of {{ name }}\"\nwhen = \"alpha\"\n\
         [[question]]\nkey = \"items\"\nprompt = \"Items?\"\nkind = \"list\"\ndefault = []\n\
         ",
    );
    add("pack.toml", manifest);
    add(
        "layers/core/layer.toml",
        format!(
            "title = \"Core\"\n{}[dependencies]\nbase = \"1\"\nzeta = \"1\"\n[files.\"{folder}NEWS\"]\npolicy = \"once\"\n[files.\"{folder}run\"]\nmode = \"755\"\n{moved}",
            ["lines", "keys", "jobs"]
                .map(|slot| format!("[[slot]]\nname = \"{slot}\"\npurpose = \"{slot}\"\npublic = true\n"))
                .concat()
        ),
    );
    let newer = if version == "0.1.0" { "" } else { "a line that is new\n" };
    add("layers/core/files/NEWS.tera", "News of {{ name }}\n".into());
    add("layers/core/files/run", format!("#!/bin/sh\n{newer}echo\n"));
    add(
        "layers/core/files/list.txt.tera",
        format!("one\ntwo\n{newer}three\n\n{{{{ slot(\"lines\") }}}}\n\n# Lines of your own:\n\nfour\nfive\nsix\n"),
    );
    add(
        "layers/core/files/data.toml.tera",
        "# Of {{ name }}\n[package]\nname = \"{{ name }}\"\n\n[dependencies]\n\
         {% for dependency in dependencies %}{{ dependency.name }} = {{ dependency.spec }}\n{% endfor %}\n[extra]\n{{ slot(\"keys\") }}\n"
            .into(),
    );
    add(
        "layers/core/files/ci.yaml.tera",
        "on: push\njobs:\n  first:\n    run: x\n{{ slot(\"jobs\") }}\n# Jobs of your own:\n".into(),
    );
    add("layers/each/layer.toml", "title = \"Each\"\nfor_each = \"items\"\nas = \"item\"\n".into());
    add("layers/each/files/items/{{ item }}.txt.tera", "{{ item }} of {{ name }}\nmore\n".into());
    add("layers/each/slots/core/lines.txt.tera", "- {{ item }}\n".into());
    for (number, layer) in LAYERS.iter().enumerate() {
        add(
            &format!("layers/{layer}/layer.toml"),
            format!("title = \"{layer}\"\nwhen = \"{layer}\"\n[dependencies]\n{layer} = \"{number}\"\n"),
        );
        add(&format!("layers/{layer}/files/{layer}/own.txt"), format!("{layer}\nkept\nby\n{newer}itself\n"));
        add(&format!("layers/{layer}/slots/core/lines.txt"), format!("{layer} one\n{layer} two\n"));
        add(&format!("layers/{layer}/slots/core/keys.toml"), format!("# of {layer}\n{layer} = {number}\n"));
        add(&format!("layers/{layer}/slots/core/jobs.yaml"), format!("  {layer}:\n    run: {number}\n"));
    }
    let files: Files = files.into_iter().map(|(path, text)| (path, text.into_bytes().into())).collect();
    Pack::from_files(&files, "shared").unwrap_or_else(|faults| panic!("{faults}"))
}

/// The answers with which each of the five layers is in or out, and the items.
pub fn answers(layers: [bool; 5], items: &[String]) -> Vec<(String, new_service::pack::Answer)> {
    use new_service::pack::Answer;
    let mut answers: Vec<(String, Answer)> =
        LAYERS.iter().zip(layers).map(|(layer, is_in)| ((*layer).to_owned(), Answer::Bool(is_in))).collect();
    answers.push(("items".into(), Answer::List(items.to_vec())));
    answers
}
