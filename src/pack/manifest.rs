//! `pack.toml`: the form it has on disk, and the checked thing.

use std::collections::BTreeMap;

use serde::Deserialize;
use tera::Delimiters;
use toml::Spanned;

use super::check::{CheckForm, CheckRules};
use super::contribution::{self, ContributionKind, KindForm};
use super::layer;
use super::name_rules::{NameForm, NameRules};
use super::preset::{self, Preset, PresetForms};
use super::question::{self, Question, QuestionForm};
use super::refusal::{Refusal, RefuseForm, refusals};
use super::renamed::{RenamedForm, RenamedName, renamed_names};
use super::step::{NextStep, StepForm, steps};
use super::text::Text;
use crate::fault::{Fault, Faults, Place};

/// The pack format that this binary reads (`edition` in pack.toml).
const EDITION: u32 = 2;

/// `pack.toml`: what a template pack asks, and what holds for all of its layers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestForm {
    /// Name of the pack; goes into `service.toml`.
    name: String,
    /// Three numbers, as in `0.1.0`; raise it when what is written changes.
    version: Spanned<String>,
    /// One sentence for `catalog`.
    #[serde(default)]
    description: String,
    /// Of the pack format: 2.
    edition: Spanned<u32>,
    /// What a service may be called.
    #[serde(rename = "name-rules", default)]
    name_rules: NameForm,
    /// What templates are marked with; Tera's own where the table is missing.
    delimiters: Option<Spanned<DelimitersForm>>,
    /// What is asked, in this order. Each is a flag as well, and a variable in every template.
    #[serde(default)]
    question: Vec<QuestionForm>,
    /// Answers under one name, for `--preset NAME` and as the first question of the wizard.
    #[serde(default)]
    presets: PresetForms,
    /// Kinds of contributions, by name: what layers declare as data and the templates of the pack render.
    #[serde(default)]
    contribution: BTreeMap<Spanned<String>, KindForm>,
    /// What `template check --build` runs.
    #[serde(default)]
    check: CheckForm,
    /// Formatters that are run over rendered files when a plan is made.
    #[serde(default)]
    format: Format,
    /// The lock file, of which each layer has a part.
    lock: Option<LockFile>,
    /// The file of one machine, which git ignores.
    env: Option<Spanned<EnvRules>>,
    /// Answers that make no sense together. Layers have such, too.
    #[serde(default)]
    refuse: Vec<RefuseForm>,
    /// Names in the code of the service that are others now. Layers have such, too.
    #[serde(default)]
    renamed: Vec<RenamedForm>,
    /// Commands that are printed, to be pasted as they stand.
    #[serde(default)]
    next: NextForm,
    /// What the template has itself, and so no resource may be called.
    #[serde(default)]
    resources: ResourceRules,
}

/// `pack.toml` of an overlay: what may join in, in tables of the same keys. The rest is its pack's to say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OverlayForm {
    /// Of the pack format: 2. May be left out.
    edition: Option<Spanned<u32>>,
    /// Files and slot lines of layers below that are left out, by their paths in the pack.
    #[serde(default)]
    absent: Vec<Spanned<String>>,
    /// What is given stands for what was there; reserved names join.
    #[serde(rename = "name-rules", default)]
    name_rules: NameForm,
    /// One stands for the question of its key, in its place; the others are asked after those that were there.
    #[serde(default)]
    question: Vec<QuestionForm>,
    /// One stands for the preset of its name.
    #[serde(default)]
    presets: PresetForms,
    /// One stands for the kind of its name.
    #[serde(default)]
    contribution: BTreeMap<Spanned<String>, KindForm>,
    /// More answers that make no sense together.
    #[serde(default)]
    refuse: Vec<RefuseForm>,
    /// More names in the code of the service that are others now.
    #[serde(default)]
    renamed: Vec<RenamedForm>,
    /// A list that is given stands for the one that was there.
    #[serde(default)]
    next: NextForm,
    /// More of what no resource may be called.
    #[serde(default)]
    resources: ResourceRules,
}

/// What templates are marked with: two texts each, of two bytes. All three are given, or none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DelimitersForm {
    /// Around a value, as in `["{=", "=}"]`.
    value: [String; 2],
    /// Around a statement, as in `["<%", "%>"]`.
    block: [String; 2],
    /// Around a comment, as in `["<#", "#>"]`.
    comment: [String; 2],
}

