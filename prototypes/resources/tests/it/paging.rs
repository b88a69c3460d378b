//! data.pagination, data.indexes: pages, whatever is written meanwhile.

use serde_json::{Value, json};
use sqlx::Executor;
use tokio::{task::yield_now, time::timeout};

use crate::support::{PATIENCE, TestApp, fault, json as body_of, problem, send};

const PATH: &str = "/api/v1/orders";
const STATUSES: [&str; 3] = ["draft", "paid", "shipped"];

/// Orders that have values in common, so that the id must tell them apart.
async fn orders(app: &TestApp, count: usize) -> Vec<Value> {
    let customer = json!({"name": "Ada", "email": "ada@example.org"});
    let customer = app.create("/api/v1/customers", &customer).await;
    let order = |n: usize| {
        json!({
            "customer_id": customer["id"],
            "status": STATUSES[n % 3],
            "total": format!("{}.50", n % 4),
            "priority": n % 2,
        })
    };
    let items: Vec<_> = (0..count).map(order).collect();
    let made = app.create(&format!("{PATH}/batch"), &json!({"items": items})).await;
    made["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn pages_neither_skip_nor_repeat_while_rows_are_added() {
    let app = TestApp::start().await;
    let made = orders(&app, 7).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = body_of(app.get(&format!("{PATH}?limit=2{cursor}"))).await;
        seen.extend(page["items"].as_array().unwrap().iter().map(|order| order["id"].clone()));
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
        let another = json!({"customer_id": made[0]["customer_id"], "total": "0.01"});
        app.create(PATH, &another).await;
    }
    let newest_first: Vec<_> = made.iter().rev().map(|order| order["id"].clone()).collect();
    assert_eq!(seen, newest_first);
}

#[tokio::test]
async fn every_sort_goes_both_ways_through_all_pages() {
    let app = TestApp::start().await;
    let made = orders(&app, 9).await;
    let last = format!("{PATH}/{}", made[8]["id"].as_str().unwrap());
    send(app.request("PATCH", &last).json(&json!({"note": "changed"}))).await;
    for sort in ["created_at", "updated_at", "status", "total", "priority"] {
        let key = |order: &Value| {
            let value = &order[sort];
            (value.as_i64(), value.as_str().map(str::to_owned), order["id"].to_string())
        };
        for (sign, descending) in [("", false), ("-", true)] {
            let rows = app.walk(&format!("{PATH}?limit=2&sort={sign}{sort}")).await;
            let keys: Vec<_> = rows.iter().map(key).collect();
            let mut sorted = keys.clone();
            sorted.sort();
            sorted.dedup();
            if descending {
                sorted.reverse();
            }
            assert_eq!(keys, sorted, "{sign}{sort}");
            assert_eq!(keys.len(), 9, "{sign}{sort}");
        }
    }
}

#[tokio::test]
async fn a_page_has_twenty_and_never_more_than_a_hundred() {
    let app = TestApp::start().await;
    orders(&app, 21).await;
    let page = body_of(app.get(PATH)).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 20);
    assert!(page["next_cursor"].is_string());
    let page = body_of(app.get(&format!("{PATH}?limit=21"))).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 21);
    assert_eq!(page["next_cursor"], Value::Null, "this was the last");
    for limit in ["0", "101", "-1", "many"] {
        fault(&problem(app.get(&format!("{PATH}?limit={limit}")), 422).await, "/limit");
    }
}

#[tokio::test]
async fn only_columns_of_the_list_are_sorted_by() {
    let app = TestApp::start().await;
    for sort in ["secret_code", "note", "tags", "placed_at", "id", "", "--total", "total,id", "1"] {
        fault(&problem(app.get(&format!("{PATH}?sort={sort}")), 422).await, "/sort");
    }
    let injection = "total%20DESC;DROP%20TABLE%20orders";
    fault(&problem(app.get(&format!("{PATH}?sort={injection}")), 422).await, "/sort");
}

