//! cache.aside, cache.invalidate, cache.penetration, cache.stampede: within one process.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use tokio::{
    sync::{Notify, oneshot},
    task::yield_now,
    time::timeout,
};

use crate::support::{
    PATIENCE, TestApp,
    service::{
        cache::{Cache, Key},
        error::Error,
    },
};

/// A table with at most one row, which counts its reads.
#[derive(Default)]
struct Table {
    row: std::sync::Mutex<Option<String>>,
    reads: AtomicUsize,
}

impl Table {
    fn with(row: &str) -> Self {
        let table = Self::default();
        table.write(row);
        table
    }

    fn write(&self, row: &str) {
        *self.row.lock().unwrap() = Some(row.to_owned());
    }

    fn read(&self) -> Option<String> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.row.lock().unwrap().clone()
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    /// Reads the row through the cache.
    async fn get(&self, cache: &Cache, key: &Key) -> Option<String> {
        cache.get_or_load(key, async || Ok::<_, ()>(self.read())).await.unwrap()
    }

    async fn list(&self, cache: &Cache, key: &Key) -> Vec<String> {
        let read = async || Ok::<_, ()>(self.read().into_iter().collect());
        cache.list_or_load(key, read).await.unwrap()
    }
}

#[tokio::test]
async fn a_loaded_value_is_cached() {
    let app = TestApp::start().await;
    let (table, key) = (Table::with("a"), Key::entity("things", 1));
    for _ in 0..5 {
        assert_eq!(table.get(&app.state.cache, &key).await.as_deref(), Some("a"));
    }
    assert_eq!(table.reads(), 1);
    table.get(&app.state.cache, &Key::entity("things", 2)).await;
    table.get(&app.state.cache, &Key::entity("people", 1)).await;
    table.list(&app.state.cache, &Key::list("things", 1)).await;
    assert_eq!(table.reads(), 4, "each under its own key");
}

#[tokio::test]
async fn an_entry_expires_after_its_ttl() {
    let app = TestApp::with(&[("CACHE_TTL", "1ms")]).await;
    let (table, key) = (Table::with("a"), Key::entity("things", 1));
    let wait = async {
        while table.reads() < 3 {
            table.get(&app.state.cache, &key).await;
        }
    };
    timeout(PATIENCE, wait).await.expect("the entry expires");
}

#[tokio::test]
async fn a_ttl_of_zero_disables_the_cache() {
    let app = TestApp::with(&[("CACHE_TTL", "0s")]).await;
    let (table, key) = (Table::with("a"), Key::entity("things", 1));
    let absent = Table::default();
    for reads in 1..=3 {
        assert_eq!(table.get(&app.state.cache, &key).await.as_deref(), Some("a"));
        assert_eq!(absent.get(&app.state.cache, &Key::entity("people", 1)).await, None);
        assert_eq!((table.reads(), absent.reads()), (reads, reads));
    }
}

#[tokio::test]
async fn an_absent_value_has_its_own_ttl() {
    let app = TestApp::with(&[("CACHE_TTL", "1ms"), ("CACHE_NEGATIVE_TTL", "1h")]).await;
    let (table, key) = (Table::default(), Key::entity("things", 1));
    let present = Table::with("a");
    let wait = async {
        while present.reads() < 3 {
            present.get(&app.state.cache, &Key::entity("people", 1)).await;
            assert_eq!(table.get(&app.state.cache, &key).await, None);
        }
    };
    timeout(PATIENCE, wait).await.expect("the entry of the present value expires");
    assert_eq!(table.reads(), 1);

    table.write("a");
    app.state.cache.invalidate("things", [1]).await;
    assert!(
        table.get(&app.state.cache, &key).await.is_some(),
        "the write has invalidated the absent value"
    );
}

