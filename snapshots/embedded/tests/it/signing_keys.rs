//! sec.auth: production needs a signing key; development draws one when none is set.

use serde_json::json;

use crate::support::{Process, Settings, TestApp, free_port, json as read, send};

/// No signing key: an empty variable counts as unset.
const NONE: (&str, &str) = ("AUTH_SIGNING_KEYS", "");

const DEVELOPMENT: (&str, &str) = ("APP_ENV", "development");

#[tokio::test]
async fn production_does_not_start_without_a_signing_key() {
    let output = Process::run(&["serve"], &[NONE]).await;
    assert_eq!(output.status.code(), Some(78));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "AUTH_SIGNING_KEYS: must be set\n");
}

#[tokio::test]
async fn development_signs_with_a_drawn_key() {
    let app = TestApp::with(&[DEVELOPMENT, NONE]).await;
    let password = "correct horse battery";
    let account = json!({"username": "ada", "email": "ada@example.com", "password": password});
    assert_eq!(send(app.post("/auth/register").json(&account)).await.status(), 201);
    let credentials = json!({"email": "ada@example.com", "password": password});
    let tokens = read(app.post("/auth/login").json(&credentials)).await;
    let token = tokens["access_token"].as_str().unwrap();
    let user = read(app.get("/api/v1/users/me").bearer_auth(token)).await;
    assert_eq!(user["username"], "ada");
}

#[tokio::test]
async fn a_drawn_key_is_announced_in_the_log() {
    // A port that is in use ends the process once its parts are built.
    let port = free_port();
    let addr = port.local_addr().unwrap().to_string();
    let settings = Settings::new(&[DEVELOPMENT, NONE, ("HTTP_ADDR", &addr)]).await;
    let all: Vec<_> = settings.iter().collect();
    let output = Process::run(&["serve"], &all).await;
    let log = String::from_utf8(output.stdout).unwrap();
    let warned = |line: &str| line.contains("\"WARN\"") && line.contains("AUTH_SIGNING_KEYS");
    assert!(log.lines().any(warned), "{log}");
}
