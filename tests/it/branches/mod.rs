//! Two branches that both drew migrations: what the published one drew stays, the other's is drawn again where it does
//! not fit, and what cannot both hold stops.

pub mod team;

use team::Team;

const ZONE: &str = "\n[[resource]]\nname = \"zone\"\nfields = [\n    \"name:text\",\n]\n";

/// The fields of the resource, as its generated file has them.
fn fields(team: &Team, path: &str) -> Vec<String> {
    let text = team.sandbox.read(path);
    text.lines().filter_map(|line| Some(line.strip_prefix("fn ")?.split_once('(')?.0.to_owned())).collect()
}

#[test]
fn a_field_on_each_branch_is_drawn_after_what_is_published() {
    for dialect in ["postgres", "sqlite"] {
        let team = Team::new(dialect, &["order total:int"]);
        team.branch("ada", &["resource order note:int?"]);
        team.git("checkout --quiet main");
        team.goes_on(&["resource order code:bigint?"]);
        let before = team.stamped();
        team.merge("main", "ada", "ours");
        let gone = team.stamped().into_iter().find(|name| name.ends_with("add_orders_note")).unwrap();
        team.does("diff --onto main").ends(4).says(&["ada drew migrations that do not fit beside those of main"]);
        let said = team.does("apply --onto main").ok();
        said.says(&[&format!("and go: migrations/{gone}.up.sql"), "revert them there", "Drawn again: migrations/"]);
        assert_eq!(team.stamped()[..2], before);
        assert_eq!(team.migrations(), ["create_orders", "add_orders_code", "add_orders_note"], "{dialect}");
        assert!(team.stamped()[2] > gone);
        team.is_settled();
        // Neither lost its field in a file that both made.
        let mut all = fields(&team, "shop/src/orders.txt");
        all.sort();
        assert_eq!(all, ["code", "note", "total"]);
    }
}

#[test]
fn which_is_published_has_to_be_known() {
    let team = Team::new("postgres", &["order total:int"]);
    team.branch("ada", &["resource order note:int?"]);
    team.branch("bob", &["resource order code:bigint?"]);
    team.merge("ada", "bob", "ours");
    let words = ["both changed a table, and which of them is published is not known", "new-service apply --onto"];
    team.does("apply").fails(1, &words);
    team.does("diff").fails(1, &words);
    team.does("apply --onto nobody").fails(1, &["git knows no commit \"nobody\""]);
    team.does("apply --onto main").fails(1, &["neither is part of main"]);
    team.does("apply --onto bob").ok();
    assert_eq!(team.migrations(), ["create_orders", "add_orders_code", "add_orders_note"]);
    team.is_settled();
}

/// As a team works: main is at the remote, and a branch that was pushed for review takes main in.
#[test]
fn the_remotes_default_branch_is_published() {
    let team = Team::new("postgres", &["order total:int"]);
    team.git("clone --quiet --bare . ../origin");
    team.git("remote add origin ../origin");
    team.branch("ada", &["resource order note:int?"]);
    team.git("push --quiet --set-upstream origin ada");
    team.git("checkout --quiet main");
    team.goes_on(&["resource order code:bigint?"]);
    team.git("push --quiet --set-upstream origin main");
    team.git("remote set-head origin main");
    team.merge("ada", "main", "theirs");
    team.does("apply").ok();
    assert_eq!(team.migrations(), ["create_orders", "add_orders_code", "add_orders_note"]);
    team.is_settled();
}

#[test]
fn a_rebase_puts_the_picked_commit_after_what_is_there() {
    let team = Team::new("sqlite", &["order total:int"]);
    team.branch("ada", &["resource order note:string(..20)?", "resource order total:bigint"]);
    team.git("checkout --quiet main");
    team.goes_on(&["resource order code:int?"]);
    let before = team.stamped();
    team.git("checkout --quiet ada");
    assert!(!team.try_git("rebase main").status.success());
    let mut picks = 0;
    while team.sandbox.path("shop/.git/rebase-merge").exists() {
        team.resolve("ours");
        if team.sandbox.read("shop/service.toml").contains("total:bigint") {
            team.decides_against("\"total:int\",");
        }
        team.does("apply --allow-destructive").ok();
        assert_eq!(team.git("diff --name-only --diff-filter=U"), "");
        team.try_git("rebase --continue");
        picks += 1;
        assert!(picks < 5);
    }
    assert_eq!(picks, 2);
    assert_eq!(team.stamped()[..2], before);
    assert_eq!(team.migrations(), ["create_orders", "add_orders_code", "add_orders_note", "change_orders"]);
    team.does("diff").ok();
    let rebuild = team.sql("up").pop().unwrap();
    assert!(rebuild.contains("note") && rebuild.contains("code"), "{rebuild}");
}

