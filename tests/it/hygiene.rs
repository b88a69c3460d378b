//! Hygiene: no identifier that the built-in pack makes from a user's word can meet one of its own.
//!
//! Resources whose words all hold a marker are rendered, and every identifier of the Rust is looked at.
//! A bare word may only stand where Rust keeps names apart: after a dot, as a field, as a variant or
//! segment of a path. A word with a prefix or suffix may stand anywhere, if no name of the template in
//! that file has the same prefix and suffix.

use std::collections::BTreeSet;
use std::sync::Arc;

use new_service::blueprint::{self, Blueprint, Drawn, Resolver};
use new_service::evolve::Plan;
use new_service::pack::{Pack, Source, Text};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// In every word of the blueprint below, and in no word of the template.
const MARK: &str = "zq";

const RESOURCES: &str = r#"
[[resource]]
name = "zqa"
fields = ["zqd:string(2..20):unique", "zqe:ref(zqa)?", "zqf:enum(zqm,zqn)=zqm:index"]

[[resource]]
name = "zqb"
fields = [
    "OWNER", "zqd:string(1..200)=zqx:doc=\"A description.\"", "zqe:text?", "zqf:int(1..9)=3", "zqg:bigint(0..):index",
    "zqh:decimal(12,2)=9.50", "zqi:decimal(8,3)?", "zqj:bool=true", "zqk:uuid?:unique", "zql:date?=now", "zqo:datetime=now",
    "zqp:json={}", "zqq:email:unique", "zqr:url?", "zqs:enum(zqm,zqn)?:private", "zqt:ref(zqa)", "zqu:ref(zqb)?",
    "zqv:json?", "zqw:string?:private",
]
"#;

fn rendered(pack: &Arc<Pack>, database: &str, cache: &str, auth: &str) -> Plan {
    let owner = if auth == "jwt" { "owner:ref(user)\", \"zqy:ref(user)?" } else { "zqy:bool=false" };
    let text = format!(
        "name = \"demo\"\n[template]\nname = \"axum\"\nversion = \"{}\"\n[answers]\ndatabase = \"{database}\"\n\
         cache = \"{cache}\"\nauth = \"{auth}\"\n{}",
        pack.manifest.version,
        RESOURCES.replace("OWNER", owner)
    );
    let given = blueprint::read(&Text::new("service.toml", text), pack).unwrap();
    let name = given.name.unwrap();
    let resources = blueprint::resources(given.resources, pack).unwrap();
    let answers = Resolver::new(pack, &name, given.answers).unwrap().complete().unwrap();
    Plan::create(&Blueprint { name, answers, resources, drawn: Drawn::at(0) }, pack).unwrap()
}

/// An identifier and what stands beside it.
#[derive(Debug, Clone)]
struct Name {
    text: String,
    /// The tokens before: punctuation and words, nearest last; `{` begins a block.
    before: Vec<String>,
    after: Vec<String>,
    in_braces: bool,
}

fn names(tokens: TokenStream, in_braces: bool, found: &mut Vec<Name>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let text = |tree: &TokenTree| match tree {
        TokenTree::Group(group) => match group.delimiter() {
            Delimiter::Brace => "{}".to_owned(),
            Delimiter::Bracket => "[]".to_owned(),
            Delimiter::Parenthesis => "()".to_owned(),
            Delimiter::None => String::new(),
        },
        other => other.to_string(),
    };
    for (at, tree) in tokens.iter().enumerate() {
        match tree {
            TokenTree::Ident(ident) => found.push(Name {
                text: ident.to_string().trim_start_matches("r#").to_owned(),
                before: tokens[at.saturating_sub(2)..at].iter().map(text).collect(),
                after: tokens[at + 1..tokens.len().min(at + 3)].iter().map(text).collect(),
                in_braces,
            }),
            TokenTree::Group(group) => names(group.stream(), group.delimiter() == Delimiter::Brace, found),
            _ => {}
        }
    }
}

impl Name {
    fn is_marked(&self) -> bool {
        self.text.to_ascii_lowercase().contains(MARK)
    }

    fn follows(&self, end: &[&str]) -> bool {
        self.before.ends_with(&end.iter().map(|&token| token.to_owned()).collect::<Vec<_>>())
    }

