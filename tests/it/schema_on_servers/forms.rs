//! The tables and the queries that are proved: every type with every modifier, and every form.

use new_service::pack::Dialect;
use new_service::schema::{Column, Facts, TABLE, Table};

/// Tables of a layer's own.
pub const TABLES: &str = r#"
[[table]]
name = "account"
plural = "user"
accounts = true
fields = ["email:email:unique", "role:enum(user,admin)=user", "order:int?"]

[[table]]
name = "session"
plain = true
key = ["account", "family"]
fields = ["account:ref(account)", "family:uuid", "hash:string(64..64):unique", "used:datetime?", "seen:datetime=now"]
unique = [["family", "hash"]]
index = [["seen", "account"]]
cascade = ["account"]
"#;

/// Every type with every modifier that it takes, names that SQL keeps for itself, and circles.
pub fn resources() -> Vec<String> {
    let fields: Vec<String> = TABLE.iter().flat_map(fields_of).collect();
    // A resource has at most 60 of them.
    let (first, second) = fields.split_at(fields.len() / 2);
    vec![
        format!("sample {}", first.join(" ")),
        format!("probe {}", second.join(" ")),
        "person name:string(1..200) email:email:unique born:date? nick:string(..20)?:index".into(),
        "order customer:ref(person) status:enum(draft,paid)=draft:index note:text? total:decimal(12,2) stock:int(0..) \
         meta:json? day:date? ok:bool=true parent:ref(order)? placed:datetime=now weight:bigint"
            .into(),
        "selection plural=select order:int group:text? type:bool end:datetime?:index table:ref(selection)?".into(),
        "team name:string lead:ref(member)?".into(),
        "member team:ref(team) mentor:ref(member)? account:ref(account)".into(),
    ]
}

/// A type, with each modifier that it takes.
fn fields_of(facts: &Facts) -> Vec<String> {
    let (word, form) = (facts.word, facts.form.replace("ref(user)", "ref(person)"));
    let mut fields =
        vec![format!("{word}_plain:{form}"), format!("{word}_maybe:{form}?"), format!("{word}_hidden:{form}?:private")];
    let default = match word {
        "string" => "x",
        "text" => "\"it's: all\"",
        "int" => "7",
        "bigint" => "9000000000",
        "decimal" => "9.50",
        "bool" => "true",
        "date" | "datetime" => "now",
        "json" => "{}",
        "email" => "ada@example.org",
        "url" => "\"https://example.org\"",
        "enum" => "draft",
        _ => "",
    };
    if !default.is_empty() {
        fields.push(format!("{word}_given:{form}={default}"));
        fields.push(format!("{word}_maybe_given:{form}?={default}"));
    }
    if !["text", "json", "url"].contains(&word) {
        fields.push(format!("{word}_unique:{form}:unique"));
        fields.push(format!("{word}_index:{form}:index"));
    }
    fields
}

/// How many parameters a query has: they are numbered in all of ours, or `?`.
pub fn parameters(sql: &str) -> usize {
    let numbers = sql.split('$').skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse().ok()
    });
    numbers.max().unwrap_or(0).max(sql.matches('?').count() - sql.matches("?\"").count() - sql.matches("?:").count())
}

/// Whether its only column has a name that is none in Rust.
pub fn is_scalar(sql: &str) -> bool {
    let answer = sql.trim_start().trim_start_matches("SELECT ");
    let bare = ["count(*) FROM", "EXISTS(SELECT", "max(stock)", "1 + 1", "coalesce( max"];
    bare.iter().any(|form| answer.starts_with(form)) && !answer.contains(" AS ")
}

