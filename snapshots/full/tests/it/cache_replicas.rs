//! cache.aside, cache.invalidate, cache.stampede, cache.avalanche: across processes, through Redis.
//!
//! Two [`TestApp`]s share only Redis, as two processes would. One test starts this test binary
//! again as a second process.

use std::{
    env,
    future::pending,
    io::{self, Read, Write},
    pin::pin,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt, future::join_all};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    sync::{Notify, oneshot},
    task::{spawn_blocking, yield_now},
    time::timeout,
};
use utoipa::ToSchema;

use crate::support::{
    PATIENCE, TestApp, client, json, redis,
    service::{
        cache::{Cache, Key},
        error::Error,
    },
};

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
struct Thing {
    size: usize,
}

/// Starts two replicas of a service; returns them with the prefix of their keys.
async fn replicas() -> (TestApp, TestApp, &'static str) {
    let prefix = redis::prefix();
    let settings = [("CACHE_PREFIX", prefix)];
    (TestApp::with(&settings).await, TestApp::with(&settings).await, prefix)
}

/// Reads through the cache; `size` is the number of earlier loads.
async fn get(cache: &Cache, key: &Key, loads: &AtomicUsize) -> Thing {
    let load = async || {
        let size = loads.fetch_add(1, Ordering::SeqCst);
        yield_now().await;
        Ok::<_, ()>(Some(Thing { size }))
    };
    cache.get_or_load(key, load).await.unwrap().unwrap()
}

async fn exists(key: &str) -> bool {
    redis::command(&["EXISTS", key]).await
}

#[tokio::test]
async fn concurrent_reads_of_two_replicas_load_once() {
    let (one, other, _) = replicas().await;
    let (key, loads) = (Key::entity("things", 1), AtomicUsize::new(0));
    let crowd = (0..200).map(|n| {
        let app = if n % 2 == 0 { &one } else { &other };
        get(&app.state.cache, &key, &loads)
    });
    assert!(join_all(crowd).await.iter().all(|thing| thing.size == 0));
    assert_eq!(loads.into_inner(), 1);
}

/// Environment variable with the prefix of [`another_process`].
const PREFIX: &str = "TEST_REPLICA_PREFIX";

#[tokio::test]
async fn concurrent_reads_of_two_processes_load_at_most_twice() {
    let prefix = redis::prefix();
    let here = TestApp::with(&[("CACHE_PREFIX", prefix)]).await;
    let mut there = Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "cache_replicas::another_process"])
        .env(PREFIX, prefix)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut said = BufReader::new(there.stdout.take().unwrap()).lines();
    let url = async {
        loop {
            let line = said.next_line().await.unwrap().expect("the second process listens");
            if let Some((_, url)) = line.split_once("listening at ") {
                return url.to_owned();
            }
        }
    };
    let there_url = timeout(PATIENCE, url).await.expect("the second process starts");

    let (here_url, client) = (here.url("/test/cached/1"), client());
    let crowd = (0..200).map(|n| {
        let url = if n % 2 == 0 { &here_url } else { &there_url };
        json(client.get(url))
    });
    let answers = join_all(crowd).await;
    assert!(answers.iter().all(|loads| loads.as_u64().is_some_and(|loads| loads < 2)));
    let loads: u32 = redis::command(&["GET", &format!("{prefix}:loads:1")]).await;
    assert!((1..=2).contains(&loads), "{loads}");
}

#[tokio::test]
#[ignore = "not a test: the second process of the test above"]
async fn another_process() {
    let prefix = env::var(PREFIX).unwrap_or_default();
    let app = TestApp::with(&[("CACHE_PREFIX", &prefix)]).await;
    writeln!(io::stdout(), "listening at {}", app.url("/test/cached/1")).unwrap();
    // Runs until the first process closes the pipe.
    let _ = spawn_blocking(|| io::stdin().read(&mut [0])).await;
}

#[tokio::test]
async fn entries_and_invalidations_are_shared_by_all_replicas() {
    let (one, other, _) = replicas().await;
    for key in [Key::entity("things", 1), Key::list("things", "")] {
        let loads = AtomicUsize::new(0);
        get(&one.state.cache, &key, &loads).await;
        assert_eq!(get(&other.state.cache, &key, &loads).await.size, 0);
        other.state.cache.invalidate("things", [1]).await;
        assert_eq!(get(&one.state.cache, &key, &loads).await.size, 1);
        assert_eq!(get(&other.state.cache, &key, &loads).await.size, 1);
    }
}

