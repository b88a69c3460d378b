//! `pack.toml`: the form it has on disk, and the checked thing.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde::Deserialize;
use tera::Delimiters;
use toml::Spanned;

use super::answer::Answer;
use super::check::{CheckForm, CheckRules};
use super::condition::Condition;
use super::preset::{self, Preset, PresetForms};
use super::question::{Kind, Question, QuestionForm, check_plain};
use super::refusal::{Refusal, RefuseForm, refusals};
use super::text::Text;
use crate::fault::{Fault, Faults, Place, did_you_mean};
use crate::template;

/// The pack format that this binary reads (`edition` in pack.toml).
const EDITION: u32 = 1;

/// `pack.toml`: what a template pack asks, and what holds for all of its layers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    /// Name of the pack; goes into `service.toml`.
    name: String,
    /// Three numbers, as in `0.1.0`; raise it when what is written changes.
    version: Spanned<String>,
    /// One sentence for `catalog`.
    #[serde(default)]
    description: String,
    /// Of the pack format: 1.
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
    /// Places where layers add lines to files of others, by name.
    #[serde(default)]
    slots: BTreeMap<Spanned<String>, SlotForm>,
    /// What `template check --build` runs.
    #[serde(default)]
    check: CheckForm,
    /// Formatters that are run over rendered files when a plan is made.
    #[serde(default)]
    format: Format,
    /// The lock file that is the union of the layers' fragments.
    lock: Option<LockFile>,
    /// Answers that make no sense together. Layers have such, too.
    #[serde(default)]
    refuse: Vec<RefuseForm>,
    /// Commands that are printed, to be pasted as they stand.
    #[serde(default)]
    next: NextForm,
    /// Names that the template uses itself, and no resource may have.
    #[serde(default)]
    resources: ResourceRules,
}

/// `pack.toml` of an overlay: what may join in, in tables of the same keys. The rest is its pack's to say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OverlayForm {
    /// Of the pack format: 1. May be left out.
    edition: Option<Spanned<u32>>,
    /// What is given stands for what was there; reserved names join.
    #[serde(rename = "name-rules", default)]
    name_rules: NameForm,
    /// One stands for the question of its key, in its place; the others are asked after those that were there.
    #[serde(default)]
    question: Vec<QuestionForm>,
    /// One stands for the preset of its name.
    #[serde(default)]
    presets: PresetForms,
    /// One stands for the slot of its name.
    #[serde(default)]
    slots: BTreeMap<Spanned<String>, SlotForm>,
    /// More answers that make no sense together.
    #[serde(default)]
    refuse: Vec<RefuseForm>,
    /// A list that is given stands for the one that was there.
    #[serde(default)]
    next: NextForm,
    /// More names that no resource may have.
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

/// What a service may be called.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct NameForm {
    /// A regular expression that the name matches.
    pattern: Option<Spanned<String>>,
    /// The pattern in words, for who is refused.
    #[serde(default)]
    help: Option<String>,
    /// The longest name, in characters; 64 where not said.
    #[serde(default)]
    max: Option<usize>,
    /// Names that are refused. Those of packages in the lock fragments are, too.
    #[serde(default)]
    reserved: Vec<String>,
    /// Why they are.
    #[serde(default)]
    reserved_help: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SlotForm {
    /// The layer whose file has the slot.
    owner: String,
    /// What belongs there, for who writes a layer.
    purpose: String,
}

/// A place in a file of `owner` where other layers add lines.
#[derive(Debug, Clone)]
pub struct Slot {
    /// The layer whose file has the slot.
    pub owner: String,
    /// What belongs there, for who writes a layer.
    pub purpose: String,
    pub place: Place,
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

/// The lock file that is the union of the layers' fragments.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockFile {
    /// What it is a lock file of.
    pub kind: LockKind,
    /// Output path; a layer's part is `layers/NAME/PATH.fragment`.
    pub path: String,
    /// Output path of the manifest that it locks.
    pub manifest: String,
}

/// Kinds of lock files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LockKind {
    /// `Cargo.lock`, of cargo.
    Cargo,
}

/// Commands that are printed; each works when it is pasted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct NextForm {
    /// What to do after creating.
    steps: Option<Vec<String>>,
    /// What to do in another terminal, while the last step runs.
    meanwhile: Option<Vec<String>>,
    /// What to do after a change of a repository that is there.
    changed: Option<Vec<String>>,
}

/// What to do after creating: commands that work when pasted.
#[derive(Debug, Clone, Default)]
pub struct Next {
    pub steps: Vec<String>,
    /// What to do in another terminal, while the last step runs.
    pub meanwhile: Vec<String>,
    /// What to do after a change of a repository that is there.
    pub changed: Vec<String>,
}