#[test]
fn what_both_drew_alike_stays_once() {
    let team = Team::new("postgres", &["order total:int"]);
    team.branch("ada", &["add login=true", "resource zone name:text"]);
    team.branch("bob", &["add login=true", "resource pet name:text"]);
    let of_bob = team.stamped();
    team.merge("ada", "bob", "ours");
    team.takes("bob", ZONE);
    team.does("apply --onto bob").ok().says(&["ada drew what bob has as well, and goes: migrations/"]);
    let names = team.migrations();
    assert_eq!(names.iter().filter(|name| *name == "create_users").count(), 1, "{names:?}");
    assert!(of_bob.iter().all(|name| team.stamped().contains(name)), "{:?}", team.stamped());
    assert_eq!(names.iter().filter(|name| *name == "create_zones").count(), 1, "{names:?}");
    team.is_settled();
    // Routes of both, whichever side was taken.
    let routes = team.sandbox.read("shop/src/routes.txt");
    assert!(["orders", "zones", "pets"].iter().all(|name| routes.contains(&format!("use {name};"))), "{routes}");
}

/// Nothing is asked where nothing has to be drawn again.
#[test]
fn what_both_drew_alike_stops_nothing() {
    let team = Team::new("sqlite", &["order total:int"]);
    team.branch("ada", &["add login=true"]);
    let first = team.stamped();
    team.branch("bob", &["add login=true"]);
    team.merge("bob", "ada", "ours");
    team.does("apply").ok();
    assert_eq!(team.stamped(), first, "the earlier one");
    team.is_settled();
}

#[test]
fn different_tables_keep_both() {
    for side in ["ours", "theirs", "neither"] {
        let team = Team::new("postgres", &["order total:int"]);
        team.branch("ada", &["resource zone name:text"]);
        let of_ada = team.stamped();
        team.branch("bob", &["resource pet name:text order:ref(order)", "resource order note:int?"]);
        let of_bob = team.stamped();
        team.merge("ada", "bob", side);
        team.does("apply").ok();
        for name in of_ada.iter().chain(&of_bob) {
            assert!(team.stamped().contains(name), "{name}: {:?}", team.stamped());
        }
        assert_eq!(team.stamped().len(), 4);
        team.is_settled();
        let routes = team.sandbox.read("shop/src/routes.txt");
        assert!(["orders", "zones", "pets"].iter().all(|name| routes.contains(&format!("use {name};"))), "{routes}");
    }
}

#[test]
fn drop_against_alter_stops_and_names_both() {
    for (dropped, changed, what) in [
        (
            "resource order --without note --allow-destructive",
            "resource order note:string(..9) --allow-destructive",
            "orders.note",
        ),
        ("remove pet --allow-destructive", "resource pet age:int?", "pets"),
    ] {
        let team = Team::new("postgres", &["order total:int note:text?", "pet name:text"]);
        team.branch("ada", &[dropped]);
        team.branch("bob", &[changed]);
        let file = |ending: &str| team.stamped().into_iter().rfind(|name| name.contains(ending)).unwrap();
        let changed_file = file(if what == "pets" { "pets" } else { "orders" });
        team.merge("ada", "bob", "theirs");
        team.try_git("checkout --quiet --ours service.toml");
        team.git("add service.toml");
        let said = team.does("apply --onto ada");
        said.fails(
            1,
            &[&format!("{what}: ada (migrations/"), ") drops it, bob (migrations/", ") changes it", &changed_file],
        );
    }
}

