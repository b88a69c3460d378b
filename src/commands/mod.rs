//! One file a verb. Commands and `report` print; what they call returns data.

mod catalog;
mod new;

use std::ffi::OsString;

use crate::cli::{self, Verb};
use crate::fault::Stop;
use crate::pack::{Pack, Source};
use crate::report;

/// Runs the command line `arguments` (without the program's name).
pub fn run(arguments: &[OsString]) -> anyhow::Result<()> {
    let source = match cli::template_argument(arguments) {
        Some(text) => Source::parse(&text).map_err(Stop::usage)?,
        None => Source::default_pack(),
    };
    let pack = Pack::load(&source)?;
    let request = cli::parse(arguments, &pack)?;
    match &request.verb {
        Verb::New(new) => new::run(new, &request.flags, &pack),
        Verb::Catalog(catalog) => catalog::run(catalog, &pack),
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut cli::command(&pack)?, "new-service", &mut script);
            report::out(&String::from_utf8_lossy(&script))
        }
        Verb::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(cli::command(&pack)?).render(&mut page)?;
            report::out(&String::from_utf8_lossy(&page))
        }
    }
}
