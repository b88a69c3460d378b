//! How the layers of a pack meet: groups, slots of their owners, contributions as data, lists that follow from files,
//! parts of documents; and what is told where they miss each other.

use crate::support::Sandbox;

const HEAD: &str = "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n";

/// A kind with every type of field, in the order of its needs.
const PARTS: &str = "[contribution.part]\npurpose = \"a part\"\norder = \"needs\"\n\
    fields.name = { type = \"text\", required = true }\nfields.needs = { type = \"list\" }\n\
    fields.kind = { type = \"text\", choices = [\"gauge\", \"counter\"] }\n\
    fields.size = { type = \"integer\" }\nfields.share = { type = \"number\" }\nfields.on = { type = \"bool\" }\n\
    fields.more = { type = \"table\" }\n";

const LIST: (&str, &str) = (
    "layers/core/files/parts.tera",
    "{% for part in contributions.part %}{{ part.name }} of {{ part.layer }}\n{% endfor %}",
);

fn manifest(rest: &str) -> String {
    format!("{HEAD}{rest}")
}

fn layer(rest: &str) -> String {
    format!("title = \"x\"\n{rest}")
}

/// The file that a service of such a pack has.
fn made(files: &[(&str, &str)], path: &str) -> String {
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(files);
    sandbox.with(&pack, "shop --yes --no-git").ok();
    sandbox.read(&format!("shop/{path}"))
}

/// Files of a pack, and what must be said of them.
fn refused(what: &str, files: &[(&str, &str)], words: &[&str]) {
    println!("{what}");
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(files);
    sandbox.with(&pack, "shop --yes").fails(1, words);
    sandbox.assert_untouched();
}

/// The same, of a pack with the kind `part` and a layer that says `rest`.
fn refused_part(what: &str, rest: &str, words: &[&str]) {
    refused(what, &[("pack.toml", &manifest(PARTS)), ("layers/core/layer.toml", &layer(rest)), LIST], words);
}

#[test]
fn contributions_come_after_what_they_need_and_keep_the_order_of_the_layers() {
    let more = "when = \"true\"\nrequires = [\"core\"]\n\
        [[part]]\nname = \"late\"\nneeds = [\"early\", \"own\"]\n[[part]]\nname = \"own\"\n";
    let files = [
        ("pack.toml", &*manifest(PARTS)),
        (
            "layers/core/layer.toml",
            &*layer(
                "[[part]]\nname = \"app of {{ name }}\"\nneeds = [\"late\"]\nkind = \"gauge\"\nsize = 3\nshare = 0.5\n\
                 on = true\nmore = { a = [1] }\n[[part]]\nname = \"early\"\n\
                 [[part]]\nname = \"never\"\nwhen = 'name == \"x\"'\n[[part]]\nname = \"alone\"\nwith = [\"other\"]\n",
            ),
        ),
        LIST,
        ("layers/more/layer.toml", &layer(more)),
        ("layers/other/layer.toml", "title = \"x\"\nwhen = 'name == \"x\"'\n"),
    ];
    let list = made(&files, "parts");
    assert_eq!(list, "early of core\nown of more\nlate of more\napp of shop of core\n");
}

