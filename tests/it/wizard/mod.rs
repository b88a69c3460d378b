//! The wizard, driven through a real pseudo-terminal. Waiting is only ever for a text to appear.

mod presets;
mod resources;
mod terminal;

use crate::support::{Sandbox, names_in};
use rexpect::process::Signal;
use terminal::{DOWN, ENTER, ESC, Terminal, typed};

/// The questions of the Python tool, in order, as they are asked by default.
const STEPS: [&str; 7] = [
    "Name of the service?",
    "Preset",
    "What is it for?",
    "Oldest Python",
    "Commands, separated by commas",
    "Publish it?",
    "Create it?",
];

fn answers(sandbox: &Sandbox, dir: &str) -> toml::Table {
    let service: toml::Table = sandbox.read(&format!("{dir}/service.toml")).parse().unwrap();
    service["answers"].as_table().unwrap().clone()
}

fn table(text: &str) -> toml::Table {
    text.parse().unwrap()
}

#[test]
fn enter_all_the_way_gives_what_the_defaults_give() {
    let sandbox = Sandbox::new();
    let mut terminal = Terminal::start(sandbox.tool("").arg("--no-git"), 120, false);
    terminal.answer("Name of the service?", &typed("shop"));
    for question in &STEPS[1..] {
        assert!(!sandbox.path("shop").exists(), "nothing is written before the last yes");
        terminal.answer(question, ENTER);
    }
    terminal.done();
    let plain = Sandbox::new();
    plain.tool("shop --no-git").ok();
    assert_eq!(sandbox.files("shop"), plain.files("shop"));
}

#[test]
fn every_answer_can_be_changed_and_gives_what_its_flag_gives() {
    let sandbox = Sandbox::new();
    let mut terminal = Terminal::start(sandbox.tool("new --no-git"), 120, false);
    for (question, keys) in [
        ("Name of the service?", typed("shop")),
        ("Preset", ENTER.to_owned()),
        ("What is it for?", typed("Sells \"things\"")),
        ("Oldest Python", format!("{DOWN}{ENTER}")),
        ("Commands, separated by commas", typed("buy, sell")),
        ("Publish it?", typed("y")),
        ("To which index?", typed("inside")),
        ("How often is an upload tried?", typed("5")),
    ] {
        terminal.answer(question, &keys);
    }
    let shown = terminal.expect("Create it?");
    for line in ["name      shop", "summary   Sells \"things\"", "commands  buy, sell", "retries   5", "publish.yml"] {
        assert!(shown.contains(line), "{line:?} is not in the summary:\n{shown}");
    }
    terminal.send(ENTER);
    let said = terminal.done();
    assert!(said.contains("Created shop in shop") && said.contains("cd shop"), "{said}");

    let flags = Sandbox::new();
    flags
        .tool("shop --no-git --python 3.13 --commands buy,sell --publish --index inside --retries 5")
        .arg("--summary=Sells \"things\"")
        .ok();
    assert_eq!(sandbox.files("shop"), flags.files("shop"));
}

#[test]
fn a_question_that_flags_answer_is_not_asked() {
    let sandbox = Sandbox::new();
    let mut terminal = Terminal::start(sandbox.tool("shop --no-git --summary x --python 3.13"), 120, false);
    terminal.answer("Preset", ENTER);
    let before = terminal.expect("Commands, separated by commas");
    assert!(!before.contains("What is it for?") && !before.contains("Oldest Python"), "{before}");
    terminal.send(ENTER);
    terminal.answer("Publish it?", ENTER);
    terminal.answer("Create it?", ENTER);
    terminal.done();
    assert_eq!(answers(&sandbox, "shop")["python"].as_str(), Some("3.13"));
}

#[test]
fn a_question_appears_only_where_it_applies() {
    let sandbox = Sandbox::new();
    let mut terminal = Terminal::start(sandbox.tool("shop --no-git"), 120, false);
    for question in &STEPS[1..5] {
        terminal.answer(question, ENTER);
    }
    terminal.answer("Publish it?", &typed("y"));
    // Back, and "no" after all: its questions are gone again, and from the answers as well.
    terminal.answer("To which index?", ESC);
    terminal.answer("Publish it?", &typed("n"));
    let between = terminal.expect("Create it?");
    assert!(!between.contains("To which index?") && !between.contains("index  "), "{between}");
    terminal.send(ENTER);
    terminal.done();
    assert!(!answers(&sandbox, "shop").contains_key("index"));
}

