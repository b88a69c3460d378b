//! Filters: cases of a name, and escapes for the place where a value lands.

use std::fmt::Write as _;

use heck::{ToKebabCase as _, ToLowerCamelCase as _, ToPascalCase as _, ToShoutySnakeCase as _, ToSnakeCase as _};
use tera::{Kwargs, State, Tera, TeraResult, Value};

/// Registers every filter that `docs/packs.md` lists.
pub fn register(engine: &mut Tera) {
    engine.register_filter("snake", |text: &str, _: Kwargs, _: &State| text.to_snake_case());
    engine.register_filter("kebab", |text: &str, _: Kwargs, _: &State| text.to_kebab_case());
    engine.register_filter("pascal", |text: &str, _: Kwargs, _: &State| text.to_pascal_case());
    engine.register_filter("camel", |text: &str, _: Kwargs, _: &State| text.to_lower_camel_case());
    engine.register_filter("shouty", |text: &str, _: Kwargs, _: &State| text.to_shouty_snake_case());
    engine.register_filter("words", |text: &str, _: Kwargs, _: &State| text.to_snake_case().replace('_', " "));
    engine.register_filter("rust_str", |text: &str, _: Kwargs, _: &State| rust_str(text));
    engine.register_filter("rust_int", |number: i64, _: Kwargs, _: &State| rust_int(number));
    engine.register_filter("seconds", |text: &str, _: Kwargs, _: &State| seconds(text).map_err(tera::Error::message));
    engine.register_filter("toml", |value: Value, _: Kwargs, _: &State| toml_value(&value));
    // YAML 1.2 holds JSON: its double-quoted style takes every escape that JSON writes.
    engine.register_filter("yaml", |value: Value, _: Kwargs, _: &State| json(&value));
    engine.register_filter("json", |value: Value, _: Kwargs, _: &State| json(&value));
    engine.register_filter("sql_ident", |text: &str, _: Kwargs, _: &State| sql_ident(text));
    engine.register_filter("sh", |text: &str, _: Kwargs, _: &State| sh(text));
    engine.register_filter("md", |text: &str, _: Kwargs, _: &State| md(text));
    engine.register_filter("wrap", |text: &str, options: Kwargs, _: &State| {
        let (indent, first) = (options.get("indent")?.unwrap_or(0), options.get("first")?);
        let width = options.get("width")?.unwrap_or(100);
        TeraResult::Ok(wrap(text, width, indent, first.unwrap_or(indent)))
    });
    engine.register_filter("comment", |text: &str, _: Kwargs, _: &State| comment(text));
}

/// A Rust string literal, quotes included.
fn rust_str(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => drop(write!(out, "{}", c.escape_default())),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A Rust integer literal, with `_` between thousands from five digits on.
fn rust_int(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let sign = if number < 0 { "-" } else { "" };
    if digits.len() < 5 {
        return format!("{sign}{digits}");
    }
    let head = digits.len() % 3;
    let groups = digits.as_bytes()[head..].chunks(3).map(|group| String::from_utf8_lossy(group).into_owned());
    let parts: Vec<String> =
        Some(digits[..head].to_owned()).filter(|head| !head.is_empty()).into_iter().chain(groups).collect();
    format!("{sign}{}", parts.join("_"))
}

/// A duration as settings have it (`35s`, `5m`, `2h`, `2000ms`), in whole seconds.
fn seconds(text: &str) -> Result<u64, String> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    let whole = number.parse::<u64>().ok().and_then(|number| number.checked_mul(milliseconds));
    match whole {
        Some(whole) if milliseconds > 0 && whole % 1000 == 0 => Ok(whole / 1000),
        _ => Err(format!("`{text}` is not a duration in whole seconds, such as 35s or 5m")),
    }
}

