//! Indexes that resources declare answer the listings that they are for, on real servers with rows.

use new_service::schema::{Database, changes, migrations};

use super::changes::{from_scratch, kept, layout, run, same};
use super::servers::Server;

const BEFORE: &[&str] = &[
    "person name:string",
    "order customer:ref(person) status:enum(new,held,paid,packed,sent,back,lost,done) total:int",
];
const AFTER: &[&str] = &[
    "person name:string",
    "order index=status,-created_at index=customer,status,total customer:ref(person) status:enum(new,held,paid,packed,sent,back,lost,done) total:int",
];
const RENAMED: &[&str] = &[
    "person name:string",
    "purchase was=order index=state,-created_at index=buyer,state,total buyer:ref(person):was=customer \
     state:enum(new,held,paid,packed,sent,back,lost,done):was=status total:int",
];

/// Rows of all statuses, in no order: where the order of rows is that of their moments, `PostgreSQL` may rightly read
/// them by these and leave out what has another status.
fn fill(server: &Server, dialect: Database) {
    server.run(match dialect {
        Database::Postgres => {
            "INSERT INTO people (id, name) SELECT gen_random_uuid(), n::text FROM generate_series(1, 3) n;
             INSERT INTO orders (id, customer_id, status, total, created_at)
             SELECT gen_random_uuid(), (SELECT id FROM people WHERE name = (1 + n % 3)::text),
                 (ARRAY['new', 'held', 'paid', 'packed', 'sent', 'back', 'lost', 'done'])[1 + n % 8], n % 97, now() - n * 7919 % 5000 * interval '1 minute'
             FROM generate_series(1, 5000) n;
             ANALYZE;"
        }
        Database::Sqlite => {
            "INSERT INTO people (id, name)
             WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 3) SELECT randomblob(16), n FROM n;
             INSERT INTO orders (id, customer_id, status, total, created_at)
             WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 5000)
             SELECT randomblob(16), (SELECT id FROM people WHERE name = CAST(1 + n % 3 AS TEXT)),
                 CASE n % 8 WHEN 0 THEN 'new' WHEN 1 THEN 'held' WHEN 2 THEN 'paid' WHEN 3 THEN 'packed' WHEN 4 THEN 'sent'
                     WHEN 5 THEN 'back' WHEN 6 THEN 'lost' ELSE 'done' END, n % 97,
                 strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now', '-' || n || ' minutes') FROM n;"
        }
    });
}

/// Each listing with the index that is to answer it; the second page, and the other direction, too.
fn listings(dialect: Database) -> [(String, &'static str); 4] {
    let listing = |rest: &str| {
        let sql = format!("SELECT * FROM orders WHERE {rest} LIMIT 20");
        if dialect == Database::Sqlite { (1..6).fold(sql, |sql, n| sql.replace(&format!("${n}"), "?")) } else { sql }
    };
    let by_status = "orders_status_created_at_desc_idx";
    [
        (listing("status = $1 ORDER BY created_at DESC, id DESC"), by_status),
        (listing("status = $1 AND (created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC"), by_status),
        (listing("status = $1 ORDER BY created_at, id"), by_status),
        (listing("customer_id = $1 AND status = $2 ORDER BY total, id"), "orders_customer_id_status_total_idx"),
    ]
}

/// Whether the index alone answers a listing: nothing is sorted.
fn is_answered(plan: &str, index: &str) -> bool {
    plan.contains(index) && !plan.contains("Sort") && !plan.contains("TEMP B-TREE")
}

fn prove(server: &Server, dialect: Database) {
    let [before, after, renamed] = [BEFORE, AFTER, RENAMED].map(|specs| layout(specs, dialect));
    let wanted = [&before, &after, &renamed].map(|layout| from_scratch(server, layout));
    server.empty();
    run(server, migrations(&before).iter().map(|migration| &migration.up));
    fill(server, dialect);
    let rows = |table: &str| server.rows(&format!("SELECT CAST(count(*) AS TEXT) FROM {table}"));
    for (sql, index) in listings(dialect) {
        assert!(!is_answered(&server.plan(&sql), index), "{sql} needs it");
    }
    let steps = changes(&kept(&before), &after).unwrap();
    let further = changes(&kept(&after), &renamed).unwrap();
    assert!(steps.iter().chain(&further).all(|step| step.destructive.is_empty()), "{steps:?} {further:?}");
    for _ in 0..2 {
        run(server, steps.iter().map(|step| &step.up));
        same(&server.facts(), &wanted[1], "up");
        assert_eq!(rows("orders"), ["5000"]);
        for (sql, index) in listings(dialect) {
            let plan = server.plan(&sql);
            assert!(is_answered(&plan, index), "{sql}\n{plan}");
        }
        // A rename of a field takes its index along.
        run(server, further.iter().map(|step| &step.up));
        same(&server.facts(), &wanted[2], "renamed");
        assert_eq!(rows("purchases"), ["5000"]);
        run(server, further.iter().rev().map(|step| &step.down));
        same(&server.facts(), &wanted[1], "named as before");
        run(server, steps.iter().rev().map(|step| &step.down));
        same(&server.facts(), &wanted[0], "down");
    }
}

#[test]
fn postgres_listings_are_answered_by_the_index_alone() {
    prove(&Server::postgres("indexes"), Database::Postgres);
}

#[test]
fn sqlite_listings_are_answered_by_the_index_alone() {
    prove(&Server::sqlite("indexes"), Database::Sqlite);
}
