//! data.pagination, data.indexes: pages in every order, also during concurrent writes.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, FixedOffset};
use serde_json::{Value, json};
use sqlx::Executor;
use tokio::{task::yield_now, time::timeout};
use uuid::Uuid;

use crate::{
    resources::categories::{body, one},
    support::{
        PATIENCE, json as read, problem,
        resources::{Api, fault},
        send,
    },
};

const PATH: &str = "/api/v1/categories";

/// Sortable columns of a listing.
const SORTS: &[&str] = &["created_at", "name", "rank"];

/// Creates `count` rows at the same time, with equal values wherever possible, so that only the ID
/// orders them.
async fn rows(api: &Api, count: u32) -> Vec<Value> {
    let mut items = Vec::new();
    for n in 0..count {
        let (mut item, own) = (body(api, n % 3).await, body(api, n).await);
        item["name"] = own["name"].clone();
        items.push(item);
    }
    let made = api.create(&format!("{PATH}/batch"), &json!({"items": items})).await;
    made["items"].as_array().unwrap().clone()
}

fn at(row: &Value) -> String {
    format!("{PATH}/{}", row["id"].as_str().unwrap())
}

/// The sort key of a row: the column, then the ID.
fn rank(row: &Value, sort: &str) -> (Option<i64>, Option<DateTime<FixedOffset>>, String, String) {
    let text = row[sort].as_str().unwrap_or_default();
    let moment = DateTime::parse_from_rfc3339(text).ok();
    (row[sort].as_i64(), moment, text.to_owned(), row["id"].to_string())
}

#[tokio::test]
async fn every_sort_order_works_in_both_directions_with_pages_of_any_size() {
    let api = Api::start().await;
    let made = rows(&api, 9).await;
    assert!(made.iter().all(|row| row["created_at"] == made[0]["created_at"]));
    send(api.request("PUT", &at(&made[4])).json(&body(&api, 9).await)).await;
    for sort in SORTS {
        let mut expected = api.walk(&format!("{PATH}?limit=100")).await;
        expected.sort_by_key(|row| rank(row, sort));
        assert_eq!(expected.len(), 9);
        for sign in ["", "-"] {
            for limit in [1, 2, 4, 9, 100] {
                let found = api.walk(&format!("{PATH}?limit={limit}&sort={sign}{sort}")).await;
                assert_eq!(found, expected, "{sign}{sort}, {limit} a page");
            }
            expected.reverse();
        }
    }
}

#[tokio::test]
async fn concurrent_writes_do_not_skip_or_repeat_rows() {
    let api = Api::start().await;
    rows(&api, 9).await;
    for sort in SORTS.iter().flat_map(|sort| [(*sort).to_owned(), format!("-{sort}")]) {
        let path = format!("{PATH}?limit=2&sort={sort}");
        let before = api.walk(&path).await;
        let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = read(api.get(&format!("{path}{cursor}"))).await;
            let items = page["items"].as_array().unwrap();
            seen.extend(items.clone());
            let Some(next) = page["next_cursor"].as_str() else {
                break;
            };
            cursor = format!("&cursor={next}");
            // The cursor remains valid after its row is deleted.
            if pages < 3 {
                send(api.request("DELETE", &at(&items[1]))).await;
                one(&api).await;
            }
            pages += 1;
        }
        let ids = |rows: &[Value]| rows.iter().map(|row| row["id"].clone()).collect::<Vec<_>>();
        let (seen, before) = (ids(&seen), ids(&before));
        for (index, id) in seen.iter().enumerate() {
            assert!(!seen[..index].contains(id), "{sort}: {id} is repeated");
        }
        let were_there: Vec<_> = seen.into_iter().filter(|id| before.contains(id)).collect();
        assert_eq!(were_there, before, "{sort}");
    }
}

#[tokio::test]
async fn a_page_has_20_items_by_default_and_100_at_most() {
    let api = Api::start().await;
    rows(&api, 21).await;
    let page = read(api.get(PATH)).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 20);
    assert!(page["next_cursor"].is_string());
    let page = read(api.get(&format!("{PATH}?limit=21"))).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 21);
    assert_eq!(page["next_cursor"], Value::Null, "this is the last page");
    for limit in ["0", "101", "-1", "many"] {
        fault(&problem(api.get(&format!("{PATH}?limit={limit}")), 422).await, "/limit");
    }
}

/// Encodes a cursor like the service, with any content.
fn cursor(sort: &str, key: &Value, id: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json!({"sort": sort, "key": key, "id": id}).to_string())
}

#[tokio::test]
async fn a_cursor_is_valid_only_for_its_listing_and_order() {
    let api = Api::start().await;
    rows(&api, 3).await;
    for sort in SORTS {
        let page = read(api.get(&format!("{PATH}?limit=1&sort={sort}"))).await;
        let given = page["next_cursor"].as_str().unwrap();
        let good = api.get(&format!("{PATH}?sort={sort}&cursor={given}"));
        assert_eq!(read(good).await["items"].as_array().unwrap().len(), 2, "{sort}");
        let half = &given[..given.len() / 2];
        let twice = format!("{given}{given}");
        let tail = &given[1..];
        for (sort, cursor) in [
            (format!("-{sort}"), given),
            ("-created_at".to_owned(), given),
            ((*sort).to_owned(), half),
            ((*sort).to_owned(), tail),
            ((*sort).to_owned(), &twice),
            ((*sort).to_owned(), ""),
            ((*sort).to_owned(), "!"),
        ] {
            let refused = problem(api.get(&format!("{PATH}?sort={sort}&cursor={cursor}")), 422);
            fault(&refused.await, "/cursor");
        }
    }
}