/// A TOML value: text with quotes, number, bool, or an array of those.
fn toml_value(value: &Value) -> TeraResult<String> {
    let value: toml::Value =
        serde_json::to_value(value).and_then(serde_json::from_value).map_err(tera::Error::message)?;
    Ok(match value {
        // A literal string would read better with `"` in it, but one form is one less surprise.
        toml::Value::String(text) => toml_str(&text),
        toml::Value::Array(items) if items.iter().all(toml::Value::is_str) => {
            let items: Vec<String> = items.iter().filter_map(|item| item.as_str().map(toml_str)).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    })
}

/// A TOML basic string (toml.io, "String"), quotes included.
pub fn toml_str(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => drop(write!(out, "\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn json(value: &Value) -> TeraResult<String> {
    serde_json::to_string(value).map_err(tera::Error::message)
}

/// An SQL identifier: as it is where it needs no quotes, else quoted as SQL-92 says.
fn sql_ident(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

/// One word of a POSIX shell.
pub fn sh(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// Text inside Markdown that is shown as it is (`CommonMark`, "Backslash escapes").
fn md(text: &str) -> String {
    let mut out = String::new();
    for (i, c) in text.chars().enumerate() {
        let marks = "\\`*_[]<>|~&$".contains(c);
        let at_start = i == 0 && "-+=#".contains(c);
        // `1.` and `1)` begin a list.
        let numbered = ".)".contains(c) && i > 0 && text.chars().take(i).all(|c| c.is_ascii_digit());
        if marks || at_start || numbered {
            out.push('\\');
        }
        out.push(if c.is_control() { ' ' } else { c });
    }
    out
}

/// A list with commas, broken into lines of up to `width` columns. It begins at column `first`; its
/// further lines are indented by `indent`.
fn wrap(list: &str, width: usize, indent: usize, first: usize) -> String {
    let mut out = String::new();
    let mut column = first;
    for item in list.split_inclusive(", ").map(str::trim_end) {
        let length = item.chars().count();
        if out.is_empty() {
            column += length;
        } else if column + 1 + length > width {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            column = indent + length;
        } else {
            out.push(' ');
            column += 1 + length;
        }
        out.push_str(item);
    }
    out
}

/// Text inside a comment of one line, or of a block.
fn comment(text: &str) -> String {
    text.replace(char::is_control, " ").replace("*/", "* /").replace("-->", "-- >")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NASTY: &str = "a\"b\\c\nd\t{{ x }} ${{ y }} 'q' é 🚀 مرحبا |<#";

    #[test]
    fn what_is_escaped_reads_back() {
        let toml: toml::Table = toml::from_str(&format!("x = {}", toml_str(NASTY))).unwrap();
        assert_eq!(toml["x"].as_str().unwrap(), NASTY);
        let value = Value::from(NASTY);
        assert_eq!(serde_json::from_str::<String>(&json(&value).unwrap()).unwrap(), NASTY);
        assert_eq!(rust_str("a\"\\\n\u{7f}é"), r#""a\"\\\n\u{7f}é""#);
    }

    #[test]
    fn thousands_are_apart_where_it_helps() {
        for (number, text) in
            [(0, "0"), (1024, "1024"), (65_535, "65_535"), (100_000, "100_000"), (-1_234_567, "-1_234_567")]
        {
            assert_eq!(rust_int(number), text);
        }
    }

    #[test]
    fn durations_are_whole_seconds_with_a_unit() {
        for (text, whole) in [("35s", 35), ("2000ms", 2), ("5m", 300), ("2h", 7200)] {
            assert_eq!(seconds(text), Ok(whole));
        }
        for text in ["", "35", "s", "1d", "250ms", "-1s", "99999999999999999999s"] {
            assert!(seconds(text).unwrap_err().contains(&format!("`{text}`")));
        }
    }

    #[test]
    fn a_list_is_broken_after_commas() {
        assert_eq!(wrap("a, b, c", 100, 4, 4), "a, b, c");
        assert_eq!(wrap("aaa, bbb, ccc", 8, 2, 0), "aaa,\n  bbb,\n  ccc");
        assert_eq!(wrap("aaa, bbb, ccc", 9, 0, 0), "aaa, bbb,\nccc");
        assert_eq!(wrap("aaaaaaaaaaaa, b", 5, 1, 3), "aaaaaaaaaaaa,\n b");
        assert_eq!(wrap("", 5, 1, 3), "");
    }

    #[test]
    fn a_shell_word_is_one_word() {
        assert_eq!(sh("order-api"), "order-api");
        assert_eq!(sh("it's $HOME"), "'it'\\''s $HOME'");
        assert_eq!(sh(""), "''");
    }

    #[test]
    fn markdown_shows_text_as_it_is() {
        assert_eq!(md("1. *a* <b> | # c"), "1\\. \\*a\\* \\<b\\> \\| # c");
        assert_eq!(md("# x"), "\\# x");
    }

    #[test]
    fn an_identifier_is_quoted_only_where_it_must_be() {
        assert_eq!(sql_ident("order_item"), "order_item");
        assert_eq!(sql_ident("Or\"der"), "\"Or\"\"der\"");
    }
}
