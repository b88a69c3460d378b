//! Names of resources, fields and choices: what they may be, their cases and plurals, and the words
//! that Rust and SQL keep for themselves.

use std::collections::HashSet;
use std::sync::LazyLock;

use heck::{ToPascalCase as _, ToSnakeCase as _};

/// Names of indexes are made of two of these, and `PostgreSQL` cuts them at 63 bytes.
const MAX_NAME: usize = 40;

/// Whether `name` may be the name of anything here; if not, why.
pub(super) fn check(name: &str) -> Result<(), String> {
    let words = name
        .split('_')
        .all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()));
    if !words || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err("a name is lowercase letters and digits, beginning with a letter, with _ between words".into());
    }
    if name.len() > MAX_NAME {
        return Err(format!("it is longer than {MAX_NAME} characters"));
    }
    if UNSPEAKABLE.contains(&name) {
        return Err(format!("Rust cannot take it for a name, not even as `r#{name}`"));
    }
    Ok(())
}

/// The name that was most likely meant: `OrderItem` → `order_item`.
pub(super) fn suggestion(name: &str) -> Option<String> {
    let ascii: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let snake = ascii.to_snake_case();
    let snake = snake.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
    (snake != name && check(snake).is_ok()).then(|| snake.to_owned())
}

/// Whether two names are one in Rust: `item_2` and `item2` are both `Item2`.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.to_pascal_case() == other.to_pascal_case()
}

/// Reads the rules that [`plural_of`] goes by, so that they are there when it is called.
pub fn read_plurals() {
    plural_of("rule");
}

/// The plural of a name in `snake_case`; only its last word bends: `order_item` → `order_items`.
pub fn plural_of(name: &str) -> String {
    let (head, last) = name.rsplit_once('_').map_or(("", name), |(head, last)| (head, last));
    let plural = pluralizer::pluralize(last, 2, false).to_ascii_lowercase();
    if head.is_empty() { plural } else { format!("{head}_{plural}") }
}

/// `a` or `an`, by the sound that English words with this beginning mostly have.
pub(super) fn article(name: &str) -> &'static str {
    let like_you = ["eu", "one", "ubi", "uni", "ura", "usa", "use", "usu", "uti"];
    let silent = ["heir", "honest", "honor", "honour", "hour"];
    let vowel = name.starts_with(['a', 'e', 'i', 'o', 'u']) && !like_you.iter().any(|head| name.starts_with(head));
    if vowel || silent.iter().any(|head| name.starts_with(head)) { "an" } else { "a" }
}

/// A Rust identifier: `r#type` where the name is a keyword.
pub fn rust(name: &str) -> String {
    if KEYWORDS.contains(&name) { format!("r#{name}") } else { name.to_owned() }
}

/// An identifier of both databases, in quotes where one of them has the word for itself.
pub(super) fn sql(name: &str) -> String {
    static WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| SQL_WORDS.split(' ').collect());
    if WORDS.contains(name) { format!("\"{name}\"") } else { name.to_owned() }
}

/// A table as `PostgreSQL` itself writes its name (`quote_ident`), which quotes more words than it must.
pub(super) fn postgres(name: &str) -> String {
    if POSTGRES_WORDS.split(' ').any(|word| word == name) { format!("\"{name}\"") } else { name.to_owned() }
}

/// The beginning of a table's name that a database keeps for its own, and which one does.
pub(super) fn of_a_database(table: &str) -> Option<(&'static str, &'static str)> {
    [("pg_", "PostgreSQL"), ("sqlite_", "SQLite")].into_iter().find(|(prefix, _)| table.starts_with(prefix))
}

/// Columns that every table of `PostgreSQL` has (its manual, "System Columns").
pub(super) const SYSTEM_COLUMNS: [&str; 6] = ["cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"];

/// Not even `r#` makes names of these (The Rust Reference, "Raw identifiers"); a type `Self` is none either.
const UNSPEAKABLE: [&str; 3] = ["crate", "self", "super"];

/// The Rust Reference, "Keywords": strict and reserved ones of all editions.
const KEYWORDS: [&str; 49] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move",
    "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield", "union",
];

