//! The resources that a service is tried with.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use tera::Context;

use super::factors::named;
use crate::blueprint;
use crate::fault::Faults;
use crate::pack::{Condition, Pack, TARGETS};
use crate::render::select;
use crate::schema::{Drafts, Resource};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Amount {
    None,
    /// One, of the plainest.
    Plain,
    /// Two, with every type and modifier, and references to whatever conditions ask for.
    Full,
}

impl Amount {
    pub const ALL: [Self; 3] = [Self::None, Self::Plain, Self::Full];
}

/// Names, of which a pack may reserve some: one that is referred to, and one that refers.
const NAMES: [[&str; 2]; 3] = [["customer", "order"], ["gadget", "order_item"], ["alpha", "beta"]];

const FIRST: &str = "label:string(1..200):index mail:email:unique born:date?:private site:url? vip:bool=false";
const SECOND: &str = "state:enum(draft,paid,shipped)=draft:index total:decimal(12,2) pieces:int(1..)=1 size:bigint? \
                      at:datetime? seen:datetime=now extra:json? note:text? token:uuid? type:string(..40)?";

/// Resources as a pack takes them; each set is judged once.
pub struct Resources<'a> {
    pack: &'a Pack,
    known: BTreeMap<Vec<String>, Option<Vec<Resource>>>,
    /// What conditions ask whether something refers to it.
    targets: BTreeSet<String>,
    pub faults: Faults,
}

impl<'a> Resources<'a> {
    pub fn of(pack: &'a Pack) -> Self {
        let conditions = super::conditions::all(pack);
        let asking = conditions.iter().map(|judged| judged.condition).filter(|when| when.reads().contains(TARGETS));
        let targets = asking.flat_map(|when: &Condition| named(&when.expression)).collect();
        Self { pack, known: BTreeMap::new(), targets, faults: Faults::default() }
    }

    /// So many for a service that has none yet, whose context is given; none where the pack takes none of these.
    pub fn of_service(&mut self, amount: Amount, context: &Context) -> Option<Vec<Resource>> {
        if amount == Amount::None {
            return Some(Vec::new());
        }
        let mut further = String::new();
        // Where these answers are refused, that is found with any.
        let layers = select(self.pack, context).unwrap_or_default();
        for table in layers.iter().flat_map(|layer| &layer.tables) {
            let name = table.name.get_ref();
            if table.accounts {
                let _ = write!(further, " owner:ref({name})");
            }
            if table.key.is_empty() && self.targets.contains(name) {
                let _ = write!(further, " by_{name}:ref({name})?");
            }
        }
        let mut last = Faults::default();
        for [first, second] in NAMES {
            let specs = match amount {
                Amount::Full => {
                    vec![
                        format!("{first} retain=365d {FIRST}"),
                        format!("{second} {first}:ref({first}) {SECOND}{further}"),
                    ]
                }
                Amount::None | Amount::Plain => vec![format!("{first} label:string(1..200)")],
            };
            if let Some(known) = self.known.get(&specs) {
                if known.is_some() {
                    return known.clone();
                }
                continue;
            }
            let mut drafts = Drafts::default();
            for (number, spec) in (1..).zip(&specs) {
                drafts.flag(number, spec);
            }
            match blueprint::resources(drafts, self.pack) {
                Ok(resources) => {
                    self.known.insert(specs, Some(resources.clone()));
                    return Some(resources);
                }
                Err(faults) => {
                    self.known.insert(specs, None);
                    last = faults;
                }
            }
        }
        if self.faults.is_empty() {
            self.faults = last;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::TABLE;

    #[test]
    fn every_type_is_among_them() {
        for facts in TABLE {
            let word = facts.word;
            let all = format!("{FIRST} {SECOND} x:ref(y)");
            assert!(all.split([' ', ':', '(', '?', '=']).any(|part| part == word), "{word}");
        }
    }
}
