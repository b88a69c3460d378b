//! app.validation: no text of a client makes the service fail, wherever in a request it is.
//!
//! The tests walk the API's description, which covers a new operation by itself.

use std::{
    net::Ipv4Addr,
    sync::atomic::{AtomicU32, Ordering},
};

use form_urlencoded::byte_serialize;
use futures_util::{StreamExt, stream};
use reqwest::{
    RequestBuilder,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use serde_json::{Value, json};

use crate::support::{TestApp, json as read, send};

const JSON: &str = "application/json";

/// Short texts that have broken a parser, a database or a terminal.
const TEXTS: &[&str] = &[
    "",
    " ",
    "\0",
    "a\0b",
    "\u{1}\u{8}\u{1b}[31m\u{7f}\u{85}",
    "\r\nx-injected: 1\r\n\r\n",
    "\t",
    "\\",
    "\"'`;--",
    "%00%ff%",
    "../../etc/passwd",
    "\u{202e}drow\u{2066}ssap\u{2069}",
    "\u{5e9}\u{5dc}\u{5d5}\u{5dd}@\u{5d0}.example",
    "\u{feff}\u{200b}\u{2028}",
    "\u{fdd0}\u{ffff}\u{10ffff}",
    "👩\u{200d}👩\u{200d}👧 e\u{301}\u{301}\u{301}",
    "NaN",
    "-1e999",
    "99999999999999999999999999",
    "9999-12-31T23:59:60+23:59",
    "+262142-12-31T23:59:60Z",
];

/// Long texts. Some take more bytes, or more characters, in the other case.
const LONG: &[(&str, usize)] =
    &[("a", 255), ("İ", 254), ("ß", 128), ("\u{5d0}", 1000), ("a", 7000), ("🦀", 20_000)];

/// Contents of JSON strings that are no texts: lone surrogates, and bytes that are not UTF-8.
const BROKEN: &[&[u8]] = &[
    br"\ud800",
    br"\udc00",
    br"a\ud800\ud800b",
    br"\udfff\ud800",
    b"\xff",
    b"\xed\xa0\x80",
    b"\0",
];

/// Headers that middleware reads, so that most routes are alike in them: each GET gets a quarter of the
/// texts in each, and other operations other quarters.
const HEADERS: &[&str] = &[
    "accept",
    "accept-encoding",
    "access-control-request-headers",
    "authorization",
    "cookie",
    "forwarded",
    "if-match",
    "if-none-match",
    "if-modified-since",
    "origin",
    "range",
    "traceparent",
    "tracestate",
    "user-agent",
    "x-forwarded-for",
    "x-request-id",
];

/// The head of a request has room for this much.
const HEAD: usize = 10_000;

/// Marks the place of a text in a JSON document.
const MARK: &str = "the-text";

/// An ID that no resource has.
const NIL: &str = "00000000-0000-0000-0000-000000000000";

#[tokio::test]
async fn no_text_in_a_path_makes_the_service_fail() {
    let texts = in_url();
    survives(20, |operation| {
        let named = operation.parameters("path").next().is_some();
        let texts = texts.iter().filter(|_| named);
        texts.map(|text| operation.request(text, "")).collect()
    })
    .await;
}

#[tokio::test]
async fn no_text_in_a_query_makes_the_service_fail() {
    let texts = in_url();
    survives(20, |operation| {
        let names: Vec<_> = operation.parameters("query").collect();
        let queries = texts.iter().flat_map(|text| {
            let values = names.iter().map(move |name| format!("{name}={text}"));
            values.chain([format!("{text}=1")])
        });
        queries.map(|query| operation.request(NIL, &query)).collect()
    })
    .await;
}

#[tokio::test]
async fn no_text_in_a_header_makes_the_service_fail() {
    let bytes = HeaderValue::from_bytes(b"\xff\xfe\x80").unwrap();
    let texts = texts().into_iter().filter(|text| text.len() < HEAD);
    let texts = texts.filter_map(|text| HeaderValue::try_from(text).ok()).chain([bytes]);
    let texts: Vec<_> = texts.collect();
    survives(20, |operation| {
        let body = operation.body().map(|body| body.to_string());
        let general = if operation.method == "get" { HEADERS } else { &[] };
        let general = general.iter().enumerate().flat_map(|(at, name)| {
            let texts = texts.iter().skip((operation.number + at) % 4).step_by(4);
            texts.map(move |text| (*name, text))
        });
        let of_body = body.as_ref().map(|_| "content-type");
        let own = operation.parameters("header").chain(of_body);
        let own = own.flat_map(|name| texts.iter().map(move |text| (name, text)));
        let headers = own.chain(general).map(|(name, text)| {
            let name: HeaderName = name.parse().unwrap();
            HeaderMap::from_iter([(name, text.clone())])
        });
        let request = || match body.clone() {
            Some(body) => operation.request(NIL, "").header("content-type", JSON).body(body),
            None => operation.request(NIL, ""),
        };
        headers.map(|headers| request().headers(headers)).collect()
    })
    .await;
}

#[tokio::test]
async fn no_text_in_a_body_makes_the_service_fail() {
    let quoted = texts().into_iter().map(|text| {
        let quoted = json!(text).to_string();
        quoted.as_bytes()[1..quoted.len() - 1].to_owned()
    });
    let texts: Vec<_> = quoted.chain(BROKEN.iter().map(|bytes| bytes.to_vec())).collect();
    survives(20, |operation| {
        let marked = operation.body().map(|body| marked(&body)).unwrap_or_default();
        let bodies = marked.iter().flat_map(|body| {
            let body = body.to_string();
            let (before, after) = body.split_once(MARK).unwrap();
            let parts = (before.as_bytes().to_owned(), after.as_bytes().to_owned());
            texts.iter().map(move |text| [&*parts.0, text, &*parts.1].concat())
        });
        let request = || operation.request(NIL, "").header("content-type", JSON);
        bodies.map(|body| request().body(body)).collect()
    })
    .await;
}

fn texts() -> Vec<String> {
    let long = LONG.iter().map(|(text, count)| text.repeat(*count));
    TEXTS.iter().map(|text| (*text).to_owned()).chain(long).collect()
}

/// The texts, and bytes that are no text, as a URL has them.
fn in_url() -> Vec<String> {
    let encode = |text: String| byte_serialize(text.as_bytes()).collect::<String>();
    // In a path, `+` is no space.
    let texts = texts().into_iter().map(|text| encode(text).replace('+', "%20"));
    let bytes = ["%ff", "%ed%a0%80", "%c3%28", "%"].map(str::to_owned);
    texts.chain(bytes).filter(|text| text.len() < HEAD).collect()
}

/// Sends the requests to each operation, at least `least`, none of which may make the service fail.
async fn survives(least: usize, requests: impl Fn(&Operation<'_>) -> Vec<RequestBuilder>) {
    let app = TestApp::with(&[("TRUSTED_PROXIES", "1")]).await;
    let api = read(app.get("/api-docs/openapi.json")).await;
    let (mut sent, mut number) = (0, 0);
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, described) in item.as_object().unwrap() {
            let token = if described["security"] == json!([]) { None } else { token(&app).await };
            let operation =
                Operation { app: &app, api: &api, number, path, method, described, token };
            number += 1;
            let requests = requests(&operation);
            sent += requests.len();
            stream::iter(requests).for_each_concurrent(4, fails_not).await;
        }
    }
    assert!(sent >= least, "{sent}");
}

