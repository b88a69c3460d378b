//! Two branches that meet, on real databases: a database of each side, and an empty one, come to the schema of the
//! merged model, keep their rows, and go back to nothing.

use super::changes::same;
use super::servers::Server;
use crate::branches::team::Team;

/// What a pair of branches is, and what has to be said.
struct Pair {
    resources: &'static [&'static str],
    /// On `main`, which is published.
    main: &'static [&'static str],
    other: &'static [&'static str],
    /// Lines of `service.toml` that do not stay where both sides were taken.
    against: &'static [&'static str],
    /// A row on `main` before the merge, and what is left of it.
    insert: &'static str,
    ask: &'static str,
    found: &'static [&'static str],
}

const ID: &str = "ID";

fn run(server: &Server, steps: &[String]) {
    for sql in steps {
        server.run(sql);
    }
}

/// SQL with the key of a row, as each database has it.
fn sql(server: &Server, text: &str) -> String {
    let id = if server.dialect() == "postgres" {
        "'01890000000070008000000000000001'"
    } else {
        "x'01890000000070008000000000000001'"
    };
    text.replace(ID, id)
}

fn comes_together(server: &Server, pair: &Pair, rebases: bool) {
    let team = Team::new(server.dialect(), pair.resources);
    team.branch("ada", pair.other);
    team.git("checkout --quiet main");
    team.goes_on(pair.main);
    let (published, names) = (team.sql("up"), team.stamped());
    let settle = || {
        team.resolve("ours");
        pair.against.iter().for_each(|line| team.decides_against(line));
        team.does("apply --onto main --allow-destructive").ok();
    };
    if rebases {
        team.git("checkout --quiet ada");
        team.try_git("rebase main");
        while team.sandbox.path("shop/.git/rebase-merge").exists() {
            settle();
            team.try_git("rebase --continue");
        }
        assert_eq!(team.git("status --porcelain"), "");
        team.does("diff").ok();
    } else {
        team.try_git("merge --no-edit --quiet ada");
        settle();
        team.is_settled();
    }
    for name in &names {
        assert!(team.stamped().contains(name), "{name} is published: {:?}", team.stamped());
    }
    let later: Vec<String> = {
        let all = team.stamped().into_iter().zip(team.sql("up"));
        all.filter(|(name, _)| !names.contains(name)).map(|(_, sql)| sql).collect()
    };

    // A service of the merged model from the start.
    let fresh = "fresh";
    let service = team.sandbox.path("shop/service.toml");
    team.run(&format!("{fresh} --no-git --from {}", service.display())).ok();
    let model = crate::support::files_below(&team.sandbox.path(fresh));
    let model: Vec<String> = model
        .into_iter()
        .filter(|(path, _)| path.starts_with("migrations/") && path.ends_with(".up.sql"))
        .map(|(_, text)| String::from_utf8(text).unwrap())
        .collect();
    server.empty();
    run(server, &model);
    let wanted = server.facts();

    server.empty();
    let nothing = server.facts();
    run(server, &team.sql("up"));
    same(&server.facts(), &wanted, "from empty");
    run(server, &team.sql("down"));
    same(&server.facts(), &nothing, "to nothing");

    run(server, &published);
    server.run(&sql(server, pair.insert));
    run(server, &later);
    same(&server.facts(), &wanted, "from what is published");
    assert_eq!(server.rows(pair.ask), pair.found);
    run(server, &team.sql("down"));
    same(&server.facts(), &nothing, "to nothing, with rows");
}

const FIELDS: Pair = Pair {
    resources: &["order total:int"],
    main: &["resource order code:string(..9)?:unique"],
    other: &["resource order note:string(..20)?"],
    against: &[],
    insert: "INSERT INTO orders (id, total, code) VALUES (ID, 7, 'c')",
    ask: "SELECT total || code FROM orders",
    found: &["7c"],
};

/// Of `SQLite`, a rebuild that did not know the other's column dropped it.
const TYPE_AND_FIELD: Pair = Pair {
    resources: &["order total:int"],
    main: &["resource order code:string(..9)?"],
    other: &["resource order total:bigint?"],
    against: &["\"total:int\","],
    insert: "INSERT INTO orders (id, total, code) VALUES (ID, 7, 'c')",
    ask: "SELECT total || code FROM orders",
    found: &["7c"],
};

const LAYER: Pair = Pair {
    resources: &["order total:int"],
    main: &["add login=true"],
    other: &["add login=true", "resource order by:ref(user)?"],
    against: &[],
    insert: "INSERT INTO orders (id, total) VALUES (ID, 7)",
    ask: "SELECT total FROM orders",
    found: &["7"],
};

const RESOURCES: Pair = Pair {
    resources: &["order total:int"],
    main: &["resource order code:int?"],
    other: &["resource pet name:text order:ref(order)?"],
    against: &[],
    insert: "INSERT INTO orders (id, total, code) VALUES (ID, 7, 1)",
    ask: "SELECT total || '' || code FROM orders",
    found: &["71"],
};

const RENAME: Pair = Pair {
    resources: &["order total:int status:enum(draft,paid)=draft"],
    main: &["resource order code:int?"],
    other: &["resource purchase was=order", "resource purchase state:enum(draft,settled:was=paid)=draft:was=status"],
    against: &["\"status:enum(draft,paid)=draft\","],
    insert: "INSERT INTO orders (id, total, status, code) VALUES (ID, 7, 'paid', 3)",
    ask: "SELECT total || state || code FROM purchases",
    found: &["7settled3"],
};

/// The published side renames, and the other one adds to what it knew by the old name.
const RENAMED: Pair = Pair {
    resources: &["order total:int status:enum(draft,paid)=draft"],
    main: &["resource purchase was=order"],
    other: &["resource order code:int?"],
    against: &[],
    insert: "INSERT INTO purchases (id, total, status) VALUES (ID, 7, 'paid')",
    ask: "SELECT total || status FROM purchases WHERE code IS NULL",
    found: &["7paid"],
};

const ALL: [(&str, Pair); 6] = [
    ("fields", FIELDS),
    ("type", TYPE_AND_FIELD),
    ("layer", LAYER),
    ("resources", RESOURCES),
    ("rename", RENAME),
    ("renamed", RENAMED),
];

#[test]
fn postgres_branches_come_together_in_a_merge() {
    for (name, pair) in &ALL {
        println!("{name}");
        comes_together(&Server::postgres("branches"), pair, false);
    }
}

#[test]
fn sqlite_branches_come_together_in_a_merge() {
    for (name, pair) in &ALL {
        println!("{name}");
        comes_together(&Server::sqlite("branches"), pair, false);
    }
}

#[test]
fn postgres_branches_come_together_in_a_rebase() {
    for (name, pair) in [("fields", FIELDS), ("resources", RESOURCES)] {
        println!("{name}");
        comes_together(&Server::postgres("branches_rebased"), &pair, true);
    }
}

#[test]
fn sqlite_branches_come_together_in_a_rebase() {
    for (name, pair) in [("fields", FIELDS), ("type", TYPE_AND_FIELD)] {
        println!("{name}");
        comes_together(&Server::sqlite("branches_rebased"), &pair, true);
    }
}