pub fn queries(dialect: Dialect, tables: &[&Table]) -> Vec<String> {
    let mut queries: Vec<String> = BOTH.iter().map(|sql| (*sql).to_owned()).collect();
    queries.extend(match dialect {
        Dialect::Postgres => POSTGRES.iter().map(|sql| (*sql).to_owned()).collect::<Vec<_>>(),
        Dialect::Sqlite => SQLITE.iter().map(|sql| (*sql).to_owned()).collect(),
    });
    for table in tables {
        let name = &table.name;
        let columns: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        let numbers: Vec<String> = (1..=columns.len()).map(|number| format!("${number}")).collect();
        let (columns, numbers) = (columns.join(", "), numbers.join(", "));
        queries.push(format!("INSERT INTO {name} ({columns}) VALUES ({numbers}) RETURNING *"));
        // SQLite: what a constant default of a column that may be empty comes to, is not told.
        if dialect == Dialect::Postgres {
            queries.push(format!("INSERT INTO {name} (id) VALUES ($1) RETURNING *"));
        }
        queries.push(all_set(name, &table.columns, dialect));
        queries.push(format!("SELECT * FROM {name} WHERE id = $1"));
        let own = |column: &&Column| column.name != "id" && column.name != "version";
        queries.extend(table.columns.iter().filter(own).flat_map(|column| of_column(dialect, name, column)));
    }
    queries
}

/// An UPDATE of every column, with the row as it is then; a reference that may be empty is not told
/// for `SQLite`.
fn all_set(table: &str, columns: &[Column], dialect: Dialect) -> String {
    let own: Vec<&Column> = columns.iter().filter(|column| column.name != "id" && column.name != "version").collect();
    let set = |(number, column): (usize, &&Column)| format!("{} = ${number}", column.name);
    let set: Vec<String> = (2..).zip(&own).map(set).collect();
    let told = |column: &&&Column| dialect == Dialect::Postgres || !column.nullable || !column.name.ends_with("_id");
    let told: Vec<&str> = own.iter().filter(told).map(|column| column.name.as_str()).collect();
    format!(
        "UPDATE {table} SET {}, version = version + 1 WHERE id = $1 RETURNING id, {}",
        set.join(", "),
        told.join(", ")
    )
}

/// The forms that a repository has for a field.
fn of_column(dialect: Dialect, table: &str, column: &Column) -> Vec<String> {
    let name = &column.name;
    let untold = dialect == Dialect::Sqlite && column.nullable && name.ends_with("_id");
    let told = if untold { "version" } else { name };
    let mut queries = vec![
        format!("SELECT id, {name} FROM {table} WHERE {name} = $1"),
        format!("SELECT {name} AS \"{name}!\" FROM {table} WHERE {name} IS NULL OR {name} <> $1"),
        format!("SELECT id, {name} FROM {table} WHERE ({name}, id) > ($1, $2) ORDER BY {name}, id LIMIT $3"),
        format!(
            "UPDATE {table} SET {name} = $2, version = version + 1 WHERE id = $1 AND version = $3 RETURNING id, {told}"
        ),
        format!("UPDATE {table} SET {name} = coalesce($2, {name}) WHERE id = $1"),
        format!("INSERT INTO {table} (id, {name}) VALUES ($1, $2) RETURNING {name}"),
        format!("SELECT {name}, count(*) AS n FROM {table} GROUP BY {name}"),
        format!("SELECT id FROM {table} WHERE {name} IN ($1, $2)"),
    ];
    if dialect == Dialect::Postgres {
        queries.push(format!("SELECT id FROM {table} WHERE {name} = ANY($1)"));
        let cast = column.kind.column(dialect).split('(').next().unwrap().to_lowercase();
        queries.push(format!("INSERT INTO {table} (id, {name}) SELECT * FROM UNNEST($1::uuid[], $2::{cast}[])"));
    } else {
        queries.push(format!("SELECT max({name}) AS m, min({name}) AS n FROM {table}"));
    }
    queries
}