#[test]
fn going_back_over_all_questions_and_the_name_keeps_what_was_answered() {
    let sandbox = Sandbox::new();
    let mut terminal = Terminal::start(sandbox.tool("--no-git"), 120, false);
    for (question, keys) in STEPS.iter().zip([
        typed("first"),
        ENTER.to_owned(),
        typed("Sells"),
        format!("{DOWN}{ENTER}"),
        typed("buy"),
        typed("y"),
    ]) {
        terminal.answer(question, &keys);
    }
    terminal.answer("To which index?", &typed("inside"));
    terminal.answer("How often is an upload tried?", &typed("2"));
    // Esc from the last question to the first.
    terminal.answer("Create it?", ESC);
    for question in [
        "How often is an upload tried?",
        "To which index?",
        "Publish it?",
        "Commands",
        "Oldest Python",
        "What is it for?",
        "Preset",
    ] {
        terminal.answer(question, ESC);
    }
    terminal.answer("Name of the service?", &typed("second"));
    // Forward again: every answer is the default now; one is changed.
    for question in &STEPS[1..4] {
        terminal.answer(question, ENTER);
    }
    terminal.answer(STEPS[4], &typed("sell"));
    terminal.answer(STEPS[5], ENTER);
    terminal.answer("To which index?", ENTER);
    terminal.answer("How often is an upload tried?", ENTER);
    terminal.answer("Create it?", ENTER);
    terminal.done();
    assert_eq!(sandbox.names(), ["second"]);
    let expected = "summary = \"Sells\"\npython = \"3.13\"\ncommands = [\"sell\"]\npublish = true\n\
                    index = \"inside\"\nretries = 2";
    assert_eq!(answers(&sandbox, "second"), table(expected));
}

#[test]
fn an_answer_that_is_refused_says_why_and_can_be_mended() {
    let sandbox = Sandbox::new();
    sandbox.write("taken/mine", "");
    let mut terminal = Terminal::start(sandbox.tool("--no-git --publish"), 120, false);
    let erase = "\u{7f}".repeat(20);
    terminal.answer("Name of the service?", &typed("Order Api"));
    terminal.expect("it must be lowercase letters, digits and -");
    terminal.send(&format!("{erase}{}", typed("class")));
    terminal.expect("it is a Python keyword");
    terminal.send(&format!("{erase}{}", typed("taken")));
    terminal.expect("\"taken\" exists here already");
    terminal.send(&format!("{erase}{}", typed("shop")));
    terminal.answer("Preset", ENTER);
    terminal.answer("What is it for?", ENTER);
    terminal.answer("Oldest Python", ENTER);
    terminal.answer("Commands, separated by commas", &typed("Run"));
    terminal.expect("\"Run\" is not lowercase letters");
    terminal.send(&format!("{erase}{}", typed("run")));
    terminal.answer("To which index?", ENTER);
    terminal.answer("How often is an upload tried?", &typed("nine"));
    terminal.expect("\"nine\" is no whole number");
    terminal.send(&format!("{erase}{}", typed("9")));
    terminal.expect("9 is above 5");
    terminal.send(&format!("{erase}{}", typed("4")));
    terminal.answer("Create it?", ENTER);
    terminal.done();
    assert_eq!(answers(&sandbox, "shop")["retries"].as_integer(), Some(4));
}

#[test]
fn answers_that_do_not_go_together_lead_back_to_the_questions() {
    let sandbox = Sandbox::new();
    let mut terminal =
        Terminal::start(sandbox.tool("shop --no-git --summary x --python 3.11 --commands run --publish"), 120, false);
    terminal.answer("To which index?", &typed("none"));
    terminal.answer("How often is an upload tried?", ENTER);
    terminal.expect("there is nowhere to publish to");
    terminal.answer("Go back and change an answer?", ENTER);
    terminal.answer("How often is an upload tried?", ESC);
    terminal.answer("To which index?", &format!("{}{}", "\u{7f}".repeat(20), typed("pypi")));
    terminal.answer("How often is an upload tried?", ENTER);
    terminal.answer("Create it?", ENTER);
    terminal.done();
    assert_eq!(answers(&sandbox, "shop")["index"].as_str(), Some("pypi"));
}

/// A flag may have answered what another answer makes moot.
#[test]
fn answers_without_effect_lead_back_to_the_questions() {
    let sandbox = Sandbox::new();
    let run = sandbox.tool("shop --no-git --summary x --python 3.11 --commands run --retries 4");
    let mut terminal = Terminal::start(run, 120, false);
    terminal.answer("Preset", ENTER);
    terminal.answer("Publish it?", &typed("n"));
    terminal.expect("retries = \"4\" has no effect here");
    terminal.answer("Go back and change an answer?", ENTER);
    terminal.answer("Publish it?", &typed("y"));
    terminal.answer("To which index?", ENTER);
    terminal.answer("Create it?", ENTER);
    terminal.done();
    assert_eq!(answers(&sandbox, "shop")["retries"].as_integer(), Some(4));
}