async fn fails_not(request: RequestBuilder) {
    let (client, request) = request.build_split();
    let request = request.unwrap();
    let again = request.try_clone().unwrap();
    let status = client.execute(request).await.unwrap().status();
    let body = again.body().and_then(|body| body.as_bytes()).map(String::from_utf8_lossy);
    assert!(!status.is_server_error(), "{status}: {again:?} {body:?}");
}

/// An operation of the description.
struct Operation<'a> {
    app: &'a TestApp,
    api: &'a Value,
    /// Its place among the operations.
    number: usize,
    path: &'a str,
    method: &'a str,
    described: &'a Value,
    token: Option<String>,
}

impl Operation<'_> {
    /// The names of its parameters in `place`.
    fn parameters(&self, place: &str) -> impl Iterator<Item = &str> {
        let all = self.described["parameters"].as_array().into_iter().flatten();
        let here = all.filter(move |parameter| parameter["in"] == place);
        here.map(|parameter| parameter["name"].as_str().unwrap())
    }

    /// A body that fits its schema.
    fn body(&self) -> Option<Value> {
        let content = self.described["requestBody"]["content"].as_object()?;
        Some(example(self.api, &content.values().next()?["schema"]))
    }

    /// A request with `value` for each parameter of the path. Each is from another address, so that no
    /// limit answers in place of the operation.
    fn request(&self, value: &str, query: &str) -> RequestBuilder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let address = Ipv4Addr::from_bits(NEXT.fetch_add(1, Ordering::Relaxed));
        let fill = |path: String, name: &str| path.replace(&format!("{{{name}}}"), value);
        let path = self.parameters("path").fold(self.path.to_owned(), fill);
        let request = self.app.request(&self.method.to_uppercase(), &format!("{path}?{query}"));
        let request = request.header("x-forwarded-for", address.to_string());
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }
}

