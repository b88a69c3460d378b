//! The first hour with the built-in pack: the steps that are printed, and the key that is drawn.

use crate::support::{Sandbox, built_in};

/// The lines of the blocks of shell below a heading, up to the next heading of its level.
fn blocks(text: &str, heading: &str) -> Vec<Vec<String>> {
    let section = text.split(&format!("\n## {heading}\n")).nth(1).unwrap_or_else(|| panic!("no {heading}"));
    let section = section.split("\n## ").next().unwrap();
    let blocks = section.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
    blocks.map(|block| block.lines().map(str::to_owned).collect()).collect()
}

#[test]
fn what_is_printed_stands_in_the_texts() {
    for (answers, steps) in [
        ("--preset embedded", &["cargo run"][..]),
        ("--preset production", &["docker compose up --detach --wait postgres redis", "cargo run"]),
        ("--database postgres", &["docker compose up --detach --wait postgres", "cargo run"]),
        ("--preset production --container none", &["scripts/with-postgres scripts/with-redis cargo run"]),
        ("--container none", &["cargo run"]),
    ] {
        let sandbox = Sandbox::new();
        let json = sandbox.with(&built_in(), &format!("shop --yes --no-git --json {answers}")).ok().json();
        let mut next = vec!["cd shop"];
        next.extend(steps);
        assert_eq!(json["next"], serde_json::json!(next), "{answers}");
        assert_eq!(json["meanwhile"], serde_json::json!(["curl http://localhost:8080/health"]), "{answers}");
        let meanwhile = ["curl http://localhost:8080/health"];
        let readme = blocks(&sandbox.read("shop/README.md"), "Quick start");
        assert_eq!(readme, [steps, &meanwhile], "{answers}");
        let contributing = blocks(&sandbox.read("shop/CONTRIBUTING.md"), "Set up");
        assert_eq!(contributing, [steps], "{answers}");
    }
}

#[test]
fn no_file_has_a_key_for_development() {
    let sandbox = Sandbox::new();
    sandbox.with(&built_in(), "shop --yes --preset production --no-git").ok();
    let text = sandbox.read("shop/.env");
    let key = text.lines().find_map(|line| line.strip_prefix("AUTH_SIGNING_KEYS=dev:")).expect("a key");
    assert_eq!(key.len(), 44);
    assert!(sandbox.read("shop/.gitignore").lines().any(|line| line == "/.env"));
    assert!(sandbox.read("shop/.env.example").contains("\n#AUTH_SIGNING_KEYS=\n"));
    for path in [".env.example", "compose.yaml", ".github/workflows/ci.yml", "README.md", "docs/configuration.md"] {
        assert!(!sandbox.read(&format!("shop/{path}")).contains("ZGV2ZWxvcG1lbnQ"), "{path}");
    }
    // Without accounts, there is nothing to draw.
    sandbox.with(&built_in(), "plain --yes --auth none --no-git").ok();
    assert!(!sandbox.path("plain/.env").exists());
}