#[test]
fn one_fact_with_two_values_stops() {
    let team = Team::new("postgres", &["order total:int"]);
    team.branch("ada", &["resource order total:bigint"]);
    team.branch("bob", &["resource order total:decimal(9,2) --allow-destructive"]);
    team.merge("ada", "bob", "ours");
    team.decides_against("\"total:bigint\",");
    team.does("apply --onto ada").fails(1, &["orders.total: ada (migrations/", "each give it another type"]);
}

#[test]
fn a_rename_on_the_other_branch_is_no_drop() {
    for dialect in ["postgres", "sqlite"] {
        let team = Team::new(dialect, &["order total:int status:enum(draft,paid)=draft", "pet name:text"]);
        team.branch(
            "ada",
            &["resource purchase was=order", "resource purchase state:enum(draft,settled:was=paid)=draft:was=status"],
        );
        team.git("checkout --quiet main");
        team.goes_on(&["resource order note:int?"]);
        team.merge("main", "ada", "theirs");
        team.decides_against("\"status:enum(draft,paid)=draft\",");
        let service = team.sandbox.read("shop/service.toml");
        assert!(service.contains("note:int?") && service.contains("name = \"purchase\""), "{service}");
        team.does("apply --onto main").ok().says(&["rename orders to purchases"]);
        let sql = team.sql("up").concat();
        assert!(!sql.contains("DROP TABLE orders") || dialect == "sqlite", "{sql}");
        assert!(team.migrations().contains(&"rename_orders_to_purchases".to_owned()), "{:?}", team.migrations());
        team.is_settled();
    }
}

#[test]
fn a_file_that_somebody_changed_is_not_drawn_again() {
    let team = Team::new("postgres", &["order total:int"]);
    team.branch("ada", &["resource order note:int?"]);
    let name = team.stamped().pop().unwrap();
    let path = format!("shop/migrations/{name}.up.sql");
    team.sandbox.write(&path, team.sandbox.read(&path) + "UPDATE orders SET note = 'x';\n");
    team.commit();
    team.git("checkout --quiet main");
    team.goes_on(&["resource order code:bigint?"]);
    team.merge("main", "ada", "ours");
    team.does("apply --onto main")
        .fails(1, &[&format!("migrations/{name}.up.sql (ada): was changed by hand"), "a migration of your own"]);
}

/// Somebody took one side's record, or the other's, and committed the merge.
#[test]
fn a_merge_that_was_committed_unsettled_is_settled_after() {
    for side in ["ours", "theirs"] {
        let team = Team::new("postgres", &["order total:int"]);
        team.branch("ada", &["resource order note:int?", "resource zone name:text"]);
        team.git("checkout --quiet main");
        team.goes_on(&["resource order code:bigint?"]);
        team.merge("main", "ada", side);
        team.git(&format!("checkout --quiet --{side} -- .new-service/lock"));
        team.git("add --all");
        team.git("commit --quiet --message merged");
        team.does("resource order more:int?").fails(1, &["two branches were merged", "new-service apply; then commit"]);
        team.does("apply --onto main").ok();
        let drawn = ["create_orders", "create_zones", "add_orders_code", "add_orders_note"];
        assert_eq!(team.migrations(), drawn, "{side}");
        team.does("apply --allow-dirty").ok().says(&["Nothing to do"]);
        team.commit();
        team.does("diff").ok();
        team.does("resource order more:int?").ok();
    }
}

/// The same, and work went on.
#[test]
fn a_record_of_one_side_is_found_after_more_commits() {
    let team = Team::new("postgres", &["order total:int"]);
    team.branch("ada", &["resource order note:int?"]);
    team.git("checkout --quiet main");
    team.goes_on(&["resource order code:bigint?"]);
    team.merge("main", "ada", "ours");
    team.git("checkout --quiet --ours -- .new-service/lock");
    team.commit();
    team.sandbox.write("shop/notes", "mine\n");
    team.commit();
    team.does("diff --onto main").ends(4);
    team.does("apply --onto main").ok();
    assert_eq!(team.migrations(), ["create_orders", "add_orders_code", "add_orders_note"]);
    team.commit();
    team.does("diff").ok();
}

