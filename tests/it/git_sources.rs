//! Packs and overlays in git repositories: pinned to a commit, kept for when there is no network, and never
//! changed but by `update`. The repositories are bare ones beside the sandbox, over `file://`.

use std::fs;

use crate::support::{Run, Sandbox};

/// Commits `files` in `../REPO`, and gives its address.
fn commit(sandbox: &Sandbox, repo: &str, files: &[(&str, &str)], tag: Option<&str>) -> String {
    let folder = format!("../{repo}");
    if !sandbox.path(&folder).exists() {
        fs::create_dir_all(sandbox.path(&folder)).unwrap();
        sandbox.git(&folder, &["init", "--quiet", "--initial-branch=main"]);
    }
    for (path, content) in files {
        sandbox.write(&format!("{folder}/{path}"), content);
    }
    sandbox.git(&folder, &["add", "--all", "--force"]);
    sandbox.git(&folder, &["commit", "--quiet", "--allow-empty", "--message", "x"]);
    if let Some(tag) = tag {
        sandbox.git(&folder, &["tag", "--force", "--annotate", "--message", "x", tag]);
    }
    url(sandbox, repo)
}

fn url(sandbox: &Sandbox, repo: &str) -> String {
    format!("file://{}", sandbox.path(format!("../{repo}")).canonicalize().unwrap().display())
}

fn head(sandbox: &Sandbox, repo: &str) -> String {
    sandbox.git(&format!("../{repo}"), &["rev-parse", "HEAD"])
}

/// A pack in the folder `rust`, in which a file says `said`.
fn pack(said: &str) -> [(&'static str, String); 4] {
    [
        ("README.md", "of the repository\n".to_owned()),
        (
            "rust/pack.toml",
            "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n[[question]]\nkey = \"log\"\nprompt = \"Log?\"\n\
             kind = \"text\"\ndefault = \"x\"\n"
                .to_owned(),
        ),
        ("rust/layers/core/layer.toml", "title = \"Core\"\n".to_owned()),
        ("rust/layers/core/files/said.txt", said.to_owned()),
    ]
}

fn commit_pack(sandbox: &Sandbox, said: &str, tag: Option<&str>) -> String {
    let files = pack(said);
    let files: Vec<(&str, &str)> = files.iter().map(|(path, content)| (*path, content.as_str())).collect();
    commit(sandbox, "origin", &files, tag)
}

fn from<'a>(sandbox: &'a Sandbox, source: &str, line: &str) -> Run<'a> {
    sandbox.run("--template").arg(source).args(line)
}

fn keep(sandbox: &Sandbox) {
    sandbox.git("shop", &["add", "--all"]);
    sandbox.git("shop", &["commit", "--quiet", "--allow-empty", "--message", "mine"]);
}

fn forget(sandbox: &Sandbox) {
    fs::remove_dir_all(sandbox.path("../home/.cache/new-service")).unwrap();
}

#[test]
fn a_pack_from_git_is_pinned_and_needs_no_network_again() {
    let sandbox = Sandbox::new();
    let origin = commit_pack(&sandbox, "one\n", Some("v1"));
    let pinned = head(&sandbox, "origin");
    let source = format!("{origin}//rust#v1");
    assert!(from(&sandbox, &source, "new x --help").ok().out.contains("--log <TEXT>"));
    from(&sandbox, &source, "shop").ok();
    let service = sandbox.read("shop/service.toml");
    let wanted = format!("version = \"0.1.0\"\nsource = \"{source}\"\ncommit = \"{pinned}\"\n");
    assert!(service.contains(&wanted), "{service}");
    // The other way to write it, and by the commit itself.
    from(&sandbox, &format!("{origin}#v1//rust"), "two").ok();
    assert_eq!(sandbox.read("two/service.toml"), service.replace("shop", "two"));
    from(&sandbox, &format!("{origin}//rust#{pinned}"), "three").ok();

    fs::rename(sandbox.path("../origin"), sandbox.path("../away")).unwrap();
    sandbox.inside("apply").ok().says(&["Nothing to do"]);
    sandbox.inside("diff").ok();
    sandbox.inside("add log=y").ok();
    keep(&sandbox);
    sandbox.inside("update").fails(1, &[&format!("{origin}: git: ")]);
    forget(&sandbox);
    sandbox.inside("apply").fails(1, &[&format!("{origin}: git: ")]);
    // From where the cache is wished to be.
    fs::rename(sandbox.path("../away"), sandbox.path("../origin")).unwrap();
    sandbox.inside("apply").env("NEW_SERVICE_CACHE", sandbox.path("../kept")).ok();
    assert!(sandbox.path("../kept/git").join(&pinned).is_dir());
    assert!(!sandbox.path("../home/.cache/new-service").exists());
    fs::remove_dir_all(sandbox.path("../origin")).unwrap();
    sandbox.inside("apply").env("NEW_SERVICE_CACHE", sandbox.path("../kept")).ok();
}

