//! `[database]` and `[[table]]` of layers: the migrations that come of them, and what is told when they are wrong.

use crate::support::{Run, Sandbox};

const PACK: &str = "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n\
    [[question]]\nkey = \"db\"\nprompt = \"?\"\nkind = \"choice\"\n\
    choices = [\"pg\", \"lite\", \"both\", \"none\"]\ndefault = \"pg\"\n\
    [[question]]\nkey = \"login\"\nprompt = \"?\"\nkind = \"bool\"\ndefault = true\n";
const PG: &str = "title = \"x\"\nwhen = 'db == \"pg\" or db == \"both\"'\n\
    [database]\ndialect = \"postgres\"\nmigrations = \"migrations\"\n";
const LITE: &str = "title = \"x\"\nwhen = 'db == \"lite\" or db == \"both\"'\n\
    [database]\ndialect = \"sqlite\"\nmigrations = \"db/steps\"\n";
const LOGIN: &str = r#"title = "x"
when = "login"

[[table]]
name = "user"
accounts = true
fields = ["email:email:unique", "role:enum(user,admin)=user"]

[[table]]
name = "refresh_token"
plain = true
fields = ["user:ref(user)", "family:uuid:index", "hash:string(64..64):unique", "used_at:datetime?", "created_at:datetime=now"]
cascade = ["user"]

[[table]]
name = "idempotency_key"
plain = true
key = ["scope", "key"]
fields = ["scope:string(..80)", "key:string(..200)", "user:ref(user)?", "seen:datetime=now"]
unique = [["user", "key"]]
index = [["seen", "scope"]]
"#;
const EACH: &str = "title = \"x\"\nfor_each = \"resources\"\nas = \"resource\"\n";
const LIST: &str = "{{ dialect }}{% for table in tables %} {{ table.table }}{% endfor %}\n";

/// 2026-11-22T10:15:00Z.
const EPOCH: &str = "1795342500";

fn with<'a>(sandbox: &'a Sandbox, login: &str, line: &str, resources: &[&str]) -> Run<'a> {
    let pack = sandbox.pack(&[
        ("pack.toml", PACK),
        ("layers/pg/layer.toml", PG),
        ("layers/lite/layer.toml", LITE),
        ("layers/login/layer.toml", login),
        ("layers/each/layer.toml", EACH),
        ("layers/core/layer.toml", "title = \"x\"\n"),
        ("layers/core/files/list.tera", LIST),
    ]);
    let run = sandbox.with(&pack, line).env("SOURCE_DATE_EPOCH", EPOCH);
    resources.iter().fold(run, |run, spec| run.arg("--resource").arg(spec))
}

