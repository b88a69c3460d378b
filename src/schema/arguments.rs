//! What stands between the brackets of a type: bounds, digits, choices, the name of another resource.

use std::ops::Range;

use super::draft::RenamedChoice;
use super::grammar::Reader;
use super::types::{MAX_STRING, TABLE, Type};
use crate::pack::shown;

const MAX_CHOICES: usize = 100;

impl Reader<'_, '_> {
    /// The type `name`, which stands at `word`, with what its brackets hold; None after a fault.
    pub(super) fn typed(&mut self, name: &str, word: Range<usize>, arguments: Option<Range<usize>>) -> Option<Type> {
        let simple = match name {
            "text" => Some(Type::Text),
            "bool" => Some(Type::Bool),
            "uuid" => Some(Type::Uuid),
            "date" => Some(Type::Date),
            "datetime" => Some(Type::DateTime),
            "json" => Some(Type::Json),
            "email" => Some(Type::Email),
            "url" => Some(Type::Url),
            _ => None,
        };
        if let (Some(kind), arguments) = (&simple, &arguments) {
            let Some(arguments) = arguments else { return Some(kind.clone()) };
            let help = if name == "text" { "a text with bounds is a string: `string(1..200)`" } else { "leave it out" };
            self.fault(arguments.start - 1..arguments.end + 1, format!("`{name}` takes nothing in brackets"), help);
            return None;
        }
        let Some(arguments) = arguments else {
            return match name {
                "string" => Some(Type::STRING),
                "int" => Some(Type::Int { min: None, max: None }),
                "bigint" => Some(Type::BigInt { min: None, max: None }),
                _ => {
                    let needs = format!("`{name}` needs more, in brackets");
                    self.fault(word, needs, format!("as in `{}`", form_of(name)));
                    None
                }
            };
        };
        match name {
            "string" => self.string(arguments),
            "int" | "bigint" => self.integer(name, arguments),
            "decimal" => self.decimal(arguments),
            "enum" => self.choices(arguments),
            _ => self.target(arguments),
        }
    }

    /// `string(MIN..MAX)`, either left out but not the largest alone.
    fn string(&mut self, arguments: Range<usize>) -> Option<Type> {
        let [low, high] = self.bounds("string", arguments.clone())?;
        let min = low.unwrap_or(0);
        let Some(max) = high else {
            let help = format!("as in `string({}..{})`; a text without bounds is `text`", min.max(0), 200.max(min));
            self.fault(arguments, "a string needs an end: how many characters at most?", help);
            return None;
        };
        if min < 0 || max < 1 || max > i64::from(MAX_STRING) {
            let message = format!("a string has from 0 to 1 characters at least, and at most {MAX_STRING}");
            self.fault(arguments, message, "`text` holds more");
            return None;
        }
        Some(Type::String { min: u32::try_from(min).ok()?, max: u32::try_from(max).ok()? })
    }

    fn integer(&mut self, name: &str, arguments: Range<usize>) -> Option<Type> {
        let [min, max] = self.bounds(name, arguments.clone())?;
        if name == "bigint" {
            return Some(Type::BigInt { min, max });
        }
        if [min, max].into_iter().flatten().any(|bound| i32::try_from(bound).is_err()) {
            let message = format!("an int is from {} to {}", i32::MIN, i32::MAX);
            self.fault(arguments, message, "`bigint` holds more");
            return None;
        }
        Some(Type::Int { min, max })
    }

    /// `MIN..MAX`, whole numbers, either of which may be left out.
    fn bounds(&mut self, name: &str, arguments: Range<usize>) -> Option<[Option<i64>; 2]> {
        let text = &self.written.text[arguments.clone()];
        let example = format!("as in `{}`", form_of(name));
        let Some(dots) = text.find("..") else {
            self.fault(arguments, "bounds are MIN..MAX", example);
            return None;
        };
        let low = self.number(arguments.start..arguments.start + dots, &example).ok()?;
        let high = self.number(arguments.start + dots + 2..arguments.end, &example).ok()?;
        if low.zip(high).is_some_and(|(low, high)| low > high) {
            self.fault(arguments, "the lower bound is above the upper", example);
            return None;
        }
        Some([low, high])
    }

    /// `Ok(None)` where nothing stands; `Err` after a fault, which is told.
    fn number(&mut self, range: Range<usize>, help: &str) -> Result<Option<i64>, ()> {
        let range = self.trimmed(range);
        let text = &self.written.text[range.clone()];
        if text.is_empty() {
            return Ok(None);
        }
        // `+1` and `007` would not come out as they went in.
        match text.parse::<i64>() {
            Ok(number) if number.to_string() == text => Ok(Some(number)),
            _ => {
                self.fault(range, format!("\"{}\" is no whole number", shown(text)), help);
                Err(())
            }
        }
    }