    fn precedes(&self, start: &[&str]) -> bool {
        self.after.starts_with(&start.iter().map(|&token| token.to_owned()).collect::<Vec<_>>())
    }

    /// Whether it is one segment of a path, and not the first.
    fn is_qualified(&self) -> bool {
        self.follows(&[":", ":"])
    }

    /// Whether it stands where only names of fields, variants and modules stand.
    fn is_apart(&self) -> bool {
        let first = self.in_braces && (self.before.is_empty() || self.follows(&[","]) || self.follows(&["[]"]));
        let public = self.follows(&["pub"]) || self.follows(&["pub", "()"]);
        let field = (first || public) && self.precedes(&[":"]) && !self.precedes(&[":", ":"]);
        let variant = first && (self.after.is_empty() || self.precedes(&[","]) || self.precedes(&["="]));
        // `#[schema(as = Order)]` names a schema, and no type.
        let schema = self.follows(&["as", "="]);
        self.follows(&["."]) || self.is_qualified() || field || variant || schema || self.follows(&["mod"])
    }

    /// The name with each marked word taken out: `default_zqd` → `default_{}`.
    fn pattern(&self) -> String {
        let mut pattern = String::new();
        let mut rest = self.text.as_str();
        while let Some(at) = rest.to_ascii_lowercase().find(MARK) {
            pattern += &rest[..at];
            pattern += "{}";
            // A marked word is the mark and one letter; a plural has an `s` more.
            rest = &rest[at + MARK.len() + 1..];
            rest = rest.strip_prefix('s').filter(|rest| !rest.starts_with(char::is_lowercase)).unwrap_or(rest);
        }
        pattern + rest
    }
}

/// Whether a word could make `text` of `pattern`.
fn fits(text: &str, pattern: &str) -> bool {
    let mut rest = text;
    let parts: Vec<&str> = pattern.split("{}").collect();
    let (first, last) = (parts[0], parts[parts.len() - 1]);
    let Some(inner) = rest.strip_prefix(first) else { return false };
    rest = inner;
    let Some(inner) = rest.strip_suffix(last) else { return false };
    // Types are written with capitals, all else without.
    let capital = pattern.chars().any(char::is_uppercase) || pattern.starts_with("{}{}");
    let mut letters = inner.chars();
    let begins = letters.next().is_some_and(|first| if capital { first.is_uppercase() } else { first.is_lowercase() });
    begins && parts[1..parts.len() - 1].iter().all(|part| inner.contains(part))
}

#[test]
fn no_word_of_a_user_can_meet_a_name_of_the_template() {
    let pack = Pack::load(&Source::default_pack()).unwrap();
    let (mut faults, mut marked) = (BTreeSet::new(), 0);
    for (database, cache, auth) in [
        ("postgres", "redis", "jwt"),
        ("sqlite", "memory", "jwt"),
        ("postgres", "none", "none"),
        ("sqlite", "none", "none"),
    ] {
        for entry in rendered(&pack, database, cache, auth).entries {
            let path = entry.path.as_str();
            if std::path::Path::new(path).extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let text = std::str::from_utf8(&entry.content).unwrap();
            let mut found = Vec::new();
            names(text.parse().unwrap(), false, &mut found);
            let (users, own): (Vec<_>, Vec<_>) = found.into_iter().partition(Name::is_marked);
            marked += users.len();
            for name in users.iter().filter(|name| !name.is_apart()) {
                let pattern = name.pattern();
                if pattern == "{}" {
                    faults.insert(format!("{path}: the bare word {name:?} could be any name of the template"));
                    continue;
                }
                // `owner` is a user's word as well, and the only one without the mark.
                let own = own.iter().filter(|other| !other.is_apart() && !other.text.contains("owner"));
                for other in own.filter(|other| fits(&other.text, &pattern)) {
                    faults.insert(format!("{path}: `{}` is a `{pattern}`", other.text));
                }
            }
        }
    }
    assert!(marked > 1000, "the words are rendered: {marked}");
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn patterns_are_told_from_names() {
    assert!(fits("MergePatch", "{}Patch") && fits("default_page", "default_{}") && fits("NewBatch", "New{}"));
    assert!(!fits("Patch", "{}Patch") && !fits("merge_patch", "{}_batch") && !fits("New", "New{}"));
}
