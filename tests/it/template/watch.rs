//! A template under somebody's hands, and the folder that shows what it makes.

use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use new_service::cli::WatchArgs;
use new_service::commands::template::Subject;
use new_service::commands::template::watch::Watch;
use new_service::pack::Source;
use new_service::report;

use crate::support::{Sandbox, end_of, names_in};

const LAYER: &str = "title = \"x\"\n[files.\"bin/*\"]\nmode = \"755\"\n";

fn sandbox() -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[
        ("pack.toml", "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n[[question]]\nkey = \"motto\"\nprompt = \"?\"\nkind = \"text\"\ndefault = \"none\"\n"),
        ("layers/core/layer.toml", LAYER),
        ("layers/core/files/a.tera", "I am {{ name }}\nmotto: {{ motto }}\n"),
        ("layers/core/files/bin/tool", "#!/bin/sh\n"),
    ]);
    (sandbox, pack)
}

fn watch(sandbox: &Sandbox, pack: &Path) -> Watch {
    let arguments = WatchArgs {
        dir: pack.to_owned(),
        into: sandbox.path("shown"),
        name: None,
        set: vec!["motto=onward".into()],
        resource: Vec::new(),
    };
    Watch::new(&arguments, Subject::of(pack, false, &Source::default_pack().into()).unwrap()).unwrap()
}

#[test]
fn a_step_brings_the_folder_to_what_the_template_says_now() {
    let (sandbox, pack) = sandbox();
    let mut watch = watch(&sandbox, &pack);
    let first = watch.step().unwrap().unwrap();
    assert_eq!(sandbox.read("shown/a"), "I am shown\nmotto: onward\n");
    assert!(report::diff(&first).contains("+motto: onward\n"), "{}", report::diff(&first));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(sandbox.path("shown/bin/tool")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
    }
    assert!(watch.step().unwrap().is_none(), "nothing was saved");

    sandbox.write("../pack/layers/core/files/a.tera", "I am {{ name }}\nand say: {{ motto }}\n");
    let changed = watch.step().unwrap().unwrap();
    let diff = report::diff(&changed);
    assert!(diff.contains("-motto: onward\n+and say: onward\n") && !diff.contains("bin/tool"), "{diff}");

    sandbox.write("../pack/layers/core/files/a.tera", "I am {{ nmae }}\n");
    assert!(watch.step().unwrap_err().to_string().contains("`nmae` is not defined"));
    assert_eq!(sandbox.read("shown/a"), "I am shown\nand say: onward\n", "what stands, stands");
    assert!(watch.step().unwrap().is_none(), "a fault is told once");

    // A file becomes a folder, and a folder goes.
    std::fs::remove_dir_all(sandbox.path("../pack/layers/core/files")).unwrap();
    sandbox.write("../pack/layers/core/layer.toml", "title = \"x\"\n");
    sandbox.write("../pack/layers/core/files/a/b", "x\n");
    let changed = watch.step().unwrap().unwrap();
    assert!(report::diff(&changed).contains("deleted file mode 100755"), "{}", report::diff(&changed));
    assert_eq!(names_in(&sandbox.path("shown")), [".new-service", "a", "service.toml"]);
    assert_eq!(names_in(&sandbox.path("shown/.new-service")), ["watched"]);
}

/// A share of Windows shows every file as one that can be run.
#[cfg(unix)]
#[test]
fn where_no_mode_is_kept_a_step_writes_only_what_has_changed() {
    use std::os::unix::fs::PermissionsExt as _;
    let (sandbox, pack) = sandbox();
    let mut watch = watch(&sandbox, &pack);
    watch.step().unwrap().unwrap();
    for path in sandbox.files("shown").keys() {
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(sandbox.path("shown").join(path), mode).unwrap();
    }
    sandbox.write("../pack/layers/core/files/bin/tool", "#!/bin/bash\n");
    let diff = report::diff(&watch.step().unwrap().unwrap());
    assert!(diff.contains("bin/tool") && !diff.contains("b/a\n") && !diff.contains("service.toml"), "{diff}");
}