#[test]
fn a_tag_that_was_moved_is_refused_until_update() {
    let sandbox = Sandbox::new();
    let origin = commit_pack(&sandbox, "one\n", Some("v1"));
    let first = head(&sandbox, "origin");
    from(&sandbox, &format!("{origin}//rust#v1"), "shop").ok();
    keep(&sandbox);
    commit_pack(&sandbox, "two\n", Some("v1"));
    let second = head(&sandbox, "origin");
    // What is kept is what it was made from.
    sandbox.inside("apply").ok().says(&["Nothing to do"]);
    sandbox.inside("diff").ok();
    forget(&sandbox);
    let words = [format!("the tag was moved: it led to {first}"), format!("leads to {second} now")];
    sandbox.inside("apply").fails(1, &[&words[0], &words[1], "`new-service update` takes it"]);
    sandbox.inside("add log=y").fails(1, &[&words[0]]);
    let said = sandbox.inside("update").ok();
    said.says(&["update       said.txt", &format!("the tag was moved, from {first} to {second}")]);
    assert_eq!(sandbox.read("shop/said.txt"), "two\n");
    assert!(sandbox.read("shop/service.toml").contains(&format!("commit = \"{second}\"")));
    keep(&sandbox);
    let said = sandbox.inside("update").ok().says(&["Nothing to do"]);
    assert!(!said.err.contains("moved"), "{said:?}");
}

#[test]
fn a_branch_goes_on_and_the_repository_stays_until_update() {
    let sandbox = Sandbox::new();
    let origin = commit_pack(&sandbox, "one\n", None);
    for (name, source) in [("shop", format!("{origin}//rust")), ("two", format!("{origin}//rust#main"))] {
        from(&sandbox, &source, name).ok();
    }
    commit_pack(&sandbox, "two\n", None);
    // Without the cache as well: the commit is still to be had.
    forget(&sandbox);
    for name in ["shop", "two"] {
        sandbox.run("apply").in_folder(name).ok().says(&["Nothing to do"]);
        let said = sandbox.run("update").in_folder(name).ok().says(&["update       said.txt"]);
        assert!(!said.err.contains("moved"), "{said:?}");
        assert_eq!(sandbox.read(&format!("{name}/said.txt")), "two\n");
    }
}

#[test]
fn an_overlay_may_be_in_git_as_well_and_is_kept_through_an_update() {
    let sandbox = Sandbox::new();
    sandbox.pack(&[("layers/core/files/said.txt", "theirs\n")]);
    let company = commit(&sandbox, "company", &[("layers/core/files/said.txt", "ours\n")], Some("v1"));
    sandbox.run("--template ../pack shop --overlay").arg(format!("{company}#v1")).ok();
    let service = sandbox.read("shop/service.toml");
    let pinned = head(&sandbox, "company");
    let wanted = format!("[[template.overlay]]\nsource = \"{company}#v1\"\ncommit = \"{pinned}\"\ndigest = \"sha256:");
    assert!(service.contains(&wanted), "{service}");
    keep(&sandbox);
    sandbox.pack(&[
        ("pack.toml", "name = \"small\"\nversion = \"0.2.0\"\nedition = 2\n"),
        ("layers/core/files/said.txt", "theirs, newer\n"),
        ("layers/core/files/new.txt", "new\n"),
    ]);
    sandbox.inside("update").ok().says(&["create       new.txt"]);
    assert_eq!(sandbox.read("shop/said.txt"), "ours\n");
    keep(&sandbox);
    // To another version of it: by hand, then `update`.
    commit(&sandbox, "company", &[("layers/core/files/said.txt", "ours, newer\n")], Some("v2"));
    let service = sandbox.read("shop/service.toml");
    sandbox.write("shop/service.toml", service.replace("#v1\"", "#v2\""));
    sandbox.inside("update").ok().says(&[&format!("update       said.txt (from {company}#v2)")]);
    assert!(sandbox.read("shop/service.toml").contains(&head(&sandbox, "company")));
    // One that stands there by hand alone has no commit yet.
    keep(&sandbox);
    let service = sandbox.read("shop/service.toml");
    let without: Vec<&str> = service.lines().filter(|line| !line.starts_with("commit")).collect();
    sandbox.write("shop/service.toml", without.join("\n"));
    sandbox.inside("apply").fails(1, &["service.toml:12:10: ", "is not taken in yet", "notes its commit"]);
    sandbox.inside("update").ok();
}

