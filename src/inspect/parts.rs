//! What of a pack answers bring into a service: files of a layer under the same conditions, and lines for a file
//! of another layer.

use std::collections::BTreeSet;

use super::conditions;
use super::rows::{Admitted, Row};
use crate::pack::{Answer, Condition, Layer, LayerFile, Pack};

/// Layers that are in, and conditions of rules that hold.
pub struct PackPart<'a> {
    layers: Vec<&'a Layer>,
    when: Vec<&'a Condition>,
}

/// The parts of a pack, each once.
pub fn of(pack: &Pack) -> Vec<PackPart<'_>> {
    let mut parts = Vec::new();
    for layer in &pack.layers {
        let mut seen = BTreeSet::new();
        for file in &layer.files {
            let when: Vec<&Condition> = rules_of(layer, file).collect();
            let expressions: Vec<&str> = when.iter().map(|when| when.expression.as_str()).collect();
            if seen.insert(expressions.join("\n")) {
                parts.push(PackPart { layers: vec![layer], when });
            }
        }
        let owners: BTreeSet<&str> =
            layer.slots.iter().filter_map(|lines| Some(&*pack.slots.get(&lines.target)?.owner)).collect();
        for owner in pack.layers.iter().filter(|other| owners.contains(other.name.as_str())) {
            parts.push(PackPart { layers: vec![layer, owner], when: Vec::new() });
        }
    }
    parts
}

impl PackPart<'_> {
    pub(super) fn is_in(&self, admitted: &Admitted) -> bool {
        let is_in = |layer: &&Layer| {
            is_rendered(layer, &admitted.row) && admitted.layers.iter().any(|other| other.name == layer.name)
        };
        // A path with values in it may fall under any rule: what cannot be said is no obstacle.
        self.layers.iter().all(is_in) && self.when.iter().all(|when| when.holds(&admitted.context).unwrap_or(true))
    }

    /// All that decides whether it is in.
    pub fn reads(&self, pack: &Pack) -> BTreeSet<String> {
        let mut reads: BTreeSet<String> = self.when.iter().flat_map(|when| when.reads()).collect();
        for layer in &self.layers {
            reads.extend(conditions::reads_of(layer, pack));
            reads.extend(layer.for_each.iter().map(|(list, _)| list.clone()));
        }
        conditions::with_their_own(reads, pack)
    }
}

/// Whether there is something that the layer is rendered for.
pub fn is_rendered(layer: &Layer, row: &Row) -> bool {
    match &layer.for_each {
        None => true,
        Some(_) if layer.is_for_resources() => !row.blueprint.resources.is_empty(),
        Some((list, _)) => {
            matches!(row.blueprint.answers.get(list), Some(Answer::List(items)) if !items.is_empty())
        }
    }
}

/// Whether the rules let a file of a layer that is in be written.
pub fn is_written(layer: &Layer, file: &LayerFile, context: &tera::Context) -> bool {
    rules_of(layer, file).all(|when| when.holds(context).unwrap_or(true))
}

/// The conditions of the rules that a file may fall under.
fn rules_of<'a>(layer: &'a Layer, file: &LayerFile) -> impl Iterator<Item = &'a Condition> {
    layer.rules.iter().filter(|rule| rule.may_match(&file.target)).filter_map(|rule| rule.when.as_ref())
}
