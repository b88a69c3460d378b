//! The template to begin with is a good one, and has all that its author is to learn from.

use crate::support::{Outcome, Sandbox};

#[test]
fn it_passes_its_own_check_and_builds() {
    let sandbox = Sandbox::new();
    sandbox.run("template new mine").ok().says(&["Created the template mine in mine", "template check mine --build"]);
    let said = sandbox.run("template check mine --build").ok();
    assert_eq!(said.out, "");
    let said = said.says(&["nothing found", "2 test cases, and built", "shop: ./run", "Hello, it's me"]);
    assert!(!said.err.contains("0 services"), "{said:?}");
    assert_eq!(crate::support::names_in(&sandbox.path("../tmp")), [""; 0], "what was built is gone");
}

#[test]
fn it_makes_a_service_that_runs() {
    let sandbox = Sandbox::new();
    sandbox.run("template new mine --name house").ok();
    assert!(sandbox.read("mine/pack.toml").contains("name = \"house\"\n"), "{}", sandbox.read("mine/pack.toml"));
    sandbox.run("new shop --no-git --template mine --greeting --greeted=Ada").ok().says(&["house 0.1.0"]);
    let output = sandbox.clean("./run").current_dir(sandbox.path("shop")).output().unwrap();
    assert_eq!(Outcome::of(output).out, "shop\nHello, Ada\n");
}

#[test]
fn a_name_that_no_file_could_hold_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.run("template new mine --name").arg("a\u{1b}[2Jb").fails(2, &["the name", "cannot be used", "--name"]);
    sandbox.run("template new mine --name").arg("").fails(2, &["it is empty"]);
    sandbox.assert_untouched();
}