/// During a rolling update, replicas of two versions share the entries. In the newer one, a thing has a
/// colour.
#[tokio::test]
async fn an_entry_of_another_version_of_the_type_is_not_read_and_is_invalidated() {
    #[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
    struct Coloured {
        size: usize,
        color: Option<String>,
    }
    let (old, new, _) = replicas().await;
    let key = Key::entity("things", 1);
    let size = AtomicUsize::new(1);
    let older = async || {
        let load = async || Ok::<_, ()>(Some(Thing { size: size.load(Ordering::SeqCst) }));
        old.state.cache.get_or_load(&key, load).await.unwrap().unwrap().size
    };
    let newer = async || {
        let load = async || {
            let color = Some("red".to_owned());
            Ok::<_, ()>(Some(Coloured { size: size.load(Ordering::SeqCst), color }))
        };
        new.state.cache.get_or_load(&key, load).await.unwrap().unwrap()
    };
    assert_eq!(older().await, 1);
    assert_eq!(newer().await.color.as_deref(), Some("red"), "not `null`");
    for written in 2..6 {
        size.store(written, Ordering::SeqCst);
        let writer = if written % 2 == 0 { &old } else { &new };
        writer.state.cache.invalidate("things", [1]).await;
        assert_eq!((older().await, newer().await.size), (written, written), "a stale entry");
    }
}

/// The process that made the write is the only one that knows of it.
#[tokio::test]
async fn a_write_that_is_given_up_invalidates_for_all_replicas() {
    let (one, other, _) = replicas().await;
    let (key, row) = (Key::entity("things", 1), AtomicUsize::new(1));
    let read = async || {
        let load = async || Ok::<_, ()>(Some(Thing { size: row.load(Ordering::SeqCst) }));
        other.state.cache.get_or_load(&key, load).await.unwrap().unwrap().size
    };
    assert_eq!(read().await, 1);
    let write = pending::<Result<(), Error>>();
    let write = one.state.cache.invalidate_after(write, "things", [1]);
    assert!(timeout(Duration::ZERO, write).await.is_err());
    assert_eq!(read().await, 1, "it has not taken effect yet");
    row.store(2, Ordering::SeqCst);
    let seen = async { while read().await != 2 {} };
    timeout(PATIENCE, seen).await.expect("the other replica reads what was written");
}

#[tokio::test]
async fn a_write_of_another_replica_during_a_load_is_not_overwritten() {
    let (one, other, prefix) = replicas().await;
    let keys = [Key::entity("things", 1), Key::list("things", "")];
    for (key, holds_lock) in keys.iter().flat_map(|key| [(key, true), (key, false)]) {
        if !holds_lock {
            let lock = format!("{prefix}:lock:{key}");
            redis::command::<()>(&["SET", &lock, "another", "PX", "3600000"]).await;
        }
        let (read, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let load = tokio::spawn({
            let (state, key) = (one.state.clone(), key.clone());
            let (read, go_on) = (read.clone(), go_on.clone());
            async move {
                let load = async || {
                    read.notify_one();
                    go_on.notified().await;
                    Ok::<_, ()>(Some(Thing { size: 100 }))
                };
                state.cache.get_or_load(&key, load).await
            }
        });
        read.notified().await;
        other.state.cache.invalidate("things", [1]).await;
        let loads = AtomicUsize::new(0);
        // It finds no entry, and joins the load.
        let joined = get(&one.state.cache, key, &loads);
        let later = async {
            one.state.redis.clone().ping().await.unwrap();
            yield_now().await;
            go_on.notify_one();
        };
        assert_eq!(tokio::join!(joined, later).0.size, 0, "{key}: stale");
        load.await.unwrap().unwrap();
        assert_ne!(get(&other.state.cache, key, &loads).await.size, 100, "{key}: stale");
        other.state.cache.invalidate("things", [1]).await;
    }
}

/// The store has accepted the value; the task that has loaded it does not know that yet.
#[tokio::test]
async fn a_write_of_another_replica_after_a_load_is_not_overwritten() {
    let (one, other, prefix) = replicas().await;
    for key in [Key::entity("things", 1), Key::list("things", "")] {
        let loads = AtomicUsize::new(0);
        let mut first = pin!(get(&one.state.cache, &key, &loads));
        while loads.load(Ordering::SeqCst) == 0 {
            assert!(first.as_mut().now_or_never().is_none());
            yield_now().await;
        }
        assert!(first.as_mut().now_or_never().is_none());
        let entry = format!("{prefix}:{key}");
        let wait = async { while !exists(&entry).await {} };
        timeout(PATIENCE, wait).await.expect("the value is stored");

        other.state.cache.invalidate("things", [1]).await;
        let mut late = pin!(get(&one.state.cache, &key, &loads));
        assert!(late.as_mut().now_or_never().is_none());
        one.state.redis.clone().ping().await.unwrap();
        assert!(late.as_mut().now_or_never().is_none());
        assert_eq!(first.await.size, 0);
        assert_eq!(late.await.size, 1, "{key}: stale");
    }
}

/// Even if each load is overtaken by a write.
#[tokio::test]
async fn a_read_waits_for_at_most_two_loads() {
    let (one, other, _) = replicas().await;
    let key = Key::entity("things", 1);
    let (loads, begun, go_on) = (AtomicUsize::new(0), Notify::new(), Notify::new());
    let load = async || {
        let size = loads.fetch_add(1, Ordering::SeqCst);
        begun.notify_one();
        go_on.notified().await;
        Ok::<_, ()>(Some(Thing { size }))
    };
    let reads = join_all((0..3).map(|_| one.state.cache.get_or_load(&key, load)));
    let writes = async {
        for _ in 0..2 {
            begun.notified().await;
            // The other reads join the load.
            one.state.redis.clone().ping().await.unwrap();
            yield_now().await;
            other.state.cache.invalidate("things", [1]).await;
            go_on.notify_one();
        }
    };
    let both = timeout(PATIENCE, async { tokio::join!(reads, writes) });
    let (things, ()) = both.await.expect("no read loads again");
    let mut sizes: Vec<_> = things.into_iter().map(|thing| thing.unwrap().unwrap().size).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [0, 1, 1]);
}

