//! Where the `mod` lines of a Rust text lead: rustfmt follows them from a file, and formats what it finds there.
//!
//! The text is searched and not parsed. A comment or a string that looks like a `mod` line does no harm; a `mod` line
//! or an attribute that does not look like one would.

/// Names of modules that may be in files of their own.
pub fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split("mod").skip(1).filter_map(|rest| {
        let (name, after) = name(rest);
        (!name.is_empty() && after.starts_with(';')).then_some(name)
    })
}

/// Whether a `mod` line may lead out of the folder of its file, by an attribute such as `#[path = "…"]`.
pub fn may_lead_away(text: &str) -> bool {
    text.split("mod").skip(1).any(may_be_a_file) && text.split("path").skip(1).any(may_be_an_attribute)
}

/// Whether `rest`, which follows `mod`, is other than the name and the body of a module.
fn may_be_a_file(rest: &str) -> bool {
    let (name, after) = name(rest);
    name.is_empty() || !after.starts_with('{')
}

/// Whether `rest`, which follows `path`, may be the value of an attribute, which is a literal. Comments may stand
/// anywhere, and some characters that are not ASCII are white space to Rust.
fn may_be_an_attribute(rest: &str) -> bool {
    let unclear = |text: &str| text.starts_with(|c: char| c == '/' || !c.is_ascii());
    let rest = rest.trim_ascii_start();
    let Some(value) = rest.strip_prefix('=') else { return unclear(rest) };
    let value = value.trim_ascii_start();
    unclear(value) || ["\"", "r\"", "r#"].iter().any(|start| value.starts_with(start))
}

/// The identifier at the beginning of `rest`, and what follows it.
fn name(rest: &str) -> (&str, &str) {
    let rest = rest.trim_ascii_start();
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    (name, after.trim_ascii_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_without_a_body_has_a_file() {
        let text = "pub mod a;\nmod  b ;\n#[cfg(test)]\nmod tests {\n    mod c;\n}\nmod d {}\nuse modern::e;\n";
        assert_eq!(names(text).collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn every_form_of_the_attribute_is_seen() {
        for text in [
            "#[path = \"/x.rs\"]\nmod x;",
            "#[path=r\"/x.rs\"]\nmod x;",
            "#[path = r#\"/x.rs\"#]\npub mod x;",
            "#[cfg_attr(unix, path = \"/x.rs\")]\nmod x;",
            "#[r#path = \"/x.rs\"]\nmod x;",
            "#[path /* = */ = \"/x.rs\"]\nmod x;",
            "#[path = // {\n \"/x.rs\"]\nmod x;",
            "#[path\u{200e}= \"/x.rs\"]\nmod x;",
            "#[path =\u{2028}\"/x.rs\"]\nmod x;",
            "#[path\n=\n\"/x.rs\"]\nmod/*{*/x;",
            "#[path = \"/x.rs\"]\nmod\u{2028}x;",
            "#[path = \"/x.rs\"]\nmod r#x;",
            "#[path = \"/x.rs\"]\nmod é;",
            "#[path = \"/x\"]\nmod a {\n    mod b;\n}",
        ] {
            assert!(may_lead_away(text), "{text}");
        }
    }

    #[test]
    fn what_is_common_is_not_held_for_an_attribute() {
        for text in [
            "mod x;\nfn f() {\n    let path = request.uri().path();\n    let other = path == \"/\";\n}",
            "#[path = \"/x.rs\"]\nmod tests {\n    use super::*;\n}",
            "const A: &str = path = \"x\";",
        ] {
            assert!(!may_lead_away(text), "{text}");
        }
    }
}