/// Formatters that are run over rendered files when a plan is made.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Format {
    /// Formats the `.rs` files that hold a text which a person chose.
    pub rustfmt: Option<Rustfmt>,
}

/// How rustfmt is run.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rustfmt {
    /// Edition of Rust, as in `2024`.
    pub edition: String,
    /// Output path of its configuration, where the pack writes one.
    pub config: Option<String>,
}

/// The lock file, of which each layer has a part.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockFile {
    /// What it is a lock file of.
    pub kind: LockKind,
    /// Output path; the parts are `PATH.superset` and `PATH.pairs` of the pack, `PATH.delta` or `PATH.fragment` of a
    /// layer.
    pub path: String,
    /// Output path of the manifest that it locks.
    pub manifest: String,
}

impl LockFile {
    /// Path in the pack of all packages that deltas may name.
    pub fn superset(&self) -> String {
        format!("{}.superset", self.path)
    }

    /// Path in the pack of what two layers change together.
    pub fn pairs(&self) -> String {
        format!("{}.pairs", self.path)
    }

    /// Path in a layer of what it adds.
    pub fn delta(&self) -> String {
        format!("{}.delta", self.path)
    }

    /// Path in a layer of a lock file of its own.
    pub fn fragment(&self) -> String {
        format!("{}.fragment", self.path)
    }
}

/// Kinds of lock files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LockKind {
    /// `Cargo.lock`, of cargo.
    Cargo,
}

/// The file of one machine, which git ignores: the values that are drawn for settings go into it, once, when a
/// repository is created. It is no part of the lock or the merge base.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvRules {
    /// Name of the file, at the top of the repository.
    pub path: String,
    /// The comment at its head.
    #[serde(default)]
    pub head: String,
}

impl EnvRules {
    fn new(form: Spanned<Self>, text: &Text, faults: &mut Faults) -> Self {
        let place = text.place(form.span().start);
        let rules = form.into_inner();
        if rules.path.is_empty() || [".", ".."].contains(&&*rules.path) || rules.path.contains(['/', '\\']) {
            faults.push(Fault::at(place, format!("`path = \"{}\"` is no name of a file", rules.path)));
        }
        rules
    }
}

/// Commands that are printed; each works when it is pasted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct NextForm {
    /// What to do after creating.
    steps: Option<Vec<Spanned<StepForm>>>,
    /// What to do in another terminal, while the last step runs.
    meanwhile: Option<Vec<Spanned<StepForm>>>,
    /// What to do after a change of a repository that is there.
    changed: Option<Vec<String>>,
}

/// What to do after creating: commands that work when pasted.
#[derive(Debug, Clone, Default)]
pub struct Next {
    pub steps: Vec<NextStep>,
    /// What to do in another terminal, while the last step runs.
    pub meanwhile: Vec<NextStep>,
    /// What to do after a change of a repository that is there.
    pub changed: Vec<String>,
}

impl Next {
    /// A list that is given stands for the one that was there.
    fn replace(&mut self, form: NextForm, known: &[String], text: &Text, faults: &mut Faults) {
        for (list, given) in [(&mut self.steps, form.steps), (&mut self.meanwhile, form.meanwhile)] {
            if let Some(given) = given {
                *list = steps(given, known, text, faults);
            }
        }
        if let Some(given) = form.changed {
            self.changed = given;
        }
    }
}

/// What the template has itself, and so no resource may be called.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceRules {
    /// Paths that the API has itself, as the plurals that would have them.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Other plurals that are refused, because the template uses them itself.
    #[serde(default)]
    pub reserved: Vec<String>,
    /// Schemas that the API's description has itself, as in `Problem`.
    #[serde(default)]
    pub schemas: Vec<String>,
    /// Schemas made of each resource's name, which `{}` stands for: no two may meet, and none a type of choices.
    #[serde(default)]
    pub types: Vec<String>,
    /// Names that no type of choices may have, as in `DateTime`, the one of `time:enum(…)` in `date`.
    #[serde(default)]
    pub reserved_types: Vec<String>,
    /// Names that no field may have.
    #[serde(default)]
    pub reserved_fields: Vec<String>,
    /// Columns without a filter, because a listing has a parameter of that name itself.
    #[serde(default)]
    pub unfiltered: Vec<String>,
}

