//! The files of the layers that are in, each from its template, and what is wrong with any of them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use tera::{Context, Delimiters};

use super::engine::Engine;
use super::json::{self, DocumentPart};
use super::path::TreePath;
use super::siblings::Siblings;
use super::slots::{Contributions, Lines};
use super::sources::{FileSources, Item};
use super::tree::{Mode, Tree, TreeFile};
use crate::fault::{Fault, Faults, did_you_mean};
use crate::pack::{DEFAULT_ORDER, FileRule, Layer, LayerFile, Overlay, Pack, Policy, Text, shown, visible};
use crate::template::{Texts, variables_of};

/// A layer that is in, and what its templates see.
pub struct Work<'a> {
    pub layer: &'a Layer,
    pub once: Contexts<'a>,
    /// With the item of `for_each`, an item each. Empty without one.
    pub items: Vec<Contexts<'static>>,
}

impl<'a> Work<'a> {
    /// What a part of the layer sees: each item in turn where it reads the item, else the service alone, once.
    pub fn contexts(&self, reads: impl Fn(&str) -> bool) -> &[Contexts<'a>] {
        if self.reads_item(reads) { &self.items } else { std::slice::from_ref(&self.once) }
    }

    fn reads_item(&self, reads: impl Fn(&str) -> bool) -> bool {
        self.layer.for_each.as_ref().is_some_and(|(_, item)| reads(item))
    }

    /// Whether it is rendered for each item of a list, and the list is empty.
    fn is_idle(&self) -> bool {
        self.layer.for_each.is_some() && self.items.is_empty()
    }
}

/// What templates see.
pub struct Contexts<'a> {
    pub now: Cow<'a, Context>,
    /// The same with the names that a resource had before.
    pub former: Vec<Context>,
}

impl Contexts<'_> {
    pub fn item(&self) -> Item<'_> {
        Item { context: &self.now, former: &self.former }
    }
}

pub struct Rendering<'a> {
    tree: Tree,
    faults: Faults,
    pack: &'a Pack,
    engine: &'a Engine<'a>,
    texts: &'a Texts<'a>,
    slots: Contributions,
    /// Parts of documents, by the path of the whole.
    parts: BTreeMap<String, Vec<DocumentPart>>,
    /// Slots that stand in a file.
    placed: BTreeSet<String>,
    /// Rules of `[files."GLOB"]` that a file fell under, by layer and number.
    matched: BTreeSet<(String, usize)>,
    sources: FileSources,
}

