//! The files of the layers that are in, each from its template, and what is wrong with any of them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use tera::{Context, Delimiters};

use super::engine::Engine;
use super::json;
use super::path::TreePath;
use super::slots::{Contributions, Lines};
use super::sources::{Item, Sources};
use super::tree::{Mode, Tree, TreeFile};
use crate::fault::{Fault, Faults};
use crate::pack::{DEFAULT_ORDER, FileRule, Layer, LayerFile, Overlay, Pack, Policy, shown, visible};
use crate::template::render_text;

/// A layer, and what its templates see: once, or once an item.
pub type Work<'a> = (&'a Layer, Vec<Contexts<'a>>);

/// What templates see.
pub struct Contexts<'a> {
    pub now: Cow<'a, Context>,
    /// The same with the names that a resource had before.
    pub former: Vec<Context>,
}

pub struct Rendering<'a> {
    tree: Tree,
    faults: Faults,
    pack: &'a Pack,
    engine: &'a Engine<'a>,
    slots: Contributions,
    /// Slots that stand in a file.
    placed: BTreeSet<String>,
    /// Rules of `[files."GLOB"]` that a file fell under, by layer and number.
    matched: BTreeSet<(String, usize)>,
    sources: Sources,
}

/// A file before it has its content.
struct Place<'a> {
    layer: &'a Layer,
    file: &'a LayerFile,
    context: &'a Context,
    path: TreePath,
    mode: Mode,
    policy: Policy,
    /// Pointers to what is sorted in it.
    sort: &'a [String],
}

impl<'a> Rendering<'a> {
    pub fn new(pack: &'a Pack, engine: &'a Engine<'a>) -> Self {
        Self {
            tree: Tree::default(),
            faults: Faults::default(),
            pack,
            engine,
            slots: Contributions::default(),
            placed: BTreeSet::new(),
            matched: BTreeSet::new(),
            sources: Sources::default(),
        }
    }

    /// Lines for slots whose owner is in; the others are dropped (design §3).
    pub fn slot_lines(&mut self, works: &[Work]) {
        let is_in = |name: &str| works.iter().any(|(layer, _)| layer.name == name);
        let mut wanted = Vec::new();
        for (layer, Item { context, .. }) in each(works) {
            let files = layer.slots.iter().filter(|file| is_in(&self.pack.manifest.slots[&file.target].owner));
            wanted.extend(files.map(|file| (layer, file, context)));
        }
        let this = &*self;
        let made: Vec<_> =
            wanted.into_par_iter().map(|(layer, file, context)| (layer, file, this.content(file, context))).collect();
        for (layer, file, content) in made {
            match content {
                Ok(content) => {
                    let order = layer.slot_order.get(&file.target).copied().unwrap_or(DEFAULT_ORDER);
                    let text = String::from_utf8_lossy(&content).into_owned();
                    self.slots.add(&file.target, Lines { order, layer: layer.name.clone(), text });
                }
                Err(fault) => self.faults.push(fault),
            }
        }
        self.slots.sort();
    }

    /// The files, with the lines that stand in their slots; many at once, and in one order.
    pub fn files(&mut self, works: &[Work]) {
        let mut places = Vec::new();
        for (layer, item) in each(works) {
            match patterns(layer, item, &self.pack.manifest.delimiters) {
                Ok(patterns) => places
                    .extend(layer.files.iter().filter_map(|file| self.place(layer, file, item, &patterns).transpose())),
                Err(fault) => self.faults.push(fault),
            }
        }
        let this = &*self;
        let made: Vec<_> = places.into_par_iter().map(|place| this.make(place?)).collect();
        for made in made {
            let inserted = made.and_then(|(path, file, met)| {
                self.placed.extend(met);
                self.tree.insert(path, file)
            });
            if let Err(fault) = inserted {
                self.faults.push(fault);
            }
        }
        self.faults.extend(std::mem::take(&mut self.sources).settle(&mut self.tree));
    }

