//! Accounts and sessions.

use std::{pin::pin, time::Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::select;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::support::{Process, TestApp, client, header, json as read, problem, send};

const PASSWORD: &str = "correct horse battery";

/// A window in which nothing drains during a test.
const LONG: (&str, &str) = ("AUTH_ATTEMPTS_WINDOW", "24h");

/// Starts another replica with the settings of `app`, overridden by `settings`.
async fn beside(app: &TestApp, settings: &[(&str, &str)]) -> TestApp {
    let all: Vec<_> = app.settings.iter().chain(settings.iter().copied()).collect();
    TestApp::with(&all).await
}

/// Registers the account `ada`.
async fn ada(app: &TestApp) -> Value {
    let account = json!({"username": "ada", "email": "ada@example.com", "password": PASSWORD});
    let response = send(app.post("/auth/register").json(&account)).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    response.json().await.unwrap()
}

fn login(app: &TestApp, email: &str, password: &str) -> RequestBuilder {
    app.post("/auth/login").json(&json!({"email": email, "password": password}))
}

async fn signed_in(app: &TestApp) -> Value {
    let response = send(login(app, "ada@example.com", PASSWORD)).await;
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.unwrap()
}

fn refresh(app: &TestApp, tokens: &Value) -> RequestBuilder {
    app.post("/auth/refresh").json(&json!({"refresh_token": tokens["refresh_token"]}))
}

fn me(app: &TestApp, tokens: &Value) -> RequestBuilder {
    app.get("/api/v1/users/me").bearer_auth(tokens["access_token"].as_str().unwrap())
}

#[tokio::test]
async fn an_account_signs_in_and_reads_its_own_user() {
    let app = TestApp::start().await;
    let account = ada(&app).await;
    assert_eq!((&account["username"], &account["role"]), (&json!("ada"), &json!("user")));
    let tokens = signed_in(&app).await;
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(900)));
    assert_eq!(read(me(&app, &tokens)).await, account);
    // The email address is case-insensitive.
    assert_eq!(send(login(&app, "Ada@Example.COM", PASSWORD)).await.status(), StatusCode::OK);
}

/// Once a replica has refused such a token: its client cannot use up the budget of the account.
#[tokio::test]
async fn a_token_of_an_ended_session_counts_for_its_address() {
    let app = TestApp::start().await;
    ada(&app).await;
    let (ended, active) = (signed_in(&app).await, signed_in(&app).await);
    let other = beside(&app, &[("RATE_LIMIT_PER_MINUTE", "5")]).await;
    let token = ended["access_token"].as_str().unwrap();
    assert_eq!(send(app.post("/auth/logout").bearer_auth(token)).await.status(), 204);
    problem(me(&other, &ended), (401, "unauthenticated")).await;
    for _ in 0..9 {
        send(other.get("/api/v1/info").bearer_auth(token)).await;
    }
    assert_eq!(send(me(&other, &active)).await.status(), 200);
}

#[tokio::test]
async fn responses_contain_no_password_and_no_hash() {
    let app = TestApp::start().await;
    let account = ada(&app).await;
    let tokens = signed_in(&app).await;
    for answer in [account, read(me(&app, &tokens)).await, tokens] {
        let text = answer.to_string();
        assert!(
            !text.contains("password") && !text.contains("argon2") && !text.contains(PASSWORD),
            "{text}"
        );
    }
    let kept =
        sqlx::query_scalar::<_, String>("SELECT password_hash FROM users").fetch_one(&app.state.db);
    assert!(kept.await.unwrap().starts_with("$argon2id$"));
}

