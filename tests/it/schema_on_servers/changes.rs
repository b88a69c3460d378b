//! Migrations that lead from one schema to another end where a fresh start does, and their ways back where
//! they began; and what a table holds is still there.

use new_service::blueprint::own_tables;
use new_service::pack::{Files, Pack};
use new_service::schema::{Database, Drafts, Layout, Model, Surroundings, changes, check, migrations};

use proptest::test_runner::{Config, TestRunner};

use super::servers::Server;
use crate::models::{models, resources};

/// Schemas of one service over time. From each, every other is reached.
const SCHEMAS: [&[&str]; 10] = [
    &[],
    &[
        "person name:string(1..200) email:email:unique born:date?",
        "order customer:ref(person) status:enum(draft,paid)=draft:index note:text? total:decimal(12,2)",
    ],
    // Fields of every kind come.
    &[
        "person name:string(1..200) email:email:unique born:date? nick:string(..20)?:index vip:bool=false seen:datetime=now",
        "order index=status,-created_at index=-customer_id,total customer:ref(person) status:enum(draft,paid)=draft:index note:text? total:decimal(12,2) \
         priority:int(0..10)=1 code:string(1..20) placed_by:ref(person)? type:string(..5)?:unique meta:json?",
    ],
    // Rules and types change.
    &[
        "person name:string(1..300) email:email born:date nick:string(..20)=x:unique vip:bool? seen:datetime?",
        "order customer:ref(person)? status:enum(draft,paid,sent)=paid note:text=\"it's: due\" total:decimal(14,3) \
         priority:bigint code:string(1..20):index placed_by:ref(person) type:string(..5) meta:json=[]",
    ],
    // Names change.
    &[
        "buyer was=person full_name:string(1..200):was=name email:email:unique born:date? nick:string(..20)?:index vip:bool=false",
        "purchase was=order index=state,-created_at index=buyer,-total buyer:ref(buyer):was=customer state:enum(draft,paid)=draft:index:was=status note:text? \
         total:decimal(12,2) reference:string(1..20)?:was=code \"group\"",
    ],
    // Words that SQL keeps.
    &["selection plural=select order:int group:text? table:ref(selection)?", "order user:string(..9):unique"],
    // A circle.
    &["team name:string lead:ref(member)?", "member team:ref(team) mentor:ref(member)?"],
    &["team name:string", "member team:ref(team)?", "order customer:ref(member) total:decimal(18,0)?"],
    &["order index=total,created_at,id total:int code:bigint? note:string(..10)?:unique"],
    &["order index=-total,created_at index=code,total total:int code:bigint? note:string(..10)?:unique"],
];

pub fn layout(specs: &[&str], dialect: Database) -> Layout {
    let mut drafts = Drafts::default();
    for (number, spec) in (1..).zip(specs) {
        drafts.flag(number, &spec.replace(" \"group\"", ""));
    }
    let resources = check(drafts, &Surroundings::default()).unwrap_or_else(|faults| panic!("{faults}"));
    Layout::of(&Model::new(&[], &resources), dialect)
}

/// As the lock keeps it.
pub fn kept(layout: &Layout) -> Layout {
    let mut lines = layout.lines();
    lines.sort();
    Layout::read(lines.iter().map(String::as_str)).unwrap()
}

pub fn from_scratch(server: &Server, layout: &Layout) -> Vec<String> {
    server.empty();
    run(server, migrations(layout).iter().map(|migration| &migration.up));
    server.facts()
}

/// Runs migrations in their order; those that a transaction may be around, together.
pub fn run<'a>(server: &Server, steps: impl Iterator<Item = &'a String>) {
    let mut together = String::new();
    for sql in steps {
        // What begins a transaction of its own ends it, too.
        if sql.starts_with("-- no-transaction") && server.dialect() == "postgres" {
            if !together.is_empty() {
                server.run(&std::mem::take(&mut together));
            }
            server.run(sql);
        } else if sql.starts_with("-- rebuild: ") {
            together.push_str(&as_migrated(sql));
        } else {
            together.push_str(sql);
        }
    }
    if !together.is_empty() {
        server.run(&together);
    }
}

/// A rebuild of `SQLite` as the migrator of a service runs it.
pub fn as_migrated(sql: &str) -> String {
    format!(
        "PRAGMA foreign_keys = OFF;\nPRAGMA legacy_alter_table = ON;\nBEGIN;\n{sql}\nCOMMIT;\n\
         PRAGMA legacy_alter_table = OFF;\nPRAGMA foreign_keys = ON;\n"
    )
}

