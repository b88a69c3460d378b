//! Tera, set up with a pack's delimiters, and filters for names and escapes.

mod escape;
mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use tera::{Context, Delimiters, ErrorKind, Tera};

pub use escape::{sh, toml_str};
pub use names::{Reach, suggest};

const TEXT: &str = "text";

/// Renders a short text (a path, a default). It may hold values; a block is an error, for a loop could
/// go on for ever where nobody waits for it.
pub fn render_text(delimiters: &Delimiters, text: &str, context: &Context) -> Result<String, String> {
    match parse_text(delimiters, text)? {
        None => Ok(text.to_owned()),
        Some(tera) => tera.render(TEXT, context).map_err(|error| reason(&error, Reach::Template)),
    }
}

/// Short texts of a pack, each parsed once, however many items it is rendered for.
pub struct Texts<'a> {
    pub delimiters: &'a Delimiters,
    parsed: Mutex<BTreeMap<String, Arc<Tera>>>,
}

impl<'a> Texts<'a> {
    pub fn new(delimiters: &'a Delimiters) -> Self {
        Self { delimiters, parsed: Mutex::default() }
    }

    /// As [`render_text`].
    pub fn render(&self, text: &str, context: &Context) -> Result<String, String> {
        let Some(tera) = self.parsed(text)? else { return Ok(text.to_owned()) };
        tera.render(TEXT, context).map_err(|error| reason(&error, Reach::Template))
    }

    fn parsed(&self, text: &str) -> Result<Option<Arc<Tera>>, String> {
        if !text.contains(&*self.delimiters.variable_start) {
            return Ok(parse_text(self.delimiters, text)?.map(Arc::new));
        }
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tera) = parsed.get(text) {
            return Ok(Some(Arc::clone(tera)));
        }
        let Some(tera) = parse_text(self.delimiters, text)?.map(Arc::new) else { return Ok(None) };
        parsed.insert(text.to_owned(), Arc::clone(&tera));
        Ok(Some(tera))
    }
}

/// The variables that a short text reads.
pub fn variables_of(delimiters: &Delimiters, text: &str) -> Result<BTreeSet<String>, String> {
    let Some(tera) = parse_text(delimiters, text)? else { return Ok(BTreeSet::new()) };
    let read = tera.get_template_variables(TEXT).unwrap_or_default();
    Ok(read.into_iter().map(str::to_owned).collect())
}

/// None for a text without values.
fn parse_text(delimiters: &Delimiters, text: &str) -> Result<Option<Tera>, String> {
    if text.contains(&*delimiters.block_start) {
        return Err(format!("it may hold values, and `{}` begins a block", delimiters.block_start));
    }
    if !text.contains(&*delimiters.variable_start) {
        return Ok(None);
    }
    let mut tera = engine(delimiters);
    tera.add_raw_template(TEXT, text).map_err(|error| reason(&error, Reach::Template))?;
    Ok(Some(tera))
}

/// Tera's message without its drawing of the source, and with the nearest name of what it does not know.
pub fn reason(error: &tera::Error, reach: Reach) -> String {
    match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => report.message().to_owned(),
        other => {
            let text = other.to_string();
            suggest(text.lines().next().unwrap_or_default().trim_start_matches("error: "), reach)
        }
    }
}

/// Tera with a pack's delimiters and the filters of `docs/packs.md`; nothing is escaped unasked.
pub fn engine(delimiters: &Delimiters) -> Tera {
    // There is one for each short text, and a copy costs a tenth of a new one.
    static WITH_FILTERS: LazyLock<Tera> = LazyLock::new(|| {
        let mut tera = Tera::new();
        tera.autoescape_on(Vec::<&str>::new());
        escape::register(&mut tera);
        tera
    });
    let mut tera = WITH_FILTERS.clone();
    // Checked when the pack was read.
    let _ = tera.set_delimiters(delimiters.clone());
    tera
}