impl ResourceRules {
    pub(super) fn join(&mut self, other: Self) {
        for (names, more) in [
            (&mut self.paths, other.paths),
            (&mut self.reserved, other.reserved),
            (&mut self.schemas, other.schemas),
            (&mut self.types, other.types),
            (&mut self.reserved_types, other.reserved_types),
            (&mut self.reserved_fields, other.reserved_fields),
            (&mut self.unfiltered, other.unfiltered),
        ] {
            names.extend(more);
        }
    }
}

/// A checked `pack.toml`.
#[derive(Debug, Clone)]
pub struct Manifest {
    pub name: String,
    pub version: String,
    pub description: String,
    pub delimiters: Delimiters,
    pub name_rules: NameRules,
    pub questions: Vec<Question>,
    /// In the order of pack.toml.
    pub presets: Vec<Preset>,
    /// Kinds of contributions, by name.
    pub kinds: BTreeMap<String, ContributionKind>,
    pub refusals: Vec<Refusal>,
    pub renamed: Vec<RenamedName>,
    pub check: CheckRules,
    pub format: Format,
    pub lock: Option<LockFile>,
    pub env: Option<EnvRules>,
    pub next: Next,
    pub resources: ResourceRules,
}

impl Manifest {
    /// Reads and checks `pack.toml`; all faults of it at once.
    pub fn parse(text: &Text) -> Result<Self, Faults> {
        let (form, mut faults): (ManifestForm, _) = text.pack_toml().map_err(|faults| or_edition(faults, text))?;
        check_edition(&form.edition, text)?;
        if !is_version(form.version.get_ref()) {
            faults.push(Fault::at(text.place(form.version.span().start), "the version is three numbers: 0.1.0"));
        }
        let delimiters = delimiters(form.delimiters.as_ref(), text, &mut faults);
        let mut manifest = Self {
            name: form.name,
            version: form.version.into_inner(),
            description: form.description,
            delimiters,
            check: CheckRules::new(form.check, text, &mut faults),
            name_rules: NameRules::default(),
            questions: Vec::new(),
            presets: Vec::new(),
            kinds: BTreeMap::new(),
            refusals: Vec::new(),
            renamed: Vec::new(),
            format: form.format,
            lock: form.lock,
            env: form.env.map(|form| EnvRules::new(form, text, &mut faults)),
            next: Next::default(),
            resources: ResourceRules::default(),
        };
        let rest = OverlayForm {
            edition: None,
            absent: Vec::new(),
            name_rules: form.name_rules,
            question: form.question,
            presets: form.presets,
            contribution: form.contribution,
            refuse: form.refuse,
            renamed: form.renamed,
            next: form.next,
            resources: form.resources,
        };
        manifest.take(rest, text, &mut faults);
        faults.or(manifest)
    }

    /// Takes in the `pack.toml` of an overlay: a question, a preset or a kind stands for the one of its name,
    /// and joins in where there is none. Gives the paths that it leaves out. All faults of it at once.
    pub fn overlay(&mut self, text: &Text) -> Result<Vec<(String, Place)>, Faults> {
        let (form, mut faults): (OverlayForm, _) = text.pack_toml().map_err(|faults| or_edition(faults, text))?;
        if let Some(edition) = &form.edition {
            check_edition(edition, text)?;
        }
        let placed = |path: &Spanned<String>| (path.get_ref().clone(), text.place(path.span().start));
        let absent = form.absent.iter().map(placed).collect();
        self.take(form, text, &mut faults);
        faults.or(absent)
    }

    fn take(&mut self, form: OverlayForm, text: &Text, faults: &mut Faults) {
        self.name_rules.join(form.name_rules, text, faults);
        question::read(form.question, &mut self.questions, &self.delimiters, text, faults);
        preset::read(form.presets, &mut self.presets, &self.questions, text, faults);
        self.kinds.extend(contribution::kinds(form.contribution, &layer::KEYS, text, faults));
        self.refusals.extend(refusals(form.refuse, &self.answer_names(), text, faults));
        self.renamed.extend(renamed_names(form.renamed, text, &self.delimiters, faults));
        self.next.replace(form.next, &self.answer_names(), text, faults);
        self.resources.join(form.resources);
    }