#[test]
fn a_contribution_that_does_not_fit_its_kind_is_told_with_its_place() {
    for (what, rest, words) in [
        (
            "a kind",
            "[[prat]]\nname = \"a\"\n",
            ["core/layer.toml:2:", "unknown field `prat`", "did you mean [[part]], which pack.toml declares"],
        ),
        (
            "a field",
            "[[part]]\nname = \"a\"\nsiez = 1\n",
            [
                "core/layer.toml:4:1: [[part]] has no field `siez` (did you mean \"size\"?)",
                "its fields: kind, ",
                "with",
            ],
        ),
        ("one that is missing", "[[part]]\nsize = 1\n", ["core/layer.toml:2:1: [[part]] needs `name`, a text", "", ""]),
        ("a type", "[[part]]\nname = 1\n", ["core/layer.toml:3:8: `name` of [[part]] is a text", "", ""]),
        (
            "an item of a list",
            "[[part]]\nname = \"a\"\nneeds = [1]\n",
            ["core/layer.toml:4:9: `needs` of [[part]] is a list of texts", "", ""],
        ),
        (
            "a choice",
            "[[part]]\nname = \"a\"\nkind = \"guage\"\n",
            [
                "core/layer.toml:4:8: `kind` of [[part]] cannot be \"guage\" (did you mean \"gauge\"?)",
                "one of: gauge, counter",
                "",
            ],
        ),
        (
            "a condition",
            "[[part]]\nname = \"a\"\nwhen = 'nmae == \"x\"'\n",
            ["core/layer.toml:4:8: ", "`nmae`, which is no answer (did you mean \"name\"?)", ""],
        ),
        (
            "a value in a text",
            "[[part]]\nname = \"{{ nmae }}\"\n",
            ["core/layer.toml:3:8: `name` of [[part]]: ", "nmae", ""],
        ),
        (
            "two of one name",
            "[[part]]\nname = \"a\"\n[[part]]\nname = \"a\"\n",
            ["core/layer.toml:5:8: [[part]] \"a\" is already in layer \"core\"", "choose between two", ""],
        ),
        (
            "what nobody brings",
            "[[part]]\nname = \"pool\"\n[[part]]\nname = \"a\"\nneeds = [\"pol\"]\n",
            ["core/layer.toml:6:9: `needs`: there is no [[part]] \"pol\" (did you mean \"pool\"?)", "", ""],
        ),
        (
            "what these answers leave out",
            "[[part]]\nname = \"pool\"\nwhen = 'name == \"x\"'\n[[part]]\nname = \"a\"\nneeds = [\"pool\"]\n",
            ["core/layer.toml:7:9: [[part]] \"a\" needs \"pool\", which these answers leave out", "", ""],
        ),
        (
            "a circle",
            "[[part]]\nname = \"a\"\nneeds = [\"b\"]\n[[part]]\nname = \"b\"\nneeds = [\"a\"]\n",
            ["core/layer.toml:4:9: [[part]]: each of these needs another: a, b", "", ""],
        ),
    ] {
        refused_part(what, rest, &words);
    }
}

#[test]
fn a_kind_that_cannot_be_is_told() {
    for (what, kind, words) in [
        (
            "a key of layer.toml",
            "[contribution.files]\npurpose = \"p\"\nfields.a = { type = \"text\" }\n",
            "pack.toml:4:15: contributions cannot be called \"files\": it is a key of every layer.toml",
        ),
        (
            "a field of every kind",
            "[contribution.x]\npurpose = \"p\"\nfields.when = { type = \"text\" }\n",
            "pack.toml:6:8: \"when\" cannot be a field",
        ),
        (
            "an order without names",
            "[contribution.x]\npurpose = \"p\"\norder = \"name\"\nfields.a = { type = \"text\" }\n",
            "pack.toml:4:15: this order needs the field `name`, a required text",
        ),
        (
            "an order without needs",
            "[contribution.x]\npurpose = \"p\"\norder = \"needs\"\nfields.name = { type = \"text\", required = true }\n",
            "pack.toml:4:15: this order needs the field `needs`, a list",
        ),
        (
            "choices of a number",
            "[contribution.x]\npurpose = \"p\"\nfields.a = { type = \"integer\", choices = [\"1\"] }\n",
            "pack.toml:6:8: \"a\": `choices` belong to type = \"text\"",
        ),
    ] {
        refused(what, &[("pack.toml", &manifest(kind))], &[words]);
    }
}

#[test]
fn what_no_template_reads_is_found() {
    let sandbox = Sandbox::new();
    let unread = "[contribution.idle]\npurpose = \"p\"\nfields.name = { type = \"text\" }\n";
    let pack = sandbox.pack(&[("pack.toml", &manifest(&format!("{PARTS}{unread}"))), LIST]);
    let found = sandbox.run(&format!("template check {}", pack.display())).ends(4).out;
    for words in [
        "pack.toml:14:15: no template reads contributions.idle",
        "pack.toml:10:8: no template that reads contributions.part reads its `size`",
    ] {
        assert!(found.contains(words), "{words}\n{found}");
    }
}

#[test]
fn layers_stand_in_groups_and_have_one_name() {
    let files = [
        ("layers/data/store/layer.toml", "title = \"x\"\nrequires = [\"core\"]\n"),
        ("layers/data/store/files/store.txt", "x\n"),
    ];
    assert_eq!(made(&files, "store.txt"), "x\n");
    refused(
        "two of one name",
        &[("layers/data/core/layer.toml", "title = \"x\"\n")],
        &["layers/data/core/layer.toml:1:1: the layer \"core\" is in layers/core as well"],
    );
    refused(
        "a layer that has moved into a group",
        &[files[0], files[1], ("layers/store/files/more.txt", "x\n")],
        &["layers/store/layer.toml: no such file", "the layer \"store\" stands in layers/data/store"],
    );
}