/// The client of a write has left. The write takes effect while the service closes its connections.
#[tokio::test]
async fn a_write_that_ends_with_the_service_leaves_no_stale_entry() {
    let prefix = redis::prefix();
    let settings = [("CACHE_PREFIX", prefix), ("CACHE_PAUSE", "1h")];
    let (stopping, other) = (TestApp::with(&settings).await, TestApp::with(&settings).await);
    let (key, row) = (Key::entity("things", 1), AtomicUsize::new(0));
    let read = async || {
        let load = async || Ok::<_, ()>(Some(Thing { size: row.load(Ordering::SeqCst) }));
        other.state.cache.get_or_load(&key, load).await.unwrap().unwrap().size
    };
    let entry = format!("{prefix}:{key}");
    let invalidated = async || {
        let wait = async { while exists(&entry).await {} };
        timeout(PATIENCE, wait).await.expect("the entry is deleted");
        assert_eq!(read().await, 0, "nothing is written yet");
    };
    assert_eq!(read().await, 0);
    let write = pending::<Result<(), Error>>();
    let write = stopping.state.cache.invalidate_after(write, "things", [1]);
    assert!(write.now_or_never().is_none());
    invalidated().await;

    let busy = stopping.state.db.acquire().await.unwrap();
    let closing = tokio::spawn({
        let state = stopping.state.clone();
        async move { state.close().await }
    });
    invalidated().await;
    row.store(1, Ordering::SeqCst);
    drop(busy);
    closing.await.unwrap();
    assert_eq!(read().await, 1, "a stale entry");
}

#[tokio::test]
async fn an_aborted_load_releases_its_lock() {
    let (app, _, prefix) = replicas().await;
    let (begun, has_begun) = oneshot::channel();
    let load = tokio::spawn({
        let state = app.state.clone();
        async move {
            let load = async || {
                begun.send(()).unwrap();
                pending::<Result<Option<Thing>, ()>>().await
            };
            state.cache.get_or_load(&Key::entity("things", 1), load).await
        }
    });
    has_begun.await.unwrap();
    let lock = format!("{prefix}:lock:entity:things:1");
    // The lock must not expire during the test.
    assert!(redis::command::<bool>(&["PEXPIRE", &lock, "3600000"]).await);
    load.abort();
    let wait = async { while exists(&lock).await {} };
    timeout(PATIENCE, wait).await.expect("the lock is released");
}