#[tokio::test]
async fn a_cursor_is_taken_where_it_was_given() {
    let app = TestApp::start().await;
    orders(&app, 3).await;
    let page = body_of(app.get(&format!("{PATH}?limit=1&sort=total"))).await;
    let cursor = page["next_cursor"].as_str().unwrap();
    let good = app.get(&format!("{PATH}?sort=total&cursor={cursor}"));
    assert_eq!(send(good).await.status(), 200);
    for query in [
        format!("sort=-total&cursor={cursor}"),
        format!("cursor={cursor}"),
        format!("sort=total&cursor={}", &cursor[1..]),
        "cursor=".to_owned(),
        "cursor=!".to_owned(),
        // {"sort":"-created_at","key":{"text":"x"},"id":"00000000-0000-0000-0000-000000000000"}
        "cursor=eyJzb3J0IjoiLWNyZWF0ZWRfYXQiLCJrZXkiOnsidGV4dCI6IngifSwiaWQiOiIwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDAifQ".to_owned(),
        // {"sort":"status","key":{"text":"\u0000"},"id":"00000000-0000-0000-0000-000000000000"}
        "sort=status&cursor=eyJzb3J0Ijoic3RhdHVzIiwia2V5Ijp7InRleHQiOiJcdTAwMDAifSwiaWQiOiIwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDAifQ".to_owned(),
    ] {
        let problem = problem(app.get(&format!("{PATH}?{query}")), 422).await;
        fault(&problem, "/cursor");
    }
}

/// The server counts how often it reads a whole table.
#[tokio::test]
async fn no_listing_that_has_an_index_reads_the_whole_table() {
    let app = TestApp::start().await;
    let mut db = app.database.connect().await;
    for statement in [
        "INSERT INTO customers (id, name, email)
        SELECT gen_random_uuid(), 'x', n || '@example.org' FROM generate_series(1, 5000) n",
        "INSERT INTO orders (id, customer_id, status, total, created_at)
        SELECT gen_random_uuid(), id, CASE WHEN n % 500 = 0 THEN 'paid' ELSE 'draft' END, n,
            now() - n * interval '1 second'
        FROM (SELECT id, row_number() OVER () AS n FROM customers) AS numbered",
        "ANALYZE",
        "SELECT pg_stat_force_next_flush()",
        "SELECT pg_stat_reset()",
    ] {
        db.execute(statement).await.unwrap();
    }
    let customer = body_of(app.get(&format!("{PATH}?limit=1"))).await;
    let customer = customer["items"][0]["customer_id"].as_str().unwrap();
    for query in [
        "",
        "sort=created_at",
        "status=paid",
        &format!("customer_id={customer}"),
        "include=customer",
    ] {
        // More often than the server plans anew for each.
        for _ in 0..7 {
            let page = body_of(app.get(&format!("{PATH}?{query}"))).await;
            assert!(!page["items"].as_array().unwrap().is_empty(), "{query}");
            if let Some(cursor) = page["next_cursor"].as_str() {
                body_of(app.get(&format!("{PATH}?{query}&cursor={cursor}"))).await;
            }
        }
    }
    body_of(app.get("/api/v1/customers?sort=email")).await;
    // A connection tells what it has read when it ends.
    app.state.db.close().await;
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
    let alone = async {
        while sqlx::query_scalar::<_, i64>(others).fetch_one(&mut db).await.unwrap() > 0 {
            yield_now().await;
        }
    };
    timeout(PATIENCE, alone).await.unwrap();
    let reads = "SELECT relname::TEXT, seq_scan, idx_scan FROM pg_stat_user_tables
        WHERE relname IN ('customers', 'orders')";
    let reads: Vec<(String, i64, i64)> = sqlx::query_as(reads).fetch_all(&mut db).await.unwrap();
    assert_eq!(reads.len(), 2);
    for (table, whole, by_index) in reads {
        assert!(whole == 0 && by_index > 0, "{table} was read whole {whole} times");
    }
}
