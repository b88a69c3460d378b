//! The arguments of the verbs for who writes a template.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub struct TemplateArgs {
    #[command(subcommand)]
    pub verb: TemplateVerb,
}

#[derive(Debug, Subcommand)]
pub enum TemplateVerb {
    /// Copy a template out, whole or one layer of it
    #[command(
        after_help = "No file that is there is overwritten. Exit codes: 0 done, 1 failed and nothing changed, 2 usage."
    )]
    Export(ExportArgs),
    /// Begin a template: a small one that passes its own check
    #[command(
        after_help = "No file that is there is overwritten. Exit codes: 0 done, 1 failed and nothing changed, 2 usage."
    )]
    New(NewTemplateArgs),
    /// Hold a template against what docs/packs.md asks of one
    #[command(after_help = "Nothing of the template is run, unless --build is given.\n\
        Exit codes: 0 nothing found, 1 failed, 2 usage, 4 something was found.")]
    Check(CheckArgs),
    /// Render a template at each save, and print what has changed
    #[command(after_help = "It ends with ^C, and a file is written whole or not at all.\n\
        Exit codes: 1 failed, 2 usage, 130 stopped.")]
    Watch(WatchArgs),
}

#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Where to copy it
    pub dir: PathBuf,
    /// Copy the folder of one layer alone, in the shape of an overlay (repeatable)
    #[arg(long, value_name = "NAME")]
    pub layer: Vec<String>,
}

#[derive(Debug, Args)]
pub struct NewTemplateArgs {
    /// Where to create it; its last part is the name
    pub dir: PathBuf,
    /// Name of the template, where it is not that of the folder
    #[arg(long)]
    pub name: Option<String>,
}

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The folder of the template, or of an overlay: it is checked over the built-in template, or over --template
    pub dir: PathBuf,
    /// Run what the template declares under [check], and the commands of its test cases, in fresh folders
    #[arg(long)]
    pub build: bool,
    /// Report as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct WatchArgs {
    /// The folder of the template, or of an overlay, which lies over the built-in template, or over --template
    pub dir: PathBuf,
    /// Where to render to: a folder that is empty, or that an earlier watch has filled
    #[arg(long, value_name = "FOLDER")]
    pub into: PathBuf,
    /// Name of the service, where it is not that of the folder
    #[arg(long)]
    pub name: Option<String>,
    /// Answer one question by its key (repeatable)
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// A resource: its name and its fields (repeatable), as in 'order note:text?'
    #[arg(long, value_name = "SPEC")]
    pub resource: Vec<String>,
}