/// What the team wrote, and what it took out, on either branch.
#[test]
fn edits_of_both_branches_stay() {
    for side in ["ours", "theirs", "neither"] {
        let team = Team::new("postgres", &["order total:int"]);
        team.branch("ada", &["resource zone name:text"]);
        let routes = || team.sandbox.read("shop/src/routes.txt");
        team.sandbox.write("shop/src/routes.txt", routes().replace("// Routes.", "// Routes of Ada."));
        std::fs::remove_file(team.sandbox.path("shop/src/zones.txt")).unwrap();
        team.commit();
        team.branch("bob", &["resource pet name:text"]);
        team.sandbox.write("shop/src/routes.txt", routes() + "mine\n");
        team.sandbox.write("shop/src/pets.txt", team.sandbox.read("shop/src/pets.txt") + "mine\n");
        team.commit();
        team.merge("ada", "bob", side);
        team.takes("bob", ZONE);
        let merged = team.sandbox.read("shop/src/routes.txt");
        team.does("apply").ok();
        let now = routes();
        if side == "neither" {
            assert!(merged.contains("<<<<<<<") && !now.contains("<<<<<<<"), "{now}");
            assert!(now.starts_with("// Routes of Ada.\n") && now.ends_with("mine\n"), "{now}");
        }
        for line in merged.lines().filter(|_| side != "neither") {
            assert!(now.contains(line), "{side}: {line}: {now}");
        }
        assert!(["orders", "zones", "pets"].iter().all(|name| now.contains(&format!("use {name};"))), "{now}");
        assert!(team.sandbox.read("shop/src/pets.txt").ends_with("mine\n"));
        assert!(!team.sandbox.path("shop/src/zones.txt").exists(), "Ada took it out");
        team.is_settled();
    }
}

#[test]
fn edits_that_meet_are_left_to_a_person() {
    let team = Team::new("postgres", &["order total:int"]);
    for (who, line) in [("ada", "resource zone name:text"), ("bob", "resource pet name:text")] {
        team.branch(who, &[line]);
        let routes = team.sandbox.read("shop/src/routes.txt").replace("// Routes.", &format!("// Routes of {who}."));
        team.sandbox.write("shop/src/routes.txt", routes);
        team.commit();
    }
    team.merge("ada", "bob", "neither");
    team.takes("bob", ZONE);
    team.does("apply").fails(1, &["src/routes.txt: a conflict is not resolved", "both branches changed it by hand"]);
    team.git("checkout --quiet --theirs -- src/routes.txt");
    team.git("add src/routes.txt");
    team.does("apply").ok();
    let routes = team.sandbox.read("shop/src/routes.txt");
    assert!(["orders", "zones", "pets"].iter().all(|name| routes.contains(&format!("use {name};"))), "{routes}");
    assert!(routes.starts_with("// Routes of bob.\n"), "{routes}");
    team.is_settled();
}

/// Wherever it dies, the next command finishes it, or it is taken back.
#[cfg(all(unix, debug_assertions))]
#[test]
fn a_settlement_that_is_cut_off_is_finished_or_taken_back() {
    let begin = || {
        let team = Team::new("sqlite", &["order total:int"]);
        team.branch("ada", &["resource order note:string(..9)?"]);
        team.git("checkout --quiet main");
        team.goes_on(&["resource order code:int?"]);
        team.merge("main", "ada", "ours");
        team
    };
    let whole = begin();
    whole.does("apply --onto main").ok();
    let status = whole.git("status --porcelain");
    let team = begin();
    let before = (team.sandbox.files("shop"), team.git("ls-files --stage"));
    let mut finished = 0;
    for at in (1..).step_by(5) {
        let run = team.does("apply --onto main").env("NEW_SERVICE_DIE_AT", at.to_string()).finish();
        if run.code() == Some(0) {
            break;
        }
        // It was not begun, or is gone on with.
        let said = team.does("apply --onto main").ok();
        finished += usize::from(said.err.contains("it is finished now"));
        assert_eq!(team.migrations(), whole.migrations(), "{at}");
        let letters = |status: &str| status.lines().map(|line| line[..2].to_owned()).collect::<Vec<_>>();
        assert_eq!(letters(&team.git("status --porcelain")), letters(&status), "{at}");
        team.does("undo").ok();
        assert_eq!((team.sandbox.files("shop"), team.git("ls-files --stage")), before, "{at}");
    }
    assert!(finished > 3, "{finished}");
}