#[tokio::test]
async fn a_write_invalidates_the_entity_and_the_lists_of_its_kind() {
    let app = TestApp::start().await;
    let cache = &app.state.cache;
    let (table, key) = (Table::with("a"), Key::entity("things", 1));
    let (list, others) = (Key::list("things", "limit=20"), Key::list("people", ""));
    table.get(cache, &key).await;
    table.list(cache, &list).await;
    table.list(cache, &others).await;
    table.write("b");
    cache.invalidate("things", [1]).await;
    assert_eq!(table.get(cache, &key).await.as_deref(), Some("b"));
    assert_eq!(table.list(cache, &list).await, ["b"]);
    assert_eq!(table.list(cache, &others).await, ["a"], "lists of other kinds stay cached");
    cache.invalidate("things", [2]).await;
    let reads = table.reads();
    table.get(cache, &key).await;
    assert_eq!(table.reads(), reads, "other entities stay cached");
}

#[tokio::test]
async fn concurrent_reads_load_once() {
    let app = TestApp::start().await;
    let (table, key) = (Table::with("a"), Key::entity("things", 1));
    let load = async || {
        let row = table.read();
        yield_now().await;
        Ok::<_, ()>(row)
    };
    let crowd = (0..200).map(|_| app.state.cache.get_or_load(&key, load));
    let rows = join_all(crowd).await;
    assert!(rows.iter().all(|row| row.as_ref().unwrap().as_deref() == Some("a")));
    assert_eq!(table.reads(), 1);
}

#[tokio::test]
async fn an_error_is_returned_to_the_waiting_tasks_and_not_cached() {
    let app = TestApp::start().await;
    let (table, key) = (Table::with("a"), Key::entity("things", 1));
    let fail = async || {
        table.read();
        yield_now().await;
        Err::<Option<String>, _>("down")
    };
    let crowd = join_all((0..200).map(|_| app.state.cache.get_or_load(&key, fail)));
    assert!(crowd.await.iter().all(|outcome| *outcome == Err("down")));
    assert_eq!(table.reads(), 1, "a database that fails is asked once");
    assert!(table.get(&app.state.cache, &key).await.is_some());
}

#[tokio::test]
async fn a_waiting_task_takes_over_an_aborted_load() {
    let app = TestApp::start().await;
    let (table, key) = (Table::with("a"), Key::entity("things", 1));
    let (begun, has_begun) = oneshot::channel();
    let first = tokio::spawn({
        let (state, key) = (app.state.clone(), key.clone());
        async move {
            let load = async || {
                begun.send(()).unwrap();
                std::future::pending::<Result<Option<String>, ()>>().await
            };
            state.cache.get_or_load(&key, load).await
        }
    });
    has_begun.await.unwrap();
    let second = table.get(&app.state.cache, &key);
    let abort = async {
        yield_now().await;
        first.abort();
    };
    let (row, ()) = timeout(PATIENCE, async { tokio::join!(second, abort) }).await.unwrap();
    assert_eq!(row.as_deref(), Some("a"));
}