#[test]
fn a_folder_that_cannot_be_used_is_told_before_the_first_question() {
    let sandbox = Sandbox::new();
    sandbox.write("shop", "a file");
    let (said, code) = Terminal::start(sandbox.tool("shop"), 120, false).end();
    assert!(code == 1 && said.contains("shop: is a file, and a folder is wanted"), "{said}");
    assert!(!said.contains("What is it for?"), "{said}");

    sandbox.write("full/service.toml", "mine");
    sandbox.tool("made").ok();
    for (dir, why) in [
        ("full", "full/service.toml: exists already, and is never overwritten"),
        ("made", "made: is a repository that new-service made"),
        ("shop/inside", "shop/inside: "),
        (".git/shop", ".git/shop: is part of git's own folder"),
    ] {
        let (said, code) = Terminal::start(sandbox.tool(dir), 120, false).end();
        assert!(code == 1 && said.contains(why) && !said.contains("Preset"), "{dir}: {said}");
    }
    let script = "mount -t tmpfs -o ro none . && cd . && exec \"$@\"";
    let run = sandbox.tool("shop").through(&format!("exec unshare --mount --map-root-user sh -c '{script}' sh \"$@\""));
    let (said, code) = Terminal::start(run, 120, false).end();
    assert!(code == 1 && said.contains("Read-only file system") && !said.contains("Preset"), "{said}");
}

/// As a hosting site makes it: a README and a licence in a repository.
#[test]
fn a_fresh_clone_keeps_its_files_when_the_answer_is_yes() {
    for (answer, code) in [(ENTER.to_owned(), 0), (typed("n"), 130)] {
        let sandbox = Sandbox::new();
        sandbox.write("shop/README.rst", "# Mine\n");
        sandbox.git("shop", &["init", "--quiet"]);
        sandbox.commit("shop");
        let mut terminal = Terminal::start(sandbox.tool("shop"), 120, false);
        terminal.expect("shop holds README.rst.");
        terminal.answer("Keep them, and add what is missing?", &answer);
        if code == 0 {
            for question in &STEPS[1..6] {
                terminal.answer(question, ENTER);
            }
            let shown = terminal.expect("Create it?");
            assert!(shown.contains("README.rst (kept)"), "{shown}");
            terminal.send(ENTER);
        }
        let (said, end) = terminal.end();
        assert_eq!((end, sandbox.path("shop/service.toml").is_file()), (code, code == 0), "{said}");
        assert_eq!(sandbox.read("shop/README.rst"), "# Mine\n");
    }
    // An empty repository has nothing to ask for.
    let sandbox = Sandbox::new();
    sandbox.write("shop/.gitkeep", "");
    sandbox.git("shop", &["init", "--quiet"]);
    std::fs::remove_file(sandbox.path("shop/.gitkeep")).unwrap();
    let mut terminal = Terminal::start(sandbox.tool("shop"), 120, false);
    assert!(!terminal.expect("Preset").contains("Keep them"));
}

#[test]
fn control_c_at_each_step_leaves_nothing() {
    for (stop_at, step) in STEPS.iter().enumerate() {
        let sandbox = Sandbox::new();
        let mut terminal = Terminal::start(sandbox.tool(""), 120, false);
        for (at, question) in STEPS.iter().enumerate().take(stop_at) {
            terminal.answer(question, &if at == 0 { typed("shop") } else { ENTER.to_owned() });
        }
        terminal.expect(step);
        terminal.session.send_control('c').unwrap();
        let (rest, code) = terminal.end();
        assert_eq!(code, 130, "at {step:?}: {rest}");
        assert!(rest.contains("nothing was written"), "at {step:?}: {rest}");
        sandbox.assert_untouched();
    }
}

#[test]
fn no_to_the_last_question_leaves_nothing() {
    let sandbox = Sandbox::new();
    let mut terminal = Terminal::start(sandbox.tool("shop"), 120, false);
    for question in &STEPS[1..6] {
        terminal.answer(question, ENTER);
    }
    terminal.answer("Create it?", &typed("n"));
    let (rest, code) = terminal.end();
    assert_eq!((code, rest.contains("stopped; nothing was written")), (130, true), "{rest}");
    sandbox.assert_untouched();
}

/// A terminal that goes away, or a `kill`, ends it: it does not wait for keys that cannot come.
#[test]
fn a_signal_at_a_prompt_ends_it_and_gives_the_terminal_back() {
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT] {
        let sandbox = Sandbox::new();
        let mut terminal = Terminal::start(sandbox.tool("shop"), 120, false);
        terminal.expect("Preset");
        terminal.session.process_mut().signal(signal).unwrap();
        let (rest, code) = terminal.end();
        assert_eq!(code, 130, "{signal}: {rest}");
        sandbox.assert_untouched();
    }
    // A shell in the same terminal sees it as it was: lines are edited and echoed.
    let sandbox = Sandbox::new();
    let script =
        "stty -g > ../before; sh -c 'echo $$ > ../pid; exec \"$@\"' sh \"$@\"; stty -g > ../after; echo the end";
    let run = sandbox.tool("shop").through(script);
    let mut terminal = Terminal::start(run, 120, false);
    terminal.expect("Preset");
    assert!(sandbox.clean("kill").args(["-TERM", sandbox.read("../pid").trim()]).status().unwrap().success());
    terminal.expect("the end");
    assert_eq!(sandbox.read("../before"), sandbox.read("../after"));
}

