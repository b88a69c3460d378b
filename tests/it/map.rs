//! The source as CONTRIBUTING describes it: its map says which module uses which, no modules form a circle, a name is
//! the name of one type, and a comment cites no page that is not here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};

/// Modules whose own modules form no circle either.
const FOLDERS: [&str; 2] = ["blueprint", "evolve"];

/// From a module to those that it uses.
type Graph = BTreeMap<String, BTreeSet<String>>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below a folder with this ending, by their paths from the repository's root.
fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let walk = walkdir::WalkDir::new(root().join(folder)).sort_by_file_name().into_iter().map(Result::unwrap);
    let text = |entry: walkdir::DirEntry| {
        let path = entry.path().strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        let is_it = entry.file_type().is_file() && Path::new(&path).extension().is_some_and(|found| found == ending);
        is_it.then(|| (path, fs::read_to_string(entry.path()).unwrap()))
    };
    walk.filter_map(text).collect()
}

/// The source files, by their modules: `evolve/plan.rs` is `evolve`, `plan`.
fn modules() -> Vec<(Vec<String>, String)> {
    let module = |path: &str| {
        let path = path.strip_prefix("src/").unwrap().trim_end_matches(".rs").trim_end_matches("/mod").to_owned();
        path.split('/').map(str::to_owned).collect::<Vec<_>>()
    };
    let all = files("src", "rs").into_iter().filter(|(path, _)| !path.contains("/starter/"));
    let all = all.map(|(path, text)| (module(&path), text));
    all.filter(|(module, _)| !["lib", "main"].contains(&module[0].as_str())).collect()
}

/// Every path of the crate that a file names, from the crate's root, tests left out.
fn paths(module: &[String], tokens: TokenStream, found: &mut BTreeSet<Vec<String>>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let ident = |at: usize| match tokens.get(at) {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
        _ => None,
    };
    let colons = |at: usize| {
        [at, at + 1].iter().all(|at| matches!(tokens.get(*at), Some(TokenTree::Punct(punct)) if punct.as_char() == ':'))
    };
    let mut at = 0;
    while at < tokens.len() {
        if let TokenTree::Group(group) = &tokens[at] {
            let is_test = at >= 2 && ident(at - 2).as_deref() == Some("mod");
            if !is_test {
                paths(module, group.stream(), found);
            }
        }
        let base = match ident(at).as_deref() {
            Some("crate") => Some(Vec::new()),
            Some("self") => Some(module.to_vec()),
            Some("super") => Some(module[..module.len() - 1].to_vec()),
            _ => None,
        };
        let begins = at < 2 || !colons(at - 2);
        let Some(mut base) = base.filter(|_| begins && colons(at + 1)) else {
            at += 1;
            continue;
        };
        at += 3;
        while ident(at).as_deref() == Some("super") && colons(at + 1) {
            base.pop();
            at += 3;
        }
        while let Some(word) = ident(at) {
            base.push(word);
            at += if colons(at + 1) { 3 } else { 1 };
        }
        match tokens.get(at) {
            Some(TokenTree::Group(group)) if colons(at.wrapping_sub(2)) => list(&base, group.stream(), found),
            _ => drop(found.insert(base)),
        }
    }
}

/// `{a::b, c}`, each of them below `base`.
fn list(base: &[String], tokens: TokenStream, found: &mut BTreeSet<Vec<String>>) {
    let mut path = base.to_vec();
    let mut renamed = false;
    for token in tokens {
        match token {
            TokenTree::Ident(word) if word == "as" => renamed = true,
            TokenTree::Ident(word) if !renamed && word != "self" => path.push(word.to_string()),
            TokenTree::Group(group) => list(&path.clone(), group.stream(), found),
            TokenTree::Punct(punct) if punct.as_char() == ',' => {
                found.insert(std::mem::replace(&mut path, base.to_vec()));
                renamed = false;
            }
            _ => {}
        }
    }
    found.insert(path);
}

/// Which modules at the crate's root use which.
fn roots(modules: &[(Vec<String>, String)]) -> Graph {
    let mut graph = Graph::new();
    for (module, text) in modules {
        let mut found = BTreeSet::new();
        paths(module, text.parse().unwrap(), &mut found);
        let used = graph.entry(module[0].clone()).or_default();
        used.extend(found.into_iter().filter_map(|path| path.into_iter().next()).filter(|root| *root != module[0]));
    }
    graph
}

