//! The modules of the generated service form no circle: their imports go one way, in every service.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::blueprints;
use new_service::blueprint::Blueprint;
use new_service::pack::{Pack, Source};
use new_service::render::render;
use proc_macro2::{TokenStream, TokenTree};

/// The root modules of the service, in the order of their imports: a module imports those of earlier lines alone.
const ORDER: [&[&str]; 11] = [
    &["config", "error"],
    &["telemetry"],
    &["background"],
    &["db", "redis"],
    &["cache", "http"],
    &["rate_limit"],
    &["auth"],
    &["api"],
    &["state"],
    &["app"],
    &["cli"],
];

/// The files that name the state of the whole service.
const COMPOSITION: [&str; 4] = ["app.rs", "cli.rs", "lib.rs", "state.rs"];

/// Root modules without HTTP.
const WITHOUT_HTTP: [&str; 4] = ["db", "error", "events", "jobs"];

/// Entries at the root of `src/`.
const MOST_ENTRIES: usize = 16;

/// The source files of a service, by their paths below `src/`.
type Sources = BTreeMap<String, String>;

fn services() -> Vec<(String, Sources, Vec<String>)> {
    let pack = Pack::load(&Source::default_pack()).unwrap();
    let service = |(name, blueprint): (String, Blueprint)| {
        let modules = blueprint.resources.iter().map(|resource| resource.plural.clone()).collect();
        let sources = render(&blueprint, &pack)
            .unwrap()
            .iter()
            .filter_map(|(path, file)| {
                let path = path.as_str().strip_prefix("src/")?.to_owned();
                Some((path, String::from_utf8(file.content.clone()).ok()?))
            })
            .collect();
        (name, sources, modules)
    };
    blueprints(&pack).into_iter().map(service).collect()
}

