//! Presets at the terminal: the first question, which decides others.

use super::terminal::{DOWN, ENTER, ESC, Terminal, UP, typed};
use crate::support::{Run, Sandbox};

/// Of two presets the second in the alphabet stands first, and is the defaults.
const PACK: [(&str, &str); 2] = [
    (
        "pack.toml",
        "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n\
         [[question]]\nkey = \"summary\"\nprompt = \"What is it for?\"\nkind = \"text\"\ndefault = \"nothing\"\n\
         [[question]]\nkey = \"store\"\nprompt = \"Which store?\"\nkind = \"choice\"\nchoices = [\"file\", \"server\"]\n\
         default = \"file\"\n\
         [[question]]\nkey = \"backup\"\nprompt = \"Copies?\"\nkind = \"bool\"\ndefault = false\n\
         when = \"store == 'server'\"\n\
         [presets.plain]\nhelp = \"nothing to install\"\nanswers = {}\n\
         [presets.heavy]\nhelp = \"a server\"\nanswers = { store = \"server\" }\n",
    ),
    ("layers/core/files/said.tera", "{{ summary }} {{ store }} {{ backup }}"),
];

fn with<'a>(sandbox: &'a Sandbox, line: &str) -> Run<'a> {
    let pack = sandbox.pack(&PACK);
    sandbox.with(&pack, line).arg("--no-git")
}

#[test]
fn presets_come_first_in_the_order_of_the_pack_and_the_defaults_are_taken_by_enter() {
    let sandbox = Sandbox::new();
    let mut terminal = Terminal::start(with(&sandbox, ""), 120, false);
    terminal.answer("Name of the service?", &typed("shop"));
    terminal.expect("Preset");
    terminal.expect("> plain: nothing to install");
    terminal.expect("heavy: a server");
    terminal.expect("custom: every question is asked");
    terminal.send(ENTER);
    let between = terminal.expect("What is it for?");
    assert!(!between.contains("Which store?"), "{between}");
    terminal.send(ENTER);
    let between = terminal.expect("Create it?");
    assert!(!between.contains("Which store?") && between.contains("store    file"), "{between}");
    terminal.send(ENTER);
    terminal.done();
    assert_eq!(sandbox.read("shop/said"), "nothing file false\n");
}

/// What a preset makes apply, and none decides, is asked; what it was changed to is the default later.
#[test]
fn a_preset_decides_its_questions_and_can_be_gone_back_to() {
    let sandbox = Sandbox::new();
    let mut terminal = Terminal::start(with(&sandbox, "shop"), 120, false);
    terminal.answer("Preset", &format!("{DOWN}{ENTER}"));
    terminal.answer("What is it for?", &typed("Sells"));
    terminal.answer("Copies?", ESC);
    terminal.answer("What is it for?", ESC);
    // Custom: the question that presets decide is asked as well.
    terminal.answer("Preset", &format!("{DOWN}{ENTER}"));
    terminal.answer("What is it for?", ENTER);
    terminal.answer("Which store?", ESC);
    terminal.answer("What is it for?", ESC);
    terminal.answer("Preset", &format!("{UP}{ENTER}"));
    terminal.answer("What is it for?", ENTER);
    terminal.answer("Copies?", &typed("y"));
    let between = terminal.expect("Create it?");
    assert!(!between.contains("Which store?"), "{between}");
    terminal.send(ENTER);
    terminal.done();
    assert_eq!(sandbox.read("shop/said"), "Sells server true\n");
    with(&sandbox, "flags --preset heavy --summary Sells --backup").ok();
    assert_eq!(sandbox.read("flags/said"), "Sells server true\n");
}

#[test]
fn a_preset_that_a_flag_names_is_not_asked_for_and_nor_is_what_presets_decide() {
    for (line, said) in [
        ("shop --preset heavy", "nothing server false\n"),
        ("shop --preset plain", "nothing file false\n"),
        // Nothing is left that a preset would decide.
        ("shop --store server", "nothing server false\n"),
        // A flag overrules the preset.
        ("shop --preset heavy --store file", "nothing file false\n"),
    ] {
        let sandbox = Sandbox::new();
        let mut terminal = Terminal::start(with(&sandbox, line), 120, false);
        let before = terminal.expect("What is it for?");
        assert!(!before.contains("Preset") && !before.contains("Which store?"), "{line}: {before}");
        terminal.send(ENTER);
        if said.contains("server") {
            terminal.answer("Copies?", ENTER);
        }
        let between = terminal.expect("Create it?");
        assert!(!between.contains("Which store?"), "{line}: {between}");
        terminal.send(ENTER);
        terminal.done();
        assert_eq!(sandbox.read("shop/said"), said, "{line}");
    }
}

#[test]
fn a_flag_overrules_the_preset_that_is_chosen() {
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[
        (
            "pack.toml",
            "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n\
             [[question]]\nkey = \"a\"\nprompt = \"A?\"\nkind = \"integer\"\ndefault = 1\n\
             [[question]]\nkey = \"b\"\nprompt = \"B?\"\nkind = \"integer\"\ndefault = 1\n\
             [presets.two]\nanswers = { a = 2, b = 2 }\n",
        ),
        ("layers/core/files/said.tera", "{{ a }} {{ b }}"),
    ]);
    let run = sandbox.with(&pack, "shop --no-git --a 3");
    let mut terminal = Terminal::start(run, 120, false);
    // Without a name for the defaults, Enter alone is `custom`.
    terminal.answer("> custom", &format!("{UP}{ENTER}"));
    terminal.answer("Create it?", ENTER);
    terminal.done();
    assert_eq!(sandbox.read("shop/said"), "3 2\n");
}