    fn decimal(&mut self, arguments: Range<usize>) -> Option<Type> {
        let help = "as in `decimal(12,2)`: 12 digits, 2 of them after the point";
        let parts = self.list(arguments.clone());
        let [precision, scale] = &parts[..] else {
            self.fault(arguments, "a decimal has two numbers", help);
            return None;
        };
        let precision = self.number(precision.clone(), help).ok()?;
        let scale = self.number(scale.clone(), help).ok()?;
        match (precision, scale) {
            // 18 digits fit into the whole number that SQLite keeps them in.
            (Some(precision @ 1..=18), Some(scale)) if (0..=precision).contains(&scale) => {
                Some(Type::Decimal { precision: u32::try_from(precision).ok()?, scale: u32::try_from(scale).ok()? })
            }
            _ => {
                self.fault(arguments, "a decimal has 1 to 18 digits, and no more than those after the point", help);
                None
            }
        }
    }

    fn choices(&mut self, arguments: Range<usize>) -> Option<Type> {
        let mut values: Vec<String> = Vec::new();
        let before = self.faults.0.len();
        let parts = self.list(arguments);
        for part in parts.iter().cloned() {
            let (part, was) = self.renamed_choice(part);
            let value = &self.written.text[part.clone()];
            if let Err(why) = super::names::check(value) {
                let near = super::names::suggestion(value);
                let help = near.map_or_else(|| form_of("enum").to_owned(), |near| format!("`{near}` would do"));
                self.fault(part, format!("the choice \"{}\": {why}", shown(value)), help);
            } else if values.iter().any(|known| super::names::same(known, value)) {
                self.fault(part, format!("the choice \"{value}\" stands twice"), "leave one out");
            } else {
                values.push(value.to_owned());
                let from = was.map(|was| self.written.text[was].to_owned());
                self.renamed_choices.extend(from.map(|from| RenamedChoice { from, to: value.to_owned() }));
            }
        }
        let renamed = self.renamed_choices.clone();
        for (number, RenamedChoice { from, .. }) in renamed.iter().enumerate() {
            if values.contains(from) {
                let message = format!("the choice \"{from}\" is renamed, and a choice still");
                self.fault(parts[0].start..parts[parts.len() - 1].end, message, "leave one of the two out");
            } else if renamed[..number].iter().any(|other| other.from == *from) {
                let message = format!("the choice \"{from}\" becomes two");
                self.fault(parts[0].start..parts[parts.len() - 1].end, message, "a row has one: keep one `was`");
            }
        }
        if let Some(part) = parts.get(MAX_CHOICES) {
            let message = format!("{} choices are too many: at most {MAX_CHOICES}", parts.len());
            self.fault(part.clone(), message, "make a resource of them, and a `ref` to it");
        }
        (self.faults.0.len() == before).then_some(Type::Enum(values))
    }

    /// `settled:was=paid`: the choice, and what it was.
    fn renamed_choice(&mut self, part: Range<usize>) -> (Range<usize>, Option<Range<usize>>) {
        let text = &self.written.text[part.clone()];
        let Some((value, rest)) = text.split_once(':') else { return (part, None) };
        let value = part.start..part.start + value.len();
        let Some(was) = rest.strip_prefix("was=") else {
            let rest = value.end + 1..part.end;
            self.fault(rest, "`was=` is expected here", "as in `enum(settled:was=paid,draft)`");
            return (value, None);
        };
        let was = part.end - was.len()..part.end;
        if let Err(why) = super::names::check(&self.written.text[was.clone()]) {
            let message = format!("the choice \"{}\": {why}", shown(&self.written.text[was.clone()]));
            self.fault(was, message, "as in `enum(settled:was=paid,draft)`");
            return (value, None);
        }
        (value, Some(was))
    }

    fn target(&mut self, arguments: Range<usize>) -> Option<Type> {
        let range = self.trimmed(arguments);
        let target = &self.written.text[range.clone()];
        if target.is_empty() || target.contains(',') {
            self.fault(range, "`ref` names one resource", "as in `customer:ref(user)`");
            return None;
        }
        Some(Type::Ref(target.to_owned()))
    }

    /// Parts between commas, trimmed.
    pub(super) fn list(&self, arguments: Range<usize>) -> Vec<Range<usize>> {
        let mut start = arguments.start;
        let mut parts = Vec::new();
        for part in self.written.text[arguments].split(',') {
            parts.push(self.trimmed(start..start + part.len()));
            start += part.len() + 1;
        }
        parts
    }

    fn trimmed(&self, range: Range<usize>) -> Range<usize> {
        let text = &self.written.text[range.clone()];
        let start = range.start + text.len() - text.trim_start().len();
        start..start + text.trim().len()
    }
}

/// How a type is written, for help.
pub(super) fn form_of(word: &str) -> &'static str {
    TABLE.iter().find(|facts| facts.word == word).map_or("string(1..200)", |facts| facts.form)
}