#[test]
fn only_what_a_watch_has_written_is_touched() {
    let (sandbox, pack) = sandbox();
    sandbox.write("shown/mine", "mine");
    let refused = sandbox.run("template watch").arg(&pack).args("--into shown");
    refused.fails(2, &["shown: holds files that no watch has written"]);
    std::fs::remove_dir_all(sandbox.path("shown")).unwrap();

    watch(&sandbox, &pack).step().unwrap().unwrap();
    sandbox.write("shown/mine", "mine");
    sandbox.write("../pack/layers/core/files/a.tera", "new\n");
    std::fs::remove_dir_all(sandbox.path("../pack/layers/core/files/bin")).unwrap();
    sandbox.write("../pack/layers/core/layer.toml", "title = \"x\"\n");
    // A watch of another day knows what the first has written.
    watch(&sandbox, &pack).step().unwrap().unwrap();
    assert_eq!(sandbox.read("shown/a"), "new\n");
    assert_eq!(names_in(&sandbox.path("shown")), [".new-service", "a", "mine", "service.toml"]);

    #[cfg(unix)]
    {
        let outside = sandbox.write("outside", "kept");
        std::fs::remove_file(sandbox.path("shown/a")).unwrap();
        std::os::unix::fs::symlink(&outside, sandbox.path("shown/a")).unwrap();
        let said = watch(&sandbox, &pack).step().unwrap_err();
        assert!(said.to_string().contains("shown/a: is a link"), "{said}");
        assert_eq!(sandbox.read("outside"), "kept");
    }
}

#[test]
fn what_cannot_be_watched_is_told_at_once() {
    let (sandbox, pack) = sandbox();
    let watch = |line: &str| sandbox.run("template watch").arg(&pack).args(line);
    watch("--into shown --set mottto=x")
        .fails(2, &["the template asks nothing of that name (did you mean \"motto\"?)"]);
    watch("--into shown --name").arg("a b").fails(2, &["the name \"a b\" cannot be used"]);
    let inside = pack.join("shown");
    sandbox.run("template watch").arg(&pack).arg("--into").arg(&inside).fails(2, &["lies in the template itself"]);
    watch("").ends(2).says(&["--into"]);
    sandbox.assert_untouched();
}

/// The lines of a command as they come; none for a minute is the end, for a test fails and does not hang.
fn lines(from: impl Read + Send + 'static) -> impl Iterator<Item = String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        BufReader::new(from).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    std::iter::from_fn(move || receiver.recv_timeout(Duration::from_secs(60)).ok())
}

/// A rendering that is given up goes on in its threads, and the next has others.
#[test]
fn templates_that_loop_for_ever_keep_the_next_from_nothing() {
    let (sandbox, pack) = sandbox();
    let command = sandbox.run("template watch").arg(&pack).args("--into shown --limit render-seconds=0.2");
    let mut child =
        command.into_command().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut out, mut err) = (lines(child.stdout.take().unwrap()), lines(child.stderr.take().unwrap()));
    assert!(out.any(|line| line == "+motto: none"), "the first rendering");
    for number in 0..=std::thread::available_parallelism().unwrap().get() {
        let slow = "{% for i in range(end=99999) %}".repeat(4) + &"{% endfor %}".repeat(4);
        sandbox.write("../pack/layers/core/files/a.tera", format!("{slow}\n{number}\n"));
        assert!(err.any(|line| line.contains("rendering was given up")), "{number}");
    }
    sandbox.write("../pack/layers/core/files/a.tera", "saved: {{ motto }}\n");
    assert!(out.any(|line| line == "+saved: none"), "the last, after all that is given up");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A save is seen, and ^C ends it between two writes.
#[cfg(unix)]
#[test]
fn a_save_is_shown_and_an_interrupt_ends_it() {
    let (sandbox, pack) = sandbox();
    let mut command = sandbox.run("template watch").arg(&pack).args("--into shown").into_command();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = lines(child.stdout.take().unwrap());
    assert!(out.any(|line| line == "+motto: none"), "the first rendering");
    sandbox.write("../pack/layers/core/files/a.tera", "I am {{ name }}\nsaved: {{ motto }}\n");
    assert!(out.any(|line| line == "+saved: none"), "the second, after the save");
    // What is shown is written next: it is told when it is.
    let mut err = lines(child.stderr.take().unwrap());
    assert!(err.any(|line| line == "3 files, 1 of them changed"));
    assert_eq!(sandbox.read("shown/a"), "I am shown\nsaved: none\n");
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(end_of(child).code(), Some(130));
    assert_eq!(names_in(&sandbox.path("shown")), [".new-service", "a", "bin", "service.toml"]);
    assert_eq!(names_in(&sandbox.path("../tmp")), [""; 0]);
}