impl Next {
    /// A list that is given stands for the one that was there.
    fn replace(&mut self, form: NextForm) {
        for (list, given) in
            [(&mut self.steps, form.steps), (&mut self.meanwhile, form.meanwhile), (&mut self.changed, form.changed)]
        {
            *list = given.unwrap_or(std::mem::take(list));
        }
    }
}

/// Names that the template uses itself, and no resource may have.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceRules {
    /// As a resource's plural: modules, paths.
    #[serde(default)]
    pub reserved: Vec<String>,
    /// As its name: types.
    #[serde(default)]
    pub reserved_names: Vec<String>,
    /// Types made of each name, which stands for `{}`: no two may meet.
    #[serde(default)]
    pub types: Vec<String>,
    /// As a field's name: parameters of a listing, say.
    #[serde(default)]
    pub reserved_fields: Vec<String>,
}

impl ResourceRules {
    fn join(&mut self, other: Self) {
        for (names, more) in [
            (&mut self.reserved, other.reserved),
            (&mut self.reserved_names, other.reserved_names),
            (&mut self.types, other.types),
            (&mut self.reserved_fields, other.reserved_fields),
        ] {
            names.extend(more);
        }
    }
}

/// What a service may be called.
#[derive(Debug, Clone)]
pub struct NameRules {
    pattern: Regex,
    help: String,
    max: usize,
    reserved: Vec<String>,
    reserved_help: String,
    /// Packages that a generated repository may depend on; `-` and `_` are one in Rust.
    dependencies: BTreeSet<String>,
}

/// Device names of Windows, with or without an ending: a folder so named cannot be checked out there.
pub const DEVICE_NAMES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "lpt1", "lpt2",
    "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

impl Default for NameRules {
    fn default() -> Self {
        Self {
            pattern: Regex::new("^[A-Za-z][A-Za-z0-9_-]*$").expect("a literal pattern"),
            help: "letters, digits, - and _, beginning with a letter".into(),
            max: 64,
            reserved: Vec::new(),
            reserved_help: "it is reserved".into(),
            dependencies: BTreeSet::new(),
        }
    }
}

impl NameRules {
    /// What is given stands for what was there; reserved names join.
    fn join(&mut self, form: NameForm, text: &Text, faults: &mut Faults) {
        if let Some(pattern) = form.pattern.and_then(|pattern| regex(&pattern, text, faults)) {
            self.pattern = pattern;
        }
        self.reserved.extend(form.reserved);
        self.max = form.max.unwrap_or(self.max);
        for (there, given) in [(&mut self.help, form.help), (&mut self.reserved_help, form.reserved_help)] {
            *there = given.unwrap_or(std::mem::take(there));
        }
    }

    /// Whether a service may be called `name`; if not: why, and what would do.
    pub fn check(&self, name: &str) -> Result<(), Fault> {
        let refuse = |why: String| {
            let fault = Fault::new(format!("the name \"{}\" cannot be used: {why}", super::question::shown(name)));
            match self.suggest(name) {
                Some(other) => fault.help(format!("`--name {other}` would do")),
                None => fault.help("give another with --name"),
            }
        };
        if name.is_empty() {
            return Err(refuse("it is empty".into()));
        }
        check_plain(name).map_err(refuse)?;
        if name.chars().count() > self.max {
            return Err(refuse(format!("it is longer than {} characters", self.max)));
        }
        if !self.pattern.is_match(name) {
            return Err(refuse(format!("it must be {}", self.help)));
        }
        if self.reserved.iter().any(|reserved| reserved == name) {
            return Err(refuse(self.reserved_help.clone()));
        }
        if self.depends_on(name) {
            return Err(refuse("the service depends on a package of that name".into()));
        }
        if DEVICE_NAMES.contains(&name.to_ascii_lowercase().as_str()) {
            return Err(refuse("it is a device name on Windows".into()));
        }
        Ok(())
    }

    /// Refuses from now on the names of the packages in a lock fragment.
    pub fn keep_apart(&mut self, fragment: &str) {
        // The package without a source is the fragment's own.
        let packages = fragment.split("[[package]]").filter(|package| package.contains("\nsource = "));
        for package in packages {
            let name = package.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
            self.dependencies.extend(name.map(|name| name.replace('-', "_")));
        }
    }

    fn depends_on(&self, name: &str) -> bool {
        self.dependencies.contains(&name.replace('-', "_"))
    }

