//! Turns every error response into a problem, also responses of axum and tower-http.

use axum::{
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};

use crate::http::problem::{PROBLEM_JSON, Problem};

/// Replaces the body of an error response that is no problem. Other headers, such as `Allow`, stay.
pub fn rewrite(response: Response) -> Response {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || is_problem(response.headers()) {
        return response;
    }
    let mut problem = Problem::of_status(status).into_response();
    let (parts, _) = response.into_parts();
    for (name, value) in &parts.headers {
        if !name.as_str().starts_with("content-") && name != header::TRANSFER_ENCODING {
            problem.headers_mut().append(name, value.clone());
        }
    }
    problem
}

fn is_problem(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value == PROBLEM_JSON)
}