#[test]
fn owner_and_repository_are_githubs_unless_a_folder_is_there() {
    let sandbox = Sandbox::new();
    let origin = commit_pack(&sandbox, "one\n", None);
    // The user's own settings of git hold here as anywhere: this one leads to the repository of the test.
    let settings = format!("[url \"{origin}\"]\ninsteadOf = https://github.com/acme/pack\n");
    let known = sandbox.read("../home/gitconfig");
    sandbox.write("../home/gitconfig", known + &settings);
    from(&sandbox, "acme/pack//rust#main", "shop").ok();
    let service = sandbox.read("shop/service.toml");
    assert!(service.contains("source = \"https://github.com/acme/pack//rust#main\"\n"), "{service}");
    sandbox.write("acme/pack/pack.toml", "name = \"here\"\nversion = \"0.1.0\"\nedition = 2\n");
    assert!(from(&sandbox, "acme/pack", "catalog").ok().out.starts_with("here 0.1.0"));
}

#[test]
fn an_update_may_go_to_another_source() {
    let sandbox = Sandbox::new();
    let origin = commit_pack(&sandbox, "one\n", Some("v1"));
    from(&sandbox, &format!("{origin}//rust#v1"), "shop").ok();
    keep(&sandbox);
    commit_pack(&sandbox, "two\n", Some("v2"));
    sandbox.inside("update --template").arg(format!("{origin}//rust#v2")).ok();
    let service = sandbox.read("shop/service.toml");
    assert!(service.contains("#v2\"") && service.contains(&head(&sandbox, "origin")), "{service}");
    keep(&sandbox);
    sandbox.inside("update --template ../../origin/rust").ok();
    let service = sandbox.read("shop/service.toml");
    assert!(service.contains("source = \"../../origin/rust\"\n") && !service.contains("commit"), "{service}");
}

#[test]
fn what_git_could_be_made_to_run_or_others_could_change_is_refused() {
    let sandbox = Sandbox::new();
    for (source, words) in [
        ("--upload-pack=touch owned", "it begins with a dash"),
        ("-x", "it begins with a dash"),
        ("ext::sh -c 'touch owned'", "it names a program that git would run"),
        ("fd::17", "it names a program that git would run"),
        ("file::/etc", "it names a program that git would run"),
        ("http://host/pack", "could be changed on its way"),
        ("git://host/pack", "could be changed on its way"),
        ("ftp://host/pack", "could be changed on its way"),
        ("ssh://-oProxyCommand=touch owned/x", "its host begins with a dash"),
        ("ssh://git@-oProxyCommand=x/y", "its host begins with a dash"),
        ("git@host:-x", "begins with a dash"),
        ("https://ada:secret@host/pack", "would stand in service.toml"),
        ("https://secret@host/pack", "would stand in service.toml"),
        ("https://host/a b", "it holds spaces or control characters"),
        ("https://host/a\u{1b}[2J", "it holds spaces or control characters"),
        ("https://host/a//../b", "no way down from the top"),
        ("https://host/a//x/.././y", "no way down from the top"),
        ("https://host/a//x#v1//y", "the folder stands twice"),
        ("https://host/a#", "no name of a branch, a tag or a commit"),
        ("https://host/a#--upload-pack=x", "no name of a branch, a tag or a commit"),
        ("https://host/a#a..b", "no name of a branch, a tag or a commit"),
        ("https://host/a#+x:y", "no name of a branch, a tag or a commit"),
    ] {
        println!("{source}");
        let template = sandbox.run("shop --yes").arg(format!("--template={source}")).fails(2, &[words]);
        let overlay = sandbox.run("shop --yes").arg(format!("--overlay={source}")).fails(2, &[words]);
        for said in [template, overlay] {
            assert!(!said.err.contains('\u{1b}') && !said.err.contains("secret"), "{said:?}");
        }
        // Nor by the file of a repository that somebody else wrote.
        let service = toml::Table::from_iter([("name".to_owned(), "x".into()), ("source".to_owned(), source.into())]);
        let service = toml::Table::from_iter([("template".to_owned(), service.into())]).to_string();
        sandbox.write("shop/service.toml", service);
        sandbox.inside("apply").ends(1).says(&["service.toml:3:10: ", words]);
        fs::remove_dir_all(sandbox.path("shop")).unwrap();
    }
    sandbox.assert_untouched();
}