#[test]
fn each_table_has_a_migration_after_what_it_refers_to() {
    let sandbox = Sandbox::new();
    with(&sandbox, LOGIN, "shop", &["order owner:ref(user) of:ref(item)?", "item name:string(1..20):index"]).ok();
    let made: Vec<String> = sandbox.files("shop").into_keys().filter(|path| path.starts_with("migrations/")).collect();
    let names = ["users", "refresh_tokens", "idempotency_keys", "items", "orders"];
    // The last at the moment of the command, and none ahead of the clock.
    let stamps =
        [20_261_122_101_456_u64, 20_261_122_101_457, 20_261_122_101_458, 20_261_122_101_459, 20_261_122_101_500];
    let expected: Vec<String> = stamps
        .iter()
        .zip(names)
        .flat_map(|(stamp, name)| ["down", "up"].map(|way| format!("migrations/{stamp}_create_{name}.{way}.sql")))
        .collect();
    assert_eq!(made, expected);
    let up = |n: usize, name: &str| sandbox.read(&format!("shop/migrations/{}_create_{name}.up.sql", stamps[n]));
    assert_eq!(
        up(2, "idempotency_keys"),
        "-- Layer login.\n\
         CREATE TABLE idempotency_keys (\n    \
             scope TEXT NOT NULL,\n    \
             key TEXT NOT NULL,\n    \
             user_id UUID,\n    \
             seen TIMESTAMPTZ NOT NULL DEFAULT now(),\n    \
             CONSTRAINT idempotency_keys_pkey PRIMARY KEY (scope, key),\n    \
             CONSTRAINT idempotency_keys_user_id_key_key UNIQUE (user_id, key),\n    \
             CONSTRAINT idempotency_keys_scope_check CHECK (char_length(scope) <= 80),\n    \
             CONSTRAINT idempotency_keys_key_check CHECK (char_length(key) <= 200),\n    \
             CONSTRAINT idempotency_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id)\n\
         );\n\
         \n\
         -- Lookups by the reference, and deletes of what it refers to.\n\
         CREATE INDEX idempotency_keys_user_id_idx ON idempotency_keys (user_id);\n\
         \n\
         CREATE INDEX idempotency_keys_seen_scope_idx ON idempotency_keys (seen, scope);\n"
    );
    assert!(up(1, "refresh_tokens").contains("FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE\n"));
    let items = up(3, "items");
    assert!(
        items.starts_with("-- Resource item.\nCREATE TABLE items (\n    id UUID NOT NULL,\n    name TEXT NOT NULL,\n")
    );
    assert!(items.contains("    version BIGINT NOT NULL DEFAULT 1,\n    CONSTRAINT items_pkey PRIMARY KEY (id),\n"));
    assert!(items.contains("CREATE INDEX items_created_at_id_idx ON items (created_at, id);\n"), "{items}");
    assert!(items.contains("CREATE INDEX items_name_idx ON items (name, id);\n"), "{items}");
    assert_eq!(sandbox.read("shop/migrations/20261122101459_create_items.down.sql"), "DROP TABLE items;\n");
    assert_eq!(sandbox.read("shop/list"), "postgres users refresh_tokens idempotency_keys\n");

    let lock = sandbox.read("shop/.new-service/lock");
    assert!(lock.contains("\ndrawn migration create_orders 20261122101500\n"), "{lock}");
    let line = lock.lines().find(|line| line.contains("_create_orders.up.sql ")).unwrap();
    assert!(line.starts_with("file migrations/") && line.contains(" append 644 ") && line.ends_with(" pg"), "{line}");
}

#[test]
fn an_index_over_several_columns_goes_in_its_directions() {
    let sandbox = Sandbox::new();
    let spec = "order index=status,-created_at index=status_created_at,id status:enum(a,b) status_created_at_desc:int:index \
                status_created_at:int";
    for (db, folder) in [("pg", "migrations"), ("lite", "db/steps")] {
        with(&sandbox, LOGIN, &format!("{db} --login=false --db={db}"), &[spec]).ok();
        let orders = sandbox.read(&format!("{db}/{folder}/20261122101500_create_orders.up.sql"));
        // Of two that would have one name, the declared one gives way.
        let sql = "CREATE INDEX orders_status_created_at_desc_idx ON orders (status_created_at_desc, id);\n\n\
                   -- For the listing filtered by status, sorted by -created_at.\n\
                   CREATE INDEX orders_status_created_at_desc_b4ffe53b_idx ON orders (status, created_at DESC, id DESC);\n\n\
                   -- For the listing sorted by status_created_at.\n\
                   CREATE INDEX orders_status_created_at_id_idx ON orders (status_created_at, id);\n";
        assert!(orders.ends_with(sql), "{orders}");
    }
    let lock = sandbox.read("lite/.new-service/lock");
    assert!(
        lock.contains(" index orders orders_status_created_at_desc_b4ffe53b_idx status,-created_at,-id\n"),
        "{lock}"
    );
    // PostgreSQL keeps 63 bytes of a name.
    let [table, one, other] = [("r", 27), ("x", 28), ("y", 28)].map(|(letter, times)| letter.repeat(times));
    let spec = format!("{table} index={one},-{other} index={one},{other} {one}:int {other}:int");
    with(&sandbox, LOGIN, "long --login=false", &[&spec]).ok();
    let lock = sandbox.read("long/.new-service/lock");
    let indexes = lock.lines().filter_map(|line| line.strip_prefix(&format!("model index {table}s ")));
    let names: Vec<&str> =
        indexes.filter_map(|line| line.split(' ').next()).filter(|name| name.contains("xx")).collect();
    let start = format!("{table}s_{}", &one[..21]);
    assert!(names.len() == 2 && names[0] != names[1], "{lock}");
    assert!(
        names.iter().all(|name| name.len() == 63 && name.starts_with(&start) && name.ends_with("_idx")),
        "{names:?}"
    );
}

