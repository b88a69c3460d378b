//! Resources that change: the blueprint is edited, and new migrations lead from what was reached.

mod by_hand;
mod indexes;
mod layer_tables;
mod renames;

use crate::support::{Run, Sandbox};

const PACK: &str = "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n\
    [next]\nchanged = [\"cargo test\"]\n\
    [[question]]\nkey = \"db\"\nprompt = \"?\"\nkind = \"choice\"\n\
    choices = [\"pg\", \"lite\", \"none\"]\ndefault = \"pg\"\n\
    [[question]]\nkey = \"login\"\nprompt = \"?\"\nkind = \"bool\"\ndefault = false\n";
const PG: &str = "title = \"x\"\nwhen = 'db == \"pg\"'\n\
    [database]\ndialect = \"postgres\"\nmigrations = \"migrations\"\nqueries = \".sqlx\"\nmigrate = \"cargo run -- migrate\"\n";
const LITE: &str =
    "title = \"x\"\nwhen = 'db == \"lite\"'\n[database]\ndialect = \"sqlite\"\nmigrations = \"migrations\"\n";
const LOGIN: &str = "title = \"x\"\nwhen = \"login\"\n[[table]]\nname = \"user\"\nfields = [\"email:email:unique\"]\n";
const EACH: &str = "title = \"x\"\nfor_each = \"resources\"\nas = \"resource\"\n";
const QUERIES: &str =
    "fn f() {\n    let _ = sqlx::query!(\"SELECT id FROM {{ resource.table_sql }}\");\n}\n// Yours:\n\nfn g() {}\n";

fn with<'a>(sandbox: &'a Sandbox, line: &str, epoch: u32) -> Run<'a> {
    let pack = sandbox.pack(&[
        ("pack.toml", PACK),
        ("layers/pg/layer.toml", PG),
        ("layers/lite/layer.toml", LITE),
        ("layers/login/layer.toml", LOGIN),
        ("layers/each/layer.toml", EACH),
        ("layers/each/files/src/{{ resource.module }}.rs.tera", QUERIES),
    ]);
    sandbox.with(&pack, line).env("SOURCE_DATE_EPOCH", (1_795_342_500 + epoch).to_string())
}

fn shop(resources: &[&str], line: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    resources.iter().fold(with(&sandbox, &format!("shop {line}"), 0), |run, spec| run.arg("--resource").arg(spec)).ok();
    sandbox
}

fn inside<'a>(sandbox: &'a Sandbox, line: &str) -> Run<'a> {
    with(sandbox, line, 3600).in_folder("shop")
}

/// Names of the migrations, without their moments and ways.
fn migrations(sandbox: &Sandbox) -> Vec<String> {
    let files =
        sandbox.files("shop").into_keys().filter_map(|path| path.strip_prefix("migrations/").map(str::to_owned));
    files.filter_map(|name| Some(name.strip_suffix(".up.sql")?.split_once('_')?.1.to_owned())).collect()
}

#[test]
fn a_field_that_comes_has_a_migration_of_its_own() {
    let sandbox = shop(&["order total:int"], "");
    let before = sandbox.files("shop");
    let said =
        inside(&sandbox, "resource order note:text?:index").fails(2, &["the field \"note\" cannot have an index"]);
    assert_eq!(said.out, "");
    inside(&sandbox, "resource order note:string(..20)?:index").ok().says(&[
        "update       service.toml",
        "create       migrations/20261122111458_add_orders_note.up.sql",
        "cargo run -- migrate",
        "cargo test",
    ]);
    assert_eq!(migrations(&sandbox), ["create_orders", "add_orders_note", "validate_orders", "add_orders_note_idx"]);
    assert_eq!(
        sandbox.read("shop/migrations/20261122111458_add_orders_note.up.sql"),
        "ALTER TABLE orders ADD COLUMN note TEXT;\n\
         ALTER TABLE orders ADD CONSTRAINT orders_note_check CHECK (char_length(note) <= 20) NOT VALID;\n"
    );
    assert_eq!(
        sandbox.read("shop/migrations/20261122111500_add_orders_note_idx.up.sql"),
        "-- no-transaction\nCREATE INDEX CONCURRENTLY orders_note_idx ON orders (note, id);\n"
    );
    for (path, content) in before.iter().filter(|(path, _)| path.starts_with("migrations/")) {
        assert_eq!(&sandbox.files("shop")[path], content, "{path}: what has run somewhere is never changed");
    }
    assert!(sandbox.read("shop/service.toml").contains("    \"total:int\",\n    \"note:string(..20)?:index\",\n"));
    inside(&sandbox, "apply --allow-dirty").ok().says(&["Nothing to do"]);
}