#[tokio::test]
async fn a_cursor_with_an_invalid_key_is_refused() {
    let api = Api::start().await;
    let id = json!(Uuid::nil());
    let moment = json!({"date_time": "2026-01-31T12:30:00Z"});
    let own = cursor("created_at", &moment, &id);
    read(api.get(&format!("{PATH}?sort=created_at&cursor={own}"))).await["items"]
        .as_array()
        .expect("the cursor is accepted");
    let too_early = json!({"date_time": "-262143-01-01T00:00:00Z"});
    for (sort, key, id) in [
        ("created_at", &json!({"text": "2026-01-31T12:30:00Z"}), &id),
        ("created_at", &json!({"int": 1}), &id),
        ("created_at", &json!({"date": "2026-01-31"}), &id),
        ("created_at", &json!({"date_time": "\0"}), &id),
        ("created_at", &too_early, &id),
        ("created_at", &json!(null), &id),
        ("created_at", &moment, &json!("' OR 1=1 --")),
        ("created_at", &moment, &json!(7)),
        ("version", &json!({"int": 1}), &id),
        ("name", &json!({"text": "\0"}), &id),
        ("name", &json!({"int": 1}), &id),
        ("rank", &json!({"text": "1"}), &id),
    ] {
        let query = format!("sort={sort}&cursor={}", cursor(sort, key, id));
        let refused = problem(api.get(&format!("{PATH}?{query}")), 422).await;
        fault(&refused, if sort == "version" { "/sort" } else { "/cursor" });
    }
}

/// Queries of listings that an index covers.
fn indexed(row: &Value) -> Vec<String> {
    let mut queries: Vec<_> = ["", "sort=created_at"].map(str::to_owned).into();
    queries.push("include=parent".to_owned());
    // A filter cannot match null.
    let fields: &[&str] = &["name", "parent_id", "rank"];
    let filter = |field: &str| {
        let text = row[field].as_str().map(str::to_owned);
        let value = text.or((!row[field].is_null()).then(|| row[field].to_string()))?;
        Some(format!("{field}={}", value.replace('+', "%2B")))
    };
    queries.extend(fields.iter().filter_map(|field| filter(field)));
    queries.extend(["sort=name", "sort=-name"].map(str::to_owned));
    queries.extend(["sort=rank", "sort=-rank"].map(str::to_owned));
    let filters: Option<Vec<_>> = ["visible"].into_iter().map(filter).collect();
    queries.extend(filters.map(|filters| format!("{}&sort=-rank", filters.join("&"))));
    queries
}

/// PostgreSQL counts sequential scans.
#[tokio::test]
async fn indexed_listings_do_not_scan_the_table() {
    let api = Api::start().await;
    let made = rows(&api, 3).await;
    let mut db = api.settings.database.pool().acquire().await.unwrap();
    for statement in [
        // Allow copies of rows.
        "ALTER TABLE categories DROP CONSTRAINT categories_name_key",
        "CREATE INDEX ON categories (name)",
        "INSERT INTO categories
        SELECT (jsonb_populate_record(NULL::categories, to_jsonb(old) || jsonb_build_object(
            'id', gen_random_uuid(), 'created_at', created_at - n * interval '1 second'))).*
        FROM categories AS old, generate_series(1, 2000) AS n",
        "ANALYZE",
        "SELECT pg_stat_force_next_flush()",
        "SELECT pg_stat_reset()",
    ] {
        db.execute(statement).await.unwrap();
    }
    for query in indexed(&made[0]) {
        // PostgreSQL switches to a generic plan after five executions.
        for _ in 0..7 {
            let page = read(api.get(&format!("{PATH}?{query}"))).await;
            let items = page["items"].as_array().unwrap_or_else(|| panic!("{query}: {page}"));
            assert!(!items.is_empty(), "{query}");
            if let Some(cursor) = page["next_cursor"].as_str() {
                read(api.get(&format!("{PATH}?{query}&cursor={cursor}"))).await;
            }
        }
    }
    // A connection reports its statistics when it closes.
    api.state.db.close().await;
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND backend_type = 'client backend' AND pid <> pg_backend_pid()
        AND query NOT LIKE 'SELECT current_setting%'";
    let alone = async {
        while sqlx::query_scalar::<_, i64>(others).fetch_one(&mut *db).await.unwrap() > 0 {
            yield_now().await;
        }
    };
    timeout(PATIENCE, alone).await.expect("the connections close");
    let reads = "SELECT seq_scan, idx_scan FROM pg_stat_user_tables WHERE relname = 'categories'";
    let (whole, by_index): (i64, i64) = sqlx::query_as(reads).fetch_one(&mut *db).await.unwrap();
    assert_eq!(whole, 0, "number of sequential scans");
    assert!(by_index > 0);
}