#[test]
fn a_circle_is_closed_when_both_are_there() {
    let sandbox = Sandbox::new();
    let circle = ["team lead:ref(member)?", "member team:ref(team) mentor:ref(member)?"];
    with(&sandbox, LOGIN, "pg --login=false", &circle).ok();
    let teams = sandbox.read("pg/migrations/20261122101459_create_teams.up.sql");
    assert!(teams.contains("lead_id UUID,") && !teams.contains("FOREIGN KEY"), "{teams}");
    let members = sandbox.read("pg/migrations/20261122101500_create_members.up.sql");
    assert!(members.contains("members_mentor_id_fkey FOREIGN KEY (mentor_id) REFERENCES members (id)"), "{members}");
    assert!(
        members.ends_with(
            "ALTER TABLE teams\n    ADD CONSTRAINT teams_lead_id_fkey FOREIGN KEY (lead_id) REFERENCES members (id);\n"
        ),
        "{members}"
    );
    assert_eq!(
        sandbox.read("pg/migrations/20261122101500_create_members.down.sql"),
        "ALTER TABLE teams DROP CONSTRAINT teams_lead_id_fkey;\n\nDROP TABLE members;\n"
    );
    with(&sandbox, LOGIN, "lite --login=false --db=lite", &circle).ok();
    let teams = sandbox.read("lite/db/steps/20261122101459_create_teams.up.sql");
    assert!(teams.contains("    id BLOB NOT NULL,\n") && teams.contains("REFERENCES members (id)\n"), "{teams}");
    assert!(!sandbox.read("lite/db/steps/20261122101500_create_members.up.sql").contains("ALTER"));
}

#[test]
fn without_a_database_there_are_no_migrations() {
    let sandbox = Sandbox::new();
    with(&sandbox, LOGIN, "shop --db=none", &["item name:text"]).ok();
    assert!(sandbox.files("shop").keys().all(|path| !path.contains(".sql")));
    assert_eq!(sandbox.read("shop/list"), " users refresh_tokens idempotency_keys\n");
}

#[test]
fn what_a_service_cannot_have_is_refused_with_the_reason() {
    let sandbox = Sandbox::new();
    with(&sandbox, LOGIN, "shop --db=both", &[])
        .fails(1, &["a service has one database, and layer \"lite\" is one already"]);
    with(&sandbox, LOGIN, "shop --login=false", &["order owner:ref(user) note:text"]).fails(
        1,
        &[
            "\"order\" refers to \"user\", a table of layer \"login\", which these answers leave out",
            "it is in when login",
        ],
    );
    with(&sandbox, LOGIN, "shop", &["order by:ref(idempotency_key)"])
        .fails(1, &["\"order\" refers to \"idempotency_key\", which has no id", "its key is scope, key"]);
    with(&sandbox, LOGIN, "shop", &["user name:text"]).fails(2, &["the service has \"user\" already"]);
    sandbox.assert_untouched();
}

#[test]
fn a_table_that_cannot_be_made_is_a_fault_of_its_layer() {
    let sandbox = Sandbox::new();
    let wrong = "title = \"x\"\n[[table]]\nname = \"note\"\nfields = [\"x:stirng\", \"of:ref(nota)\"]\n\
                 [[table]]\nname = \"other\"\nkey = [\"x\"]\ncascade = [\"x\", \"z\"]\nindex = [[\"id\", \"body\"]]\n\
                 fields = [\"x:int?\", \"body:text\", \"created_at:date\"]\n";
    with(&sandbox, wrong, "shop", &[]).fails(
        1,
        &[
            "layer.toml:4:14: unknown type \"stirng\"",
            "layer.toml:4:31: no resource \"nota\"",
            "layer.toml:10:35: every resource has \"created_at\"",
        ],
    );
    let wrong = wrong.replace("stirng", "string").replace("nota", "other").replace(", \"created_at:date\"", "");
    with(&sandbox, &wrong, "shop", &[]).fails(
        1,
        &[
            "layer.toml:7:9: the key \"x\" may be empty",
            "layer.toml:8:13: \"x\" is no reference",
            "layer.toml:8:18: the table \"other\" has no field \"z\"",
            "layer.toml:9:12: the table \"other\" has no field \"id\"",
            "layer.toml:9:18: the field \"body\" cannot have an index",
        ],
    );
    sandbox.assert_untouched();
}