/// Which modules of a folder use which; `mod` is the folder's own file, with what it defines and passes on.
fn inside(folder: &str, modules: &[(Vec<String>, String)]) -> Graph {
    let own: BTreeSet<&str> = modules
        .iter()
        .filter(|(module, _)| module[0] == folder)
        .filter_map(|(module, _)| module.get(1))
        .map(String::as_str)
        .collect();
    let mut graph = Graph::new();
    for (module, text) in modules.iter().filter(|(module, _)| module[0] == folder) {
        let name = module.get(1).map_or("mod", String::as_str);
        let mut found = BTreeSet::new();
        paths(module, text.parse().unwrap(), &mut found);
        let used = found.into_iter().filter(|path| path[0] == folder);
        let used =
            used.map(|path| path.get(1).filter(|word| own.contains(word.as_str())).map_or("mod".into(), String::clone));
        graph.entry(name.to_owned()).or_default().extend(used.filter(|used| used != name));
    }
    graph
}

/// The modules that are left when those that use none, or that none uses, are taken away again and again.
fn circle(mut graph: Graph) -> Vec<String> {
    loop {
        let before = graph.len();
        let modules: BTreeSet<String> = graph.keys().cloned().collect();
        for used in graph.values_mut() {
            used.retain(|module| modules.contains(module));
        }
        let used: BTreeSet<String> = graph.values().flatten().cloned().collect();
        graph.retain(|module, uses| !uses.is_empty() && used.contains(module));
        if graph.len() == before {
            return graph.into_keys().collect();
        }
    }
}

/// A row of the map: the module, what it says that this uses, and whether all rows above those are meant, too.
struct MapRow {
    module: String,
    named: Vec<String>,
    above: bool,
}

fn map() -> Vec<MapRow> {
    let text = fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, path, _, uses, _] = cells[..] else { return None };
        let module = path.strip_prefix("`src/")?.trim_end_matches('`').trim_end_matches('/').trim_end_matches(".rs");
        let named = uses.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        Some(MapRow { module: module.to_owned(), named, above: uses.ends_with("above") || uses == "all of these" })
    });
    rows.collect()
}

/// What is wrong with the map.
fn judge(map: &[MapRow], graph: &Graph) -> Vec<String> {
    let mut faults = Vec::new();
    let place = |name: &str| map.iter().position(|row| row.module == name);
    for module in graph.keys().filter(|module| place(module).is_none()) {
        faults.push(format!("{module} has no row"));
    }
    for (at, row) in map.iter().enumerate() {
        let Some(uses) = graph.get(&row.module) else {
            faults.push(format!("{} is no module", row.module));
            continue;
        };
        let lowest = row.named.iter().filter_map(|name| place(name)).max().map_or(at, |lowest| lowest + 1);
        let above = map[..if row.above { lowest } else { 0 }].iter().map(|row| &row.module);
        let allowed: BTreeSet<&String> = above.chain(&row.named).collect();
        for used in uses.iter().filter(|used| !allowed.contains(used)) {
            faults.push(format!("{} uses {used}, which its row does not say", row.module));
        }
        for named in row.named.iter().filter(|named| !uses.contains(*named)) {
            faults.push(format!("{} does not use {named}, which its row says", row.module));
        }
        for named in row.named.iter().filter(|named| place(named).is_none_or(|place| place >= at)) {
            faults.push(format!("{named} is not above {}", row.module));
        }
    }
    faults
}

#[test]
fn the_map_of_contributing_is_what_the_source_says() {
    assert_eq!(judge(&map(), &roots(&modules())), [""; 0]);
}

#[test]
fn no_modules_form_a_circle() {
    let modules = modules();
    assert_eq!(circle(roots(&modules)), [""; 0], "at the root");
    for folder in FOLDERS {
        let graph = inside(folder, &modules);
        assert!(graph.values().map(BTreeSet::len).sum::<usize>() > 10, "{folder}: {graph:?}");
        assert_eq!(circle(graph), [""; 0], "in {folder}");
    }
}