#[test]
fn in_a_narrow_terminal_no_line_of_the_summary_is_wider() {
    for columns in [20, 30, 45] {
        let sandbox = Sandbox::new();
        let name = format!("a-service-of-a-long-name-{}", "x".repeat(30));
        let mut terminal = Terminal::start(sandbox.tool(&name).arg("--no-git").arg("--publish"), columns, false);
        // Words that even the narrowest terminal does not break.
        for word in ["Preset", "What is", "Oldest", "Commands", "To which", "How often"] {
            terminal.answer(word, ENTER);
        }
        let shown = terminal.expect("Create");
        let (_, summary) = shown.split_once("  name ").unwrap_or_else(|| panic!("{shown:?}"));
        let summary: Vec<&str> = summary.lines().collect();
        assert!(summary.len() > 12, "{summary:?}");
        assert!(format!("  name {}", summary[0]).chars().count() <= usize::from(columns), "{:?}", summary[0]);
        // The last line is the prompt's own mark.
        for line in &summary[1..summary.len() - 1] {
            assert!(line.chars().count() <= usize::from(columns), "{columns}: {line:?}");
        }
        terminal.send(ENTER);
        terminal.done();
        assert!(sandbox.path(&name).is_dir());
    }
}

/// Codes that set a colour or a weight: `ESC [ … m`. To reset is no colour.
fn colours(text: &str) -> Vec<String> {
    let codes = text.split("\u{1b}[").skip(1).filter_map(|rest| {
        let (code, _) = rest.split_once(|c: char| c.is_ascii_alphabetic())?;
        let letter = rest[code.len()..].chars().next()?;
        (letter == 'm' && !["", "0"].contains(&code)).then(|| format!("{code}m"))
    });
    codes.collect()
}

#[test]
fn no_color_and_a_dumb_terminal_get_no_colours() {
    for (what, variables, coloured) in [
        ("a terminal", &[("TERM", "xterm-256color")][..], true),
        ("NO_COLOR", &[("TERM", "xterm-256color"), ("NO_COLOR", "1")], false),
        ("TERM=dumb", &[("TERM", "dumb")], false),
    ] {
        let sandbox = Sandbox::new();
        let run = variables.iter().fold(sandbox.tool("shop --no-git"), |run, (name, value)| run.env(name, value));
        let mut terminal = Terminal::start_as_is(run, 120, true);
        let mut all = String::new();
        for question in &STEPS[1..] {
            all += &terminal.expect(question);
            terminal.send(ENTER);
        }
        all += &terminal.done();
        assert_eq!(!colours(&all).is_empty(), coloured, "{what}: {:?}", colours(&all));
    }
    // Errors are coloured at a terminal, too, and only there.
    for (variable, coloured) in [("X", true), ("NO_COLOR", false)] {
        let sandbox = Sandbox::new();
        let run = sandbox.tool("shop --python 2").env(variable, "1").env("TERM", "xterm-256color");
        let (rest, code) = Terminal::start_as_is(run, 120, true).end();
        assert_eq!((code, !colours(&rest).is_empty()), (2, coloured), "{variable}: {rest:?}");
    }
}

#[test]
fn yes_json_and_a_blueprint_on_standard_input_ask_nothing_at_a_terminal() {
    for flag in ["--yes", "-y", "--json"] {
        let sandbox = Sandbox::new();
        let said = Terminal::start(sandbox.tool("shop --no-git").args(flag), 120, false).done();
        assert!(!said.contains('?'), "{flag}: {said}");
        assert!(names_in(&sandbox.path("shop")).contains(&"service.toml".to_owned()));
    }
    let sandbox = Sandbox::new();
    let (said, code) = Terminal::start(sandbox.tool("--yes"), 120, false).end();
    assert!(code == 2 && said.contains("missing argument: DIR"), "{said}");
}

/// Data that is piped away leaves the questions where the person is: at the terminal.
#[test]
fn questions_go_to_the_terminal_when_standard_output_does_not() {
    let sandbox = Sandbox::new();
    let run = sandbox.tool("shop --dry-run").through("exec \"$@\" > ../out");
    let mut terminal = Terminal::start(run, 120, false);
    for question in &STEPS[1..] {
        terminal.answer(question, ENTER);
    }
    terminal.done();
    assert!(sandbox.read("../out").contains("pyproject.toml"));
    assert!(!sandbox.path("shop").exists());
}
