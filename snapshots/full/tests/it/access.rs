//! sec.roles: who may read and write each resource, for every operation and every kind of caller.

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::{
    resources,
    support::{
        TestApp,
        resources::{Api, account},
        send,
        service::auth::users::Role,
    },
};

/// An access rule of `service.toml`.
#[derive(Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "not every rule has a resource")]
enum Rule {
    Public,
    SignedIn,
    Owner,
    Admin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Caller {
    Anonymous,
    /// An account that does not own the row.
    Other,
    Owner,
    Admin,
}

impl Rule {
    /// Whether `caller` may use the row.
    fn admits(self, caller: Caller) -> bool {
        match self {
            Self::Public => true,
            Self::SignedIn => caller != Caller::Anonymous,
            Self::Owner => matches!(caller, Caller::Owner | Caller::Admin),
            Self::Admin => caller == Caller::Admin,
        }
    }

    /// Status of a request that uses the row; a row that `caller` may not even read (`shown`) is not found.
    fn on_row(self, caller: Caller, success: u16, shown: bool) -> u16 {
        match self {
            _ if self.admits(caller) => success,
            _ if caller == Caller::Anonymous => 401,
            Self::Owner if !shown => 404,
            _ => 403,
        }
    }

    /// Status of a request that uses no row yet: a list, or a new row of the caller's own.
    fn on_list(self, caller: Caller, success: u16) -> u16 {
        let rule = if self == Self::Owner { Self::SignedIn } else { self };
        rule.on_row(caller, success, true)
    }
}

/// The service, with a token for each kind of caller.
struct Callers {
    api: Api,
    other: String,
    owner: String,
    admin: String,
}

impl Callers {
    async fn new() -> Self {
        let api = Api::start().await;
        let (_, other) = account(&api, "eve", Role::User).await;
        let (_, owner) = account(&api, "olive", Role::User).await;
        let (_, admin) = account(&api, "root", Role::Admin).await;
        Self { api, other, owner, admin }
    }

    fn request(&self, caller: Caller, method: &str, path: &str) -> RequestBuilder {
        let request = TestApp::request(&self.api, method, path);
        match caller {
            Caller::Anonymous => request,
            Caller::Other => request.bearer_auth(&self.other),
            Caller::Owner => request.bearer_auth(&self.owner),
            Caller::Admin => request.bearer_auth(&self.admin),
        }
    }
}

/// Tries every operation as every caller, on a row of the owner; `body` makes the `n`th body.
async fn hold(path: &str, reads: Rule, writes: Rule, body: impl AsyncFn(&Api, u32) -> Value) {
    let callers = Callers::new().await;
    let batch = format!("{path}/batch");
    let creator = if writes == Rule::Admin { Caller::Admin } else { Caller::Owner };
    let everyone = [Caller::Anonymous, Caller::Other, Caller::Owner, Caller::Admin];
    for (n, caller) in (0..).step_by(4).zip(everyone) {
        let expect = async |operation: &str, request: RequestBuilder, status: u16| {
            let response = send(request).await;
            assert_eq!(response.status(), status, "{operation} {path} as {caller:?}");
            response
        };
        let request = |method: &str, path: &str| callers.request(caller, method, path);
        let body = async |offset: u32| body(&callers.api, n + offset).await;

        let made = callers.request(creator, "POST", path).json(&body(0).await);
        let made: Value = expect("prepare", made, 201).await.json().await.unwrap();
        let at = format!("{path}/{}", made["id"].as_str().unwrap());
        let shown = reads.admits(caller);

        let listed = expect("list", request("GET", path), reads.on_list(caller, 200)).await;
        if listed.status() == 200 {
            let page: Value = listed.json().await.unwrap();
            let items = page["items"].as_array().unwrap();
            let found = items.iter().any(|item| item["id"] == made["id"]);
            assert_eq!(found, shown, "a row in the list of {path} as {caller:?}");
        }
        let status = reads.on_row(caller, 200, shown);
        expect("get", request("GET", &at), status).await;

        let status = writes.on_list(caller, 201);
        expect("create", request("POST", path).json(&body(1).await), status).await;
        let items = json!({"items": [body(2).await]});
        expect("create batch", request("POST", &batch).json(&items), status).await;

        let status = writes.on_row(caller, 200, shown);
        expect("replace", request("PUT", &at).json(&body(3).await), status).await;
        expect("update", request("PATCH", &at).json(&json!({})), status).await;
        let changes = json!({"ids": [made["id"]], "changes": {}});
        // Of a batch, rows of other accounts count as missing.
        let missing = writes == Rule::Owner && caller == Caller::Other;
        let status = if missing { 422 } else { status };
        expect("update batch", request("PATCH", &batch).json(&changes), status).await;
        let status = writes.on_row(caller, 204, shown);
        expect("delete", request("DELETE", &at), status).await;
    }
}

#[tokio::test]
async fn the_access_rules_of_categories_hold() {
    hold("/api/v1/categories", Rule::SignedIn, Rule::Admin, resources::categories::body).await;
}

#[tokio::test]
async fn the_access_rules_of_products_hold() {
    hold("/api/v1/products", Rule::SignedIn, Rule::Admin, resources::products::body).await;
}

#[tokio::test]
async fn the_access_rules_of_orders_hold() {
    hold("/api/v1/orders", Rule::Owner, Rule::Owner, resources::orders::body).await;
}
