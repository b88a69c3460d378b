//! Resources at the terminal: a line each, in the grammar of `--resource`.

use std::path::Path;

use super::terminal::{ENTER, ESC, Terminal, typed};
use crate::support::{Run, Sandbox};

const QUESTION: &str = "Resources, one a line (empty: done)";
/// What the question becomes that was gone back from. The next may be the same, with another text: so it is
/// waited for, and Esc does not become one key with what follows.
const BACK: &str = "<canceled>";
const PERSON: &str = "person name:string(1..200)";
const ORDER: &str = "order index=customer,-created_at customer:ref(person) note:text=\"a: b\":doc=\"Ours (all).\"";

const PACK: [(&str, &str); 3] = [
    (
        "pack.toml",
        "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n\
         [[question]]\nkey = \"store\"\nprompt = \"A store?\"\nkind = \"bool\"\ndefault = true\n",
    ),
    ("layers/each/layer.toml", "title = \"x\"\nfor_each = \"resources\"\nas = \"resource\"\nwhen = \"store\"\n"),
    ("layers/each/files/{{ resource.module }}.tera", "{{ resource.spec }}"),
];

fn with<'a>(sandbox: &'a Sandbox, line: &str) -> Run<'a> {
    sandbox.pack(&PACK);
    // As it is seen from here, so that all sandboxes write the same into service.toml.
    sandbox.with(Path::new("../pack"), line).arg("--no-git")
}

fn back(terminal: &mut Terminal, from: &str) {
    terminal.answer(from, ESC);
    terminal.expect(BACK);
}

#[test]
fn lines_give_what_flags_give() {
    let sandbox = Sandbox::new();
    let mut terminal = Terminal::start(with(&sandbox, "shop"), 120, false);
    terminal.answer("A store?", ENTER);
    terminal.expect(QUESTION);
    terminal.expect("NAME FIELD:TYPE");
    terminal.send(&typed(PERSON));
    terminal.answer(QUESTION, &typed(ORDER));
    terminal.answer(QUESTION, ENTER);
    let summary = terminal.expect("Create it?");
    assert!(summary.contains(&format!("resource  {ORDER}")), "{summary}");
    terminal.send(ENTER);
    terminal.done();

    let flags = Sandbox::new();
    with(&flags, "shop").arg("--resource").arg(PERSON).arg("--resource").arg(ORDER).ok();
    assert_eq!(sandbox.files("shop"), flags.files("shop"));
    assert_eq!(sandbox.read("shop/orders"), format!("{ORDER}\n"));
}

#[test]
fn a_line_is_judged_at_once_and_stands_there_to_be_mended() {
    let sandbox = Sandbox::new();
    let mut terminal = Terminal::start(with(&sandbox, "shop"), 120, false);
    terminal.answer("A store?", ENTER);
    terminal.answer(QUESTION, &typed(PERSON));
    terminal.answer(QUESTION, &typed("order x:stirng"));
    // As the flag says it, with the number of the line.
    terminal.expect("error: resource:2:9: unknown type \"stirng\" (did you mean \"string\"?)");
    terminal.expect("    order x:stirng\r\n            ^^^^^^\r\n");
    // What was typed is still there.
    terminal.expect("order x:stirng");
    terminal.send(&format!("{}{}", "\u{7f}".repeat("stirng".len()), typed("ref(persn)")));
    terminal.expect("error: resource:2:13: no resource \"persn\" to refer to (did you mean \"person\"?)");
    terminal.send(&format!("{}{}", "\u{7f}".repeat("persn)".len()), typed("person)")));
    terminal.answer(QUESTION, &typed("person y:text"));
    terminal.expect("error: resource:3:1: the resource \"person\" stands twice");
    terminal.send(&format!("{}{ENTER}", "\u{7f}".repeat("person y:text".len())));
    terminal.answer("Create it?", ENTER);
    terminal.done();
    assert_eq!(sandbox.read("shop/orders"), "order x:ref(person)\n");
}

#[test]
fn going_back_over_lines_and_questions_keeps_them() {
    let sandbox = Sandbox::new();
    let mut terminal = Terminal::start(with(&sandbox, "shop"), 120, false);
    terminal.answer("A store?", ENTER);
    terminal.answer(QUESTION, &typed(PERSON));
    terminal.answer(QUESTION, &typed("order note:text"));
    terminal.answer(QUESTION, ENTER);
    back(&mut terminal, "Create it?");
    back(&mut terminal, QUESTION);
    back(&mut terminal, "order note:text");
    back(&mut terminal, PERSON);
    // Without a store there is nothing to ask, and with one again they are where they were.
    terminal.answer("A store?", &typed("n"));
    let summary = terminal.expect("Create it?");
    assert!(!summary.contains("Resources") && !summary.contains("resource  "), "{summary}");
    terminal.send(ESC);
    terminal.expect(BACK);
    terminal.answer("A store?", &typed("y"));
    terminal.answer(PERSON, &format!(" age:int{ENTER}"));
    terminal.answer("order note:text", &format!("?{ENTER}"));
    terminal.answer(QUESTION, ENTER);
    terminal.answer("Create it?", ENTER);
    terminal.done();
    assert_eq!(sandbox.read("shop/people"), format!("{PERSON} age:int\n"));
    assert_eq!(sandbox.read("shop/orders"), "order note:text?\n");
}

#[test]
fn an_empty_line_leaves_out_what_came_after_it() {
    let sandbox = Sandbox::new();
    let mut terminal = Terminal::start(with(&sandbox, "shop"), 120, false);
    terminal.answer("A store?", ENTER);
    terminal.answer(QUESTION, &typed(PERSON));
    back(&mut terminal, QUESTION);
    terminal.answer(PERSON, &format!("{}{ENTER}", "\u{7f}".repeat(PERSON.len())));
    terminal.answer("Create it?", ENTER);
    terminal.done();
    assert_eq!(sandbox.names(), ["shop"]);
    assert!(!sandbox.path("shop/people").exists());
}

#[test]
fn where_they_are_given_or_nothing_is_made_of_them_they_are_not_asked_for() {
    let sandbox = Sandbox::new();
    let mut terminal = Terminal::start(with(&sandbox, "given").arg("--resource").arg(PERSON), 120, false);
    terminal.answer("A store?", ENTER);
    let before = terminal.expect("Create it?");
    assert!(!before.contains("Resources"), "{before}");
    terminal.send(ENTER);
    terminal.done();
    let mut terminal = Terminal::start(with(&sandbox, "none --store=false"), 120, false);
    let before = terminal.expect("Create it?");
    assert!(!before.contains("Resources"), "{before}");
    terminal.send(ENTER);
    terminal.done();
    assert!(sandbox.path("given/people").exists() && !sandbox.path("none/people").exists());
}

#[test]
fn control_c_at_a_line_leaves_nothing() {
    let sandbox = Sandbox::new();
    let mut terminal = Terminal::start(with(&sandbox, "shop"), 120, false);
    terminal.answer("A store?", ENTER);
    terminal.answer(QUESTION, &typed(PERSON));
    terminal.expect(QUESTION);
    terminal.session.send_control('c').unwrap();
    assert_eq!(terminal.end().1, 130);
    sandbox.assert_untouched();
}