    /// Where a file goes, and how it is treated there; none where a rule leaves it out.
    fn place<'b>(
        &mut self,
        layer: &'b Layer,
        file: &'b LayerFile,
        item: Item<'b>,
        patterns: &[String],
    ) -> Result<Option<Place<'b>>, Fault> {
        let context = item.context;
        let unsafe_path = |path: &str, why: String| {
            let source = self.pack.shown(&file.source);
            Fault::new(format!("{source}: the path \"{}\" may not be written: {why}", shown(path)))
        };
        let delimiters = &self.pack.manifest.delimiters;
        let target = render_text(delimiters, &file.target, context).map_err(|why| unsafe_path(&file.target, why))?;
        let path = TreePath::new(&target).map_err(|why| unsafe_path(&target, why))?;
        let (mode, policy) = (Mode::Plain, Policy::default());
        let mut place = Place { layer, file, context, path: path.clone(), mode, policy, sort: &[] };
        let mut moved_from = None;
        for (number, (rule, pattern)) in layer.rules.iter().zip(patterns).enumerate() {
            let Some(matched) = rule.matches(pattern, path.as_str()) else { continue };
            self.matched.insert((layer.name.clone(), number));
            if let Some(when) = &rule.when
                && !when.holds(context)?
            {
                return Ok(None);
            }
            place.policy = rule.policy.unwrap_or(place.policy);
            if rule.moved_from.is_some() {
                moved_from = Some((rule, matched));
            }
            if !rule.sort.is_empty() {
                place.sort = &rule.sort;
            }
            if rule.mode == Some(0o755) {
                place.mode = Mode::Executable;
            }
        }
        self.sources.take(&path, file, moved_from, item, delimiters)?;
        Ok(Some(place))
    }

    /// The file, and the slots that stand in it.
    fn make(&self, place: Place) -> Result<(TreePath, TreeFile, Vec<String>), Fault> {
        let Place { layer, file, context, path, mode, policy, sort } = place;
        let (mut content, mut personal, mut met) = (self.content(file, context)?, false, Vec::new());
        if file.rendered {
            let text = self.slots.expand(&String::from_utf8_lossy(&content), &mut met);
            content = tidy(&text);
            // No author has seen the whole where lines of others are in it.
            let composed = met.iter().any(|slot| self.slots.has_lines(slot));
            personal = composed || self.engine.is_personal(layer, &file.source);
        }
        let source = self.pack.shown(&file.source);
        if !sort.is_empty() {
            content = json::sorted(&content, sort)
                .map_err(|why| Fault::new(format!("{source}: it cannot be sorted, for it is no JSON: {why}")))?;
        }
        let overlay = self.pack.overlay_of(&file.source).map(|overlay| overlay.name().to_owned());
        let (layer, moved_from) = (layer.name.clone(), Vec::new());
        Ok((path, TreeFile { content, mode, policy, layer, personal, moved_from, source, overlay }, met))
    }

    fn content(&self, file: &LayerFile, context: &Context) -> Result<Vec<u8>, Fault> {
        if file.rendered {
            self.engine.render(&file.source, context).map(String::into_bytes)
        } else {
            Ok(file.content.to_vec())
        }
    }

    /// A rule that no file of its layer falls under is a fault.
    pub fn rules(&mut self, works: &[Work]) {
        for (layer, _) in works.iter().filter(|(_, contexts)| !contexts.is_empty()) {
            for (number, rule) in layer.rules.iter().enumerate() {
                if !self.matched.contains(&(layer.name.clone(), number)) && !self.is_left_out(layer, rule) {
                    let message = format!("no file of the layer falls under \"{}\"", rule.pattern);
                    self.faults.push(Fault::at(rule.place.clone(), message).help("it is a path in the repository"));
                }
            }
        }
    }

    /// Whether an overlay leaves out a file of the layer that falls under `rule`.
    fn is_left_out(&self, layer: &Layer, rule: &FileRule) -> bool {
        let files = format!("layers/{}/files/", layer.name);
        let absent = self.pack.overlays.iter().flat_map(|overlay| &overlay.shadows).filter(|shadow| shadow.absent);
        absent.filter_map(|shadow| shadow.key().strip_prefix(&files)).any(|path| rule.may_match(path))
    }

    /// Lines for a slot that is in no file would be lost: a fault, unless an overlay has decided so.
    pub fn unplaced(&mut self) {
        let Self { pack, slots, placed, .. } = self;
        for slot in slots.names().filter(|slot| !placed.contains(*slot)) {
            let owner = &pack.manifest.slots[slot].owner;
            let files = format!("layers/{owner}/files/");
            let shadow = |overlay: &'a Overlay| overlay.shadows.iter().find(|shadow| shadow.path.starts_with(&files));
            let hides = pack.overlays.iter().rev().find_map(|overlay| Some((overlay, shadow(overlay)?)));
            if let Some((overlay, shadow)) = hides {
                // Who stands for a whole file, or leaves it out, has decided on its slots as well.
                let message = format!("{} a file of layer \"{owner}\", and has no slot \"{slot}\"", shadow.does());
                let name = visible(overlay.name());
                self.tree.notes.push(format!("the overlay \"{name}\" {message}: the lines for it are left out"));
                continue;
            }
            self.faults.push(
                Fault::new(format!(
                    "{}: no file of layer \"{owner}\" has the slot \"{slot}\", and lines for it would be lost",
                    pack.manifest.slots[slot].place.file
                ))
                .help(format!(
                    "a line of its own: {} slot(\"{slot}\") {}",
                    pack.manifest.delimiters.variable_start, pack.manifest.delimiters.variable_end
                )),
            );
        }
    }

    pub fn done(self) -> (Tree, Faults) {
        (self.tree, self.faults)
    }
}

/// Each layer with each of what its templates see.
pub(super) fn each<'a>(works: &'a [Work<'a>]) -> impl Iterator<Item = (&'a Layer, Item<'a>)> {
    let item = |contexts: &'a Contexts<'a>| Item { context: &contexts.now, former: &contexts.former };
    works.iter().flat_map(move |(layer, contexts)| contexts.iter().map(move |contexts| (*layer, item(contexts))))
}

/// The patterns of a layer's rules, with the values in them.
fn patterns(layer: &Layer, item: Item, delimiters: &Delimiters) -> Result<Vec<String>, Fault> {
    let pattern = |rule: &FileRule| {
        render_text(delimiters, &rule.pattern, item.context).map_err(|why| {
            Fault::at(rule.place.clone(), format!("\"{}\" is no file pattern: {why}", shown(&rule.pattern)))
        })
    };
    layer.rules.iter().map(pattern).collect()
}

/// LF line ends, and one at the end of a text that is not empty.
fn tidy(text: &str) -> Vec<u8> {
    let text = if text.contains('\r') { Cow::Owned(text.replace("\r\n", "\n")) } else { Cow::Borrowed(text) };
    let body = text.trim_end_matches('\n');
    if body.is_empty() { Vec::new() } else { format!("{body}\n").into_bytes() }
}
