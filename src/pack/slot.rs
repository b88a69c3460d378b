//! Slots: places in a file of one layer where other layers add lines.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::Pack;
use super::layer::Layer;
use super::text::Text;
use crate::fault::{Fault, Faults, Place, did_you_mean, nearest_few};

/// A place in a file of the layer where other layers add lines.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SlotForm {
    /// Its name in the layer. Files of the layer have `slot("NAME")`; other layers call it `LAYER/NAME`.
    name: Spanned<String>,
    /// What belongs there, for who writes a layer.
    purpose: String,
    /// Whether any layer may add lines. Left out: only layers that require this one.
    #[serde(default)]
    public: bool,
}

/// A slot that a layer has declared.
#[derive(Debug, Clone)]
pub struct Slot {
    /// The layer whose file has the slot.
    pub owner: String,
    /// What belongs there, for who writes a layer.
    pub purpose: String,
    /// Whether any layer may add lines, or only those that require the owner.
    pub public: bool,
    pub place: Place,
}

/// The slots of one layer, by name in it.
pub(super) fn slots(forms: Vec<SlotForm>, owner: &str, text: &Text, faults: &mut Faults) -> BTreeMap<String, Slot> {
    let mut slots = BTreeMap::new();
    for SlotForm { name, purpose, public } in forms {
        let place = text.place(name.span().start);
        let name = name.into_inner();
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
            let message = format!("\"{name}\" cannot name a slot: lowercase letters, digits and - can");
            faults.push(Fault::at(place.clone(), message));
        }
        let slot = Slot { owner: owner.to_owned(), purpose, public, place: place.clone() };
        if let Some(first) = slots.insert(name.clone(), slot) {
            let message = format!("the slot \"{name}\" is already declared in line {}", first.place.line);
            faults.push(Fault::at(place, message).help("keep one of the two"));
        }
    }
    slots
}

/// Names that a message holds without being a list.
const FEW: usize = 6;

const CATALOG: &str = "`new-service catalog` lists them";

/// That lines and orders of each layer are for slots that there are, and that the layer may add to. Of a layer that
/// the pack does not have nothing is known: its folder may be deleted, and what others add to it is dropped.
pub(super) fn check(pack: &Pack, faults: &mut Faults) {
    for layer in &pack.layers {
        for file in &layer.slots {
            let place = Place::new(pack.shown(&file.source), 1, 1);
            check_use(pack, layer, &file.target, place, faults);
        }
        for (slot, (_, place)) in &layer.slot_order {
            check_use(pack, layer, slot, place.clone(), faults);
        }
    }
}

fn check_use(pack: &Pack, layer: &Layer, name: &str, place: Place, faults: &mut Faults) {
    if let Some(slot) = pack.slots.get(name) {
        let requires = || pack.with_required([layer]).iter().any(|other| other.name == slot.owner);
        if !slot.public && !requires() {
            let (layer, owner) = (&layer.name, &slot.owner);
            let message =
                format!("the slot \"{name}\" is not public, and layer \"{layer}\" does not require \"{owner}\"");
            let help = format!("add \"{owner}\" to `requires`, or declare the slot with `public = true`");
            faults.push(Fault::at(place, message).help(help));
        }
        return;
    }
    let Some((owner, _)) = name.split_once('/') else {
        let same = |full: &&String| full.rsplit_once('/').is_some_and(|(_, short)| short == name);
        let fault = Fault::at(place, format!("\"{name}\" does not say whose slot it is: write LAYER/SLOT"));
        faults.push(match pack.slots.keys().find(same) {
            Some(full) => fault.help(format!("the lines for \"{full}\" are in slots/{full}.EXTENSION")),
            None => fault.help("the lines for slot \"routes\" of layer \"base\" are in slots/base/routes.EXTENSION"),
        });
        return;
    };
    let known = || pack.slots.keys().map(String::as_str);
    let Some(owner) = pack.layer(owner) else { return };
    // Who stands for a whole `layer.toml` has decided on its slots as well.
    if pack.overlay_of(&format!("{}/layer.toml", owner.folder)).is_some() {
        return;
    }
    let near = did_you_mean(name, known());
    let help = match nearest_few(name, FEW, known()) {
        all if all.is_empty() => "the layer that owns the file declares it, as [[slot]] in its layer.toml".to_owned(),
        all if all.len() == pack.slots.len() => format!("the slots of the pack: {}", all.join(", ")),
        _ if !near.is_empty() => format!("the pack has {}; {CATALOG}", pack.slots.len()),
        few => format!("of {}, the nearest: {}; {CATALOG}", pack.slots.len(), few.join(", ")),
    };
    faults.push(Fault::at(place, format!("no slot \"{name}\"{near}")).help(help));
}