/// The cache must not store a value that was read before the write.
#[tokio::test]
async fn a_write_during_a_load_is_not_overwritten() {
    let app = TestApp::start().await;
    for key in [Key::entity("things", 1), Key::list("things", "")] {
        let table = Arc::new(Table::with("old"));
        let (read, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let load = tokio::spawn({
            let (state, key, table) = (app.state.clone(), key.clone(), table.clone());
            let (read, go_on) = (read.clone(), go_on.clone());
            async move {
                let load = async || {
                    let row = table.read();
                    read.notify_one();
                    go_on.notified().await;
                    Ok::<_, ()>(row)
                };
                state.cache.get_or_load(&key, load).await
            }
        });
        read.notified().await;
        table.write("new");
        app.state.cache.invalidate("things", [1]).await;
        // A read after the write does not join the earlier load.
        let row = timeout(PATIENCE, table.get(&app.state.cache, &key)).await;
        assert_eq!(row.expect("the read loads by itself").as_deref(), Some("new"));
        app.state.cache.invalidate("things", [1]).await;
        go_on.notify_one();
        load.await.unwrap().unwrap();
        assert_eq!(table.get(&app.state.cache, &key).await.as_deref(), Some("new"), "{key}");
    }
}

#[tokio::test]
async fn a_write_invalidates_unless_the_database_rejects_it() {
    let app = TestApp::start().await;
    let cache = &app.state.cache;
    for (outcome, reads) in [
        (Err(Error::Stale), 2),
        (Err(Error::Conflict("Closed.".to_owned())), 2),
        (Ok(()), 4),
        (Err(Error::unavailable("the answer is lost")), 4),
        (Err(Error::TimedOut), 4),
        (Err(Error::internal("the answer makes no sense")), 4),
    ] {
        let (table, key) = (Table::with("a"), Key::entity("things", 1));
        let list = Key::list("things", "limit=20");
        cache.invalidate("things", [1]).await;
        table.get(cache, &key).await;
        table.list(cache, &list).await;
        let described = format!("{outcome:?}");
        let written = cache.invalidate_after(async { outcome }, "things", [1]).await;
        assert_eq!(format!("{written:?}"), described);
        let seen = async {
            while table.reads() < reads {
                table.get(cache, &key).await;
                table.list(cache, &list).await;
                yield_now().await;
            }
        };
        timeout(PATIENCE, seen).await.unwrap_or_else(|_| panic!("{described}: stale"));
        if reads == 2 {
            table.get(cache, &key).await;
            assert_eq!(table.reads(), 2, "{described}: nothing was written");
        }
    }
}

/// The client has left, and the database makes the write all the same, some time later.
#[tokio::test]
async fn a_write_that_is_given_up_invalidates_also_when_it_takes_effect_later() {
    let app = TestApp::start().await;
    let cache = &app.state.cache;
    let (table, key) = (Table::with("old"), Key::entity("things", 1));
    assert_eq!(table.get(cache, &key).await.as_deref(), Some("old"));
    let write = cache.invalidate_after(std::future::pending::<Result<(), Error>>(), "things", [1]);
    assert!(timeout(Duration::ZERO, write).await.is_err());
    assert_eq!(table.get(cache, &key).await.as_deref(), Some("old"));
    table.write("new");
    let seen = async {
        while table.get(cache, &key).await.as_deref() != Some("new") {
            yield_now().await;
        }
    };
    timeout(PATIENCE, seen).await.expect("the entry is invalidated after the write");
}

/// The settings bound a write, and with it the time in which nothing is read from the store.
#[tokio::test]
async fn after_a_write_that_is_given_up_values_are_cached_again() {
    let limits = [
        ("REQUEST_TIMEOUT", "100ms"),
        ("DATABASE_STATEMENT_TIMEOUT", "100ms"),
        ("DATABASE_IDLE_IN_TRANSACTION_TIMEOUT", "100ms"),
    ];
    let app = TestApp::with(&limits).await;
    let cache = &app.state.cache;
    let (table, key) = (Table::with("a"), Key::entity("things", 1));
    let write = cache.invalidate_after(std::future::pending::<Result<(), Error>>(), "things", [1]);
    assert!(timeout(Duration::ZERO, write).await.is_err());
    let cached = async {
        loop {
            table.get(cache, &key).await;
            let reads = table.reads();
            table.get(cache, &key).await;
            if table.reads() == reads {
                return;
            }
            yield_now().await;
        }
    };
    timeout(PATIENCE, cached).await.expect("the value is cached again");
}

#[tokio::test]
async fn a_value_with_an_overlong_key_is_not_cached() {
    let app = TestApp::start().await;
    let (table, key) = (Table::with("a"), Key::list("things", "x".repeat(10_000)));
    for _ in 0..2 {
        table.list(&app.state.cache, &key).await;
    }
    assert_eq!(table.reads(), 2);
}

#[tokio::test]
async fn reads_and_loads_are_counted() {
    let app = TestApp::start().await;
    let (table, key) = (Table::with("a"), Key::entity("counted", 1));
    let absent = Table::default();
    for _ in 0..3 {
        table.get(&app.state.cache, &key).await;
        absent.get(&app.state.cache, &Key::entity("counted", 2)).await;
    }
    let text = app.state.metrics.render();
    for line in [
        r#"cache_reads_total{cache="counted",outcome="hit"} 2"#,
        r#"cache_reads_total{cache="counted",outcome="absent"} 2"#,
        r#"cache_reads_total{cache="counted",outcome="miss"} 2"#,
        r#"cache_load_duration_seconds_count{cache="counted"} 2"#,
    ] {
        assert!(text.contains(line), "{line} is missing in:\n{text}");
    }
}
