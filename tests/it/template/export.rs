//! What is exported is the template itself.

use crate::support::{Sandbox, files_below};

#[test]
fn an_exported_template_makes_the_same_repository_byte_for_byte() {
    let sandbox = Sandbox::new();
    sandbox.run("template export mine").ok().says(&["files of templates/", "template check mine"]);
    let resource = "order note:text? total:decimal(12,2)";
    for (template, dir) in [("", "one/shop"), ("--template mine", "two/shop")] {
        let run = sandbox.run(template).args("new").arg(dir).args("--preset production --no-git --resource");
        run.arg(resource).env("SOURCE_DATE_EPOCH", "1767225600").ok();
    }
    let (mut one, mut two) = (sandbox.files("one/shop"), sandbox.files("two/shop"));
    // It says where its template is.
    assert_ne!(one.remove("service.toml"), two.remove("service.toml"));
    assert!(one.len() > 100, "{} files", one.len());
    assert!(one == two, "{:?}", one.keys().filter(|path| one.get(*path) != two.get(*path)).collect::<Vec<_>>());
}

#[test]
fn a_layer_alone_has_the_shape_of_an_overlay() {
    let sandbox = Sandbox::new();
    let layers = crate::support::built_in().join("layers");
    let below = files_below(&layers);
    let folders: Vec<&str> = below.keys().filter_map(|path| path.strip_suffix("/layer.toml")).collect();
    let names: Vec<&str> = folders.iter().filter_map(|folder| folder.rsplit('/').next()).collect();
    let ([first, .., last], [one, .., other]) = (&names[..], &folders[..]) else { panic!("{names:?}") };
    sandbox.run("template export mine --layer").arg(first).arg("--layer").arg(last).ok().says(&["--overlay mine"]);
    let expected = [one, other].into_iter().flat_map(|folder| {
        let files = files_below(&layers.join(folder)).into_iter();
        files.map(move |(path, content)| (format!("layers/{folder}/{path}"), content))
    });
    assert_eq!(sandbox.files("mine"), expected.collect());
    let near = format!("{}x", names.iter().find(|name| name.len() > 5).unwrap());
    sandbox.run("template export other --layer").arg(&near).args("--layer nothing-like-it").fails(
        2,
        &[&format!("--layer {near}: the template has no such layer (did you mean"), "nothing-like-it", "there are: "],
    );
}

#[test]
fn what_is_there_is_not_overwritten() {
    let sandbox = Sandbox::new();
    sandbox.write("mine/pack.toml", "mine");
    sandbox.run("template export mine").fails(1, &["mine/pack.toml: exists already, and is never overwritten"]);
    sandbox.run("template new mine").fails(1, &["mine/pack.toml: exists already, and is never overwritten"]);
    assert_eq!(sandbox.read("mine/pack.toml"), "mine");
}

#[test]
fn any_template_can_be_exported() {
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[("layers/core/files/a", "x")]);
    sandbox.with(&pack, "template export mine").ok();
    assert_eq!(sandbox.files("mine"), files_below(&pack));
}