/// Names of types by the files that define them, tests left out.
fn types(items: &[syn::Item], path: &str, found: &mut BTreeMap<String, Vec<String>>) {
    for item in items {
        let name = match item {
            syn::Item::Struct(item) => &item.ident,
            syn::Item::Enum(item) => &item.ident,
            syn::Item::Type(item) => &item.ident,
            syn::Item::Trait(item) => &item.ident,
            _ => continue,
        };
        found.entry(name.to_string()).or_default().push(path.to_owned());
    }
}

#[test]
fn a_name_is_the_name_of_one_type() {
    let mut found = BTreeMap::new();
    for (path, text) in files("src", "rs").into_iter().filter(|(path, _)| !path.contains("/starter/")) {
        types(&syn::parse_file(&text).unwrap().items, &path, &mut found);
    }
    assert!(found.len() > 200, "{}", found.len());
    found.retain(|_, places| places.len() > 1);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_comment_cites_no_page_that_is_not_here() {
    let cited = regex::Regex::new(r"[\w./-]+\.md\b|\bdesign,? §|\bshared/").unwrap();
    let names: BTreeSet<String> = ["docs", "templates", "examples", "snapshots", "src"]
        .iter()
        .flat_map(|folder| walkdir::WalkDir::new(root().join(folder)).into_iter().map(Result::unwrap))
        .map(|entry| entry.file_name().to_string_lossy().trim_end_matches(".tera").to_owned())
        .collect();
    let is_here = |page: &str| {
        let name = page.rsplit('/').next().unwrap();
        root().join(page).is_file()
            || (!page.starts_with("docs/") && names.contains(name))
            || page.ends_with("/PATH.md")
    };
    let sources = ["src", "xtask", "fuzz/fuzz_targets", "benches"].map(|folder| files(folder, "rs"));
    let tests = files("tests", "rs").into_iter().filter(|(path, _)| !path.starts_with("tests/old-repos"));
    let mut gone = Vec::new();
    for (path, text) in sources.into_iter().flatten().chain(tests) {
        for (number, line) in (1..).zip(text.lines()) {
            let Some((_, comment)) = line.split_once("//") else { continue };
            let pages = cited.find_iter(comment).map(|page| page.as_str());
            gone.extend(pages.filter(|page| !is_here(page)).map(|page| format!("{path}:{number}: {page}")));
        }
    }
    assert_eq!(gone, [""; 0]);
}

/// Each rule finds what breaks it.
#[test]
fn a_planted_fault_is_found() {
    let parsed = |module: &[&str], text: &str| {
        let mut found = BTreeSet::new();
        let module: Vec<String> = module.iter().map(|part| (*part).to_owned()).collect();
        paths(&module, text.parse().unwrap(), &mut found);
        found.into_iter().map(|path| path.join("::")).collect::<Vec<_>>()
    };
    assert_eq!(
        parsed(&["a", "b"], "use crate::{c::D, e::{self, F as G}}; fn f() { super::h::i(); x![self::j::K] }"),
        ["a::b::j::K", "a::h::i", "c::D", "e", "e::F"]
    );
    assert_eq!(parsed(&["a"], "mod tests { use super::*; use crate::z; }"), [""; 0]);
    let graph = |edges: &[(&str, &[&str])]| -> Graph {
        edges.iter().map(|(from, to)| ((*from).into(), to.iter().map(|to| (*to).to_owned()).collect())).collect()
    };
    let row = |module: &str, named: &[&str], above| MapRow {
        module: module.into(),
        named: named.iter().map(|name| (*name).to_owned()).collect(),
        above,
    };
    let map = [row("a", &[], false), row("b", &["a"], false), row("c", &["b"], true), row("d", &[], true)];
    let sound: [(&str, &[&str]); 4] = [("a", &[]), ("b", &["a"]), ("c", &["a", "b"]), ("d", &["c"])];
    assert_eq!(judge(&map, &graph(&sound)), [""; 0]);
    for (at, used, fault) in [
        (0, &["b"][..], "a uses b, which its row does not say"),
        (1, &[], "b does not use a, which its row says"),
        (2, &["b", "d"], "c uses d, which its row does not say"),
    ] {
        let mut planted = sound;
        planted[at].1 = used;
        assert_eq!(judge(&map, &graph(&planted)), [fault]);
    }
    assert_eq!(circle(graph(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"]), ("d", &["a"])])), ["b", "c"]);
}