const BOTH: &[&str] = &[
    "SELECT id, customer_id, note, total, stock, ok, meta, day, created_at, version FROM orders WHERE id = $1",
    "SELECT id AS \"id: sqlx::types::Uuid\", note AS \"note!\", stock AS \"stock?\" FROM orders WHERE id = $1",
    "SELECT o.* FROM orders o WHERE o.id = $1 AND o.version = $2",
    "SELECT id, created_at, note FROM orders ORDER BY created_at DESC, id DESC LIMIT $1",
    "SELECT id, created_at, note FROM orders WHERE (created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC LIMIT $3",
    "SELECT id, status FROM orders\n        WHERE status = $1\n          AND (status, id) > ($2, $3)\n        ORDER BY status, id\n        LIMIT $4",
    "SELECT id FROM orders WHERE note = $1 OR $1 IS NULL ORDER BY id LIMIT $2 OFFSET $3",
    "SELECT id, note FROM orders WHERE CAST($1 AS TEXT) IS NULL OR status = $1",
    "INSERT INTO people (id, name, email, born) VALUES ($1, $2, $3, $4) RETURNING id, name, email, born, created_at, version",
    "INSERT INTO people (id, name, email) VALUES ($1, $2, $3), ($4, $5, $6)",
    "INSERT INTO people (id, name, email) VALUES ($1, $2, $3) ON CONFLICT (email) DO NOTHING",
    "INSERT INTO people (id, name, email) VALUES ($1, $2, $3) ON CONFLICT (email) DO UPDATE SET name = excluded.name, nick = $4 RETURNING id, nick",
    "INSERT INTO people (id, name, email, nick) VALUES ($1, $2, $3, $4) ON CONFLICT (email) DO UPDATE SET nick = $4 WHERE people.version < $5 RETURNING nick, born",
    "UPDATE orders SET note = $2, stock = $3, version = version + 1, updated_at = $4 WHERE id = $1 AND version = $5 RETURNING id, note, stock, version",
    "UPDATE orders SET note = COALESCE($2, note), stock = stock + $3 WHERE id = $1",
    "UPDATE orders SET note = p.name FROM people p WHERE p.id = orders.customer_id AND p.email = $1 RETURNING orders.id, note",
    "DELETE FROM orders WHERE id = $1",
    "DELETE FROM orders WHERE id = $1 AND version = $2 RETURNING id, note",
    "SELECT count(*) FROM orders",
    "SELECT count(*) AS \"count!\" FROM orders WHERE customer_id = $1",
    "SELECT count(note) AS notes, count(DISTINCT status) AS states FROM orders",
    "SELECT EXISTS(SELECT 1 FROM orders WHERE id = $1)",
    "SELECT EXISTS(SELECT 1 FROM orders WHERE customer_id = $1 AND status <> 'paid') AS \"found!\"",
    "SELECT 1 AS one FROM orders WHERE id = $1",
    "SELECT o.id, p.name, p.email FROM orders o JOIN people p ON p.id = o.customer_id WHERE p.email = $1",
    "SELECT o.id, p.name AS \"name?\" FROM orders o LEFT JOIN people p ON p.id = o.customer_id WHERE o.id = $1 LIMIT 1",
    "SELECT m.id, t.name, n.id AS \"mentor_id?\" FROM members m JOIN teams t ON t.id = m.team_id LEFT JOIN members n ON n.id = m.mentor_id WHERE m.account_id = $1 ORDER BY m.id LIMIT $2",
    "SELECT o.id, p.name AS \"name?\" FROM orders o LEFT JOIN people p ON p.id = o.customer_id ORDER BY o.created_at DESC LIMIT 20",
    "SELECT p.id, count(o.id) AS orders FROM people p LEFT JOIN orders o ON o.customer_id = p.id GROUP BY p.id",
    "SELECT customer_id, count(*) AS n, sum(stock) AS stock FROM orders GROUP BY customer_id HAVING count(*) > $1",
    "SELECT max(created_at) AS latest, min(stock) AS least, sum(stock) AS stock, coalesce(max(stock), 0) AS most FROM orders",
    "SELECT coalesce(note, 'none') AS note FROM orders",
    "SELECT note || '!' AS loud, stock + 1 AS more, stock * 2 AS twice, -stock AS less FROM orders",
    "SELECT CAST(stock AS TEXT) AS t, CAST(note AS TEXT) AS n FROM orders",
    "SELECT CASE WHEN stock > 1 THEN 'many' ELSE 'few' END AS much, CASE status WHEN 'paid' THEN stock END AS sold FROM orders",
    "SELECT stock > 1 AS many, note IS NOT NULL AS noted, stock IN (1, 2) AS few FROM orders WHERE stock BETWEEN $1 AND $2",
    "SELECT id FROM orders WHERE note LIKE $1 AND NOT ok",
    "SELECT x.id, x.note FROM (SELECT id, note FROM orders WHERE ok) x WHERE x.note = $1",
    "WITH recent AS (SELECT id, customer_id FROM orders ORDER BY created_at DESC LIMIT $1) SELECT r.id, p.name FROM recent r JOIN people p ON p.id = r.customer_id",
    "WITH RECURSIVE chain AS (SELECT id, parent_id FROM orders WHERE id = $1 UNION ALL SELECT o.id, o.parent_id FROM orders o JOIN chain c ON o.id = c.parent_id) SELECT id, parent_id FROM chain",
    "SELECT id, note FROM orders UNION ALL SELECT id, name FROM people",
    "SELECT DISTINCT status FROM orders",
    "SELECT id, note FROM orders WHERE customer_id IN (SELECT id FROM people WHERE email = $1)",
    "SELECT id FROM orders o WHERE EXISTS (SELECT 1 FROM people p WHERE p.id = o.customer_id AND p.name = $1)",
    "SELECT id, (SELECT count(*) FROM orders o WHERE o.customer_id = p.id) AS orders, (SELECT note FROM orders o WHERE o.customer_id = p.id LIMIT 1) AS note FROM people p",
    "SELECT id, row_number() OVER (PARTITION BY customer_id ORDER BY created_at) AS place FROM orders",
    "INSERT INTO orders (id, customer_id, total, stock, weight) SELECT $1, p.id, $2, 1, 2 FROM people p WHERE p.email = $3 RETURNING id, stock",
    "SELECT id, \"order\", \"group\", type, \"end\", table_id FROM \"select\" WHERE \"order\" = $1 AND \"end\" > $2",
    "UPDATE \"select\" SET \"group\" = $1 WHERE id = $2 RETURNING \"group\", \"order\"",
    "SELECT u.id, u.\"order\", s.used, s.seen FROM \"user\" u JOIN sessions s ON s.account_id = u.id WHERE s.hash = $1",
    "UPDATE sessions SET used = $1 WHERE hash = $2 AND used IS NULL RETURNING account_id, family",
    "DELETE FROM sessions WHERE seen < $1",
    "SELECT 1 + 1",
    "SELECT id /* the key */, note -- and a note\n FROM orders -- $1\n WHERE id = $1",
];