#[test]
fn imports_go_one_way_in_every_service() {
    let services = services();
    assert!(services.len() > 2, "{} services", services.len());
    let mut faults = Vec::new();
    for (name, sources, resources) in &services {
        faults.extend(judge(sources, resources).into_iter().map(|fault| format!("{name}: {fault}")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Every fault of a service.
fn judge(sources: &Sources, resources: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    let roots: BTreeSet<&str> = sources.keys().map(|path| path.split('/').next().unwrap()).collect();
    if roots.len() > MOST_ENTRIES {
        faults.push(format!("{} entries at the root of src/", roots.len()));
    }
    for resource in resources {
        if !sources.keys().any(|path| path.starts_with(&format!("api/{resource}/"))) {
            faults.push(format!("the resource {resource} is not in src/api/"));
        }
        if roots.iter().any(|root| root.trim_end_matches(".rs") == resource) {
            faults.push(format!("the resource {resource} is outside of src/api/"));
        }
    }
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, text) in sources.iter().filter(|(path, _)| is_rust(path) && *path != "main.rs") {
        let own = path.split(['/', '.']).next().unwrap();
        let read = Read::file(path, text);
        if !COMPOSITION.contains(&path.as_str()) && read.words.contains("AppState") {
            faults.push(format!("{path} names AppState"));
        }
        if WITHOUT_HTTP.contains(&own) {
            let http = ["axum", "http"].into_iter().filter(|name| read.heads.contains(*name));
            faults.extend(http.map(|name| format!("{path} uses the crate {name}")));
        }
        if path == "lib.rs" {
            continue;
        }
        for target in read.roots.iter().filter(|target| *target != own) {
            match (place(own), place(target)) {
                (Some(from), Some(to)) if to < from => {}
                (Some(_), Some(_)) => faults.push(format!("{path} imports {target}, which comes after {own}")),
                _ => faults.push(format!("{path} imports {target}: one of the two has no place in the order")),
            }
            graph.entry(own.to_owned()).or_default().insert(target.clone());
        }
    }
    let circle = circle(graph);
    if !circle.is_empty() {
        faults.push(format!("a circle of {}", circle.join(", ")));
    }
    faults
}

fn is_rust(path: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

fn place(module: &str) -> Option<usize> {
    ORDER.iter().position(|modules| modules.contains(&module))
}

/// The modules that are left when those that import none, or that none imports, are taken away again and again.
fn circle(mut graph: BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    loop {
        let before = graph.len();
        let modules: BTreeSet<String> = graph.keys().cloned().collect();
        for imports in graph.values_mut() {
            imports.retain(|import| modules.contains(import));
        }
        let imported: BTreeSet<String> = graph.values().flatten().cloned().collect();
        graph.retain(|module, imports| !imports.is_empty() && imported.contains(module));
        if graph.len() == before {
            return graph.into_keys().collect();
        }
    }
}

/// The paths of a file, those in macros and attributes included.
#[derive(Default)]
struct Read {
    /// Root modules of the crate.
    roots: BTreeSet<String>,
    /// First segments.
    heads: BTreeSet<String>,
    words: BTreeSet<String>,
}

impl Read {
    fn file(path: &str, text: &str) -> Self {
        syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
        let module = path.trim_end_matches(".rs").trim_end_matches("/mod");
        let module = if module == "lib" { Vec::new() } else { module.split('/').map(str::to_owned).collect() };
        let mut read = Self::default();
        read.stream(text.parse().unwrap(), &module);
        read
    }

    /// `module` is where the tokens stand.
    fn stream(&mut self, tokens: TokenStream, module: &[String]) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let ident = |at: usize| match tokens.get(at) {
            Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
            _ => None,
        };
        let colons = |at: usize| {
            [at, at + 1].iter().all(|at| matches!(tokens.get(*at), Some(TokenTree::Punct(p)) if p.as_char() == ':'))
        };
        let mut at = 0;
        while at < tokens.len() {
            if let TokenTree::Group(group) = &tokens[at] {
                let mut inner = module.to_vec();
                if at >= 2 && ident(at - 2).as_deref() == Some("mod") {
                    inner.extend(ident(at - 1));
                }
                self.stream(group.stream(), &inner);
            }
            let Some(word) = ident(at) else {
                at += 1;
                continue;
            };
            self.words.insert(word.clone());
            let first = at < 2 || !colons(at - 2);
            if !first || !colons(at + 1) {
                at += 1;
                continue;
            }
            self.heads.insert(word.clone());
            let mut base = match word.as_str() {
                "crate" => Vec::new(),
                "super" => module[..module.len().saturating_sub(1)].to_vec(),
                _ => {
                    at += 1;
                    continue;
                }
            };
            at += 3;
            while ident(at).as_deref() == Some("super") && colons(at + 1) {
                base.pop();
                at += 3;
            }
            match (base.first(), tokens.get(at)) {
                (Some(root), _) => drop(self.roots.insert(root.clone())),
                (None, Some(TokenTree::Group(group))) => self.list(&group.stream()),
                (None, _) => self.roots.extend(ident(at)),
            }
        }
    }

    /// `{a::b, c}`, each of them a root module.
    fn list(&mut self, tokens: &TokenStream) {
        let mut begins = true;
        for token in tokens.clone() {
            match token {
                TokenTree::Ident(ident) if begins => {
                    self.roots.insert(ident.to_string());
                    begins = false;
                }
                TokenTree::Punct(punct) if punct.as_char() == ',' => begins = true,
                _ => {}
            }
        }
    }
}

/// Each rule finds what breaks it.
#[test]
fn a_planted_fault_is_found() {
    let sound = [
        ("main.rs", "fn main() { demo::cli::run() }"),
        ("lib.rs", "pub mod api; pub mod db; pub mod http; pub mod state;"),
        ("state.rs", "pub struct AppState(crate::db::Pool);"),
        ("db/mod.rs", "pub mod error; pub type Pool = self::error::E; mod tests { use super::*; }"),
        ("db/error.rs", "use super::Pool; use crate::{config::Config, error::{self, Error}};"),
        ("http/mod.rs", "pub mod a; mod b { use super::super::db; use super::a; }"),
        ("http/a.rs", "use axum::Router; use http::Method; use super::b; m! { x: crate::db::Pool }"),
        ("api/orders/mod.rs", "use crate::{api::lines, db, http::a};"),
        ("api/lines/mod.rs", "use crate::api::orders;"),
    ];
    let judge = |planted: &[(&str, &str)]| {
        let files = sound.iter().chain(planted);
        let sources: Sources = files.map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        judge(&sources, &["orders".to_owned(), "lines".to_owned()])
    };
    assert_eq!(judge(&[]), [""; 0]);
    for (path, text, fault) in [
        ("db/x.rs", "use crate::{config::Config, http::Shared};", "db/x.rs imports http, which comes after db"),
        ("db/x.rs", "fn f() { crate::http::a::f() }", "db/x.rs imports http, which comes after db"),
        ("db/x.rs", "fn f() { vec![crate::http::a::f()]; }", "db/x.rs imports http, which comes after db"),
        ("db/x.rs", "#[schema(value_type = crate::http::A)] struct X;", "db/x.rs imports http, which comes after db"),
        ("db/x.rs", "use super::super::http::a;", "db/x.rs imports http, which comes after db"),
        ("redis.rs", "use super::db;", "redis.rs imports db, which comes after redis"),
        ("http/x.rs", "use crate::state;", "http/x.rs imports state, which comes after http"),
        ("other/x.rs", "use crate::db;", "other/x.rs imports db: one of the two has no place in the order"),
        ("db/x.rs", "use axum::Router;", "db/x.rs uses the crate axum"),
        ("error.rs", "use http::StatusCode;", "error.rs uses the crate http"),
        ("http/x.rs", "fn f(state: &AppState) {}", "http/x.rs names AppState"),
        ("lines/mod.rs", "", "the resource lines is outside of src/api/"),
    ] {
        let faults = judge(&[(path, text)]);
        assert!(faults.iter().any(|found| found == fault), "{path}: {text}: {faults:#?}");
    }
    let faults = judge(&[("state/x.rs", "use crate::http;"), ("http/x.rs", "use crate::state;")]);
    assert!(faults.contains(&"a circle of http, state".to_owned()), "{faults:#?}");
    let many: Vec<String> = (0..20).map(|number| format!("m{number}.rs")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|path| (path.as_str(), "")).collect();
    assert_eq!(judge(&many), ["26 entries at the root of src/"]);
    let nothing = self::judge(&Sources::new(), &["notes".to_owned()]);
    assert_eq!(nothing, ["the resource notes is not in src/api/"]);
}
