//! sec.lifecycle: passwords, sessions, roles and deletion. Every change is in effect
//! once it is answered.

use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::{task::yield_now, time::timeout};
use uuid::Uuid;

use crate::support::{
    PATIENCE, TestApp,
    database::postgres::proxy::Proxy,
    header, json as read, log, problem, send,
    service::{
        auth::users::{self, Role},
        db,
    },
};

const PASSWORD: &str = "correct horse battery";
const OTHER: &str = "staple battery horse";

/// An account, and a session of it.
struct Account {
    id: Uuid,
    email: String,
    token: String,
    refresh_token: String,
}

impl Account {
    async fn new(app: &TestApp, name: &str) -> Self {
        let email = format!("{name}@example.com");
        let account = json!({"username": name, "email": email, "password": PASSWORD});
        let user = read(app.post("/auth/register").json(&account)).await;
        let id = user["id"].as_str().unwrap().parse().unwrap();
        Self { id, email, token: String::new(), refresh_token: String::new() }.again(app).await
    }

    async fn admin(app: &TestApp, name: &str) -> Self {
        let account = Self::new(app, name).await;
        sqlx::query("UPDATE users SET role = 'admin' WHERE username = $1")
            .bind(name)
            .execute(&app.state.db)
            .await
            .unwrap();
        // The role of the first session may be known already.
        account.again(app).await
    }

    /// The account with another session.
    async fn again(&self, app: &TestApp) -> Self {
        let response = send(self.login(app, PASSWORD)).await;
        assert_eq!(response.status(), StatusCode::OK);
        let tokens: Value = response.json().await.unwrap();
        let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
        let (token, refresh_token) = (text("access_token"), text("refresh_token"));
        Self { id: self.id, email: self.email.clone(), token, refresh_token }
    }

    fn login(&self, app: &TestApp, password: &str) -> RequestBuilder {
        app.post("/auth/login").json(&json!({"email": self.email, "password": password}))
    }

    fn send(&self, app: &TestApp, method: &str, path: &str) -> RequestBuilder {
        app.request(method, path).bearer_auth(&self.token)
    }

    fn change_password(&self, app: &TestApp, current: &str, new: &str) -> RequestBuilder {
        self.send(app, "POST", "/auth/password").json(&json!({"current": current, "new": new}))
    }

    /// As an administrator, changes another account.
    fn change(&self, app: &TestApp, other: &Self, patch: &Value) -> RequestBuilder {
        self.send(app, "PATCH", &format!("/api/v1/users/{}", other.id)).json(patch)
    }

    async fn status(&self, app: &TestApp, method: &str, path: &str) -> u16 {
        send(self.send(app, method, path)).await.status().as_u16()
    }

    /// Whether the session is active: the access token and the refresh token are accepted.
    async fn is_active(&self, app: &TestApp) -> bool {
        let mine = self.status(app, "GET", "/api/v1/users/me").await;
        let token = json!({"refresh_token": self.refresh_token});
        let refreshed = send(app.post("/auth/refresh").json(&token)).await.status().as_u16();
        assert_eq!(mine, refreshed, "both tokens, or none");
        mine == 200
    }
}

/// Starts another replica.
async fn beside(app: &TestApp) -> TestApp {
    TestApp::with(&app.settings.iter().collect::<Vec<_>>()).await
}

#[tokio::test]
async fn a_changed_password_ends_every_other_session() {
    let app = TestApp::start().await;
    let other = beside(&app).await;
    let ada = Account::new(&app, "ada").await;
    let (elsewhere, eve) = (ada.again(&app).await, Account::new(&app, "eve").await);
    assert_eq!(elsewhere.status(&other, "GET", "/api/v1/users/me").await, 200);

    problem(ada.change_password(&app, "wrong", OTHER), (401, "wrong-credentials")).await;
    for weak in ["short", "password1", "ada@example.com"] {
        let refused = problem(ada.change_password(&app, PASSWORD, weak), 422).await;
        assert_eq!(refused["errors"][0]["pointer"], "/new");
    }
    let changed = send(ada.change_password(&app, PASSWORD, OTHER)).await;
    assert_eq!(changed.status(), StatusCode::NO_CONTENT);

    assert!(!elsewhere.is_active(&other).await);
    assert!(ada.is_active(&other).await && eve.is_active(&other).await);
    problem(ada.login(&app, PASSWORD), (401, "wrong-credentials")).await;
    assert_eq!(send(ada.login(&app, OTHER)).await.status(), StatusCode::OK);
}