/// The user's own settings may lead a URL elsewhere, but never to a program.
#[test]
fn no_setting_leads_to_a_program() {
    let sandbox = Sandbox::new();
    let owned = sandbox.path("../owned");
    let known = sandbox.read("../home/gitconfig");
    let settings = format!(
        "[protocol \"ext\"]\nallow = always\n[url \"ext::touch {}\"]\ninsteadOf = https://host/pack\n",
        owned.display()
    );
    sandbox.write("../home/gitconfig", known + &settings);
    from(&sandbox, "https://host/pack", "shop").fails(1, &["https://host/pack: git: transport 'ext' not allowed"]);
    assert!(!owned.exists());
}

#[test]
fn a_commit_in_service_toml_is_a_commit_and_nothing_else() {
    let sandbox = Sandbox::new();
    let origin = commit_pack(&sandbox, "one\n", None);
    from(&sandbox, &format!("{origin}//rust"), "shop").ok();
    let (service, pinned) = (sandbox.read("shop/service.toml"), head(&sandbox, "origin"));
    for commit in ["--upload-pack=x", "../../../x", "v1", "", &pinned[..39], &pinned.to_uppercase()] {
        sandbox.write("shop/service.toml", service.replace(&pinned, commit));
        sandbox.inside("apply").fails(1, &["service.toml:10:10: a commit is named by all of its letters"]);
    }
    let other = "0".repeat(40);
    sandbox.write("shop/service.toml", service.replace(&pinned, &other));
    sandbox.inside("apply").fails(1, &[&format!("{origin}: ")]);
}