/// Reserved in `PostgreSQL` (its manual, appendix C, also those that may name functions and types) or in
/// `SQLite` (`sqlite.org/lang_keywords.html`, those that no fallback turns into names). Sorted.
const SQL_WORDS: &str = "\
    add all alter analyse analyze and any array as asc asymmetric authorization autoincrement between binary \
    both case cast check collate collation column commit concurrently constraint create cross current_catalog \
    current_date current_role current_schema current_time current_timestamp current_user default deferrable \
    delete desc distinct do drop else end escape except exists false fetch for foreign freeze from full grant \
    group having ilike in index initially inner insert intersect into is isnull join lateral leading left like \
    limit localtime localtimestamp natural not nothing notnull null offset on only or order outer overlaps \
    placing primary references returning right select session_user set similar some symmetric system_user table \
    tablesample then to trailing transaction true union unique update user using values variadic verbose when \
    where window with";

/// `SELECT word FROM pg_get_keywords() WHERE catcode <> 'U'`, of `PostgreSQL` 15. Sorted.
const POSTGRES_WORDS: &str = "\
    all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both \
    case cast char character check coalesce collate collation column concurrently constraint create cross \
    current_catalog current_date current_role current_schema current_time current_timestamp current_user dec \
    decimal default deferrable desc distinct do else end except exists extract false fetch float for foreign \
    freeze from full grant greatest group grouping having ilike in initially inner inout int integer intersect \
    interval into is isnull join lateral leading least left like limit localtime localtimestamp national \
    natural nchar none normalize not notnull null nullif numeric offset on only or order out outer overlaps \
    overlay placing position precision primary real references returning right row select session_user setof \
    similar smallint some substring symmetric table tablesample then time timestamp to trailing treat trim true \
    union unique user using values varchar variadic verbose when where window with xmlattributes xmlconcat \
    xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_bend_as_english_does() {
        for (name, plural) in [
            ("order", "orders"),
            ("person", "people"),
            ("category", "categories"),
            ("status", "statuses"),
            ("data", "data"),
            ("news", "news"),
            ("box", "boxes"),
            ("address", "addresses"),
            ("child", "children"),
            ("key", "keys"),
            ("index", "indices"),
            ("order_item", "order_items"),
            ("sales_person", "sales_people"),
            ("item_2", "item_2s"),
            ("oauth2", "oauth2s"),
        ] {
            assert_eq!(plural_of(name), plural);
        }
    }

    #[test]
    fn an_article_goes_by_the_sound() {
        for name in ["order", "uncle", "hour", "item_2"] {
            assert_eq!(article(name), "an", "{name}");
        }
        for name in ["product", "user", "unit", "european_order", "house"] {
            assert_eq!(article(name), "a", "{name}");
        }
    }

    #[test]
    fn a_name_is_one_in_rust_sql_and_a_url() {
        for name in ["order", "order_item", "item_2", "oauth2_token", "type", "x"] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
        for (name, better) in [
            ("Order", Some("order")),
            ("order-item", Some("order_item")),
            ("orderItem", Some("order_item")),
            ("order__item", Some("order_item")),
            ("_order", Some("order")),
            ("2fast", Some("fast")),
            ("", None),
            ("été", Some("t")),
            ("self", None),
            ("x'; DROP TABLE y", Some("x_drop_table_y")),
            (&"x".repeat(41), None),
        ] {
            assert!(check(name).is_err(), "{name}");
            assert_eq!(suggestion(name).as_deref(), better, "{name}");
        }
    }

    #[test]
    fn words_of_rust_and_sql_become_names() {
        assert_eq!((rust("type").as_str(), rust("kind").as_str()), ("r#type", "kind"));
        assert_eq!((sql("order").as_str(), sql("orders").as_str()), ("\"order\"", "orders"));
        assert!(same("item_2", "item2") && !same("item", "items"));
        assert!(SQL_WORDS.split(' ').is_sorted() && POSTGRES_WORDS.split(' ').is_sorted());
        assert_eq!((postgres("times").as_str(), postgres("time").as_str()), ("times", "\"time\""));
        for word in KEYWORDS {
            assert!(syn::parse_str::<syn::Ident>(&rust(word)).is_ok(), "{word}");
        }
    }
}