const POSTGRES: &[&str] = &[
    "WITH next AS (SELECT id FROM orders WHERE status = 'draft' ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED) UPDATE orders SET status = 'paid', updated_at = now() FROM next WHERE next.id = orders.id RETURNING orders.id, orders.note",
    "UPDATE orders SET status = $1 WHERE id = (SELECT id FROM orders WHERE ok ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING *",
    "INSERT INTO people (id, name, email) SELECT x.id, x.name, x.email FROM jsonb_to_recordset($1) AS x(id uuid, name text, email text) RETURNING id",
    "INSERT INTO people (id, name, email) SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT 1 FROM people WHERE lower(email) = lower($3)) ON CONFLICT DO NOTHING RETURNING id",
    "SELECT id FROM orders WHERE id NOT IN (SELECT parent_id FROM orders WHERE parent_id IS NOT NULL) ORDER BY CASE WHEN $1 THEN created_at END DESC, id OFFSET $2",
    "SELECT o.id, p.name AS \"name?\", q.note AS \"parent?\" FROM orders o LEFT JOIN people p ON p.id = o.customer_id AND p.name <> $1 LEFT JOIN orders q ON q.id = o.parent_id WHERE (o.created_at, o.id) < ($2, $3) ORDER BY o.created_at DESC, o.id DESC LIMIT $4",
    "SELECT status, max(stock) AS most, min(day) AS first FROM orders GROUP BY status ORDER BY status",
    "SELECT u.id, u.email FROM \"user\" u WHERE u.id IN (SELECT account_id FROM sessions WHERE family = $1 AND used > now() - INTERVAL '15 minutes')",
    "UPDATE orders SET note = 'x', day = NULL WHERE id = $1 RETURNING note, day, meta",
    "INSERT INTO people (id, name, email, nick) VALUES ($1, $2, lower($3), 'none') RETURNING *",
    "SELECT id, note FROM orders WHERE id = $1 FOR NO KEY UPDATE",
    "SELECT id, note FROM orders WHERE id = $1 FOR KEY SHARE SKIP LOCKED",
    "SELECT id, note FROM orders WHERE id = ANY($1) ORDER BY id",
    "SELECT id, note FROM orders WHERE id = ANY($1::uuid[])",
    "INSERT INTO people (id, name, email, born)\n SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::date[])\n RETURNING id, name, born",
    "INSERT INTO people (id, name, email) SELECT x.id, x.name, lower(x.email) FROM UNNEST($1::uuid[], $2::text[], $3::text[]) AS x(id, name, email) RETURNING id",
    "SELECT p.id, x.name FROM people p JOIN UNNEST($1::uuid[], $2::text[]) AS x(id, name) ON x.id = p.id",
    "UPDATE orders SET stock = orders.stock - x.n FROM UNNEST($1::uuid[], $2::int[]) AS x(id, n) WHERE x.id = orders.id RETURNING orders.id",
    "SELECT now() AS now, CURRENT_TIMESTAMP AS moment, CURRENT_DATE AS day, gen_random_uuid() AS id",
    "SELECT now(), CURRENT_DATE, lower(note), stock::text, note::text, $1::text, version FROM orders",
    "SELECT count(*), max(created_at) FROM orders",
    "SELECT id FROM orders WHERE created_at < now() - INTERVAL '1 day' AND updated_at > now() - $1::interval",
    "SELECT id FROM orders WHERE created_at < now() - make_interval(secs => $1)",
    "SELECT id FROM orders WHERE created_at < $1::timestamptz - INTERVAL '1 day' * $2",
    "SELECT id FROM orders WHERE ($1::text IS NULL OR status = $1) AND (created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC LIMIT $4 FOR UPDATE SKIP LOCKED",
    "SELECT pg_try_advisory_xact_lock($1) AS \"locked!\"",
    "SELECT meta -> 'a' AS a, meta ->> 'b' AS b, meta #>> '{a,b}' AS c FROM orders WHERE meta @> $1",
    "SELECT array_agg(id) AS ids, bool_and(ok) AS all_ok, avg(stock) AS mean, sum(version) AS versions, string_agg(note, ', ') AS notes FROM orders",
    "SELECT greatest(stock, $1) AS most, nullif(note, '') AS note, left(note, $2) AS start FROM orders",
    "SELECT total * stock AS worth, total + $1 AS more, stock * $2 AS twice, weight + stock AS all_of_it FROM orders",
    "SELECT count(*) FILTER (WHERE ok) AS n FROM orders",
    "SELECT (created_at, id) < ($1, $2) AS before FROM orders",
    "SELECT date_trunc('day', created_at) AS day, extract(epoch FROM created_at) AS epoch, created_at::date AS date FROM orders",
    "SELECT 'x' AS t, 1 AS i, 1.5 AS f, TRUE AS b, NULL AS n, 10000000000 AS big",
    "SELECT coalesce($1, note) AS c, coalesce($2::int4, stock) FROM orders",
    "SELECT to_jsonb(o) AS j, jsonb_build_object('a', stock) AS k, row_to_json(o) AS l FROM orders o",
    "SELECT length(note) AS n, concat(note, $1::text) AS c, substr(note, 1, 2) AS s FROM orders",
    "SELECT id FROM orders WHERE note ILIKE '%' || $1 || '%'",
    "WITH spent AS (UPDATE sessions SET used = now() WHERE hash = $1 AND used IS NULL RETURNING account_id, family) SELECT u.id, s.family FROM spent s JOIN \"user\" u ON u.id = s.account_id",
    "WITH made AS (INSERT INTO teams (id, name) VALUES ($1, $2) RETURNING id, lead_id) SELECT id, lead_id FROM made",
    "DELETE FROM orders USING people WHERE people.id = orders.customer_id AND people.email = $1",
    "SELECT DISTINCT ON (customer_id) customer_id, id, created_at FROM orders ORDER BY customer_id, created_at DESC",
    "SELECT EXISTS(SELECT 1 FROM orders WHERE id = $1), $2::int4 = ANY(ARRAY[1, 2]) AS is_in",
];

