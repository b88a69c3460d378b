//! Three versions of one file into one: `ours` in the working tree, `theirs` as the template
//! makes it now, and the `base` that both come from. Pure: bytes in, bytes out.
//!
//! | file | how |
//! | --- | --- |
//! | text | by line, as `git merge-file --diff3` does ([`lines`]) |
//! | TOML | where lines will not do, or would come to another value: by key ([`keys`]) |
//! | JSON | by key, where it stands in the form that the template gives it ([`json`]) |
//! | TOML, YAML, JSON | and what comes out must parse, and repeat no key ([`syntax`]) |
//! | no text | not at all: whoever owns it chooses |

mod ends;
mod json;
mod keys;
mod lines;
mod syntax;
mod values;

pub use lines::Labels;
pub use syntax::Syntax;

use ends::Ends;

/// What three versions came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    Clean(Vec<u8>),
    /// With markers around what both sides changed, and how many such places there are.
    Conflict(Vec<u8>, usize),
    /// No text: one of the two has to be chosen.
    Binary,
}

/// Merges a file named `path`, whose ending tells what its lines mean.
pub fn merge(path: &str, base: &[u8], ours: &[u8], theirs: &[u8], labels: &Labels) -> Merged {
    if ours == base || ours == theirs {
        return Merged::Clean(theirs.to_vec());
    }
    if theirs == base {
        return Merged::Clean(ours.to_vec());
    }
    if [base, ours, theirs].into_iter().any(is_binary) {
        return Merged::Binary;
    }
    // Ends of lines and of the file are set aside, merged by themselves, and put back.
    let ends = Ends::of(base, ours, theirs);
    let [base, ours, theirs] = [base, ours, theirs].map(ends::plain);
    let merged = merge_plain(path, &base, &ours, &theirs, labels);
    match merged {
        Plain::Clean(text) => Merged::Clean(ends.put_back(text, true)),
        Plain::Conflict(text, count) => Merged::Conflict(ends.put_back(text, false), count),
    }
}

enum Plain {
    Clean(Vec<u8>),
    Conflict(Vec<u8>, usize),
}

fn merge_plain(path: &str, base: &[u8], ours: &[u8], theirs: &[u8], labels: &Labels) -> Plain {
    if ours == base || ours == theirs {
        return Plain::Clean(theirs.to_vec());
    }
    if theirs == base {
        return Plain::Clean(ours.to_vec());
    }
    let by_line = lines::merge(base, ours, theirs, labels);
    // A file that the template itself writes in another form than its name says is judged by no form.
    let Some(syntax) = Syntax::of(path).filter(|syntax| syntax.check(theirs).is_ok()) else {
        return if by_line.conflicts == 0 {
            Plain::Clean(by_line.text)
        } else {
            Plain::Conflict(by_line.text, by_line.conflicts)
        };
    };
    let is_good = by_line.conflicts == 0 && syntax.check(&by_line.text).is_ok();
    let by_key = match syntax {
        Syntax::Toml => keys::merge(base, ours, theirs),
        Syntax::Json => json::merge(base, ours, theirs),
        Syntax::Yaml => None,
    };
    match by_key {
        // Lines keep every comment and the order of TOML; keys know what they mean.
        Some(by_key) if is_good && syntax == Syntax::Toml && syntax::same_toml(&by_line.text, &by_key) => {
            Plain::Clean(by_line.text)
        }
        Some(by_key) => Plain::Clean(by_key),
        None if is_good => Plain::Clean(by_line.text),
        None if by_line.conflicts > 0 => Plain::Conflict(by_line.text, by_line.conflicts),
        // Each line has its place, and the whole makes no sense: all that changed is one conflict.
        None => {
            let whole = lines::merge_as_one(base, ours, theirs, labels);
            Plain::Conflict(whole.text, whole.conflicts)
        }
    }
}

/// LF where every line ends in CRLF; other texts as they are.
pub fn without_carriages(text: &[u8]) -> Vec<u8> {
    ends::turned(text)
}

/// `text`, whose lines end in LF, with CRLF where all lines of `model` have it.
pub fn with_ends_of(model: &[u8], text: Vec<u8>) -> Vec<u8> {
    ends::as_in(model, text)
}

/// As git judges it: a zero byte near the beginning.
pub fn is_binary(content: &[u8]) -> bool {
    content.iter().take(8000).any(|byte| *byte == 0)
}

