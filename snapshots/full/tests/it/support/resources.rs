//! Support for tests of resources: the API as one account sees it, and listings of all pages.

use std::{net::SocketAddr, ops::Deref};

use reqwest::RequestBuilder;
use serde_json::Value;
use tokio::{task::yield_now, time::timeout};
use uuid::Uuid;

use super::{
    PATIENCE, TestApp, json, send,
    service::auth::{
        Device,
        users::{self, Role},
    },
};

/// Resources that only administrators may read, or write.
const READ_BY_ADMINS: &[&str] = &[];
const WRITTEN_BY_ADMINS: &[&str] = &["/api/v1/categories", "/api/v1/products"];

/// A client of the API, signed in to one account, and to that of an administrator where the API needs one.
pub struct Api {
    app: TestApp,
    /// ID of the account.
    #[allow(dead_code, reason = "read where resources refer to accounts")]
    pub user: Uuid,
    token: String,
    admin: String,
}

impl Api {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let app = TestApp::with(settings).await;
        let (user, token) = account(&app, "ada", Role::User).await;
        let (_, admin) = account(&app, "grace", Role::Admin).await;
        Self { app, user, token, admin }
    }

    /// A second replica of the service, in this process.
    pub async fn replica(&self) -> Self {
        self.beside(&[]).await
    }

    /// Another service in this process, with these settings instead.
    pub async fn beside(&self, others: &[(&str, &str)]) -> Self {
        let settings: Vec<_> = self.settings.iter().chain(others.iter().copied()).collect();
        let app = TestApp::with(&settings).await;
        Self { app, user: self.user, token: self.token.clone(), admin: self.admin.clone() }
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request("GET", path)
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.request("POST", path)
    }

    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.app.request(method, path).bearer_auth(self.token(method, path))
    }

    fn token(&self, method: &str, path: &str) -> &str {
        let of_admins = if method == "GET" { READ_BY_ADMINS } else { WRITTEN_BY_ADMINS };
        let path = path.split('?').next().unwrap_or_default();
        let below = |base: &&str| {
            path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if of_admins.iter().any(below) { &self.admin } else { &self.token }
    }

    /// A request to another process of the service.
    pub fn post_to(&self, addr: SocketAddr, path: &str) -> RequestBuilder {
        self.app.client.post(format!("http://{addr}{path}")).bearer_auth(self.token("POST", path))
    }

    /// Creates a resource and returns it.
    pub async fn create(&self, path: &str, body: &Value) -> Value {
        let response = send(self.post(path).json(body)).await;
        let status = response.status();
        let made = response.json().await.unwrap();
        assert_eq!(status, 201, "{made}");
        made
    }

    /// Reads all pages of a listing; `path` must have a query.
    pub async fn walk(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = json(self.get(&format!("{path}{cursor}"))).await;
            items.extend(page["items"].as_array().unwrap_or_else(|| panic!("{page}")).clone());
            let Some(next) = page["next_cursor"].as_str() else {
                return items;
            };
            cursor = format!("&cursor={next}");
        }
    }

    /// Waits until `count` statements that begin with `statement` are blocked by another
    /// transaction; returns the process IDs of their connections.
    pub async fn blocked(&self, statement: &str, count: usize) -> Vec<i32> {
        let blocked = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()
            AND cardinality(pg_blocking_pids(pid)) > 0 AND starts_with(query, $1)";
        let pool = self.settings.database.pool();
        let wait = async {
            loop {
                let pids = sqlx::query_scalar(blocked).bind(statement);
                let pids = pids.fetch_all(&pool).await.unwrap();
                if pids.len() == count {
                    return pids;
                }
                yield_now().await;
            }
        };
        timeout(PATIENCE, wait).await.expect("the statements are blocked")
    }
}

impl Deref for Api {
    type Target = TestApp;

    fn deref(&self) -> &TestApp {
        &self.app
    }
}

/// Creates an account; returns its ID and an access token.
pub async fn account(app: &TestApp, name: &str, role: Role) -> (Uuid, String) {
    let email = format!("{name}@example.com");
    let user = users::create(&app.state.db, name, &email, "no hash", role).await.unwrap();
    let tokens = app.state.auth.begin(user.id, "no hash", &Device::default()).await.unwrap();
    let tokens = serde_json::to_value(tokens).unwrap();
    (user.id, tokens["access_token"].as_str().unwrap().to_owned())
}

/// Returns the fault at `pointer` of a problem.
pub fn fault<'a>(problem: &'a Value, pointer: &str) -> &'a Value {
    let faults = problem["errors"].as_array().unwrap_or_else(|| panic!("no faults: {problem}"));
    let fault = faults.iter().find(|fault| fault["pointer"] == pointer);
    fault.unwrap_or_else(|| panic!("no fault at {pointer}: {problem}"))
}