/// A process waits only a limited time for the holder of a lock, and does not release that lock.
#[tokio::test]
async fn a_lock_of_a_dead_process_does_not_block_reads() {
    let (app, _, prefix) = replicas().await;
    let (key, loads) = (Key::entity("things", 1), AtomicUsize::new(0));
    let lock = format!("{prefix}:lock:{key}");
    redis::command::<()>(&["SET", &lock, "another", "PX", "3600000"]).await;
    let read = get(&app.state.cache, &key, &loads);
    timeout(PATIENCE, read).await.expect("the read loads by itself");
    assert_eq!(redis::command::<String>(&["GET", &lock]).await, "another");
    assert!(
        !exists(&format!("{prefix}:{key}")).await,
        "only the holder of the lock stores the value"
    );
}

#[tokio::test]
async fn an_unreadable_entry_is_a_miss_and_is_overwritten() {
    let (app, _, prefix) = replicas().await;
    for key in [Key::entity("things", 1), Key::list("things", "")] {
        let place = format!("{prefix}:{key}");
        get(&app.state.cache, &key, &AtomicUsize::new(0)).await;
        let entry: String = redis::command(&["GET", &place]).await;
        let shape = entry.strip_suffix("{\"size\":0}").unwrap();
        for garbage in [
            ["SET", &place, "nonsense"],
            ["SET", &place, ""],
            ["SET", &place, &format!("{shape}{{half")],
            ["SET", &place, shape],
            ["SET", &place, &format!("{shape}{{\"weight\":1}}")],
            ["LPUSH", &place, "a"],
        ] {
            redis::command::<()>(&["DEL", &place]).await;
            redis::command::<()>(&garbage).await;
            let loads = AtomicUsize::new(0);
            for _ in 0..2 {
                assert_eq!(get(&app.state.cache, &key, &loads).await.size, 0);
            }
            assert_eq!(loads.into_inner(), 1, "{garbage:?}");
        }
    }
}

#[tokio::test]
async fn invalid_locks_and_generations_are_overwritten() {
    let (app, _, prefix) = replicas().await;
    let key = Key::list("things", "");
    let lock = format!("{prefix}:lock:{key}");
    for garbage in [["SET", &lock, "x"], ["LPUSH", &lock, "x"]] {
        redis::command::<()>(&garbage).await;
        let loads = AtomicUsize::new(0);
        for _ in 0..2 {
            get(&app.state.cache, &key, &loads).await;
        }
        assert_eq!(loads.into_inner(), 1, "{garbage:?}");
        app.state.cache.invalidate("things", [1]).await;
    }
    let generation = format!("{prefix}:generation:things");
    redis::command::<()>(&["DEL", &generation]).await;
    redis::command::<()>(&["LPUSH", &generation, "x"]).await;
    let loads = AtomicUsize::new(0);
    get(&app.state.cache, &key, &loads).await;
    app.state.cache.invalidate("things", [1]).await;
    assert_eq!(get(&app.state.cache, &key, &loads).await.size, 1, "the generation is overwritten");
}

#[tokio::test]
async fn every_key_expires_and_ttls_vary() {
    let (app, _, prefix) = replicas().await;
    let (cache, loads) = (&app.state.cache, AtomicUsize::new(0));
    for id in 0..20 {
        get(cache, &Key::entity("things", id), &loads).await;
        get(cache, &Key::list("things", id), &loads).await;
    }
    cache.invalidate("things", [0]).await;
    let keys: Vec<String> = redis::command(&["KEYS", &format!("{prefix}:*")]).await;
    assert!(keys.len() >= 40, "{keys:?}");
    let mut lives = Vec::new();
    for key in keys {
        let life: i64 = redis::command(&["PTTL", &key]).await;
        assert!(life > 0, "{key} never expires");
        if key.contains(":entity:") {
            assert!(life <= 360_000, "{key}: {life} ms");
            lives.push(life / 1000);
        }
    }
    lives.sort_unstable();
    assert!(
        lives[lives.len() - 1] - lives[0] >= 10,
        "{lives:?}: all expire at about the same time"
    );
}

#[tokio::test]
async fn a_value_beyond_the_size_limit_is_not_cached() {
    let app = TestApp::with(&[("CACHE_MAX_VALUE_BYTES", "1024")]).await;
    let loads = AtomicUsize::new(0);
    let load = async || {
        loads.fetch_add(1, Ordering::SeqCst);
        Ok::<_, ()>("x".repeat(2000))
    };
    for _ in 0..2 {
        let key = Key::list("things", "");
        assert_eq!(app.state.cache.list_or_load(&key, load).await.unwrap().len(), 2000);
    }
    assert_eq!(loads.into_inner(), 2);
}
