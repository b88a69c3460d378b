//! What a request asks of the database, by the lines that the service logs about the request.

use reqwest::{RequestBuilder, Response};
use uuid::Uuid;

use super::{TestApp, log, send};

/// Sends the request; returns its answer, and the statements that it took.
pub async fn of(_: &TestApp, request: RequestBuilder) -> (Response, Vec<String>) {
    let id = Uuid::now_v7().to_string();
    let response = send(request.header("x-request-id", &id)).await;
    let lines = log::about(&id);
    let statements = lines.iter().filter(|line| line["target"] == "sqlx::query");
    let texts = statements.map(|line| {
        let [whole, summary] = ["db.statement", "summary"].map(|name| line[name].as_str().unwrap());
        if whole.is_empty() { summary } else { whole }
    });
    (response, texts.map(|text| text.trim().to_owned()).collect())
}
