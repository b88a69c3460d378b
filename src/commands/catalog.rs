//! `catalog`: what a template offers.

use std::fmt::Write as _;
use std::path::Path;

use super::{load, named};
use crate::cli::{CatalogArgs, SourceArgs};
use crate::evolve::repo;
use crate::pack::{Layer, Overlay, Pack, Shadow, Sources, visible};
use crate::report;

pub fn run(arguments: &CatalogArgs, sources: &SourceArgs) -> anyhow::Result<()> {
    let pack = load(&listed(sources)?)?;
    report::out(&if arguments.json { json(&pack)? } else { text(&pack) })
}

/// What the command line names; else what the repository here is made of; else the template for a new service.
fn listed(sources: &SourceArgs) -> anyhow::Result<Sources> {
    let root = repo::root_around(Path::new("."))?.filter(|_| sources.template.is_none() && sources.overlay.is_empty());
    let Some(root) = root else { return named(sources) };
    // Faults are to name files as they are found from here.
    let here = Path::new(".").canonicalize().is_ok_and(|here| here == root);
    let root = if here { Path::new(".") } else { &root };
    let template = repo::service_file(root)?.template(root, None, false)?;
    template.map_or_else(|| named(sources), |template| Ok(template.sources))
}

fn text(pack: &Pack) -> String {
    let manifest = &pack.manifest;
    let mut out = format!("{} {}: {}\n\nLayers\n", manifest.name, manifest.version, manifest.description);
    for layer in &pack.layers {
        let from = from(pack, &layer_file(layer)).map(|from| format!(", from {}", visible(from)));
        let from = from.unwrap_or_default();
        let when = layer.when.as_ref().map_or_else(|| "always".to_owned(), |when| format!("when {}", when.expression));
        let _ = writeln!(out, "  {}: {} ({when}{from})", layer.name, layer.title);
        if !layer.claims.is_empty() {
            let _ = writeln!(out, "      {}", layer.practices().into_iter().collect::<Vec<_>>().join(" "));
        }
    }
    out.push_str("\nQuestions\n");
    for question in &manifest.questions {
        let default = question.default.as_ref().map(|default| format!(" [default: {default}]")).unwrap_or_default();
        let _ = writeln!(out, "  --{}: {}{default}", question.flag(), question.prompt);
        for choice in &question.choices {
            let help = if choice.help.is_empty() { String::new() } else { format!(": {}", choice.help) };
            let _ = writeln!(out, "      {}{help}", choice.value);
        }
    }
    if !pack.overlays.is_empty() {
        out.push_str("\nOverlays\n");
    }
    for overlay in &pack.overlays {
        let _ = writeln!(out, "  {}", visible(overlay.name()));
        for shadow in &overlay.shadows {
            let _ = writeln!(out, "      {} {}", shadow.does(), shadow.path);
        }
    }
    if !manifest.presets.is_empty() {
        out.push_str("\nPresets\n");
        for preset in &manifest.presets {
            let help = preset.shown();
            let help = if help.is_empty() { help } else { format!(": {help}") };
            let _ = writeln!(out, "  --preset {}{help}", preset.name);
        }
    }
    let public: Vec<_> = pack.slots.iter().filter(|(_, slot)| slot.public).collect();
    if !public.is_empty() {
        out.push_str("\nSlots\n");
        for (name, slot) in public {
            let files = pack.files_of_slot(name);
            let files = if files.is_empty() { String::new() } else { format!(" (in {})", files.join(", ")) };
            let _ = writeln!(out, "  {name}: {}{files}", slot.purpose);
        }
    }
    if !manifest.kinds.is_empty() {
        out.push_str("\nContributions\n");
        for (name, kind) in &manifest.kinds {
            let _ = writeln!(out, "  [[{name}]]: {}", kind.purpose);
        }
    }
    out
}

/// The overlay that a file of the pack is from.
fn from<'a>(pack: &'a Pack, path: &str) -> Option<&'a str> {
    pack.overlay_of(path).map(Overlay::name)
}

fn layer_file(layer: &Layer) -> String {
    format!("{}/layer.toml", layer.folder)
}

fn json(pack: &Pack) -> anyhow::Result<String> {
    let manifest = &pack.manifest;
    let layers: Vec<_> = pack
        .layers
        .iter()
        .map(|layer| {
            serde_json::json!({
                "name": layer.name,
                "title": layer.title,
                "description": layer.description,
                "when": layer.when.as_ref().map(|when| &when.expression),
                "requires": layer.requires.iter().map(|(name, _)| name).collect::<Vec<_>>(),
                "practices": layer.practices(),
                "overlay": from(pack, &layer_file(layer)),
            })
        })
        .collect();
    let questions: Vec<_> = manifest
        .questions
        .iter()
        .map(|question| {
            serde_json::json!({
                "key": question.key,
                "flag": format!("--{}", question.flag()),
                "prompt": question.prompt,
                "help": question.help,
                "kind": format!("{:?}", question.kind).to_lowercase(),
                "choices": question.choices.iter().map(|choice| serde_json::json!({"value": choice.value, "help": choice.help})).collect::<Vec<_>>(),
                "default": question.default,
                "otherwise": question.otherwise,
                "pattern": question.pattern.as_ref().map(regex::Regex::as_str),
                "min": question.min,
                "max": question.max,
                "when": question.when.as_ref().map(|when| &when.expression),
            })
        })
        .collect();
    let overlays: Vec<_> = pack
        .overlays
        .iter()
        .map(|overlay| {
            let (absent, shadows): (Vec<_>, Vec<_>) = overlay.shadows.iter().partition(|shadow| shadow.absent);
            let paths = |shadows: Vec<&Shadow>| shadows.iter().map(|shadow| shadow.path.clone()).collect::<Vec<_>>();
            serde_json::json!({
                "source": overlay.name(),
                "digest": overlay.origin.digest,
                "shadows": paths(shadows),
                "absent": paths(absent),
            })
        })
        .collect();
    let presets: Vec<_> = manifest
        .presets
        .iter()
        .map(|preset| {
            let answers: std::collections::BTreeMap<&str, _> = preset.answers.iter().collect();
            serde_json::json!({
                "name": preset.name,
                "help": preset.help,
                "default": preset.is_default(),
                "answers": answers,
            })
        })
        .collect();
    let slots: Vec<_> = pack
        .slots
        .iter()
        .map(|(name, slot)| {
            let files = pack.files_of_slot(name);
            let (owner, purpose, public) = (&slot.owner, &slot.purpose, slot.public);
            serde_json::json!({"name": name, "owner": owner, "purpose": purpose, "public": public, "files": files})
        })
        .collect();
    let contributions: Vec<_> = manifest
        .kinds
        .iter()
        .map(|(name, kind)| {
            let fields: Vec<&String> = kind.fields.keys().collect();
            serde_json::json!({"name": name, "purpose": kind.purpose, "fields": fields})
        })
        .collect();
    let value = serde_json::json!({
        "name": manifest.name,
        "version": manifest.version,
        "description": manifest.description,
        "digest": pack.digest,
        "overlays": overlays,
        "layers": layers,
        "questions": questions,
        "presets": presets,
        "slots": slots,
        "contributions": contributions,
    });
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}