const SQLITE: &[&str] = &[
    "SELECT id, created_at FROM orders WHERE created_at < datetime('now', '-1 day') AND day = date('now') OR unixepoch(created_at) > $1",
    "SELECT count(*) > 0 AS \"found: bool\" FROM orders WHERE customer_id = $1",
    "SELECT o.id, p.name AS \"name?\", q.note AS \"parent?\" FROM orders o LEFT JOIN people p ON p.id = o.customer_id AND p.name <> $1 LEFT JOIN orders q ON q.id = o.parent_id WHERE (o.created_at, o.id) < ($2, $3) ORDER BY o.created_at DESC, o.id DESC LIMIT $4",
    "SELECT id, note FROM orders WHERE ($1 IS NULL OR status = $1) AND ($2 IS NULL OR stock >= $2) AND (total, id) > ($3, $4) ORDER BY total, id LIMIT $5",
    "SELECT id, nick FROM people WHERE nick IS NOT NULL AND nick > $1 ORDER BY nick, id",
    "UPDATE sessions SET used = $1, seen = $1 WHERE hash = $2 RETURNING used, seen",
    "INSERT INTO sessions (account_id, family, hash, used) VALUES ($1, $2, $3, $4) ON CONFLICT (hash) DO UPDATE SET used = excluded.used RETURNING family, used",
    "DELETE FROM orders WHERE parent_id = $1 RETURNING id, parent_id, note",
    "SELECT email, role, \"order\" FROM \"user\" WHERE email = $1 COLLATE NOCASE",
    "SELECT id, note FROM orders WHERE id = ?",
    "SELECT id, note FROM orders WHERE id = ? AND version = ? AND note = ?",
    "INSERT INTO people (id, name, email) SELECT unhex(value ->> 'id'), value ->> 'name', value ->> 'email' FROM json_each($1) RETURNING id, name, nick",
    "INSERT INTO people (id, name, email, nick) SELECT unhex(value ->> 'id'), value ->> 'name', value ->> 'email', value ->> 'nick' FROM json_each($1) RETURNING id, nick",
    "SELECT id, note FROM orders WHERE id IN (SELECT unhex(value) FROM json_each($1))",
    "SELECT o.id, o.note FROM orders o JOIN json_each($1) j ON o.id = unhex(j.value)",
    "SELECT max(stock) FROM orders",
    "SELECT coalesce( max(stock),  0) FROM orders",
    "SELECT CASE WHEN stock > 1 THEN note ELSE 'b' END AS k, NOT EXISTS(SELECT 1 FROM people) AS nobody FROM orders",
    "SELECT id, stock AS \"stock: i32\" FROM orders",
    "SELECT o.id, p.name AS \"name?\" FROM orders o LEFT JOIN people p ON p.id = o.customer_id",
    "SELECT o.id AS \"oid?\", p.id FROM orders o RIGHT JOIN people p ON p.id = o.customer_id",
    "SELECT version + 1 AS next, sum(stock) AS stock FROM orders GROUP BY version",
    "SELECT max(stock) AS most FROM orders GROUP BY customer_id",
    "INSERT OR IGNORE INTO people (id, name, email, nick) VALUES ($1, $2, $3, $4) RETURNING nick",
    "UPDATE orders SET note = coalesce($1, note), day = coalesce($2, day) WHERE id = $3 RETURNING note, day",
    "UPDATE people SET nick = lower($1), version = version + 1 WHERE id = $2 RETURNING nick, version + 1 AS next",
    "DELETE FROM sessions WHERE seen < strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now') RETURNING family, used",
];