fn every_pair(server: &Server, dialect: Database) {
    let layouts: Vec<Layout> = SCHEMAS.iter().map(|specs| layout(specs, dialect)).collect();
    let expected: Vec<Vec<String>> = layouts.iter().map(|layout| from_scratch(server, layout)).collect();
    let mut proved = 0;
    for (at, from) in layouts.iter().enumerate() {
        for (to_at, to) in layouts.iter().enumerate() {
            assert_eq!(changes(&kept(to), to).unwrap(), [], "{to_at}: the same schema needs nothing");
            // What cannot be cast is refused: `casts`.
            let Ok(steps) = changes(&kept(from), to) else { continue };
            // All of them take minutes: `LAWS=all`.
            let wanted =
                to_at == at + 1 || (at * layouts.len() + to_at).is_multiple_of(4) || std::env::var_os("LAWS").is_some();
            if steps.is_empty() || !wanted {
                continue;
            }
            assert_eq!(from_scratch(server, from), expected[at]);
            run(server, steps.iter().map(|step| &step.up));
            let all = || steps.iter().flat_map(|step| [step.name.as_str(), "\n", &step.up]).collect::<String>();
            same(&server.facts(), &expected[to_at], &format!("{at} → {to_at}\n{}", all()));
            run(server, steps.iter().rev().map(|step| &step.down));
            let all = || steps.iter().rev().flat_map(|step| [step.name.as_str(), "\n", &step.down]).collect::<String>();
            same(&server.facts(), &expected[at], &format!("{at} → {to_at} and back\n{}", all()));
            run(server, steps.iter().map(|step| &step.up));
            same(&server.facts(), &expected[to_at], &format!("{at} → {to_at} again"));
            proved += 1;
        }
    }
    assert!(proved > 15, "{proved}");
}

pub fn same(ours: &[String], expected: &[String], what: &str) {
    let only = |one: &[String], other: &[String]| {
        one.iter().filter(|fact| !other.contains(fact)).flat_map(|fact| ["\n  ", fact]).collect::<String>()
    };
    assert!(
        ours == expected,
        "{what}\nthere, and not wanted:{}\nwanted, and not there:{}",
        only(ours, expected),
        only(expected, ours)
    );
}

/// Rows keep what they hold while their tables change around them.
fn rows_stay(server: &Server, dialect: Database) {
    let one = &[
        "person name:string(1..200) email:email:unique",
        "order customer:ref(person) total:decimal(12,2) status:enum(a,b)=a",
    ];
    let two = &[
        "buyer was=person full_name:string(1..300):was=name email:email:unique nick:string(..5)=x",
        "order buyer:ref(buyer):was=customer total:decimal(14,3) status:enum(a,b,c)=a:index note:text?",
    ];
    let (one, two) = (layout(one, dialect), layout(two, dialect));
    server.empty();
    run(server, migrations(&one).iter().map(|migration| &migration.up));
    let (id, total) = match dialect {
        Database::Postgres => ("'01890000-0000-7000-8000-000000000001'", "12.5"),
        Database::Sqlite => ("x'01890000000070008000000000000001'", "1250"),
    };
    server.run(&format!(
        "INSERT INTO people (id, name, email) VALUES ({id}, 'Ada', 'ada@example.org');\n\
         INSERT INTO orders (id, customer_id, total, status) VALUES ({id}, {id}, {total}, 'b');"
    ));
    let steps = changes(&kept(&one), &two).unwrap();
    assert!(steps.iter().all(|step| step.destructive.is_empty()), "{steps:?}");
    run(server, steps.iter().map(|step| &step.up));
    let total = if dialect == Database::Postgres { "12.500" } else { "12500" };
    let told = server.ask(
        "SELECT full_name || nick || total || status || (buyer_id = buyers.id), 0, 0, 0, 0 FROM orders JOIN buyers ON buyer_id = buyers.id",
    );
    assert!(told.contains(&format!("Adax{total}b")), "{told}");
    run(server, steps.iter().rev().map(|step| &step.down));
    let told =
        server.ask("SELECT name || email || total, 0, 0, 0, 0 FROM orders JOIN people ON customer_id = people.id");
    assert!(told.contains("Adaada@example.org12"), "{told}");
}

#[test]
fn postgres_changes_end_where_a_fresh_start_does() {
    every_pair(&Server::postgres("changes"), Database::Postgres);
}

#[test]
fn sqlite_changes_end_where_a_fresh_start_does() {
    every_pair(&Server::sqlite("changes"), Database::Sqlite);
}