/// A value that fits the schema.
fn example(api: &Value, schema: &Value) -> Value {
    if let Some(target) = schema["$ref"].as_str() {
        return example(api, api.pointer(target.trim_start_matches('#')).unwrap());
    }
    let given = [&schema["example"], &schema["default"], &schema["enum"][0]];
    if let Some(given) = given.into_iter().find(|given| !given.is_null()) {
        return given.clone();
    }
    if let Some(options) = schema["oneOf"].as_array() {
        return example(api, &options[0]);
    }
    let kind = if schema["type"].is_array() { &schema["type"][0] } else { &schema["type"] };
    match (kind.as_str().unwrap_or_default(), schema["format"].as_str().unwrap_or_default()) {
        ("object", _) => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            properties.map(|(name, value)| (name.clone(), example(api, value))).collect()
        }
        ("array", _) => json!([example(api, &schema["items"])]),
        ("integer" | "number", _) => json!(1),
        ("boolean", _) => json!(true),
        ("string", "uuid") => json!(NIL),
        ("string", "date") => json!("2026-01-01"),
        ("string", "date-time") => json!("2026-01-01T00:00:00Z"),
        _ => json!("text"),
    }
}

/// Copies of `value`, in each of which [`MARK`] replaces one of the values or is one of the names.
fn marked(value: &Value) -> Vec<Value> {
    let mut copies = vec![json!(MARK)];
    match value {
        Value::Object(members) => {
            let with = |name: &str, value: Value| {
                let mut members = members.clone();
                members.insert(name.to_owned(), value);
                Value::Object(members)
            };
            for (name, member) in members {
                copies.extend(marked(member).into_iter().map(|copy| with(name, copy)));
            }
            copies.push(with(MARK, json!(1)));
        }
        Value::Array(items) => {
            copies.extend(items.iter().flat_map(marked).map(|copy| json!([copy])));
        }
        _ => {}
    }
    copies
}

/// An access token of an administrator. The last one may have ended by what was sent.
async fn token(app: &TestApp) -> Option<String> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("admin_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let (email, password) = (format!("{name}@example.com"), "correct horse battery staple");
    let account = json!({"username": name, "email": email, "password": password});
    assert_eq!(send(app.post("/auth/register").json(&account)).await.status(), 201);
    let promotion = sqlx::query("UPDATE users SET role = 'admin'");
    promotion.execute(&app.state.db).await.unwrap();
    let credentials = json!({"email": email, "password": password});
    let pair = read(app.post("/auth/login").json(&credentials)).await;
    Some(pair["access_token"].as_str().unwrap().to_owned())
}