/// The line of a text where a conflict begins.
pub fn marker(text: &str) -> Option<usize> {
    let begins = text.lines().position(|line| line.starts_with("<<<<<<< "))?;
    let ends = text.lines().skip(begins).any(|line| line.starts_with(">>>>>>> "));
    ends.then_some(begins + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Labels {
        Labels { ours: "yours".into(), base: "base".into(), theirs: "theirs".into() }
    }

    fn run(path: &str, base: &str, ours: &str, theirs: &str) -> Result<String, String> {
        match merge(path, base.as_bytes(), ours.as_bytes(), theirs.as_bytes(), &labels()) {
            Merged::Clean(text) => Ok(String::from_utf8(text).unwrap()),
            Merged::Conflict(text, _) => Err(String::from_utf8(text).unwrap()),
            Merged::Binary => panic!("binary"),
        }
    }

    #[test]
    fn lines_of_both_sides_are_kept() {
        assert_eq!(run("x", "a\nb\nc\n", "a\nb\nc\nd\n", "0\na\nb\nc\n").unwrap(), "0\na\nb\nc\nd\n");
        let conflict = run("x", "a\nb\nc\n", "a\nB\nc\n", "a\nß\nc\n").unwrap_err();
        assert_eq!(conflict, "a\n<<<<<<< yours\nB\n||||||| base\nb\n=======\nß\n>>>>>>> theirs\nc\n");
    }

    #[test]
    fn line_ends_that_the_user_converted_stay_converted() {
        assert_eq!(run("x", "a\nb\nc\n", "a\r\nb\r\nc\r\n", "0\na\nb\nc\n").unwrap(), "0\r\na\r\nb\r\nc\r\n");
        assert_eq!(run("x", "a\nb\nc\n", "a\r\nb\r\nd\r\n", "0\na\nb\nc\n").unwrap(), "0\r\na\r\nb\r\nd\r\n");
        let conflict = run("x", "a\n", "b\r\n", "c\n").unwrap_err();
        assert_eq!(conflict.matches('\n').count(), conflict.matches("\r\n").count(), "{conflict:?}");
    }

    #[test]
    fn where_the_base_says_nothing_of_ends_the_user_does() {
        assert_eq!(run("x", "", "a\r\nb\r\n", "a\nb\n").unwrap(), "a\r\nb\r\n");
        assert_eq!(run("x", "a", "a\r\nb\r\n", "a\nb\n").unwrap(), "a\r\nb\r\n");
        assert_eq!(run("x", "", "a", "a\n").unwrap(), "a");
        assert_eq!(run("x", "", "a\n", "a").unwrap(), "a\n");
    }

    #[test]
    fn an_end_without_a_line_break_is_a_change_of_its_own() {
        assert_eq!(run("x", "a\nb\n", "a\nb", "a\nb\nc\n").unwrap(), "a\nb\nc");
        assert_eq!(run("x", "a\nb", "a\nb\n", "a\nb\nc").unwrap(), "a\nb\nc\n");
        assert_eq!(run("x", "a\nb\n", "0\na\nb\n", "a\nb").unwrap(), "0\na\nb");
        // Of a line that ends otherwise than those before it, nothing is left over.
        assert_eq!(run("x", "a\nb\n", "0\na\nb\r\n", "a\nb").unwrap(), "0\na\nb");
    }

    #[test]
    fn markers_are_longer_than_those_that_are_there() {
        let page = "Title\n=======\n\n<<<<<<< HEAD\n";
        let conflict = run("x", page, &format!("{page}b\n"), &format!("{page}c\n")).unwrap_err();
        assert!(conflict.ends_with("<<<<<<<< yours\nb\n|||||||| base\n========\nc\n>>>>>>>> theirs\n"), "{conflict}");
    }

    #[test]
    fn dependencies_added_side_by_side_are_no_conflict() {
        let base = "[package]\nname = \"a\"\n\n[dependencies]\naxum = \"1\"\ntokio = \"1\"\n";
        let ours = base.replace("axum = \"1\"\n", "axum = \"1\"\nmine = \"2\" # why\n");
        let theirs = base.replace("axum = \"1\"\n", "axum = \"1\"\nredis = \"3\"\n");
        let expected = base.replace("axum = \"1\"\n", "axum = \"1\"\nredis = \"3\"\nmine = \"2\" # why\n");
        assert_eq!(run("Cargo.toml", base, &ours, &theirs).unwrap(), expected);
    }

    #[test]
    fn what_no_longer_parses_is_a_conflict() {
        // Each adds the key `b`, in places that lines take for two.
        let base = "a: 1\nx: 1\ny: 1\nz: 1\n";
        let conflict =
            run("v.yaml", base, "b: 2\na: 1\nx: 1\ny: 1\nz: 1\n", "a: 1\nx: 1\ny: 1\nz: 1\nb: 3\n").unwrap_err();
        assert!(
            conflict.starts_with("<<<<<<< yours\nb: 2\n") && conflict.ends_with("b: 3\n>>>>>>> theirs\n"),
            "{conflict}"
        );
        let base = "{\n  \"a\": 1,\n  \"m\": 0,\n  \"z\": 1\n}\n";
        let ours = base.replace("{\n", "{\n  \"k\": 1,\n");
        let theirs = base.replace("\"z\": 1", "\"z\": 1,\n  \"k\": 2");
        assert!(run("v.json", base, &ours, &theirs).is_err());
        assert!(run("v.txt", base, &ours, &theirs).is_ok());
    }

    #[test]
    fn no_text_is_not_merged() {
        assert_eq!(merge("x", b"a\0", b"b\0", b"c\0", &labels()), Merged::Binary);
        assert_eq!(merge("x", b"a\0", b"a\0", b"c\0", &labels()), Merged::Clean(b"c\0".to_vec()));
        // Latin-1 is text.
        assert_eq!(
            merge("x", b"\xe9\nb\nc\n", b"\xe9\nb\nd\n", b"\xe8\nb\nc\n", &labels()),
            Merged::Clean(b"\xe8\nb\nd\n".to_vec())
        );
    }
}
