//! Rows for development, sent to the running service as a client sends them: `just seed`.
//!
//! The argument is the email address of an administrator; the password is read from standard input.

use std::{collections::HashMap, error::Error, io::Write};

use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use demo::{
    config::{AppEnv, Config},
    state::CHECKS,
};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome {
    // As the service does: the client needs one, for any URL.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut api = Api::new().await?;
    create_categories(&mut api).await?;
    create_products(&mut api).await?;
    create_orders(&mut api).await?;
    Ok(())
}

async fn create_categories(api: &mut Api) -> Outcome {
    let rows = json!([
        {
            "name": "Desk lamp",
            "parent_id": null,
            "rank": 1,
            "visible": true,
        },
        {
            "name": "Oak table",
            "parent_id": null,
            "rank": 2,
            "visible": false,
        },
        {
            "name": "Wool blanket",
            "parent_id": null,
            "rank": 3,
            "visible": true,
        },
    ]);
    api.create("categories", &rows).await
}

async fn create_products(api: &mut Api) -> Outcome {
    let rows = json!([
        {
            "category_id": api.id("categories", 0),
            "sku": "AB-1042",
            "name": "Desk lamp",
            "price": "19.90",
            "weight": "1.250",
            "stock": 25,
            "released": "2026-01-31",
            "homepage": "https://example.org",
            "details": {"priority":"high"},
            "supplier_code": "AB-1042",
        },
        {
            "category_id": api.id("categories", 1),
            "sku": "AB-1043",
            "name": "Oak table",
            "price": "19.91",
            "weight": "1.251",
            "stock": 26,
            "released": "2026-02-01",
            "homepage": "https://shop2.example.org",
            "details": {"priority":"low"},
            "supplier_code": "AB-1043",
        },
        {
            "category_id": api.id("categories", 2),
            "sku": "AB-1044",
            "name": "Wool blanket",
            "price": "19.92",
            "weight": "1.252",
            "stock": 27,
            "released": "2026-02-02",
            "homepage": "https://shop3.example.org",
            "details": {"priority":"high","position":2},
            "supplier_code": "AB-1044",
        },
    ]);
    api.create("products", &rows).await
}

async fn create_orders(api: &mut Api) -> Outcome {
    let rows = json!([
        {
            "product_id": api.id("products", 0),
            "status": "draft",
            "quantity": 3,
            "placed_at": "2026-01-31T12:30:00Z",
            "ship_by": "2026-01-31",
            "contact": "ada@example.org",
            "tracking": "01890000-0000-7000-8000-000000000000",
            "gift": true,
            "type": "retail",
            "tags": {"priority":"high"},
            "note": "Leave the parcel at the back door.",
        },
        {
            "product_id": api.id("products", 1),
            "status": "paid",
            "quantity": 4,
            "placed_at": "2026-02-01T12:30:00Z",
            "ship_by": "2026-02-01",
            "contact": "grace@example.org",
            "tracking": "01890000-0000-7000-8000-000000000001",
            "gift": false,
            "type": "wholesale",
            "tags": {"priority":"low"},
            "note": "Call before you deliver.",
        },
        {
            "product_id": api.id("products", 2),
            "status": "shipped",
            "quantity": 5,
            "placed_at": "2026-02-02T12:30:00Z",
            "ship_by": "2026-02-02",
            "contact": "alan@example.org",
            "tracking": "01890000-0000-7000-8000-000000000002",
            "gift": true,
            "type": "retail",
            "tags": {"priority":"high","position":2},
            "note": "The second drawer is stuck.",
        },
    ]);
    api.create("orders", &rows).await
}

/// The running service, as the administrator uses it.
struct Api {
    client: Client,
    root: String,
    token: String,
    /// IDs of the rows by the path of their resource.
    ids: HashMap<&'static str, Vec<Value>>,
}

impl Api {
    async fn new() -> Outcome<Self> {
        let config = Config::from_process(CHECKS)?;
        if config.app_env != AppEnv::Development {
            return Err("seed is for development: APP_ENV is production".into());
        }
        let (client, root) = (Client::new(), format!("http://{}", config.http_addr));
        let email = std::env::args().nth(1).ok_or("usage: seed EMAIL <PASSWORD")?;
        let mut password = String::new();
        std::io::stdin().read_line(&mut password)?;
        let credentials = json!({"email": email, "password": password.trim_end()});
        let tokens = send(client.post(format!("{root}/auth/login")).json(&credentials)).await?;
        let token = tokens["access_token"].as_str().ok_or("no access token")?.to_owned();
        Ok(Self { client, root, token, ids: HashMap::new() })
    }

    /// Creates rows in one batch; a second run gets the response of the first.
    async fn create(&mut self, path: &'static str, rows: &Value) -> Outcome {
        let url = format!("{}/api/v1/{path}/batch", self.root);
        let request = self.client.post(url).bearer_auth(&self.token);
        let request = request.header("idempotency-key", format!("seed-{path}"));
        let batch = send(request.json(&json!({"items": rows}))).await?;
        let items = batch["items"].as_array().ok_or("no items")?;
        self.ids.insert(path, items.iter().map(|row| row["id"].clone()).collect());
        writeln!(std::io::stdout(), "{path}: {} rows", items.len())?;
        Ok(())
    }

    fn id(&self, path: &str, n: usize) -> &Value {
        &self.ids[path][n]
    }
}

/// The body of a successful response; the problem of any other is the error.
async fn send(request: RequestBuilder) -> Outcome<Value> {
    let response = request.send().await?;
    let (url, success) = (response.url().clone(), response.status().is_success());
    let text = response.text().await?;
    if success { Ok(serde_json::from_str(&text)?) } else { Err(format!("{url}: {text}").into()) }
}