    fn suggest(&self, name: &str) -> Option<String> {
        use heck::ToKebabCase as _;
        let kebab: String = name.to_kebab_case().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        let trimmed = kebab.trim_matches('-');
        let fits = |candidate: &str| {
            candidate.len() <= self.max
                && self.pattern.is_match(candidate)
                && !self.reserved.iter().any(|reserved| reserved == candidate)
                && !self.depends_on(candidate)
                && !DEVICE_NAMES.contains(&candidate)
        };
        [trimmed.to_owned(), format!("{trimmed}-service")]
            .into_iter()
            .find(|candidate| candidate != name && fits(candidate))
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
    pub slots: BTreeMap<String, Slot>,
    pub refusals: Vec<Refusal>,
    pub check: CheckRules,
    pub format: Format,
    pub lock: Option<LockFile>,
    pub next: Next,
    pub resources: ResourceRules,
}

impl Manifest {
    /// Reads and checks `pack.toml`; all faults of it at once.
    pub fn parse(text: &Text) -> Result<Self, Faults> {
        let form: Form = text.toml()?;
        let mut faults = text.unprintable();
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
            slots: BTreeMap::new(),
            refusals: Vec::new(),
            format: form.format,
            lock: form.lock,
            next: Next::default(),
            resources: ResourceRules::default(),
        };
        let rest = OverlayForm {
            edition: None,
            name_rules: form.name_rules,
            question: form.question,
            presets: form.presets,
            slots: form.slots,
            refuse: form.refuse,
            next: form.next,
            resources: form.resources,
        };
        manifest.take(rest, text, &mut faults);
        faults.or(manifest)
    }

    /// Takes in the `pack.toml` of an overlay: a question, a preset or a slot stands for the one of its name,
    /// and joins in where there is none. All faults of it at once.
    pub fn overlay(&mut self, text: &Text) -> Result<(), Faults> {
        let form: OverlayForm = text.toml()?;
        let mut faults = text.unprintable();
        if let Some(edition) = &form.edition {
            check_edition(edition, text)?;
        }
        self.take(form, text, &mut faults);
        faults.or(())
    }

    fn take(&mut self, form: OverlayForm, text: &Text, faults: &mut Faults) {
        self.name_rules.join(form.name_rules, text, faults);
        questions(form.question, &mut self.questions, &self.delimiters, text, faults);
        preset::read(form.presets, &mut self.presets, &self.questions, text, faults);
        let slots = form.slots.into_iter().map(|(name, slot)| {
            let place = text.place(name.span().start);
            (name.into_inner(), Slot { owner: slot.owner, purpose: slot.purpose, place })
        });
        self.slots.extend(slots);
        self.refusals.extend(refusals(form.refuse, &self.answer_names(), text, faults));
        self.next.replace(form.next);
        self.resources.join(form.resources);
    }

