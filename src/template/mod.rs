//! Tera, set up for a pack: its delimiters, and filters for names and escapes.

mod escape;

use tera::{Context, ErrorKind, Tera};

pub use escape::{sh, toml_str};

use crate::pack::Pack;

/// Renders a short text (a path, a default) with the pack's delimiters.
pub fn render_text(pack: &Pack, text: &str, context: &Context) -> Result<String, String> {
    if !text.contains(&*pack.manifest.delimiters.variable_start)
        && !text.contains(&*pack.manifest.delimiters.block_start)
    {
        return Ok(text.to_owned());
    }
    let mut tera = engine(pack);
    tera.add_raw_template("text", text).and_then(|()| tera.render("text", context)).map_err(|error| {
        match error.kind() {
            ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => report.message().to_owned(),
            other => other.to_string().lines().next().unwrap_or_default().to_owned(),
        }
    })
}

/// Tera with the pack's delimiters and the filters of `docs/packs.md`; nothing is escaped unasked.
pub fn engine(pack: &Pack) -> Tera {
    let mut tera = Tera::new();
    tera.autoescape_on(Vec::<&str>::new());
    // Checked when the pack was read.
    let _ = tera.set_delimiters(pack.manifest.delimiters.clone());
    escape::register(&mut tera);
    tera
}
