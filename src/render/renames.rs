//! Names in code that are others now, as `[[renamed]]` of the pack and of its layers says for these answers.

use std::collections::BTreeMap;

use tera::Context;

use super::rendering::{Contexts, Work, names};
use super::sources::Item;
use crate::fault::{Fault, Faults, Place};
use crate::pack::{Pack, RenamedName, check_name};
use crate::template::Texts;

/// A name in code, and what it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    pub to: String,
    /// Where the pack says so.
    pub place: Place,
    /// Whether the old name holds a value, so that a resource may have brought it about.
    has_values: bool,
}

/// All of them, by the old name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renames(BTreeMap<String, Rename>);

impl Renames {
    /// Those of the pack and of the layers that are in; `context` is what conditions of the pack see.
    pub fn of(pack: &Pack, texts: &Texts, works: &[Work], context: &Context) -> Result<Self, Faults> {
        let mut renames = Self::default();
        let mut faults = Faults::default();
        let all = Item { context, former: &[] };
        let of_the_pack = pack.manifest.renamed.iter().map(|name| (name, all));
        let delimiters = &pack.manifest.delimiters;
        let of_layers = works.iter().flat_map(|work| {
            work.layer.renamed.iter().flat_map(move |name| {
                let texts = [&name.from, &name.to];
                let contexts = work.contexts(|item| texts.iter().any(|text| names(delimiters, text, item)));
                contexts.iter().map(Contexts::item).map(move |item| (name, item))
            })
        });
        for (name, item) in of_the_pack.chain(of_layers) {
            if let Err(fault) = renames.take(texts, name, item) {
                faults.push(fault);
            }
        }
        faults.or(renames)
    }

    fn take(&mut self, texts: &Texts, name: &RenamedName, item: Item) -> Result<(), Fault> {
        let refused = |why: String| Fault::at(name.place.clone(), format!("\"{}\": {why}", name.from));
        let rendered = |text: &str, context: &Context| -> Result<String, Fault> {
            let text = texts.render(text, context).map_err(refused)?;
            check_name(&text, &name.place).map(|()| text)
        };
        let (from, to) = (rendered(&name.from, item.context)?, rendered(&name.to, item.context)?);
        let has_values = name.from.contains(&*texts.delimiters.variable_start);
        let rename = Rename { to, place: name.place.clone(), has_values };
        for former in item.former.iter().filter(|_| has_values) {
            if let Ok(before) = rendered(&name.from, former) {
                self.0.entry(before).or_insert_with(|| rename.clone());
            }
        }
        match self.0.get(&from) {
            Some(other) if other.to == rename.to => {}
            Some(other) if !other.has_values && !has_values => {
                let message =
                    format!("`{from}` is renamed to `{}` here and to `{}` in {}", rename.to, other.to, other.place);
                return Err(Fault::at(name.place.clone(), message).help("keep one of the two entries"));
            }
            // What the template had by that name comes before what a resource of that name would have had.
            Some(other) if !other.has_values => {}
            _ => drop(self.0.insert(from, rename)),
        }
        Ok(())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Rename)> {
        self.0.iter().map(|(from, rename)| (from.as_str(), rename))
    }

    pub fn get(&self, from: &str) -> Option<&Rename> {
        self.0.get(from)
    }

    #[cfg(test)]
    pub fn from_pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let rename = |to: &str| Rename { to: to.to_owned(), place: Place::new("pack.toml", 1, 1), has_values: false };
        Self(pairs.map(|(from, to)| (from.to_owned(), rename(to))).collect())
    }
}