    /// What a condition may read of a whole blueprint.
    pub(super) fn answer_names(&self) -> Vec<String> {
        let keys = self.questions.iter().map(|question| question.key.as_str());
        let all = std::iter::once("name").chain(keys).chain([super::RESOURCES, super::KINDS, super::TARGETS]);
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
    let message = format!("pack format {} is not known", edition.get_ref());
    let fault = Fault::at(text.place(edition.span().start), message);
    Err(fault.help(format!("this binary reads edition {EDITION}; a newer new-service may read it")))
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

fn regex(pattern: &Spanned<String>, text: &Text, faults: &mut Faults) -> Option<Regex> {
    Regex::new(pattern.get_ref())
        .map_err(|error| {
            // The last line says what; those before draw where.
            let why = error.to_string();
            let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
            faults.push(Fault::at(text.place(pattern.span().start), format!("no regular expression: {why}")));
        })
        .ok()
}

/// Adds the questions of one `pack.toml` to those that were there.
fn questions(
    forms: Vec<QuestionForm>,
    questions: &mut Vec<Question>,
    delimiters: &Delimiters,
    text: &Text,
    faults: &mut Faults,
) {
    let mut asked: Vec<String> = vec!["name".into()];
    for form in forms {
        let place = text.place(form.key.span().start);
        let key = form.key.get_ref().clone();
        // One that stands for another has its place, and reads the answers before that.
        let at = questions.iter().position(|question| question.key == key);
        let before = questions.iter().take(at.unwrap_or(questions.len())).map(|question| question.key.clone());
        let known: Vec<String> = std::iter::once("name".to_owned()).chain(before).collect();
        if !is_key(&key) {
            let message = format!("the key \"{}\" must be lowercase letters, digits and _", super::shown(&key));
            faults.push(Fault::at(place.clone(), message).help("it begins with a letter, and does not end in _"));
        } else if Condition::parse(&key, place.clone(), &[&key]).is_err() || !is_variable(&key) {
            faults.push(Fault::at(place.clone(), format!("the key \"{key}\" is a word of the template language")));
        }
        if super::TEMPLATE_NAMES.contains(&key.as_str()) {
            faults.push(Fault::at(
                place.clone(),
                format!("the key \"{key}\" is a name that every template sees already"),
            ));
        } else if asked.contains(&key) {
            faults.push(Fault::at(place.clone(), format!("the key \"{key}\" is asked twice")));
        }
        if (form.kind == Kind::Choice) == form.choices.is_empty() {
            faults.push(Fault::at(
                place.clone(),
                format!("\"{key}\": `choices` belong to kind = \"choice\", and only there"),
            ));
        }
        check_bounds(&form, &place, faults);
        let names: Vec<&str> = known.iter().map(String::as_str).collect();
        for value in [&form.default, &form.otherwise].into_iter().flatten().filter(|_| form.kind == Kind::Text) {
            check_default(value, &key, &names, delimiters, text, faults);
        }
        let when = form.when.and_then(|when| {
            Condition::parse(when.get_ref(), text.place(when.span().start), &names)
                .map_err(|fault| faults.push(fault))
                .ok()
        });
        let pattern = form.pattern.and_then(|pattern| regex(&pattern, text, faults));
        let mut question = Question {
            key: key.clone(),
            place: place.clone(),
            prompt: form.prompt,
            help: form.help,
            kind: form.kind,
            choices: form.choices,
            default: None,
            otherwise: None,
            when,
            pattern,
            pattern_help: form.pattern_help.unwrap_or_else(|| "of the form that is asked for".into()),
            min: form.min,
            max: form.max,
            file: text.file.clone(),
        };
        let mut answer = |what: &str, value: Option<Spanned<toml::Value>>| {
            let value = value?;
            let fits = |answer: &Answer| match question.kind {
                // A text may be a template: it is checked when it is drawn.
                Kind::Text => Ok(()),
                _ => question.check(answer),
            };
            Answer::from_toml(value.get_ref())
                .and_then(|answer| fits(&answer).map(|()| answer))
                .map_err(|why| {
                    let message = format!("{what} of \"{key}\": {why}");
                    faults.push(Fault::at(text.place(value.span().start), message));
                })
                .ok()
        };
        (question.default, question.otherwise) =
            (answer("the default", form.default), answer("`otherwise`", form.otherwise));
        asked.push(key);
        match at {
            Some(at) => questions[at] = question,
            None => questions.push(question),
        }
    }
}

/// As a flag and as a variable, both.
fn is_key(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_lowercase())
        && !key.ends_with('_')
        && key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Whether Tera reads a variable where `key` stands, and not a word of its own (`true`, `not`).
fn is_variable(key: &str) -> bool {
    let source = format!("{{{{ {key} }}}}");
    template::variables_of(&Delimiters::default(), &source).is_ok_and(|read| read.contains(key))
}

/// What says nothing, or what no answer could keep to.
fn check_bounds(form: &QuestionForm, place: &Place, faults: &mut Faults) {
    let mut fault = |why: &str| faults.push(Fault::at(place.clone(), format!("\"{}\": {why}", form.key.get_ref())));
    let texts = matches!(form.kind, Kind::Text | Kind::List);
    if form.min.zip(form.max).is_some_and(|(min, max)| min > max) {
        fault("`min` is above `max`");
    }
    if form.min.is_some() && form.kind != Kind::Integer {
        fault("`min` belongs to kind = \"integer\"");
    }
    if form.max.is_some() && !texts && form.kind != Kind::Integer {
        fault("`max` belongs to numbers and texts");
    }
    if form.pattern.is_some() && !texts {
        fault("`pattern` belongs to texts");
    }
    let values: BTreeSet<&str> = form.choices.iter().map(|choice| choice.value.as_str()).collect();
    if values.len() < form.choices.len() {
        fault("two choices are the same");
    }
}

/// A text that is drawn from a template: told when the pack is read, and not when it is first drawn.
fn check_default(
    value: &Spanned<toml::Value>,
    key: &str,
    known: &[&str],
    delimiters: &Delimiters,
    text: &Text,
    faults: &mut Faults,
) {
    let Some(default) = value.get_ref().as_str() else { return };
    let place = text.place(value.span().start);
    match template::variables_of(delimiters, default) {
        Err(why) => faults.push(Fault::at(place, format!("the default of \"{key}\": {why}"))),
        Ok(read) => {
            for name in read.iter().filter(|name| !known.contains(&name.as_str())) {
                let near = did_you_mean(name, known.iter().copied());
                let message = format!("the default of \"{key}\" reads `{name}`, which is no answer{near}");
                faults.push(Fault::at(place.clone(), message).help(format!("in reach here: {}", known.join(", "))));
            }
        }
    }
}