    /// What a condition may read of a whole blueprint.
    pub(super) fn answer_names(&self) -> Vec<String> {
        let keys = self.questions.iter().map(|question| question.key.as_str());
        let all = std::iter::once("name").chain(keys).chain(super::OF_RESOURCES);
        all.map(str::to_owned).collect()
    }

    pub fn question(&self, key: &str) -> Option<&Question> {
        self.questions.iter().find(|question| question.key == key)
    }

    pub fn preset(&self, name: &str) -> Option<&Preset> {
        self.presets.iter().find(|preset| preset.name == name)
    }

    /// That the presets are still what their questions take, whichever overlay has either.
    pub(super) fn check_presets(&self, faults: &mut Faults) {
        for preset in &self.presets {
            for (key, answer) in preset.answers.iter() {
                let Some(question) = self.question(key) else { continue };
                if let Err(why) = question.check(answer) {
                    let message = format!("{}: the preset \"{}\", \"{key}\": {why}", question.file, preset.name);
                    faults.push(Fault::new(message).help(format!("give [presets.{}] as well", preset.name)));
                }
            }
        }
    }

    /// Whether a preset, any of them, decides the question: who chooses one is not asked it.
    pub fn is_preset(&self, question: &Question) -> bool {
        self.presets.iter().any(|preset| preset.answers.get(&question.key).is_some())
    }
}

fn check_edition(edition: &Spanned<u32>, text: &Text) -> Result<(), Fault> {
    if *edition.get_ref() == EDITION {
        return Ok(());
    }
    let place = text.place(edition.span().start);
    Err(match edition.get_ref() {
        1 => Fault::at(place, "pack format 1 is no longer read").help(FROM_EDITION_1),
        other => Fault::at(place, format!("pack format {other} is not known"))
            .help(format!("this binary reads edition {EDITION}; a newer new-service may read it")),
    })
}

/// What leads from the first edition to this one.
const FROM_EDITION_1: &str = "declare each slot of [slots] as [[slot]] in the layer.toml of its owner, with \
                              `public = true`; move layers/LAYER/slots/SLOT.EXT to layers/LAYER/slots/OWNER/SLOT.EXT; \
                              in layer.toml, call it \"OWNER/SLOT\"; then write edition = 2 (docs/packs.md, \"Edition 1\")";

/// What is wrong with a `pack.toml`, unless all of it is that it is of another edition.
fn or_edition(faults: Faults, text: &Text) -> Faults {
    #[derive(Deserialize)]
    struct Edition {
        edition: Option<Spanned<u32>>,
        slots: Option<Spanned<toml::Table>>,
    }
    match text.toml() {
        Ok(Edition { edition: Some(edition), .. }) if *edition.get_ref() != EDITION => {
            check_edition(&edition, text).map_or_else(Faults::from, |()| faults)
        }
        Ok(Edition { slots: Some(slots), .. }) => {
            let place = text.place(slots.span().start);
            Fault::at(place, "[slots] is a key of edition 1").help(FROM_EDITION_1).into()
        }
        _ => faults,
    }
}

fn is_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok())
}

fn delimiters(form: Option<&Spanned<DelimitersForm>>, text: &Text, faults: &mut Faults) -> Delimiters {
    let Some(form) = form else { return Delimiters::default() };
    let [value, block, comment] = [&form.get_ref().value, &form.get_ref().block, &form.get_ref().comment];
    let delimiters = Delimiters {
        variable_start: value[0].clone().into(),
        variable_end: value[1].clone().into(),
        block_start: block[0].clone().into(),
        block_end: block[1].clone().into(),
        comment_start: comment[0].clone().into(),
        comment_end: comment[1].clone().into(),
    };
    // Tera knows what it takes; it is asked here so that the fault has a place.
    if let Err(error) = tera::Tera::new().set_delimiters(delimiters.clone()) {
        faults.push(Fault::at(text.place(form.span().start), error.to_string()));
    }
    delimiters
}