#[test]
fn lists_follow_from_the_files_beside_a_file() {
    let files = [
        ("layers/core/files/src/lib.rs.tera", "//! x\n\n{{ modules(\"pub mod\") }}\nmod by_hand;\n\n// Yours:\n"),
        ("layers/core/files/src/by_hand.rs", "//! x\n"),
        ("layers/core/files/src/main.rs", "fn main() {}\n"),
        ("layers/more/layer.toml", "title = \"x\"\nwhen = 'name == \"shop\"'\n"),
        ("layers/more/files/src/type.rs", "//! x\n"),
        ("layers/more/files/src/shop/mod.rs", "//! x\n"),
        ("layers/never/layer.toml", "title = \"x\"\nwhen = 'name == \"x\"'\n"),
        ("layers/never/files/src/never.rs", "//! x\n"),
        ("layers/core/files/k/all.yaml.tera", "resources:\n  {{ listing(\"*.yaml\", \"- {}\") }}\n"),
        ("layers/more/files/k/b.yaml", "x: 1\n"),
        ("layers/more/files/k/a.yaml", "x: 1\n"),
        ("layers/more/files/k/a.env", "x=1\n"),
    ];
    assert_eq!(made(&files, "src/lib.rs"), "//! x\n\npub mod shop;\npub mod r#type;\nmod by_hand;\n\n// Yours:\n");
    assert_eq!(made(&files, "k/all.yaml"), "resources:\n  - a.yaml\n  - b.yaml\n");
    for (line, words) in [
        ("{{ modules(\"mod\", \"x\") }}", "`modules` has other arguments\n  help: as in: {{ modules(\"pub mod\") }}"),
        ("{{ listing(\"[\", \"{}\") }}", "\"[\" is no file pattern"),
        ("x {{ listing(\"*\", \"{}\") }}", "`listing` stands alone on its line"),
    ] {
        refused(line, &[("layers/core/files/a.tera", &format!("\n{line}\n"))], &["core/files/a.tera:2:1: ", words]);
    }
}

#[test]
fn parts_join_a_document() {
    let whole = ("layers/core/files/api.json.tera", "{\"paths\": {\"/b\": {\"get\": 1}}, \"tags\": [\"core\"]}\n");
    let more = ("layers/more/layer.toml", "title = \"x\"\n");
    let files = [
        whole,
        more,
        ("layers/core/layer.toml", &*layer("[files.\"api.json\"]\nsort = [\"/paths\"]\n")),
        ("layers/more/merge/api.json.tera", "{\"paths\": {\"/a\": {{ name | json }}}, \"tags\": [\"more\"]}"),
    ];
    let api: serde_json::Value = serde_json::from_str(&made(&files, "api.json")).unwrap();
    let expected = serde_json::json!({"paths": {"/a": "shop", "/b": {"get": 1}}, "tags": ["core", "more"]});
    assert_eq!(api.to_string(), expected.to_string());
    for (what, part, words) in [
        (
            "another value",
            "{\n \"paths\": {\"/b\": {\"get\": 2}}}",
            "more/merge/api.json:2:19: another part of the document has another value at /paths/~1b/get",
        ),
        ("no JSON", "{\"paths\": {},}", "more/merge/api.json:1:14: this part is no JSON once it is rendered"),
        ("a list", "[]", "more/merge/api.json:1:1: a part of a document is a JSON object"),
    ] {
        refused(what, &[whole, more, ("layers/more/merge/api.json", part)], &[words]);
    }
    refused(
        "a document that is not there",
        &[whole, more, ("layers/more/merge/apj.json", "{}")],
        &["more/merge/apj.json:1:1: no layer has a file apj.json", "(did you mean \"api.json\"?)"],
    );
}

#[test]
fn the_first_edition_is_refused_with_the_steps_to_take() {
    let first = "name = \"small\"\nversion = \"0.1.0\"\nedition = 1\n";
    let slots = "[slots.lines]\nowner = \"core\"\npurpose = \"p\"\n";
    let steps = ["declare each slot of [slots] as [[slot]]", "layers/LAYER/slots/OWNER/SLOT.EXT", "edition = 2"];
    for text in [first.to_owned(), format!("{first}{slots}")] {
        let place = ["pack.toml:3:11: pack format 1 is no longer read"];
        refused("a pack", &[("pack.toml", &text)], &[&place[..], &steps].concat());
    }
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[("layers/core/files/a", "x\n")]);
    sandbox.write("../house/pack.toml", slots);
    let said = sandbox.with(&pack, "shop --yes --overlay ../house").fails(1, &steps);
    assert!(said.err.contains("house/pack.toml:1:"), "{said:?}");
}
