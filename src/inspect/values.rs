//! What a question is tried with: every choice, and texts that break what is not escaped.

use std::collections::BTreeSet;

use crate::pack::{Answer, Kind, Manifest, Question};

/// Names of a service, as far as the pack takes them. The first is the plainest.
const NAMES: [&str; 9] = ["shop", "a", "order-api", "order_api", "x2", "null", "Self", "Order-API", "class"];

/// Texts that an honest person may give. A line break is among them for packs whose questions take it.
const TEXTS: [&str; 14] = [
    "it's \"quoted\" `so` \\ \\n \\u0041 '''and''' \"\"\"so\"\"\"",
    "{{ name }} {{name}} {% if x %} {# x #} ${{ secrets.TOKEN }} {} {0} {name}",
    "# none: - a, [b] &c *d !e |f >g @h ? ~ x",
    "$HOME $(id) `id` %PATH% $$ %s ${X}",
    "<b>&amp;</b> */ --> ]]> // /* <!-- -->",
    "🚀 é ñ 漢字 𝔘 مرحبا שלום e\u{301}",
    "- x",
    "null",
    "yes",
    "1e3",
    "fn",
    "class",
    " spaces  around ",
    "two\nlines",
];

/// Items and words that stricter questions take as well.
const WORDS: [&str; 6] = ["one", "two", "x-2", "x_2", "example.org/x", "A1"];

/// An answer, or none: then the default stands.
pub type MaybeAnswer = Option<Answer>;

/// All that a question is tried with, the plainest first. `named` are the values that conditions of the
/// pack compare it with.
pub fn of(question: &Question, named: &BTreeSet<String>, manifest: &Manifest) -> Vec<MaybeAnswer> {
    let mut values: Vec<MaybeAnswer> = Vec::new();
    let mut try_with = |value: MaybeAnswer| {
        if value.as_ref().is_none_or(|answer| question.check(answer).is_ok()) && !values.contains(&value) {
            values.push(value);
        }
    };
    let text = |text: &str| Answer::Text(text.to_owned());
    match question.kind {
        Kind::Choice => question.choices.iter().for_each(|choice| try_with(Some(text(&choice.value)))),
        Kind::Bool => [false, true].into_iter().for_each(|flag| try_with(Some(Answer::Bool(flag)))),
        Kind::Integer => {
            try_with(question.default.clone());
            let bounds = question.min.into_iter().chain(question.max).chain([0, 1]);
            let near = named.iter().filter_map(|text| text.parse::<i64>().ok());
            let near = near.flat_map(|number| [number.saturating_sub(1), number, number.saturating_add(1)]);
            near.chain(bounds).for_each(|number| try_with(Some(Answer::Integer(number))));
        }
        Kind::Text => {
            if question.default.is_some() {
                try_with(None);
            }
            for named in named {
                try_with(Some(text(named)));
            }
            try_with(Some(text("")));
            for hostile in &texts(question, manifest) {
                try_with(Some(text(hostile)));
            }
        }
        Kind::List => {
            let list = |items: &[&str]| Some(Answer::List(items.iter().map(|item| (*item).to_owned()).collect()));
            if question.default.is_some() {
                try_with(question.default.clone());
            }
            try_with(list(&[]));
            for named in named {
                try_with(list(&[named]));
            }
            let texts = texts(question, manifest);
            let items: Vec<&str> = texts
                .iter()
                .map(String::as_str)
                .filter(|item| question.check(&Answer::List(vec![(*item).into()])).is_ok())
                .collect();
            try_with(list(&items[..items.len().min(1)]));
            try_with(list(&items[..items.len().min(2)]));
            for item in &items {
                try_with(list(&[item]));
            }
        }
    }
    values
}

/// The values of a question that conditions read: those that decide; for texts and lists, the last stands
/// for any other.
pub fn few(question: &Question, named: &BTreeSet<String>, manifest: &Manifest) -> Vec<MaybeAnswer> {
    let all = of(question, named, manifest);
    let any = any(question, named, manifest).into_iter().next();
    let decisive = match question.kind {
        Kind::Text => named.len() + 2,
        Kind::List => named.len() + 4,
        Kind::Choice | Kind::Bool | Kind::Integer => return all,
    };
    let mut few: Vec<MaybeAnswer> =
        all.into_iter().take(decisive).filter(|value| Some(value) != any.as_ref()).collect();
    few.extend(any);
    few
}

/// Texts and lists that no condition names, and that are not empty.
pub fn any(question: &Question, named: &BTreeSet<String>, manifest: &Manifest) -> Vec<MaybeAnswer> {
    let is_any = |value: &MaybeAnswer| match value {
        Some(Answer::Text(text)) => !text.is_empty() && !named.contains(text),
        Some(Answer::List(items)) => !items.is_empty() && !items.iter().any(|item| named.contains(item)),
        _ => false,
    };
    of(question, named, manifest).into_iter().filter(is_any).collect()
}

pub fn names(manifest: &Manifest) -> Vec<String> {
    let fits = |name: &str| manifest.name_rules.check(name).is_ok();
    let mut names: Vec<String> = NAMES.iter().filter(|name| fits(name)).map(|name| (*name).to_owned()).collect();
    let longest = (1..=64).rev().map(|length| "n".repeat(length)).find(|name| fits(name));
    names.extend(longest);
    names
}

fn texts(question: &Question, manifest: &Manifest) -> Vec<String> {
    let d = &manifest.delimiters;
    let own = format!(
        "{} name {} {} if x {} {} x {}",
        d.variable_start, d.variable_end, d.block_start, d.block_end, d.comment_start, d.comment_end
    );
    let longest = question.max.and_then(|max| usize::try_from(max).ok()).unwrap_or(200);
    let fixed = TEXTS.iter().map(|text| (*text).to_owned());
    let cut = |text: String| text.chars().take(longest).collect::<String>();
    WORDS
        .iter()
        .take(2)
        .map(|word| (*word).to_owned())
        .chain(fixed)
        .chain([own, "x".repeat(longest.min(10_000))])
        .chain(WORDS.iter().skip(2).map(|word| (*word).to_owned()))
        .map(cut)
        .collect()
}
