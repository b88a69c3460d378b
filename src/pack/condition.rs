//! `when`: a Tera expression over the service's name and the answers.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use tera::{Context, Tera};

use crate::fault::{Fault, Place, did_you_mean};
use crate::template::{Reach, reason};

/// A parsed `when`, with the place it stands at.
#[derive(Debug, Clone)]
pub struct Condition {
    pub expression: String,
    pub place: Place,
    engine: Arc<Tera>,
}

const TEMPLATE: &str = "when";

/// What each condition is a copy of: a new one costs ten times as much.
static PLAIN: LazyLock<Tera> = LazyLock::new(Tera::new);

impl Condition {
    /// Parses `expression`; a name that is not among `known` is a fault, for Tera takes an
    /// undefined variable in an `if` for false without a word.
    pub fn parse(expression: &str, place: Place, known: &[&str]) -> Result<Self, Fault> {
        if expression.contains("%}") {
            return Err(Fault::at(place, format!("`when` is an expression, not a block: {expression}")));
        }
        let mut engine = PLAIN.clone();
        let source = format!("{{% if {} %}}1{{% endif %}}", spelled_out(expression));
        engine.add_raw_template(TEMPLATE, &source).map_err(|error| {
            Fault::at(
                place.clone(),
                format!("`when = '{expression}'` is no expression: {}", reason(&error, Reach::Tera)),
            )
            .help("write it as in: when = 'cache == \"redis\" and auth != \"none\"'")
        })?;
        let variables = engine.get_template_variables(TEMPLATE).unwrap_or_default();
        let mut unknown: Vec<&str> = variables.into_iter().filter(|name| !known.contains(name)).collect();
        unknown.sort_unstable();
        if let Some(name) = unknown.first() {
            let near = did_you_mean(name, known.iter().copied());
            return Err(Fault::at(place, format!("`when = '{expression}'` reads `{name}`, which is no answer{near}"))
                .help(format!("in reach here: {}", known.join(", "))));
        }
        Ok(Self { expression: expression.to_owned(), place, engine: Arc::new(engine) })
    }

    /// The names that it reads.
    pub fn reads(&self) -> BTreeSet<String> {
        let read = self.engine.get_template_variables(TEMPLATE).unwrap_or_default();
        read.into_iter().map(str::to_owned).collect()
    }

    /// Whether it holds for these answers. Comparing what cannot be compared is a fault.
    pub fn holds(&self, context: &Context) -> Result<bool, Fault> {
        self.engine.render(TEMPLATE, context).map(|out| out == "1").map_err(|error| {
            Fault::at(self.place.clone(), format!("`when = '{}'`: {}", self.expression, reason(&error, Reach::Tera)))
        })
    }
}

/// `&&` and `||`, as packs write them, in Tera's words; texts in quotes stay as they are.
fn spelled_out(expression: &str) -> String {
    let mut out = String::new();
    let mut quote = None;
    let mut chars = expression.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, '&' | '|') if chars.peek() == Some(&c) => {
                chars.next();
                out.push_str(if c == '&' { " and " } else { " or " });
                continue;
            }
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            _ => {}
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(expression: &str) -> Result<Condition, Fault> {
        Condition::parse(expression, Place::new("layer.toml", 3, 8), &["cache", "auth"])
    }

    #[test]
    fn holds_for_the_answers_it_names() {
        let condition = parse("cache == \"redis\" and auth != \"none\"").unwrap();
        let mut context = Context::new();
        context.insert("cache", "redis");
        context.insert("auth", "jwt");
        assert!(condition.holds(&context).unwrap());
        context.insert("auth", "none");
        assert!(!condition.holds(&context).unwrap());
    }

    #[test]
    fn ands_and_ors_may_be_written_as_in_rust() {
        let condition = parse("cache == '&&' && auth == \"x\" || false").unwrap();
        let mut context = Context::new();
        context.insert("cache", "&&");
        context.insert("auth", "x");
        assert!(condition.holds(&context).unwrap());
    }

    #[test]
    fn an_unknown_name_is_a_fault_with_the_nearest() {
        let fault = parse("cahce == \"redis\"").unwrap_err();
        assert_eq!(fault.place.as_ref().unwrap().line, 3);
        assert!(fault.message.contains("did you mean \"cache\"?"), "{fault}");
    }

    #[test]
    fn a_broken_expression_is_a_fault() {
        assert!(parse("cache ==").unwrap_err().message.contains("no expression"));
        assert!(parse("true %}x{% if true").is_err());
    }
}