/// A stolen access token buys no more guesses than a sign-in has.
#[tokio::test]
async fn guesses_at_the_current_password_are_limited() {
    let settings = [("AUTH_ATTEMPTS_PER_ACCOUNT", "3"), ("AUTH_ATTEMPTS_WINDOW", "24h")];
    let app = TestApp::with(&settings).await;
    let ada = Account::new(&app, "ada").await;
    for _ in 0..3 {
        problem(ada.change_password(&app, "wrong", OTHER), (401, "wrong-credentials")).await;
    }
    problem(ada.change_password(&app, PASSWORD, OTHER), 429).await;
    problem(ada.login(&app, PASSWORD), 429).await;
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let app = TestApp::start().await;
    let other = beside(&app).await;
    let ada = Account::new(&app, "ada").await;
    let (second, third) = (ada.again(&app).await, ada.again(&app).await);
    let eve = Account::new(&app, "eve").await;
    let list = async |account: &Account| {
        let page = read(account.send(&app, "GET", "/auth/sessions")).await;
        page["items"].as_array().unwrap().clone()
    };
    let sessions = list(&second).await;
    let current: Vec<_> = sessions.iter().map(|session| session["current"] == true).collect();
    assert_eq!(current, [false, true, false]);
    assert_eq!(sessions[0]["address"], "127.0.0.1");
    let path = |session: &Value| format!("/auth/sessions/{}", session["id"].as_str().unwrap());

    let (newest, hers) = (path(&sessions[0]), path(&list(&eve).await[0]));
    let unknown = format!("/auth/sessions/{}", Uuid::now_v7());
    for not_ours in [&hers, &unknown] {
        assert_eq!(second.status(&app, "DELETE", not_ours).await, 404);
    }
    assert!(third.is_active(&other).await);
    assert_eq!(second.status(&app, "DELETE", &newest).await, 204);
    assert_eq!(second.status(&app, "DELETE", &newest).await, 404, "it has ended");
    assert!(!third.is_active(&other).await);
    assert_eq!(list(&second).await.len(), 2);

    assert_eq!(second.status(&app, "DELETE", "/auth/sessions").await, 204);
    assert!(!ada.is_active(&other).await && !second.is_active(&other).await);
    assert!(eve.is_active(&other).await);
}

#[tokio::test]
async fn a_deleted_account_leaves_a_tombstone() {
    let app = TestApp::start().await;
    let other = beside(&app).await;
    let ada = Account::new(&app, "ada").await;
    let elsewhere = ada.again(&app).await;
    let root = Account::admin(&app, "root").await;
    // The ID is known to others, and no registration with it stands in the way.
    let namesake = json!({"username": "eve", "email": format!("{}@deleted.invalid", ada.id),
        "password": PASSWORD});
    let taken = send(app.post("/auth/register").json(&namesake)).await;
    assert_eq!(taken.status(), StatusCode::CREATED);
    assert_eq!(ada.status(&app, "DELETE", "/api/v1/users/me").await, 204);

    for session in [&ada, &elsewhere] {
        assert!(!session.is_active(&app).await && !session.is_active(&other).await);
    }
    problem(ada.login(&app, PASSWORD), (401, "wrong-credentials")).await;
    let row = sqlx::query_as::<_, (String, String, String)>(
        "SELECT username, email, password_hash FROM users WHERE id = $1",
    );
    let (name, email, hash) = row.bind(ada.id).fetch_one(&app.state.db).await.unwrap();
    assert!(!name.contains("ada") && !email.contains("ada") && hash.is_empty());
    // The sessions are left to the clean-up, with nothing personal in them.
    let sessions = sqlx::query_as::<_, (i64, i64, i64)>(
        "SELECT count(*), count(ended_at), count(coalesce(address, user_agent)) FROM auth_sessions \
         WHERE user_id = $1",
    );
    let sessions = sessions.bind(ada.id).fetch_one(&app.state.db).await.unwrap();
    assert_eq!(sessions, (2, 2, 0));
    // No sign-in to it succeeds, with its address or an empty password.
    let credentials = json!({"email": email, "password": ""});
    problem(app.post("/auth/login").json(&credentials), (401, "wrong-credentials")).await;

    let users = read(root.send(&app, "GET", "/api/v1/users")).await;
    assert_eq!(users["items"].as_array().unwrap().len(), 2, "{users}");
    let patch = json!({"role": "admin"});
    problem(root.change(&app, &ada, &patch), (404, "not-found")).await;
    // Name and address are free again.
    let again = Account::new(&app, "ada").await;
    assert_ne!(again.id, ada.id);
}