/// Random models in a row, as `tests/laws` has them in memory for `SQLite`.
#[test]
fn postgres_random_changes_end_where_a_fresh_start_does_and_go_back_to_nothing() {
    let server = Server::postgres("random");
    let config = Config {
        cases: crate::support::cases(72),
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let law = |models: Vec<Vec<String>>| {
        let layouts = models.iter().map(|specs| {
            let resources = resources(specs).expect("what the grammar refuses is not made");
            Layout::of(&Model::new(&[], &resources), Database::Postgres)
        });
        let mut layouts = layouts.collect::<Vec<_>>().into_iter();
        let mut at = layouts.next().unwrap();
        let mut all = migrations(&at);
        for to in layouts {
            let Ok(steps) = changes(&kept(&at), &to) else { continue };
            all.extend(steps);
            at = to;
        }
        let wanted = from_scratch(&server, &at);
        server.empty();
        let nothing = server.facts();
        run(&server, all.iter().map(|step| &step.up));
        same(&server.facts(), &wanted, &format!("{models:#?}"));
        run(&server, all.iter().rev().map(|step| &step.down));
        same(&server.facts(), &nothing, &format!("back to nothing: {models:#?}"));
        Ok(())
    };
    if let Err(error) = TestRunner::new(config).run(&models(4), law) {
        panic!("{error}");
    }
}

/// A layer of the template, before it gives its tables a prefix and after.
fn layer(tables: &str, dialect: Database) -> Layout {
    let name = if dialect == Database::Postgres { "postgres" } else { "sqlite" };
    let layer = format!("title = \"x\"\n[database]\ndialect = \"{name}\"\n{tables}");
    let files: Files =
        [("pack.toml", "name = \"proof\"\nversion = \"0.1.0\"\nedition = 2\n"), ("layers/database/layer.toml", &layer)]
            .map(|(path, content)| (path.to_owned(), content.as_bytes().to_vec().into()))
            .into();
    let own = own_tables(&Pack::from_files(&files, "proof").unwrap()).unwrap();
    Layout::of(&Model::new(&own.iter().collect::<Vec<_>>(), &[]), dialect)
}

const UNPREFIXED: &str = r#"
[[table]]
name = "user"
fields = ["email:email:unique"]

[[table]]
name = "session"
fields = ["user:ref(user)", "expires_at:datetime:index"]
cascade = ["user"]
plain = true

[[table]]
name = "token"
fields = ["hash:string(1..64)", "session:ref(session)", "spent:bool=false"]
key = ["hash"]
unique = [["session", "spent"]]
cascade = ["session"]
plain = true
"#;

/// Tables of layers are renamed with their rows and all that is theirs: keys, rules, indexes, references to them.
fn tables_of_layers_are_renamed(server: &Server, dialect: Database) {
    let prefixed = UNPREFIXED
        .replace("name = \"session\"", "name = \"auth_session\"\nwas = \"session\"")
        .replace("ref(session)", "ref(auth_session)")
        .replace("name = \"token\"", "name = \"auth_token\"\nwas = \"token\"");
    let (before, after) = (layer(UNPREFIXED, dialect), layer(&prefixed, dialect));
    let expected = [from_scratch(server, &after), from_scratch(server, &before)];
    let id = match dialect {
        Database::Postgres => "'01890000-0000-7000-8000-000000000001'",
        Database::Sqlite => "x'01890000000070008000000000000001'",
    };
    server.run(&format!(
        "INSERT INTO users (id, email) VALUES ({id}, 'ada@example.org');\n\
         INSERT INTO sessions (id, user_id, expires_at) VALUES ({id}, {id}, '2026-11-30T00:00:00+00:00');\n\
         INSERT INTO tokens (hash, session_id) VALUES ('one', {id});"
    ));
    let rows = |prefix: &str| {
        server.rows(&format!(
            "SELECT email || ' ' || hash FROM users u JOIN {prefix}sessions s ON s.user_id = u.id \
             JOIN {prefix}tokens t ON t.session_id = s.id"
        ))
    };
    let steps = changes(&kept(&before), &after).unwrap();
    assert!(steps.iter().all(|step| step.destructive.is_empty()), "{steps:?}");
    let up = || run(server, steps.iter().map(|step| &step.up));
    up();
    same(&server.facts(), &expected[0], "renamed");
    assert_eq!(rows("auth_"), ["ada@example.org one"]);
    run(server, steps.iter().rev().map(|step| &step.down));
    same(&server.facts(), &expected[1], "and back");
    assert_eq!(rows(""), ["ada@example.org one"]);
    up();
    same(&server.facts(), &expected[0], "renamed again");
    assert_eq!(rows("auth_"), ["ada@example.org one"]);
    // What refers to a table still does so, and goes with it.
    let keys = if dialect == Database::Sqlite { "PRAGMA foreign_keys = ON;\n" } else { "" };
    server.run(&format!("{keys}DELETE FROM auth_sessions WHERE id = {id};"));
    assert_eq!(server.rows("SELECT hash FROM auth_tokens").concat(), "");

    // The names are free.
    let prefixed = prefixed.replace("was = \"session\"\n", "");
    let resource =
        layer(&format!("{prefixed}\n[[table]]\nname = \"session\"\nfields = [\"user:ref(user)\"]\n"), dialect);
    let steps = changes(&kept(&after), &resource).unwrap();
    run(server, steps.iter().map(|step| &step.up));
    let there = server.facts();
    same(&there, &from_scratch(server, &resource), "with a table of the old name");
}

#[test]
fn postgres_tables_of_layers_are_renamed() {
    tables_of_layers_are_renamed(&Server::postgres("layers"), Database::Postgres);
}

#[test]
fn sqlite_tables_of_layers_are_renamed() {
    tables_of_layers_are_renamed(&Server::sqlite("layers"), Database::Sqlite);
}

#[test]
fn postgres_rows_stay() {
    rows_stay(&Server::postgres("rows"), Database::Postgres);
}

#[test]
fn sqlite_rows_stay() {
    rows_stay(&Server::sqlite("rows"), Database::Sqlite);
}