/// A file before it has its content.
struct FilePlace<'a> {
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
    pub fn new(pack: &'a Pack, engine: &'a Engine<'a>, texts: &'a Texts<'a>) -> Self {
        Self {
            tree: Tree::default(),
            faults: Faults::default(),
            pack,
            engine,
            texts,
            slots: Contributions::default(),
            parts: BTreeMap::new(),
            placed: BTreeSet::new(),
            matched: BTreeSet::new(),
            sources: FileSources::default(),
        }
    }

    /// Lines for slots whose owner is in; the others are dropped.
    pub fn slot_lines(&mut self, works: &[Work]) {
        let is_in = |name: &str| works.iter().any(|work| work.layer.name == name);
        let slots = &self.pack.slots;
        let mut wanted = Vec::new();
        for work in works {
            for file in &work.layer.slots {
                let Some(slot) = slots.get(&file.target) else {
                    self.tree.notes.extend(self.without_slot(file, &is_in));
                    continue;
                };
                if !is_in(&slot.owner) {
                    continue;
                }
                let contexts = work.contexts(|item| self.engine.reads(&file.source).contains(item));
                wanted.extend(contexts.iter().map(|contexts| (work.layer, file, &*contexts.now)));
            }
        }
        let this = &*self;
        let made: Vec<_> =
            wanted.into_par_iter().map(|(layer, file, context)| (layer, file, this.content(file, context))).collect();
        for (layer, file, content) in made {
            match content {
                Ok(content) => {
                    let order = layer.slot_order.get(&file.target).map_or(DEFAULT_ORDER, |(order, _)| *order);
                    let text = String::from_utf8_lossy(&content).into_owned();
                    self.slots.add(&file.target, Lines { order, layer: layer.name.clone(), text });
                }
                Err(fault) => self.faults.push(fault),
            }
        }
        self.slots.sort();
    }

    /// Who stands for a whole `layer.toml` has decided on its slots: lines for others are left out, and told.
    fn without_slot(&self, file: &LayerFile, is_in: &impl Fn(&str) -> bool) -> Option<String> {
        let (owner, _) = file.target.split_once('/').filter(|(owner, _)| is_in(owner))?;
        let overlay = self.pack.overlay_of(&format!("{}/layer.toml", self.pack.layer(owner)?.folder))?;
        let name = visible(overlay.name());
        let slot = &file.target;
        Some(format!(
            "the overlay \"{name}\" stands for layer.toml of \"{owner}\", and declares no slot \"{slot}\": the lines for it are left out"
        ))
    }

    /// Parts of documents; those of layers that are in come in the order of the layers' names, as lines for slots do.
    pub fn parts(&mut self, works: &[Work]) {
        let mut wanted = Vec::new();
        for work in works {
            for file in &work.layer.parts {
                let contexts = work.contexts(|item| self.engine.reads(&file.source).contains(item));
                wanted.extend(contexts.iter().map(|contexts| (work.layer, file, &*contexts.now)));
            }
        }
        wanted.sort_by(|(one, ..), (other, ..)| one.name.cmp(&other.name));
        let this = &*self;
        let read = |file: &LayerFile, context| {
            let text = Text::from_utf8(this.pack.shown(&file.source), this.content(file, context)?)?;
            DocumentPart::read(text)
        };
        let made: Vec<_> = wanted.into_par_iter().map(|(_, file, context)| (file, read(file, context))).collect();
        for (file, part) in made {
            match part {
                Ok(part) => self.parts.entry(file.target.clone()).or_default().push(part),
                Err(fault) => self.faults.push(fault),
            }
        }
    }

    /// The files, with the lines that stand in their slots; many at once, and in one order.
    pub fn files(&mut self, works: &[Work]) {
        let mut places = Vec::new();
        for work in works {
            let (of_items, once): (Vec<_>, Vec<_>) = work.layer.files.iter().partition(|file| {
                work.reads_item(|item| self.engine.reads(&file.source).contains(item) || self.names(&file.target, item))
            });
            let turns =
                work.items.iter().map(|contexts| (contexts, &of_items, true)).chain([(&work.once, &once, false)]);
            for (contexts, files, has_item) in turns {
                match self.patterns(work, contexts, has_item) {
                    Ok(patterns) => places.extend(
                        files
                            .iter()
                            .filter_map(|file| self.place(work.layer, file, contexts.item(), &patterns).transpose()),
                    ),
                    Err(fault) => self.faults.push(fault),
                }
            }
        }
        let paths = places.iter().filter_map(|place| place.as_ref().ok()).map(|place| place.path.as_str());
        let siblings = Siblings::of(paths);
        let this = &*self;
        let made: Vec<_> = places.into_par_iter().map(|place| this.make(place?, &siblings)).collect();
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
        patterns: &[Option<String>],
    ) -> Result<Option<FilePlace<'b>>, Fault> {
        let context = item.context;
        let unsafe_path = |path: &str, why: String| {
            let source = self.pack.shown(&file.source);
            Fault::new(format!("{source}: the path \"{}\" may not be written: {why}", shown(path)))
        };
        let target = self.texts.render(&file.target, context).map_err(|why| unsafe_path(&file.target, why))?;
        let path = TreePath::new(&target).map_err(|why| unsafe_path(&target, why))?;
        let (mode, policy) = (Mode::Plain, Policy::default());
        let mut place = FilePlace { layer, file, context, path: path.clone(), mode, policy, sort: &[] };
        let (mut moved_from, mut is_in) = (None, true);
        for (number, (rule, pattern)) in layer.rules.iter().zip(patterns).enumerate() {
            let matched = pattern.as_ref().and_then(|pattern| rule.matches(pattern, path.as_str()));
            let Some(matched) = matched else { continue };
            self.matched.insert((layer.name.clone(), number));
            if let Some(when) = &rule.when {
                is_in &= when.holds(context)?;
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
        if !is_in {
            return Ok(None);
        }
        self.sources.take(&path, file, moved_from, item, self.texts)?;
        Ok(Some(place))
    }

    /// The file, and the slots that stand in it.
    fn make(&self, place: FilePlace, siblings: &Siblings) -> Result<(TreePath, TreeFile, Vec<String>), Fault> {
        let FilePlace { layer, file, context, path, mode, policy, sort } = place;
        let (mut content, mut personal, mut met) = (self.content(file, context)?, false, Vec::new());
        if file.rendered {
            let expanded = self.slots.expand(&String::from_utf8_lossy(&content), path.as_str(), siblings);
            content = tidy(&expanded.text);
            personal = expanded.composed || self.engine.is_personal(layer, &file.source);
            met = expanded.slots;
        }
        let source = self.pack.shown(&file.source);
        if let Some(parts) = self.parts.get(path.as_str()) {
            content = json::unite(&content, parts, &source)?;
        }
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

    /// The patterns of a layer's rules, with the values in them; none for one that names the item where there is none.
    fn patterns(&self, work: &Work, contexts: &Contexts, has_item: bool) -> Result<Vec<Option<String>>, Fault> {
        let pattern = |rule: &FileRule| {
            if !has_item && work.reads_item(|item| self.names(&rule.pattern, item)) {
                return Ok(None);
            }
            self.texts.render(&rule.pattern, &contexts.now).map(Some).map_err(|why| {
                Fault::at(rule.place.clone(), format!("\"{}\" is no file pattern: {why}", shown(&rule.pattern)))
            })
        };
        work.layer.rules.iter().map(pattern).collect()
    }

    /// Whether a short text, such as a path, holds a value of `item`.
    fn names(&self, text: &str, item: &str) -> bool {
        names(&self.pack.manifest.delimiters, text, item)
    }

    /// A rule that no file of its layer falls under is a fault.
    pub fn rules(&mut self, works: &[Work]) {
        for work in works {
            let layer = work.layer;
            for (number, rule) in layer.rules.iter().enumerate() {
                // Files of items are there when items are.
                let waits = || work.is_idle() && layer.files.iter().any(|file| rule.may_match(&file.target));
                let is_matched = self.matched.contains(&(layer.name.clone(), number));
                if !is_matched && !waits() && !self.is_left_out(layer, rule) {
                    let message = format!("no file of the layer falls under \"{}\"", rule.pattern);
                    self.faults.push(Fault::at(rule.place.clone(), message).help("it is a path in the repository"));
                }
            }
        }
    }

    /// Whether an overlay leaves out a file of the layer that falls under `rule`.
    fn is_left_out(&self, layer: &Layer, rule: &FileRule) -> bool {
        let files = format!("{}/files/", layer.folder);
        let absent = self.pack.overlays.iter().flat_map(|overlay| &overlay.shadows).filter(|shadow| shadow.absent);
        absent.filter_map(|shadow| shadow.key().strip_prefix(&files)).any(|path| rule.may_match(path))
    }

    /// Lines for a slot that is in no file would be lost: a fault, unless an overlay has decided so. So would a part of
    /// a document that no layer has; one of a layer that is not in is dropped.
    pub fn unplaced(&mut self) {
        let targets = || self.pack.layers.iter().flat_map(|layer| &layer.files).map(|file| file.target.as_str());
        for (path, parts) in self.parts.iter().filter(|(path, _)| !targets().any(|target| target == *path)) {
            let message =
                format!("no layer has a file {path} that this could be a part of{}", did_you_mean(path, targets()));
            self.faults.extend(Faults(parts.iter().map(|part| Fault::at(part.place(), message.clone())).collect()));
        }
        let Self { pack, slots, placed, .. } = self;
        for slot in slots.names().filter(|slot| !placed.contains(*slot)) {
            let Some(declared) = pack.slots.get(slot) else { continue };
            let owner = &declared.owner;
            let files = pack.layer(owner).map_or_else(String::new, |layer| format!("{}/files/", layer.folder));
            let shadow = |overlay: &'a Overlay| overlay.shadows.iter().find(|shadow| shadow.path.starts_with(&files));
            let hides = pack.overlays.iter().rev().find_map(|overlay| Some((overlay, shadow(overlay)?)));
            if let Some((overlay, shadow)) = hides {
                // Who stands for a whole file, or leaves it out, has decided on its slots as well.
                let message = format!("{} a file of layer \"{owner}\", and has no slot \"{slot}\"", shadow.does());
                let name = visible(overlay.name());
                self.tree.notes.push(format!("the overlay \"{name}\" {message}: the lines for it are left out"));
                continue;
            }
            let name = slot.rsplit('/').next().unwrap_or(slot);
            let delimiters = &pack.manifest.delimiters;
            let message =
                format!("no file of layer \"{owner}\" has the slot \"{slot}\", and lines for it would be lost");
            let line = format!("{} slot(\"{name}\") {}", delimiters.variable_start, delimiters.variable_end);
            self.faults.push(Fault::at(declared.place.clone(), message).help(format!("a line of its own: {line}")));
        }
    }

    pub fn done(self) -> (Tree, Faults) {
        (self.tree, self.faults)
    }
}

/// Whether a short text, such as a path, holds a value of `item`. One that does not parse is told where it is rendered.
pub(super) fn names(delimiters: &Delimiters, text: &str, item: &str) -> bool {
    variables_of(delimiters, text).is_ok_and(|names| names.contains(item))
}

/// LF line ends, and one at the end of a text that is not empty.
fn tidy(text: &str) -> Vec<u8> {
    let text = if text.contains('\r') { Cow::Owned(text.replace("\r\n", "\n")) } else { Cow::Borrowed(text) };
    let body = text.trim_end_matches('\n');
    if body.is_empty() { Vec::new() } else { format!("{body}\n").into_bytes() }
}