/// Whatever a commit holds, it is read and never checked out.
#[cfg(unix)]
#[test]
fn a_repository_is_hostile_until_proven_otherwise() {
    let told = |make: &dyn Fn(&Sandbox) -> String, words: &[&str]| {
        let sandbox = Sandbox::new();
        commit_pack(&sandbox, "one\n", None);
        let source = make(&sandbox);
        from(&sandbox, &source, "shop").fails(1, words);
        sandbox.assert_untouched();
    };
    let here = |sandbox: &Sandbox| format!("{}//rust", commit(sandbox, "origin", &[], None));
    let link = |sandbox: &Sandbox| {
        let path = sandbox.path("../origin/rust/layers/core/files/passwd");
        std::os::unix::fs::symlink("/etc/passwd", path).unwrap();
        here(sandbox)
    };
    told(&link, &["//rust/layers/core/files/passwd: a pack holds plain files only, and this is a link"]);
    let submodule = |sandbox: &Sandbox| {
        let one = head(sandbox, "origin");
        let entry = format!("160000,{one},rust/layers/core/files/other");
        sandbox.git("../origin", &["update-index", "--add", "--cacheinfo", &entry]);
        sandbox.git("../origin", &["commit", "--quiet", "--message", "x"]);
        format!("{}//rust", url(sandbox, "origin"))
    };
    told(&submodule, &["files/other: a pack holds plain files only, and this is a link or another repository"]);
    let escape = |sandbox: &Sandbox| {
        sandbox.write("../origin/rust/partials/a\u{1b}[2J", "x");
        here(sandbox)
    };
    told(&escape, &["partials/a\\u{1b}[2J: it holds U+001B"]);
    let deep = |sandbox: &Sandbox| {
        sandbox.write(&format!("../origin/rust/{}x", "a/".repeat(33)), "x");
        here(sandbox)
    };
    told(&deep, &["a pack is at most 32 folders deep"]);
    let large = |sandbox: &Sandbox| {
        sandbox.write("../origin/rust/zeros", vec![0; 65 << 20]);
        here(sandbox)
    };
    told(&large, &["//rust: a pack has at most 64 MiB"]);
    // A tree that no honest git writes: its name reaches into git's own folder.
    let forged = |sandbox: &Sandbox| {
        let blob = sandbox.git("../origin", &["hash-object", "-w", "README.md"]);
        sandbox.write("../tree", format!("100644 blob {blob}\t.git\n"));
        let tree =
            sandbox.clean("sh").current_dir(sandbox.path("../origin")).args(["-c", "git mktree < ../tree"]).output();
        let tree = String::from_utf8(tree.unwrap().stdout).unwrap();
        let forged = sandbox.git("../origin", &["commit-tree", "-m", "x", tree.trim()]);
        sandbox.git("../origin", &["branch", "--force", "forged", &forged]);
        format!("{}#forged", url(sandbox, "origin"))
    };
    told(&forged, &["git: fsck error"]);
    let nothing = |sandbox: &Sandbox| format!("{}//go", url(sandbox, "origin"));
    told(&nothing, &["//go at ", "is there such a folder?"]);
    let top = |sandbox: &Sandbox| url(sandbox, "origin");
    told(&top, &["/pack.toml: no such file"]);
    let no_ref = |sandbox: &Sandbox| format!("{}#v9", url(sandbox, "origin"));
    told(&no_ref, &["there is no branch or tag \"v9\""]);
    let no_repository = |sandbox: &Sandbox| format!("{}x", url(sandbox, "origin"));
    told(&no_repository, &["originx: git: "]);

    // Filters, hooks and what a repository's settings name: none of it is run.
    let sandbox = Sandbox::new();
    commit_pack(&sandbox, "one\n", None);
    let owned = sandbox.path("../owned");
    let script = format!("#!/bin/sh\ntouch {}\n", owned.display());
    let hook = sandbox.write("../hooks/reference-transaction", &script);
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let templates = sandbox.write("../templates/hooks/reference-transaction", &script);
    fs::set_permissions(&templates, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let source = format!("{}//rust", commit(&sandbox, "origin", &[("rust/.gitattributes", "* filter=x\n")], None));
    let known = sandbox.read("../home/gitconfig");
    let settings = format!(
        "[filter \"x\"]\nsmudge = touch {0}\nrequired = true\n[core]\nhooksPath = {1}\n[init]\ntemplateDir = {2}\n[safe]\nbareRepository = explicit\n",
        owned.display(),
        hook.parent().unwrap().display(),
        templates.parent().unwrap().parent().unwrap().display()
    );
    sandbox.write("../home/gitconfig", known + &settings);
    from(&sandbox, &source, "shop --no-git").ok();
    assert!(!owned.exists(), "something was run");
}

/// Compressed, and the whole commit: what is not of the pack counts as well.
#[test]
fn what_git_fetches_has_a_limit_that_can_be_moved() {
    let sandbox = Sandbox::new();
    commit_pack(&sandbox, "one\n", None);
    // Of what cannot be made smaller.
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    });
    sandbox.write("../origin/noise", noise.take(3 << 20).collect::<Vec<u8>>());
    let source = format!("{}//rust", commit(&sandbox, "origin", &[], None));
    let words = ["what git fetches there is more than 2 MiB", "--limit fetch-mib=4"];
    from(&sandbox, &source, "shop --yes --limit fetch-mib=2").fails(1, &words);
    sandbox.assert_untouched();
    from(&sandbox, &source, "shop --yes --limit fetch-mib=4").ok();
    // What is there already is fetched by nobody.
    from(&sandbox, &source, "two --yes --limit fetch-mib=1").ok();
}

#[test]
fn without_git_it_is_said_that_git_is_wanted() {
    let sandbox = Sandbox::new();
    let origin = commit_pack(&sandbox, "one\n", None);
    from(&sandbox, &origin, "shop").env("PATH", sandbox.path("")).fails(1, &["git is not installed"]);
}