#[tokio::test]
async fn an_invalid_registration_is_refused_with_every_fault() {
    let app = TestApp::start().await;
    let register = |username: &str, email: &str, password: &str| {
        app.post("/auth/register")
            .json(&json!({"username": username, "email": email, "password": password}))
    };
    let answer = problem(register("a", "nobody", "short"), 422).await;
    let mut pointers: Vec<_> =
        answer["errors"].as_array().unwrap().iter().map(|e| &e["pointer"]).collect();
    pointers.sort_by_key(ToString::to_string);
    assert_eq!(pointers, ["/email", "/password", "/username"]);
    let long = "x".repeat(129);
    for (username, email, password) in [
        ("with space", "a@example.com", PASSWORD),
        ("ada", "a@example.com", long.as_str()),
        ("ada", "a@example.com", "password123"),
        ("ada", "a@example.com", "A@EXAMPLE.com"),
        ("ada_lovelace", "a@example.com", "Ada_Lovelace"),
    ] {
        problem(register(username, email, password), 422).await;
    }
    ada(&app).await;
    problem(register("ada", "other@example.com", PASSWORD), (409, "taken")).await;
    problem(register("other", "ADA@example.com", PASSWORD), (409, "taken")).await;
}

/// Both responses are equal and take the same work, so that they do not reveal whether an account
/// exists.
#[tokio::test]
async fn an_unknown_address_and_a_wrong_password_are_indistinguishable() {
    let app = TestApp::start().await;
    ada(&app).await;
    let mut answers = Vec::new();
    for (email, password) in [("ada@example.com", "wrong password"), ("eve@example.com", PASSWORD)]
    {
        let before = app.state.auth.password_checks();
        let mut answer = problem(login(&app, email, password), (401, "wrong-credentials")).await;
        assert_eq!(app.state.auth.password_checks(), before + 1, "{email}");
        answer["request_id"] = Value::Null;
        answers.push(answer);
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn routes_that_are_not_public_require_a_token() {
    let app = TestApp::start().await;
    let described: Value = read(app.get("/api-docs/openapi.json")).await;
    let mut guarded = 0;
    for (path, item) in described["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let path = path.replace("{id}", "00000000-0000-0000-0000-000000000000");
            let request = || app.request(&method.to_uppercase(), &path).json(&json!({}));
            if operation["security"] == json!([]) {
                assert_ne!(
                    send(request()).await.status(),
                    StatusCode::UNAUTHORIZED,
                    "{method} {path}"
                );
                continue;
            }
            guarded += 1;
            problem(request(), (401, "unauthenticated")).await;
            problem(request().bearer_auth("nonsense"), (401, "unauthenticated")).await;
            problem(request().basic_auth("ada", Some(PASSWORD)), (401, "unauthenticated")).await;
        }
    }
    assert!(guarded >= 2, "{guarded}");
    let response = send(app.get("/api/v1/users/me")).await;
    assert!(header(&response, "www-authenticate").starts_with("Bearer realm="));
}

/// Makes the account `ada` an administrator.
async fn promote(app: &TestApp) {
    let promotion = sqlx::query("UPDATE users SET role = 'admin' WHERE username = 'ada'");
    assert_eq!(promotion.execute(&app.state.db).await.unwrap().rows_affected(), 1);
}

#[tokio::test]
async fn only_administrators_list_users() {
    let app = TestApp::start().await;
    ada(&app).await;
    let list = |tokens: &Value| {
        app.get("/api/v1/users").bearer_auth(tokens["access_token"].as_str().unwrap())
    };
    problem(list(&signed_in(&app).await), (403, "forbidden")).await;
    promote(&app).await;
    let page = read(list(&signed_in(&app).await)).await;
    assert_eq!(page["items"][0]["username"], "ada");
}

#[tokio::test]
async fn users_are_listed_page_by_page() {
    let app = TestApp::start().await;
    ada(&app).await;
    promote(&app).await;
    for name in ["bob", "cleo", "dan", "eve"] {
        let email = format!("{name}@example.com");
        let account = json!({"username": name, "email": email, "password": PASSWORD});
        let response = send(app.post("/auth/register").json(&account)).await;
        assert_eq!(response.status(), StatusCode::CREATED);
    }
    let tokens = signed_in(&app).await;
    let list = |query: &str| {
        app.get(&format!("/api/v1/users?sort=-username&{query}"))
            .bearer_auth(tokens["access_token"].as_str().unwrap())
    };
    let (mut names, mut query) = (Vec::new(), "limit=2".to_owned());
    loop {
        let page = read(list(&query)).await;
        let items = page["items"].as_array().unwrap();
        names.extend(items.iter().map(|user| user["username"].clone()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        query = format!("limit=2&cursor={next}");
    }
    assert_eq!(names, ["eve", "dan", "cleo", "bob", "ada"]);
    problem(list("limit=101"), 422).await;
}

#[tokio::test]
async fn logout_takes_effect_on_every_replica_at_once() {
    let app = TestApp::start().await;
    let other = beside(&app, &[]).await;
    ada(&app).await;
    let (tokens, elsewhere) = (signed_in(&app).await, signed_in(&app).await);
    assert_eq!(send(me(&other, &tokens)).await.status(), StatusCode::OK);
    let logout = app.post("/auth/logout").bearer_auth(tokens["access_token"].as_str().unwrap());
    assert_eq!(send(logout).await.status(), StatusCode::NO_CONTENT);
    for app in [&app, &other] {
        problem(me(app, &tokens), (401, "unauthenticated")).await;
        problem(refresh(app, &tokens), (401, "unauthenticated")).await;
    }
    assert_eq!(send(me(&other, &elsewhere)).await.status(), StatusCode::OK, "another session");
}

/// Requests of the session keep the other process's lease alive until its end.
#[tokio::test(flavor = "multi_thread")]
async fn no_process_accepts_a_session_whose_end_was_answered() {
    let app = TestApp::start().await;
    ada(&app).await;
    let settings: Vec<_> = app.settings.iter().collect();
    let other = Process::start(&settings).await;
    let url = format!("http://{}/api/v1/users/me", other.addr);
    for _ in 0..5 {
        let tokens = signed_in(&app).await;
        let token = tokens["access_token"].as_str().unwrap();
        let request = client().get(&url).bearer_auth(token);
        assert_eq!(send(request.try_clone().unwrap()).await.status(), StatusCode::OK);
        let uses = tokio::spawn(async move {
            let mut last = Instant::now();
            loop {
                let begun = Instant::now();
                match send(request.try_clone().unwrap()).await.status() {
                    StatusCode::OK => last = begun,
                    StatusCode::UNAUTHORIZED => return last,
                    other => panic!("{other}"),
                }
            }
        });
        let logout = app.post("/auth/logout").bearer_auth(token);
        assert_eq!(send(logout).await.status(), StatusCode::NO_CONTENT);
        let ended = Instant::now();
        assert!(uses.await.unwrap() < ended);
    }
}

/// The second request finds no session to end, and must not be answered before the first.
#[tokio::test]
async fn an_end_that_another_request_has_just_made_is_answered_as_late() {
    let app = TestApp::start().await;
    ada(&app).await;
    let other = beside(&app, &[]).await;
    let tokens = signed_in(&app).await;
    for app in [&app, &other] {
        assert_eq!(send(me(app, &tokens)).await.status(), StatusCode::OK);
    }
    let end = || {
        let end = app.request("DELETE", "/auth/sessions");
        send(end.bearer_auth(tokens["access_token"].as_str().unwrap()))
    };
    let (answer, _) = select(pin!(end()), pin!(end())).await.factor_first();
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    problem(me(&other, &tokens), (401, "unauthenticated")).await;
}

#[tokio::test]
async fn reuse_of_a_refresh_token_ends_the_session() {
    let app = TestApp::start().await;
    ada(&app).await;
    let first = signed_in(&app).await;
    let second = read(refresh(&app, &first)).await;
    let third = read(refresh(&app, &second)).await;
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_eq!(send(me(&app, &third)).await.status(), StatusCode::OK);
    // Its successor was used: the client has got it.
    problem(refresh(&app, &first), (401, "unauthenticated")).await;
    problem(refresh(&app, &third), (401, "unauthenticated")).await;
    problem(me(&app, &third), (401, "unauthenticated")).await;
}

/// The response to the first refresh may be lost.
#[tokio::test]
async fn a_repeated_refresh_replaces_the_unused_successor() {
    let app = TestApp::start().await;
    ada(&app).await;
    let first = signed_in(&app).await;
    let lost = read(refresh(&app, &first)).await;
    let second = read(refresh(&app, &first)).await;
    // The replaced token counts as its predecessor does.
    let third = read(refresh(&app, &lost)).await;
    for tokens in [&first, &lost, &second, &third] {
        assert_eq!(send(me(&app, tokens)).await.status(), StatusCode::OK);
    }
    let fourth = read(refresh(&app, &third)).await;
    problem(refresh(&app, &second), (401, "unauthenticated")).await;
    problem(me(&app, &fourth), (401, "unauthenticated")).await;
}

#[tokio::test]
async fn a_repeated_refresh_is_reuse_some_time_later() {
    let app = TestApp::start().await;
    ada(&app).await;
    let later = async |seconds: i64| {
        let tokens = signed_in(&app).await;
        read(refresh(&app, &tokens)).await;
        // The successor is issued when the token is spent.
        let spent = "SELECT max(spent_at) FROM auth_refresh_tokens";
        let spent: DateTime<Utc> =
            sqlx::query_scalar(spent).fetch_one(&app.state.db).await.unwrap();
        for column in ["spent_at", "issued_at"] {
            let age = format!("UPDATE auth_refresh_tokens SET {column} = $1 WHERE {column} = $2");
            let age = sqlx::query(AssertSqlSafe(age)).bind(spent - TimeDelta::seconds(seconds));
            age.bind(spent).execute(&app.state.db).await.unwrap();
        }
        send(refresh(&app, &tokens)).await.status().as_u16()
    };
    assert_eq!(later(0).await, 200);
    assert_eq!(later(20).await, 401);
}

#[tokio::test]
async fn concurrent_refreshes_with_one_token_leave_one_pair() {
    let app = TestApp::start().await;
    ada(&app).await;
    let tokens = signed_in(&app).await;
    let refreshes = (0..8).map(|_| read(refresh(&app, &tokens)));
    let pairs: Vec<Value> = futures_util::future::join_all(refreshes).await;
    let unused = "SELECT count(*) FROM auth_refresh_tokens WHERE spent_at IS NULL";
    let unused = || sqlx::query_scalar::<_, i64>(unused).fetch_one(&app.state.db);
    assert_eq!(unused().await.unwrap(), 1);
    // Each client may continue for now. Once a token is used, the others are invalid.
    let next = read(refresh(&app, &pairs[0])).await;
    assert_eq!(unused().await.unwrap(), 1);
    let last = read(refresh(&app, &next)).await;
    assert_eq!(send(me(&app, &last)).await.status(), StatusCode::OK);
    problem(refresh(&app, &pairs[1]), (401, "unauthenticated")).await;
    problem(refresh(&app, &last), (401, "unauthenticated")).await;
}

#[tokio::test]
async fn a_session_expires_with_its_tokens() {
    let app = TestApp::with(&[("AUTH_REFRESH_TTL", "0s")]).await;
    ada(&app).await;
    let tokens = signed_in(&app).await;
    assert_eq!(tokens["expires_in"], 0);
    problem(refresh(&app, &tokens), (401, "unauthenticated")).await;
    // The clocks of replicas differ by less than the leeway, in which the token itself is valid.
    problem(me(&app, &tokens), (401, "unauthenticated")).await;
}

#[tokio::test]
async fn an_access_token_does_not_outlive_its_session() {
    let app = TestApp::with(&[("AUTH_REFRESH_TTL", "5m")]).await;
    ada(&app).await;
    let tokens = signed_in(&app).await;
    assert_eq!(tokens["expires_in"], 300);
    let left = read(refresh(&app, &tokens)).await["expires_in"].as_u64().unwrap();
    assert!(left < 300, "{left}: the session began earlier");
}

#[tokio::test]
async fn a_body_below_auth_is_limited_to_16_kib() {
    let app = TestApp::start().await;
    problem(login(&app, "ada@example.com", &"x".repeat(16 * 1024)), (413, "too-large")).await;
    problem(login(&app, "ada@example.com", &"x".repeat(15 * 1024)), 422).await;
}

#[tokio::test]
async fn refresh_tokens_are_stored_as_hashes() {
    let app = TestApp::start().await;
    ada(&app).await;
    let token = signed_in(&app).await["refresh_token"].as_str().unwrap().to_owned();
    let kept = sqlx::query_scalar::<_, String>("SELECT hash FROM auth_refresh_tokens")
        .fetch_one(&app.state.db)
        .await
        .unwrap();
    assert_eq!(kept.len(), 64);
    assert_ne!(kept, token);
}

#[tokio::test]
async fn an_account_has_to_wait_after_too_many_attempts() {
    let settings = [("AUTH_ATTEMPTS_PER_ACCOUNT", "3"), ("AUTH_ATTEMPTS_PER_ADDRESS", "100"), LONG];
    let app = TestApp::with(&settings).await;
    let other = beside(&app, &[]).await;
    ada(&app).await;
    for email in ["ada@example.com", "nobody@example.com"] {
        for _ in 0..3 {
            problem(login(&app, email, "wrong password"), (401, "wrong-credentials")).await;
        }
        // On another replica, and with the right password, too.
        let refused = send(login(&other, email, PASSWORD)).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS, "{email}");
        assert!(header(&refused, "retry-after").parse::<u64>().unwrap() >= 1);
    }
}

#[tokio::test]
async fn an_address_has_to_wait_after_too_many_attempts_on_any_accounts() {
    let app = TestApp::with(&[("AUTH_ATTEMPTS_PER_ADDRESS", "3"), LONG]).await;
    for n in 0..3 {
        problem(
            login(&app, &format!("{n}@example.com"), "wrong password"),
            (401, "wrong-credentials"),
        )
        .await;
    }
    problem(login(&app, "another@example.com", "wrong password"), 429).await;
}

/// Attackers at other addresses do not keep the owner out of an address that is known.
#[tokio::test]
async fn an_owner_signs_in_from_a_known_address_during_an_attack() {
    let settings = [("AUTH_ATTEMPTS_PER_ACCOUNT", "3"), ("TRUSTED_PROXIES", "1"), LONG];
    let app = TestApp::with(&settings).await;
    ada(&app).await;
    let from = async |address: String, password| {
        let attempt = login(&app, "ada@example.com", password).header("x-forwarded-for", address);
        send(attempt).await.status().as_u16()
    };
    assert_eq!(from("192.0.2.1".to_owned(), PASSWORD).await, 200);
    for n in 0..6 {
        assert_eq!(from(format!("198.51.100.{n}"), "wrong password").await, 401);
    }
    assert_eq!(from("203.0.113.1".to_owned(), PASSWORD).await, 429, "an unknown address waits");
    assert_eq!(from("192.0.2.1".to_owned(), PASSWORD).await, 200);
}

/// The address is asked before the account is counted.
#[tokio::test]
async fn an_address_that_has_to_wait_counts_against_no_account() {
    let settings = [("AUTH_ATTEMPTS_PER_ADDRESS", "2"), ("AUTH_ATTEMPTS_PER_ACCOUNT", "1"), LONG];
    let app = TestApp::with(&[&settings[..], &[("TRUSTED_PROXIES", "1")]].concat()).await;
    ada(&app).await;
    let from = async |address: &str, email: &str, password| {
        let attempt = login(&app, email, password).header("x-forwarded-for", address.to_owned());
        send(attempt).await.status().as_u16()
    };
    for email in ["eve@example.com", "bob@example.com"] {
        assert_eq!(from("198.51.100.1", email, PASSWORD).await, 401);
    }
    for _ in 0..3 {
        assert_eq!(from("198.51.100.1", "ada@example.com", PASSWORD).await, 429);
    }
    assert_eq!(from("192.0.2.1", "ada@example.com", PASSWORD).await, 200);
}

#[tokio::test]
async fn a_successful_attempt_does_not_count() {
    let settings = [("AUTH_ATTEMPTS_PER_ACCOUNT", "3"), ("AUTH_ATTEMPTS_PER_ADDRESS", "3")];
    let app = TestApp::with(&settings).await;
    ada(&app).await;
    for _ in 0..6 {
        signed_in(&app).await;
    }
}

#[tokio::test]
async fn concurrent_attempts_do_not_exceed_the_limit() {
    let settings =
        [("AUTH_ATTEMPTS_PER_ACCOUNT", "3"), ("AUTH_ATTEMPTS_PER_ADDRESS", "1000"), LONG];
    let app = TestApp::with(&settings).await;
    ada(&app).await;
    let attempts = (0..20).map(|_| send(login(&app, "ada@example.com", "wrong password")));
    futures_util::future::join_all(attempts).await;
    assert_eq!(app.state.auth.password_checks(), 3);
}

#[tokio::test]
async fn an_account_has_one_budget_across_addresses() {
    let app = TestApp::start().await;
    ada(&app).await;
    let (tokens, more) = (signed_in(&app).await, signed_in(&app).await);
    let app = beside(&app, &[("RATE_LIMIT_PER_MINUTE", "2"), ("TRUSTED_PROXIES", "1")]).await;
    let from = |address: &str, request: RequestBuilder| {
        send(request.header("x-forwarded-for", address.to_owned()))
    };
    assert_eq!(from("192.0.2.1", me(&app, &tokens)).await.status(), 200);
    assert_eq!(from("192.0.2.2", me(&app, &more)).await.status(), 200);
    assert_eq!(from("192.0.2.3", me(&app, &tokens)).await.status(), 429);
    // Requests without a valid token use the budget of their address.
    let forged = app.get("/api/v1/users/me").bearer_auth("nonsense");
    assert_eq!(from("192.0.2.1", app.get("/api/v1/info")).await.status(), 200);
    assert_eq!(from("192.0.2.1", forged).await.status(), 401);
    assert_eq!(from("192.0.2.1", app.get("/api/v1/info")).await.status(), 429);
}

#[tokio::test]
async fn the_routes_of_accounts_have_a_tighter_limit() {
    let app = TestApp::with(&[("AUTH_RATE_LIMIT_PER_MINUTE", "2")]).await;
    let made_up = json!({"refresh_token": "made up"});
    for _ in 0..2 {
        problem(refresh(&app, &made_up), (401, "unauthenticated")).await;
    }
    let refused = send(login(&app, "ada@example.com", PASSWORD)).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!((1..=30).contains(&header(&refused, "retry-after").parse::<u32>().unwrap()));
    // The limit that has refused describes itself.
    assert_eq!(header(&refused, "ratelimit-policy"), "\"auth\";q=2;w=60");
    assert!(header(&refused, "ratelimit").starts_with("\"auth\";r=0;"));
    let elsewhere = send(app.get("/api/v1/info")).await;
    assert_eq!(elsewhere.status(), StatusCode::OK);
    assert!(header(&elsewhere, "ratelimit-policy").starts_with("\"default\";"));
}

/// One client at an address sends junk, and the address has no budget left.
#[tokio::test]
async fn a_flood_from_an_address_does_not_affect_its_sessions() {
    let app = TestApp::start().await;
    ada(&app).await;
    let (tokens, more) = (signed_in(&app).await, signed_in(&app).await);
    let app = beside(&app, &[("AUTH_RATE_LIMIT_PER_MINUTE", "2")]).await;
    let bearer = |tokens: &Value| tokens["access_token"].as_str().unwrap().to_owned();
    let statuses = async |method: &str, path: &str, token: &str| {
        send(app.request(method, path).bearer_auth(token)).await.status().as_u16()
    };
    for _ in 0..2 {
        problem(login(&app, "junk", "junk"), (401, "wrong-credentials")).await;
    }
    problem(login(&app, "ada@example.com", PASSWORD), 429).await;
    // A token is no way around the limit.
    let credentials = login(&app, "ada@example.com", PASSWORD).bearer_auth(bearer(&tokens));
    problem(credentials, 429).await;
    problem(refresh(&app, &json!({"refresh_token": "junk"})), 429).await;

    let tokens = read(refresh(&app, &tokens)).await;
    assert_eq!(statuses("GET", "/auth/sessions", &bearer(&tokens)).await, 200);
    // The account has a separate budget.
    assert_eq!(statuses("GET", "/auth/sessions", &bearer(&more)).await, 429);
    problem(refresh(&app, &tokens), 429).await;
    assert_eq!(statuses("POST", "/auth/logout", &bearer(&tokens)).await, 204);
}

/// A thief may know the token of a session that has ended.
#[tokio::test]
async fn the_token_of_an_ended_session_uses_no_budget_of_its_account() {
    let app = TestApp::start().await;
    ada(&app).await;
    let (stolen, tokens) = (signed_in(&app).await, signed_in(&app).await);
    let logout = app.post("/auth/logout").bearer_auth(stolen["access_token"].as_str().unwrap());
    assert_eq!(send(logout).await.status(), StatusCode::NO_CONTENT);
    let app = beside(&app, &[("AUTH_RATE_LIMIT_PER_MINUTE", "2")]).await;
    for _ in 0..2 {
        problem(refresh(&app, &stolen), (401, "unauthenticated")).await;
    }
    problem(refresh(&app, &stolen), 429).await;
    read(refresh(&app, &tokens)).await;
}

/// A limit with room left has not refused the request.
#[tokio::test]
async fn a_refused_sign_in_describes_no_other_limit() {
    let app = TestApp::with(&[("AUTH_ATTEMPTS_PER_ACCOUNT", "1"), LONG]).await;
    let wrong = send(login(&app, "ada@example.com", PASSWORD)).await;
    assert!(header(&wrong, "ratelimit-policy").starts_with("\"auth\";"));
    let refused = send(login(&app, "ada@example.com", PASSWORD)).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(!refused.headers().contains_key("ratelimit"));
    assert!(!refused.headers().contains_key("ratelimit-policy"));
}

#[tokio::test]
async fn production_refuses_a_published_key_under_any_name() {
    let published = "ZGV2ZWxvcG1lbnQtZGV2ZWxvcG1lbnQtZGV2ZWxvcG1lbnQ=";
    let good = "bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmU=";
    for (keys, code) in [
        (format!("mine:{published}"), 78),
        (format!("new:{good},old:{published}"), 78),
        (format!("development:{good}"), 0),
    ] {
        let settings = [("APP_ENV", "production"), ("AUTH_SIGNING_KEYS", keys.as_str())];
        let output = Process::run(&["--print-config"], &settings).await;
        assert_eq!(output.status.code(), Some(code), "{keys}");
    }
}

#[tokio::test]
async fn sign_ins_and_reused_tokens_are_counted() {
    let service = Process::start(&[("AUTH_ATTEMPTS_PER_ACCOUNT", "1"), LONG]).await;
    let post = async |path: &str, body: &Value| -> Value {
        let url = format!("http://{}{path}", service.addr);
        send(client().post(url).json(body)).await.json().await.unwrap()
    };
    let account = json!({"username": "ada", "email": "ada@example.com", "password": PASSWORD});
    post("/auth/register", &account).await;
    let credentials = json!({"email": "ada@example.com", "password": PASSWORD});
    let tokens = post("/auth/login", &credentials).await;
    for _ in 0..2 {
        post("/auth/login", &json!({"email": "eve@example.com", "password": PASSWORD})).await;
    }
    let refresh = async |tokens: &Value| {
        post("/auth/refresh", &json!({"refresh_token": tokens["refresh_token"]})).await
    };
    let next = refresh(&tokens).await;
    refresh(&next).await;
    refresh(&tokens).await;
    // The session has ended: nothing is left to protect.
    refresh(&tokens).await;
    let url = format!("http://{}/metrics", service.metrics_addr);
    let text = send(client().get(url)).await.text().await.unwrap();
    for line in [
        "auth_sign_ins_total{outcome=\"ok\"} 1",
        "auth_sign_ins_total{outcome=\"wrong\"} 1",
        "auth_sign_ins_total{outcome=\"refused\"} 1",
        "auth_refresh_token_reuses_total 1",
    ] {
        assert!(text.contains(line), "{line} is missing in:\n{text}");
    }
}
