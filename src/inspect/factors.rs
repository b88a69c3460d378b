//! What decides which service a pack makes: what has to be tried in every combination.

use std::collections::BTreeSet;

use super::conditions;
use super::resources::Amount;
use super::values::{self, MaybeAnswer};
use crate::pack::{Condition, Kind, Pack, Question};

/// What a row has a value of: a question that decides something; the last two are the name and the resources.
pub struct Factor<'a> {
    pub question: Option<&'a Question>,
    pub values: Vec<MaybeAnswer>,
    /// Texts and lists that the last value stands for.
    pub any: Vec<MaybeAnswer>,
}

/// The questions that decide something: those with choices, and those that a condition reads.
pub fn of(pack: &Pack) -> Vec<Factor<'_>> {
    let conditions = conditions::all(pack);
    let reading = |key: &str| {
        let reading = conditions.iter().map(|judged| judged.condition).filter(|when| when.reads().contains(key));
        reading.collect::<Vec<&Condition>>()
    };
    let of_question = pack.manifest.questions.iter().filter(|question| question.is_open()).filter_map(|question| {
        let reading = reading(&question.key);
        let decides = matches!(question.kind, Kind::Choice | Kind::Bool) || !reading.is_empty();
        let named = reading.into_iter().flat_map(|when| named(&when.expression)).collect();
        let values = decides.then(|| values::few(question, &named, &pack.manifest))?;
        let any = match question.kind {
            Kind::Text | Kind::List => values::any(question, &named, &pack.manifest),
            Kind::Choice | Kind::Bool | Kind::Integer => Vec::new(),
        };
        Some(Factor { question: Some(question), values, any })
    });
    let mut factors: Vec<Factor> = of_question.filter(|factor| !factor.values.is_empty()).collect();
    let amounts = if pack.takes_resources() { Amount::ALL.len() } else { 1 };
    factors.push(Factor { question: None, values: vec![None; names(pack).len().max(1)], any: Vec::new() });
    factors.push(Factor { question: None, values: vec![None; amounts], any: Vec::new() });
    factors
}

/// The plainest name that the pack takes, and those that its conditions name.
pub fn names(pack: &Pack) -> Vec<String> {
    let conditions = conditions::all(pack);
    let reading = conditions.iter().map(|judged| judged.condition).filter(|when| when.reads().contains("name"));
    let named = reading.flat_map(|when| named(&when.expression));
    let named = named.filter(|name| pack.manifest.name_rules.check(name).is_ok());
    let plainest = values::names(&pack.manifest).into_iter().next();
    let mut names: Vec<String> = plainest.into_iter().collect();
    for name in named {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The texts and numbers that an expression compares with.
pub fn named(expression: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    let mut rest = expression;
    while let Some(open) = rest.find(['"', '\'']) {
        let (before, quoted) = rest.split_at(open);
        named.extend(numbers(before));
        let quote = &quoted[..1];
        let Some((text, after)) = quoted[1..].split_once(quote) else { break };
        named.insert(text.to_owned());
        rest = after;
    }
    named.extend(numbers(rest));
    named
}

fn numbers(text: &str) -> impl Iterator<Item = String> + '_ {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.filter(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_digit())).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_expression_compares_with_is_tried() {
        let named = named("a == \"x y\" and b > 10 or c in ['it', \"2\"] and n2 == 7");
        assert_eq!(named.iter().map(String::as_str).collect::<Vec<_>>(), ["10", "2", "7", "it", "x y"]);
    }
}