#[test]
fn a_description_changes_no_table() {
    let sandbox = shop(&["order total:int note:text?"], "");
    let text = r#"note:text?:doc="Internal (:was=total \") text""#;
    inside(&sandbox, "resource order").arg(text).ok().says(&["update       service.toml"]);
    assert_eq!(migrations(&sandbox), ["create_orders"]);
    let written = r#"'note:text?:doc="Internal (:was=total \") text."'"#;
    assert!(sandbox.read("shop/service.toml").contains(written), "{}", sandbox.read("shop/service.toml"));
    // The same in other words.
    sandbox.write("shop/service.toml", sandbox.read("shop/service.toml").replace("text.\"'", "text\"'"));
    inside(&sandbox, "resource order total:int --allow-dirty").ok();
    assert!(sandbox.read("shop/service.toml").contains(r#"\") text"'"#));
}

#[test]
fn what_loses_data_is_named_and_has_to_be_wished() {
    let sandbox = shop(&["order total:int note:text? code:bigint"], "");
    let before = sandbox.files("shop");
    for (line, words) in [
        ("resource order --without note", &["orders.note goes, with what is in it: first release"][..]),
        (
            "resource order code:int(0..)",
            &[
                "orders.code becomes int(0..): rows with a number that is not from 0 to 2147483647 make the migration fail",
            ],
        ),
        ("remove order", &["the table orders goes, with every row"]),
    ] {
        let outcome = inside(&sandbox, line).ends(1);
        outcome.says(words).says(&["--allow-destructive"]);
        assert_eq!(sandbox.files("shop"), before, "{line}");
    }
    let told = inside(&sandbox, "resource order --without note --dry-run --json").ok().json();
    assert_eq!(told["destructive"].as_array().unwrap().len(), 1);
    inside(&sandbox, "resource order --without note --allow-destructive").ok();
    assert_eq!(migrations(&sandbox), ["create_orders", "change_orders", "drop_orders_note"]);
    inside(&sandbox, "remove order --allow-destructive --allow-dirty").ok();
    assert!(migrations(&sandbox).contains(&"drop_orders".to_owned()));
    assert!(!sandbox.files("shop").contains_key("src/orders.rs"));
    // One of the same name later is another.
    inside(&sandbox, "resource order x:int --allow-dirty").ok();
    assert!(migrations(&sandbox).contains(&"create_orders_2".to_owned()), "{:?}", migrations(&sandbox));
}

#[test]
fn a_name_that_changes_takes_rows_and_references_along() {
    let sandbox = shop(&["person name:string(1..200)", "order customer:ref(person)"], "");
    inside(&sandbox, "resource buyer was=person full_name:string(1..200):was=name")
        .ok()
        .says(&["rename people to buyers, buyers.name to full_name: stop replicas of the previous release"]);
    assert_eq!(migrations(&sandbox), ["create_people", "create_orders", "rename_people_to_buyers"]);
    let service = sandbox.read("shop/service.toml");
    // Carried out, so that the words go.
    assert!(service.contains("name = \"buyer\"") && !service.contains("was"), "{service}");
    assert!(
        service.contains("\"full_name:string(1..200)\"") && service.contains("\"customer:ref(buyer)\""),
        "{service}"
    );
    let sql = sandbox.read("shop/migrations/20261122111500_rename_people_to_buyers.up.sql");
    assert!(
        sql.contains("ALTER TABLE people RENAME TO buyers;") && sql.contains("RENAME COLUMN name TO full_name;"),
        "{sql}"
    );
    inside(&sandbox, "apply --allow-dirty").ok().says(&["Nothing to do"]);
    inside(&sandbox, "resource buyer name:int:was=full_name full_name:int --allow-dirty")
        .fails(2, &["there is a field \"full_name\""]);
}

#[test]
fn what_refers_to_itself_is_renamed_with_its_references() {
    let sandbox = shop(&["comment text:text comment:ref(comment)?"], "");
    inside(&sandbox, "resource remark was=comment").ok();
    let service = sandbox.read("shop/service.toml");
    assert!(service.contains("\"comment:ref(remark)?\""), "{service}");
}

#[test]
fn a_value_that_is_missing_is_asked_for() {
    let sandbox = shop(&["order total:int"], "");
    inside(&sandbox, "resource order code:string(1..20)")
        .ok()
        .says(&["orders.code may not be empty and has no default"]);
    let sql = sandbox.read("shop/migrations/20261122111459_add_orders_code.up.sql");
    assert!(sql.contains("-- UPDATE orders SET code = … WHERE code IS NULL;"), "{sql}");
}

#[test]
fn tables_of_layers_come_and_go_with_them() {
    let sandbox = shop(&["order total:int"], "");
    inside(&sandbox, "add login=true").ok();
    assert_eq!(migrations(&sandbox), ["create_orders", "create_users"]);
    inside(&sandbox, "resource order by:ref(user)? --allow-dirty").ok();
    inside(&sandbox, "remove login --allow-dirty")
        .fails(1, &["\"order\" refers to \"user\", a table of layer \"login\""]);
    inside(&sandbox, "resource order --without by --allow-destructive --allow-dirty").ok();
    inside(&sandbox, "remove login --allow-destructive --allow-dirty").ok();
    assert!(migrations(&sandbox).contains(&"drop_users".to_owned()));
    // Without a database nothing is dropped, and with it again nothing is made twice.
    let before = migrations(&sandbox);
    inside(&sandbox, "remove db --allow-dirty").ok();
    assert_eq!(migrations(&sandbox), before);
    inside(&sandbox, "add db=pg --allow-dirty").ok();
    assert_eq!(migrations(&sandbox), before);
    inside(&sandbox, "add db=lite --allow-dirty").fails(1, &["the migrations in migrations/ are for another database"]);
}

#[test]
fn sqlite_is_altered_where_it_can_be_and_written_anew_where_not() {
    let sandbox = shop(&["order total:int"], "--db=lite");
    inside(&sandbox, "resource order note:string(..20)?").ok();
    assert_eq!(
        sandbox.read("shop/migrations/20261122111500_add_orders_note.up.sql"),
        "ALTER TABLE orders ADD COLUMN note TEXT CONSTRAINT orders_note_check CHECK (length(note) <= 20);\n"
    );
    inside(&sandbox, "resource order total:int? --allow-dirty").ok();
    let sql = sandbox.read("shop/migrations/20261122111501_change_orders.up.sql");
    let head = "-- rebuild: orders\n-- columns: id, total, note, created_at, updated_at, version\n\
                -- indexes: orders_created_at_id_idx\n\n";
    assert!(sql.starts_with(head) && sql.contains("INSERT INTO _rebuild_orders"), "{sql}");
}

#[test]
fn queries_that_a_merge_changed_are_listed() {
    let sandbox = shop(&["order total:int"], "");
    let text = sandbox.read("shop/src/orders.rs").replace("SELECT id FROM", "SELECT id, total FROM");
    sandbox.write("shop/src/orders.rs", text.replace("fn g() {}", "fn g() { mine() }"));
    sandbox.git("shop", &["commit", "--all", "--quiet", "--message", "mine"]);
    let newer = QUERIES.replace("fn f", "// Newer.\n\nfn f");
    let pack = sandbox.pack(&[
        ("pack.toml", &PACK.replace("0.1.0", "0.2.0")),
        ("layers/pg/layer.toml", PG),
        ("layers/lite/layer.toml", LITE),
        ("layers/login/layer.toml", LOGIN),
        ("layers/each/layer.toml", EACH),
        ("layers/each/files/src/{{ resource.module }}.rs.tera", &newer),
    ]);
    sandbox.with(&pack, "update").in_folder("shop").ok().says(&[
        "merge        src/orders.rs",
        "src/orders.rs: a query has no data yet",
        "cargo sqlx prepare",
    ]);
}

/// Each has a field and a migration of their own; together they have both, and need no third.
#[test]
fn two_people_change_one_resource_and_merge() {
    let sandbox = shop(&["order total:int"], "");
    let git = |arguments: &[&str]| sandbox.git("shop", arguments);
    let commit = || {
        git(&["add", "--all"]);
        git(&["commit", "--quiet", "--message", "mine"]);
    };
    git(&["checkout", "--quiet", "-b", "ada"]);
    inside(&sandbox, "resource order note:string(..20)?").ok();
    commit();
    git(&["checkout", "--quiet", "-b", "bob", "main"]);
    with(&sandbox, "resource order code:bigint? paid:bool=false", 7200).in_folder("shop").ok();
    commit();
    let merge = sandbox.clean("git").current_dir(sandbox.path("shop")).args(["merge", "--quiet", "ada"]).output();
    assert!(!merge.unwrap().status.success());
    let service = sandbox.read("shop/service.toml");
    let marks = ["<<<<<<<", "=======", ">>>>>>>"];
    let lines = service.lines().filter(|line| !marks.iter().any(|mark| line.starts_with(mark)));
    sandbox.write("shop/service.toml", lines.collect::<Vec<_>>().join("\n") + "\n");
    git(&["add", "service.toml"]);
    inside(&sandbox, "apply --onto ada").ok();
    assert_eq!(migrations(&sandbox), ["create_orders", "add_orders_note", "validate_orders", "change_orders"]);
    assert_eq!(git(&["diff", "--name-only", "--diff-filter=U"]), "");
    commit();
    inside(&sandbox, "diff").ok();
    // From here on, the schema is that of both.
    inside(&sandbox, "resource order --without note --without code --without paid --allow-destructive").ok();
    assert!(migrations(&sandbox).contains(&"drop_from_orders".to_owned()), "{:?}", migrations(&sandbox));
}

/// Two worktrees, one moment: both draw the versions that come next.
#[test]
fn two_people_draw_the_same_second_and_merge() {
    let sandbox = shop(&["order total:int"], "");
    let git = |arguments: &[&str]| sandbox.git("shop", arguments);
    git(&["worktree", "add", "--quiet", "-b", "ada", "../ada"]);
    git(&["worktree", "add", "--quiet", "-b", "bob", "../bob"]);
    for (who, specs) in
        [("ada", ["author name:string(1..20)", "author born:date?"]), ("bob", ["zone name:text", "zone open:bool?"])]
    {
        for (number, spec) in (0..).zip(specs) {
            with(&sandbox, &format!("resource {spec}"), 3600 + number).in_folder(who).ok();
            sandbox.git(who, &["add", "--all"]);
            sandbox.git(who, &["commit", "--quiet", "--message", spec]);
        }
    }
    let drawn = |folder: &str| -> Vec<String> {
        let files = sandbox.files(folder).into_keys();
        files.filter_map(|path| Some(path.strip_prefix("migrations/")?.strip_suffix(".up.sql")?.to_owned())).collect()
    };
    assert_eq!(
        drawn("ada"),
        ["20261122101500_create_orders", "20261122111500_create_authors", "20261122111501_add_authors_born"]
    );
    assert_eq!(
        drawn("bob"),
        ["20261122101500_create_orders", "20261122111500_create_zones", "20261122111501_add_zones_open"]
    );
    let held = sandbox.files("bob");
    let merge = sandbox.clean("git").current_dir(sandbox.path("ada")).args(["merge", "--quiet", "bob"]).output();
    assert!(!merge.unwrap().status.success(), "both added a resource at the end");
    let at = |branch: &str| sandbox.git("shop", &["show", &format!("{branch}:service.toml")]);
    let (base, ours, theirs) = (at("main"), at("ada"), at("bob"));
    let added = theirs.strip_prefix(base.trim_end()).unwrap();
    sandbox.write("ada/service.toml", format!("{}\n{}\n", ours.trim_end(), added.trim_end()));
    sandbox.git("ada", &["add", "service.toml"]);
    let apply = || with(&sandbox, "apply", 9000).in_folder("ada");
    apply().ok().says(&[
        "migrations/20261122111500_create_zones.up.sql is migrations/20261122111501_create_zones.up.sql now: two branches",
        "migrations/20261122111501_add_authors_born.up.sql is migrations/20261122111502_add_authors_born.up.sql now",
        "migrations/20261122111501_add_zones_open.up.sql is migrations/20261122111503_add_zones_open.up.sql now",
    ]);
    // Each in the order of its branch, with what it held.
    assert_eq!(
        drawn("ada"),
        [
            "20261122101500_create_orders",
            "20261122111500_create_authors",
            "20261122111501_create_zones",
            "20261122111502_add_authors_born",
            "20261122111503_add_zones_open",
        ]
    );
    let now = sandbox.files("ada");
    for way in ["up", "down"] {
        let (before, after) = (
            format!("migrations/20261122111500_create_zones.{way}.sql"),
            format!("migrations/20261122111501_create_zones.{way}.sql"),
        );
        assert_eq!(now[&after], held[&before]);
        assert!(!now.contains_key(&before));
        assert!(sandbox.read("ada/.new-service/lock").contains(&format!("\nfile {after} append ")));
    }
    assert!(sandbox.read("ada/.new-service/lock").contains("\ndrawn migration create_zones 20261122111501\n"));
    sandbox.git("ada", &["add", "--all"]);
    sandbox.git("ada", &["commit", "--quiet", "--message", "both"]);
    with(&sandbox, "diff", 9000).in_folder("ada").ok();
    apply().ok().says(&["Nothing to do"]);
    // What is drawn next comes after all of them, whatever the clock says.
    with(&sandbox, "resource zone --without open --allow-destructive", 0).in_folder("ada").ok();
    assert_eq!(drawn("ada").last().unwrap(), "20261122111504_drop_zones_open");
}

/// Where git merges the record by itself, the next command still sees it.
#[test]
fn a_merge_without_a_conflict_is_seen_by_diff_and_apply() {
    let sandbox = shop(&["order total:int"], "");
    let create = |name: &str| {
        for way in ["up", "down"] {
            sandbox.write(
                &format!("shop/migrations/20261122101500_create_{name}.{way}.sql"),
                format!("-- {name} {way}\n"),
            );
        }
        let lock = sandbox.read("shop/.new-service/lock");
        let of = |way: &str| format!("migrations/20261122101500_create_{name}.{way}.sql");
        let line = lock.lines().find(|line| line.contains("create_orders.up.sql")).unwrap();
        let lines: String = ["up", "down"]
            .map(|way| line.replace("migrations/20261122101500_create_orders.up.sql", &of(way)) + "\n")
            .concat();
        sandbox.write("shop/.new-service/lock", format!("{lock}drawn migration create_{name} 20261122101500\n{lines}"));
    };
    create("authors");
    sandbox.git("shop", &["add", "--all"]);
    sandbox.git("shop", &["commit", "--quiet", "--message", "merged"]);
    let told = inside(&sandbox, "diff --json").ends(4).json();
    let notes = told["notes"].to_string();
    assert!(
        notes.contains("20261122101500_create_orders.up.sql is migrations/20261122101501_create_orders.up.sql now"),
        "{notes}"
    );
    inside(&sandbox, "apply").ok().says(&[
        "create       migrations/20261122101500_create_orders.up.sql -> migrations/20261122101501_create_orders.up.sql",
    ]);
    let files = sandbox.files("shop");
    let drawn: Vec<&String> = files.keys().filter(|path| path.ends_with(".up.sql")).collect();
    assert_eq!(
        drawn,
        ["migrations/20261122101500_create_authors.up.sql", "migrations/20261122101501_create_orders.up.sql"]
    );
    sandbox.run("apply --abort").in_folder("shop").ok();
    inside(&sandbox, "diff").ends(4);
}