#[tokio::test]
async fn a_change_of_role_takes_effect_on_existing_tokens() {
    let app = TestApp::start().await;
    let other = beside(&app).await;
    let (root, ada) = (Account::admin(&app, "root").await, Account::new(&app, "ada").await);
    for (role, status) in [("admin", 200), ("user", 403), ("admin", 200)] {
        let user = read(root.change(&app, &ada, &json!({"role": role}))).await;
        assert_eq!((&user["role"], &user["disabled"]), (&json!(role), &json!(false)));
        for app in [&app, &other] {
            assert_eq!(ada.status(app, "GET", "/api/v1/users").await, status, "{role}");
        }
    }
}

#[tokio::test]
async fn a_disabled_account_is_refused_at_once() {
    let app = TestApp::start().await;
    let other = beside(&app).await;
    let (root, ada) = (Account::admin(&app, "root").await, Account::new(&app, "ada").await);
    assert_eq!(ada.status(&other, "GET", "/api/v1/users/me").await, 200);
    let user = read(root.change(&app, &ada, &json!({"disabled": true}))).await;
    assert_eq!(user["disabled"], true);
    for app in [&app, &other] {
        assert!(!ada.is_active(app).await);
    }
    // As for a wrong password: the same answer after the same work.
    let before = app.state.auth.password_checks();
    let mut answers = Vec::new();
    for login in [ada.login(&app, PASSWORD), ada.login(&app, "wrong password")] {
        let mut answer = problem(login, (401, "wrong-credentials")).await;
        answer["request_id"] = Value::Null;
        answers.push(answer);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(app.state.auth.password_checks(), before + 2);

    read(root.change(&app, &ada, &json!({"disabled": false}))).await;
    assert!(!ada.is_active(&app).await, "its sessions have ended");
    assert!(ada.again(&app).await.is_active(&other).await);
}

/// A password that was checked before the account was disabled begins no session after that.
#[tokio::test]
async fn a_sign_in_under_way_does_not_outlive_a_change() {
    let app = TestApp::start().await;
    let ada = Account::new(&app, "ada").await;
    let hash = sqlx::query_scalar::<_, String>("SELECT password_hash FROM users")
        .fetch_one(&app.state.db)
        .await
        .unwrap();
    let begin = async || app.state.auth.begin(ada.id, &hash, &<_>::default()).await;
    assert!(begin().await.is_ok());
    let root = Account::admin(&app, "root").await;
    read(root.change(&app, &ada, &json!({"disabled": true}))).await;
    assert!(begin().await.is_err(), "disabled");
    read(root.change(&app, &ada, &json!({"disabled": false}))).await;
    let ada = ada.again(&app).await;
    send(ada.change_password(&app, PASSWORD, OTHER)).await;
    assert!(begin().await.is_err(), "another password");
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let app = TestApp::start().await;
    let (root, ada) = (Account::admin(&app, "root").await, Account::new(&app, "ada").await);
    for patch in [json!({"role": "user"}), json!({"disabled": true})] {
        problem(root.change(&app, &root, &patch), (409, "conflict")).await;
    }
    problem(root.send(&app, "DELETE", "/api/v1/users/me"), (409, "conflict")).await;
    assert_eq!(root.status(&app, "GET", "/api/v1/users").await, 200, "nothing has changed");

    // A disabled administrator is none.
    read(root.change(&app, &ada, &json!({"role": "admin", "disabled": true}))).await;
    problem(root.send(&app, "DELETE", "/api/v1/users/me"), (409, "conflict")).await;
    read(root.change(&app, &ada, &json!({"disabled": false}))).await;
    assert_eq!(root.status(&app, "DELETE", "/api/v1/users/me").await, 204);
}

/// Another administrator is leaving in a transaction that has not committed. Each way to leave waits for
/// its outcome.
#[tokio::test]
async fn concurrent_changes_leave_an_administrator() {
    let app = TestApp::start().await;
    let (root, ada) = (Account::admin(&app, "root").await, Account::admin(&app, "ada").await);
    let role = "UPDATE users SET role = $1 WHERE id = $2";
    for leave in [
        ada.change(&app, &ada, &json!({"role": "user"})),
        ada.change(&app, &ada, &json!({"disabled": true})),
        ada.send(&app, "DELETE", "/api/v1/users/me"),
    ] {
        let mut other = db::begin(&app.state.db).await.unwrap();
        assert!(db::try_lock_key(&mut other, "auth_admins").await.unwrap());
        sqlx::query(role).bind("user").bind(root.id).execute(&mut *other).await.unwrap();
        let leaving = tokio::spawn(send(leave));
        let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND database =
            (SELECT oid FROM pg_database WHERE datname = current_database())";
        let waits = async {
            while !leaving.is_finished()
                && sqlx::query_scalar::<_, i64>(waits).fetch_one(&mut *other).await.unwrap() == 0
            {
                yield_now().await;
            }
        };
        timeout(PATIENCE, waits).await.expect("it waits");
        other.commit().await.unwrap();
        assert_eq!(leaving.await.unwrap().status(), StatusCode::CONFLICT);
        sqlx::query(role).bind("admin").bind(root.id).execute(&app.state.db).await.unwrap();
    }
}

/// Most accounts are no administrators: to disable one needs no turn.
#[tokio::test]
async fn only_a_change_that_takes_an_administrator_away_waits_for_others() {
    let app = TestApp::start().await;
    let (root, ada) = (Account::admin(&app, "root").await, Account::new(&app, "ada").await);
    let mut other = db::begin(&app.state.db).await.unwrap();
    assert!(db::try_lock_key(&mut other, "auth_admins").await.unwrap());
    for patch in [
        json!({"disabled": true}),
        json!({"disabled": false}),
        json!({"role": "user"}),
        json!({"role": "admin"}),
    ] {
        let change = send(root.change(&app, &ada, &patch)).await;
        assert_eq!(change.status(), StatusCode::OK, "{patch}");
    }
}

/// An account has as many sessions as a listing shows: none is hidden from its owner.
#[tokio::test]
async fn a_sign_in_beyond_the_limit_ends_the_oldest_session() {
    let app = TestApp::start().await;
    let other = beside(&app).await;
    let (oldest, eve) = (Account::new(&app, "ada").await, Account::new(&app, "eve").await);
    let second = oldest.again(&app).await;
    let hash = "SELECT password_hash FROM users WHERE username = 'ada'";
    let hash = sqlx::query_scalar::<_, String>(hash).fetch_one(&app.state.db).await.unwrap();
    let begin = async || app.state.auth.begin(oldest.id, &hash, &<_>::default()).await.unwrap();
    for _ in 2..100 {
        begin().await;
    }
    assert_eq!(oldest.status(&other, "GET", "/api/v1/users/me").await, 200);
    begin().await;
    assert!(!oldest.is_active(&other).await);
    assert!(second.is_active(&other).await && eve.is_active(&other).await);
    let sessions = read(second.send(&app, "GET", "/auth/sessions")).await;
    assert_eq!(sessions["items"].as_array().unwrap().len(), 100);
}

#[tokio::test]
async fn an_account_is_changed_by_administrators_alone() {
    let app = TestApp::start().await;
    let (root, ada) = (Account::admin(&app, "root").await, Account::new(&app, "ada").await);
    let eve = Account::new(&app, "eve").await;
    let path = format!("/api/v1/users/{}", ada.id);
    let promotion = json!({"role": "admin"});
    problem(app.request("PATCH", &path).json(&promotion), (401, "unauthenticated")).await;
    for account in [&ada, &eve] {
        problem(account.change(&app, &ada, &promotion), (403, "forbidden")).await;
    }
    for bad in [
        json!({"role": "root"}),
        json!({"role": null}),
        json!({"disabled": null}),
        json!({"username": "x"}),
    ] {
        problem(root.change(&app, &ada, &bad), 422).await;
    }
    let unchanged = read(root.change(&app, &ada, &json!({}))).await;
    assert_eq!(unchanged["role"], "user");
    let missing = format!("/api/v1/users/{}", Uuid::now_v7());
    problem(root.send(&app, "PATCH", &missing).json(&promotion), (404, "not-found")).await;
}

/// Each route with no account, with the account that it is about, with another, and with an
/// administrator; the account comes last, because it ends its session.
#[tokio::test]
async fn each_route_admits_its_callers() {
    let app = TestApp::start().await;
    let (root, ada) = (Account::admin(&app, "root").await, Account::new(&app, "ada").await);
    Account::admin(&app, "another_admin").await;
    let eve = Account::new(&app, "eve").await;
    let sessions = read(ada.send(&app, "GET", "/auth/sessions")).await;
    let session = format!("/auth/sessions/{}", sessions["items"][0]["id"].as_str().unwrap());
    let user = format!("/api/v1/users/{}", ada.id);
    for (method, path, [eves, roots, adas]) in [
        ("GET", "/api/v1/users", [403, 200, 403]),
        ("PATCH", &user, [403, 200, 403]),
        ("GET", "/api/v1/users/me", [200, 200, 200]),
        ("GET", "/auth/sessions", [200, 200, 200]),
        ("POST", "/auth/password", [422, 422, 422]),
        ("DELETE", &session, [404, 404, 204]),
    ] {
        problem(app.request(method, path).json(&json!({})), (401, "unauthenticated")).await;
        for (account, status) in [(&eve, eves), (&root, roots), (&ada, adas)] {
            let answer = send(account.send(&app, method, path).json(&json!({}))).await;
            assert_eq!(answer.status(), status, "{method} {path} as {}", account.email);
        }
    }
    let ada = ada.again(&app).await;
    for path in ["/auth/sessions", "/api/v1/users/me"] {
        problem(app.request("DELETE", path), (401, "unauthenticated")).await;
        for account in [&eve, &root] {
            let account = account.again(&app).await;
            assert_eq!(account.status(&app, "DELETE", path).await, 204, "{path}");
            assert!(!account.is_active(&app).await);
        }
        assert_eq!(ada.status(&app, "GET", "/api/v1/users/me").await, 200, "not hers");
    }
}

#[tokio::test]
async fn a_challenge_names_an_error_only_where_a_token_was_sent() {
    let app = TestApp::start().await;
    let ada = Account::new(&app, "ada").await;
    let challenge = async |request: RequestBuilder| {
        let response = send(request).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        header(&response, "www-authenticate").to_owned()
    };
    let me = || app.get("/api/v1/users/me");
    let none = concat!("Bearer realm=\"", env!("CARGO_PKG_NAME"), "\"");
    let invalid = format!("{none}, error=\"invalid_token\"");
    assert_eq!(challenge(me()).await, none);
    assert_eq!(challenge(me().basic_auth("ada", Some(PASSWORD))).await, none);
    assert_eq!(challenge(ada.login(&app, "wrong password")).await, none);
    assert_eq!(challenge(me().bearer_auth("nonsense")).await, invalid);
    assert_eq!(ada.status(&app, "POST", "/auth/logout").await, 204);
    assert_eq!(challenge(me().bearer_auth(&ada.token)).await, invalid);
}

/// The client leaves before the database has confirmed the change.
#[tokio::test]
async fn a_change_whose_client_has_left_is_in_the_audit_log() {
    let direct = TestApp::start().await;
    let proxy = Proxy::before(&direct.settings.database).await;
    let mut settings: Vec<_> = direct.settings.iter().collect();
    settings.push(("DATABASE_URL", &proxy.url));
    let app = TestApp::with(&settings).await;
    let (root, ada) = (Account::admin(&direct, "root").await, Account::new(&direct, "ada").await);
    let (second, third) = (ada.again(&direct).await, ada.again(&direct).await);
    let sessions = read(third.send(&direct, "GET", "/auth/sessions")).await;
    let newest = format!("/auth/sessions/{}", sessions["items"][0]["id"].as_str().unwrap());
    let eve = json!({"username": "eve", "email": "eve@example.com", "password": PASSWORD});
    let updated: &[_] = &["UPDATE 1", "COMMIT"];
    for (request, tags, message) in [
        (
            app.post("/auth/register").json(&eve),
            &["INSERT 0 1", "COMMIT"] as &[_],
            "an account was registered",
        ),
        (ada.login(&app, PASSWORD), updated, "a session has begun"),
        (second.send(&app, "POST", "/auth/logout"), updated, "a session was ended"),
        (third.send(&app, "DELETE", &newest), updated, "a session was ended"),
        (
            ada.change_password(&app, PASSWORD, OTHER),
            updated,
            "a password was changed: other sessions have ended",
        ),
        (root.change(&app, &ada, &json!({"role": "admin"})), updated, "an account was changed"),
        (ada.send(&app, "DELETE", "/auth/sessions"), updated, "all sessions were ended"),
        (root.send(&app, "DELETE", "/api/v1/users/me"), updated, "an account was deleted"),
    ] {
        proxy.withhold(tags);
        let id = Uuid::now_v7().to_string();
        let client = tokio::spawn(send(request.header("x-request-id", &id)));
        proxy.withheld().await;
        client.abort();
        let wait = async {
            while app.state.in_flight.count() > 0 {
                yield_now().await;
            }
        };
        timeout(PATIENCE, wait).await.expect("the request has ended");
        let is_logged = || log::about(&id).iter().any(|line| line["message"] == message);
        assert!(!is_logged(), "{message}: not confirmed");
        proxy.deliver();
        let wait = async {
            while !is_logged() {
                yield_now().await;
            }
        };
        timeout(PATIENCE, wait).await.expect(message);
    }
}

/// Names of an earlier release may differ in case alone. The oldest account has the name.
#[tokio::test]
async fn a_name_belongs_to_one_account_in_every_spelling() {
    let app = TestApp::start().await;
    let register = |app: &TestApp, name: &str| {
        let email = format!("{}@example.com", Uuid::now_v7());
        let account = json!({"username": name, "email": email, "password": PASSWORD});
        app.post("/auth/register").json(&account)
    };
    let ada = read(register(&app, "Ada")).await;
    assert_eq!(ada["username"], "Ada");
    for name in ["ada", "ADA"] {
        let refused = problem(register(&app, name), (409, "taken")).await;
        assert_eq!(refused["errors"][0]["pointer"], "/username");
    }

    for name in ["Bob", "bob"] {
        let email = format!("{name}.{name}@example.com");
        users::create(&app.state.db, &name.repeat(2), &email, "no hash", Role::User).await.unwrap();
        let earlier =
            sqlx::query("UPDATE users SET username = $1, username_key = NULL WHERE email = $2");
        earlier.bind(name).bind(&email).execute(&app.state.db).await.unwrap();
    }
    users::claim_names(&app.state.db).await.unwrap();
    problem(register(&app, "BOB"), (409, "taken")).await;
    let claimed = "SELECT username FROM users WHERE username_key = 'bob'";
    let claimed = sqlx::query_scalar::<_, String>(claimed).fetch_all(&app.state.db).await.unwrap();
    assert_eq!(claimed, ["Bob"]);
}
