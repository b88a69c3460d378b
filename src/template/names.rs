//! What templates may call, by name: Tera keeps no list that others can read.

use crate::fault::did_you_mean;

/// Tera's own filters.
const FILTERS: &str = "abs capitalize default escape escape_html escape_xml first float get group_by indent int join keys \
    last length lower newlines_to_br nth pairs pluralize replace reverse round safe sort split str title trim trim_end \
    trim_start truncate unique upper values wordcount";

/// Those that [`super::engine`] has beside them.
const OUR_FILTERS: &str =
    "camel comment json kebab md pascal rust_int rust_str seconds sh shouty snake sql_ident toml words wrap yaml";

const TESTS: &str = "array bool containing defined divisible_by ending_with even float integer iterable map none number \
    odd starting_with string undefined";

const FUNCTIONS: &str = "range throw";

/// Whose filters are in reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Tera's own: in a `when`.
    Tera,
    /// Those of [`super::engine`], too.
    Template,
}

/// Tera's message; of a filter, test or function that it does not know, with the nearest in reach.
pub fn suggest(message: &str, reach: Reach) -> String {
    let unknown = message.strip_prefix("Unknown ").and_then(|rest| rest.strip_suffix('`')?.split_once(" `"));
    let Some((kind, name)) = unknown else { return message.to_owned() };
    let known: &[&str] = match (kind, reach) {
        ("filter", Reach::Tera) => &[FILTERS],
        ("filter", Reach::Template) => &[FILTERS, OUR_FILTERS],
        ("test", _) => &[TESTS],
        ("function", _) => &[FUNCTIONS],
        _ => &[],
    };
    format!("{message}{}", did_you_mean(name, known.iter().flat_map(|names| names.split(' '))))
}

#[cfg(test)]
mod tests {
    use tera::{Delimiters, Tera};

    use super::*;

    /// Each name is known, and there are no more than these: Tera shows how many it has.
    #[test]
    fn the_names_are_those_that_tera_has() {
        let count = |names: &str| names.split(' ').filter(|name| !name.is_empty()).count();
        for (tera, filters) in [
            (Tera::new(), count(FILTERS)),
            (super::super::engine(&Delimiters::default()), count(FILTERS) + count(OUR_FILTERS)),
        ] {
            let shown = format!("{tera:?}");
            for (kind, count) in [("filters", filters), ("tests", count(TESTS)), ("functions", count(FUNCTIONS))] {
                assert!(shown.contains(&format!("{kind}: {count},")), "{kind}, {count}: {shown}");
            }
        }
        let filters =
            [FILTERS, OUR_FILTERS].map(|names| names.split_whitespace().map(|name| format!("{{{{ 1 | {name} }}}}")));
        let tests = TESTS.split_whitespace().map(|name| format!("{{{{ 1 is {name} }}}}"));
        let functions = FUNCTIONS.split_whitespace().map(|name| format!("{{{{ {name}() }}}}"));
        for template in filters.into_iter().flatten().chain(tests).chain(functions) {
            let loaded = super::super::engine(&Delimiters::default()).add_raw_template("t", &template);
            assert!(loaded.is_ok(), "{template}: {loaded:?}");
        }
    }
}
